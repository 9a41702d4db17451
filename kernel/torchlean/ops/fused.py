"""Functions that torch computes by a kernel of its own, in other steps than the ones they are written in here.

Bounds, hazards and what an editor shows of a loss or of attention rest on its steps, which the stubs of torch's library
spell out. Executed step by step its numbers would be off by some rounding errors from what the program computes, and a
claim that is decided by them refuted or kept by mistake. So the steps are followed by one node more: its exact value is
that of the first operand, and it is executed by torch's own function, of the other operands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.lanes import Lane, Shapes, leading
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise.fused import AsSteps, attention, distance
from torchlean.ops.noise.rule import Rule
from torchlean.ops.op import (
    OPS,
    SMALL,
    Attributes,
    Infinities,
    Op,
    Operands,
    ShapeError,
    TensorType,
    UnsupportedError,
    register,
)

functional = torch.nn.functional


class Fused(Op):
    """The last step, then what torch's function takes. Bounds are those of the step."""

    infinities = Infinities.MOVED
    rounding: ClassVar[Rule] = AsSteps()
    function: ClassVar[Callable[..., Tensor]]

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        """What torch computes of the operands after the first."""
        return type(self).function(*arguments)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return self.call(inputs[1:], attributes)

    def infer(self, inputs: Sequence[TensorType], attributes: Attributes) -> TensorType:
        """The type of the last step. Where that is quick, torch is asked whether it takes these operands."""
        steps = inputs[0]
        if any(x.numel > SMALL for x in inputs):
            return steps
        try:
            found = self.call([torch.zeros(x.shape, dtype=x.dtype) for x in inputs[1:]], attributes)
        except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
            raise ShapeError(str(error).splitlines()[0]) from error
        result = TensorType(tuple(found.shape), found.dtype)
        if result != steps:
            raise UnsupportedError(f"`{self.name}` gives {result}, and its steps give {steps}")
        return steps

    def told(self, operands: Operands) -> Operands:
        return operands[:1]

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        """Every dimension of the last step; the rest says nothing of the value."""
        return leading(len(shapes[0]), len(shapes))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return inputs[0]

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        return inputs[0]


def _optional(arguments: Sequence[Tensor], present: object) -> Tensor | None:
    """The last argument, where there is one."""
    return arguments[-1] if present else None


class _LossOfClasses(Fused):
    """Predictions, classes or their probabilities, and class weights."""

    options: ClassVar[tuple[str, ...]] = ("ignore_index", "reduction")

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        options: Any = {name: attributes[name] for name in self.options}
        weight = _optional(arguments, attributes["has_weight"])
        return type(self).function(arguments[0], arguments[1], weight, **options)


@register
class CrossEntropy(_LossOfClasses):
    """Of logits."""

    name = "cross_entropy"
    function = staticmethod(functional.cross_entropy)
    options = ("ignore_index", "reduction", "label_smoothing")


@register
class NegativeLogLikelihood(_LossOfClasses):
    """Of logarithms of probabilities."""

    name = "nll_loss"
    function = staticmethod(functional.nll_loss)


@register
class BinaryCrossEntropy(Fused):
    """Probabilities, their targets, and weights."""

    name = "binary_cross_entropy"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        """torch refuses numbers outside of [0, 1], of which the steps give something."""
        steps, x, target, *rest = inputs
        allowed = (x >= 0) & (x <= 1) & (target >= 0) & (target <= 1)
        given = [torch.where(allowed, value, 0.5) for value in (x, target)]
        found = self.call([*given, *rest], attributes)
        return torch.where(allowed if attributes["reduction"] == "none" else allowed.all(), found, steps)

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        weight = _optional(arguments, attributes["has_weight"])
        reduction = str(attributes["reduction"])
        return functional.binary_cross_entropy(arguments[0], arguments[1], weight, reduction=reduction)


@register
class ScaledDotProductAttention(Fused):
    """Query, key, value, and a mask."""

    name = "scaled_dot_product_attention"
    rounding = AsSteps(attention)

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        options: Any = {k: attributes[k] for k in ("is_causal", "scale", "enable_gqa")}
        mask = _optional(arguments, attributes["has_mask"])
        return functional.scaled_dot_product_attention(*arguments[:3], attn_mask=mask, **options)


@register
class PairedDistances(Fused):
    """The distances of all rows of one tensor from all of another."""

    name = "cdist"
    rounding = AsSteps(distance)

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        p, mode = attributes["p"], attributes["compute_mode"]
        assert isinstance(p, float) and isinstance(mode, str)
        return torch.cdist(*arguments, p=p, compute_mode=mode)


@register
class OwnDistances(Fused):
    """The distances of all pairs of rows of a matrix."""

    name = "pdist"

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        p = attributes["p"]
        assert isinstance(p, float)
        return torch.pdist(*arguments, p=p)


@register
class Tensordot(Fused):
    """Two tensors, contracted over all their dimensions (`left` with `right`)."""

    name = "tensordot"

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        left, right = attributes["left"], attributes["right"]
        assert isinstance(left, tuple) and isinstance(right, tuple)
        return torch.tensordot(*arguments, dims=(list(left), list(right)))


@register
class Bilinear(Fused):
    """Two tensors of features, a weight (out, in1, in2), and a bias."""

    name = "bilinear"
    function = staticmethod(functional.bilinear)


@register
class Trace(Fused):
    """The sum of a matrix's diagonal."""

    name = "trace"
    function = staticmethod(torch.trace)


@register
class Sinc(Fused):
    """`sin(pi x) / (pi x)`."""

    name = "sinc"
    function = staticmethod(torch.sinc)


@register
class Cross(Fused):
    """The cross product along a dimension of three."""

    name = "cross"

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        dim = attributes["dim"]
        assert isinstance(dim, int)
        return torch.linalg.cross(*arguments, dim=dim)


@register
class BatchNormOfTheBatch(Fused):
    """Batch normalisation by the batch's own statistics: weight and bias where they are present."""

    name = "batch_norm_training"

    def call(self, arguments: Sequence[Tensor], attributes: Attributes) -> Tensor:
        x, *rest = arguments
        bias = rest.pop() if attributes["has_bias"] else None
        weight = rest.pop() if attributes["has_weight"] else None
        eps = attributes["eps"]
        assert isinstance(eps, float)
        return functional.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


FUSED = frozenset(name for name, op in OPS.items() if isinstance(op, Fused))
"""Their names."""

__all__ = ["FUSED", "Fused"]

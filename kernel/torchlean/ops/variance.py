"""Variance and standard deviation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.arithmetic import div
from torchlean.intervals.dispersion import dispersion
from torchlean.intervals.norms import root
from torchlean.ops.lanes import Lane, Shapes, all_but
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise.statistics import Variance as VarianceError
from torchlean.ops.op import Attributes, Op, TensorType, register
from torchlean.ops.reduction import Dims, accumulate, pick, reduced_dims, size_over
from torchlean.ops.softmax import require_floating
from torchlean.ops.spelling import Emitter, TensorValue, spelled


class Spread(Op):
    """Attributes `dim` (sorted), `correction`, `keepdim`: the sum of squared deviations over `n - correction`."""

    function: Callable[..., Tensor]

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        require_floating(self.name, inputs[0], {})

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        dims: Any = attributes["dim"]
        options = {"correction": attributes["correction"], "keepdim": attributes["keepdim"]}
        return type(self).function(x, dim=dims or None, **options)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """`intervals.dispersion` of the elements, divided by a known number; 0/0 where that is not positive."""
        (x,) = inputs
        dims: Any = attributes["dim"]
        correction: Any = attributes["correction"]
        count = size_over(x.shape, dims)
        if count - correction <= 0:
            return Interval.unbounded(out.shape, undefined=out.numel > 0)
        kept = [d for d in range(len(x.shape)) if d not in dims]
        shape = (*(x.shape[d] for d in kept), count)
        lower = x.lower.permute((*kept, *dims)).reshape(shape)
        rows = Interval(lower, lower if x.is_point else x.upper.permute((*kept, *dims)).reshape(shape))
        divisor = torch.tensor(float(count - correction), dtype=torch.float64)
        result = self._finish(div(dispersion(rows), Interval.point(divisor)))
        return Interval(result.lower.reshape(out.shape), result.upper.reshape(out.shape))

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return all_but(shapes[0], attributes["dim"], attributes["keepdim"])

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """The squares of what is left without the mean, added up and divided."""
        (x,) = inputs
        dims: Any = attributes["dim"]
        correction: Any = attributes["correction"]
        count = size_over(x.shape, dims)
        if not x.shape or x.type.numel == 0 or count - correction <= 0:
            return None
        squares = steps.op("square", steps.centred(x, dims))
        total = steps.sum(squares, dims, keepdim=bool(attributes["keepdim"]))
        return self._finished(steps, steps.op("div", total, steps.number(float(count - correction))))

    def _finish(self, variance: Interval) -> Interval:
        return variance

    def _finished(self, steps: Steps, variance: Part) -> Part:
        return variance


@register
class Variance(Spread):
    name = "var"
    function = torch.var
    rounding = VarianceError()


@register
class StandardDeviation(Spread):
    """The square root of the variance."""

    name = "std"
    function = torch.std
    rounding = VarianceError(root=True)

    def _finish(self, variance: Interval) -> Interval:
        return root(variance)

    def _finished(self, steps: Steps, variance: Part) -> Part:
        return steps.op("sqrt", variance)


def _spread(op: str) -> Callable[..., TensorValue]:
    def call(
        emitter: Emitter,
        input: TensorValue,
        dim: Dims | bool = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
        axis: Dims = None,
    ) -> TensorValue:
        chosen = pick(dim, axis)
        if isinstance(chosen, bool):  # var(input, unbiased)
            chosen, unbiased = None, chosen
        if correction is None:
            correction = 1 if unbiased is None else int(unbiased)
        dims = tuple(sorted(reduced_dims(chosen, len(input.shape))))
        return emitter.emit(op, input, dim=dims, correction=correction, keepdim=bool(keepdim))

    return call


def _with_mean(op: str) -> Callable[..., tuple[TensorValue, TensorValue]]:
    def call(
        emitter: Emitter,
        input: TensorValue,
        dim: Dims | bool = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
        axis: Dims = None,
    ) -> tuple[TensorValue, TensorValue]:
        chosen = pick(dim, axis)
        spread = _spread(op)(emitter, input, chosen, unbiased, keepdim, correction=correction)
        over = None if isinstance(chosen, bool) else chosen
        return spread, accumulate(emitter, "mean", input, over, keepdim, None)

    return call


spelled("torch.var", "torch.Tensor.var")(_spread("var"))
spelled("torch.std", "torch.Tensor.std")(_spread("std"))
spelled("torch.var_mean")(_with_mean("var"))
spelled("torch.std_mean")(_with_mean("std"))

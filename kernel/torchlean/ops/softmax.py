"""softmax, log_softmax, softmin and logsumexp.

`softmax(x)_i = 1 / (1 + sum_{j != i} exp(x_j - x_i))` rises with `x_i` and falls with every other logit, and so does
its logarithm: each end is reached at one corner of the box, own logit at one end and all the others at the opposite
end. The bounds are therefore exact up to rounding. What remains is to compute the sum over the *others* for every `i`
in linear time, without overflow and without cancellation (`intervals.exponential_sums`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.exponential_sums import log_share, log_sum, share
from torchlean.ops.arguments import dimension
from torchlean.ops.lowering import EXPANDED, Part, Steps
from torchlean.ops.op import (
    Attribute,
    Attributes,
    Infinities,
    Op,
    ShapeError,
    TensorType,
    dtype_name,
    register,
)
from torchlean.ops.reduction import Dims, pick, reduced_dims
from torchlean.ops.spelling import Emitter, TensorValue, spelled

OneEnd = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


def require_floating(what: str, x: TensorType, attributes: Attributes) -> None:
    """Some kernels exist for floating dtypes only, which torch's meta device does not notice.

    Raises:
        ShapeError: the dtype to be computed in is not floating.
    """
    dtype = attributes.get("dtype", x.dtype)
    if isinstance(dtype, torch.dtype) and not dtype.is_floating_point:
        raise ShapeError(f"{what} needs a floating dtype, got {dtype_name(dtype)}: convert with `.float()`")


class SoftmaxLike(Op):
    """softmax and its logarithm: attributes `dim`, and `dtype` where it was given."""

    never_grows = True

    function: Callable[..., Tensor]
    ends: OneEnd

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        require_floating(self.name, inputs[0], attributes)

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return type(self).function(x, dim=attributes["dim"], dtype=attributes.get("dtype"))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Own logit at one end, all others at the opposite end. Only `-inf` everywhere, or `+inf`, has no value."""
        (x,) = inputs
        dim: Any = attributes["dim"]
        if out.numel == 0:
            return Interval(x.lower, x.lower)
        low, high = (x.lower, x.upper) if x.shape else (x.lower.reshape(1), x.upper.reshape(1))
        ends = type(self).ends
        lower = ends(low, high, dim)[0]
        upper = ends(high, low, dim)[1]
        undefined = bool((high.amax(dim) == -torch.inf).any() or (low == torch.inf).any())
        if x.infinite:
            # An end without a bound may then be the infinite value itself.
            undefined = bool((low.amax(dim) == -torch.inf).any() or (high == torch.inf).any())
        return Interval(lower.reshape(out.shape), upper.reshape(out.shape), undefined)

    def _others(self, steps: Steps, x: Part, attributes: Attributes) -> Part | None:
        """`sum_j exp(x_j - x_i)` for every `i`: no shift is needed, and each difference is bounded as one number."""
        dim: Any = attributes["dim"]
        if not x.floating or not x.shape or x.type.numel * x.shape[dim] > EXPANDED:
            return None
        rest, size = [s for d, s in enumerate(x.shape) if d != dim], x.shape[dim]
        logits = steps.last(x, [dim])
        columns, rows = steps.reshape(logits, [*rest, 1, size]), steps.reshape(logits, [*rest, size, 1])
        sums = steps.sum(steps.op("exp", steps.op("sub", columns, rows)), [len(rest) + 1])
        back = list(range(len(rest)))
        return steps.permute(sums, [*back[:dim], len(rest), *back[dim:]])


@register
class Softmax(SoftmaxLike):
    name = "softmax"
    function = torch.softmax
    ends = staticmethod(share)
    infinities = Infinities.SETTLED

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        others = self._others(steps, inputs[0], attributes)
        return None if others is None else steps.op("reciprocal", others)


@register
class LogSoftmax(SoftmaxLike):
    name = "log_softmax"
    function = torch.log_softmax
    ends = staticmethod(log_share)
    infinities = Infinities.MOVED

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        others = self._others(steps, inputs[0], attributes)
        return None if others is None else steps.op("neg", steps.op("log", others))


@register
class LogSumExp(Op):
    """`log(sum(exp(x)))` over `dim` (sorted dimensions)."""

    name = "logsumexp"
    never_grows = True
    infinities = Infinities.MOVED

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.logsumexp(x, **attributes)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Rises with every element: its value at both ends, rounded outward."""
        (x,) = inputs
        dims: Any = attributes["dim"]
        keepdim = bool(attributes["keepdim"])
        if not x.shape or x.lower.numel() == 0:
            # One element: the identity. None: the logarithm of zero.
            return (
                x
                if not x.shape
                else Interval.uniform(out.shape, -torch.inf, -torch.inf, undefined=out.numel > 0)
            )
        return Interval(log_sum(x.lower, dims, keepdim)[0], log_sum(x.upper, dims, keepdim)[1])

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """`x_0 + log(sum(exp(x - x_0)))`: no overflow near any point, and no constant to choose."""
        (x,) = inputs
        dims: Any = attributes["dim"]
        if not x.floating or not x.shape or x.type.numel == 0:
            return None
        rows = steps.last(x, dims)
        along = len(rows.shape) - 1
        first = steps.along(rows, along, 0, 1)
        total = steps.sum(steps.op("exp", steps.op("sub", rows, first)), [along], keepdim=True)
        result = steps.op("add", steps.op("log", total), first)
        keepdim = bool(attributes["keepdim"])
        shape = [1 if d in dims else size for d, size in enumerate(x.shape) if keepdim or d not in dims]
        return steps.reshape(result, shape)


def _emit(
    emitter: Emitter, op: str, x: TensorValue, dim: int | None, dtype: torch.dtype | None
) -> TensorValue:
    if dim is None:
        # torch's legacy default, deprecated but still in use.
        dim = 0 if len(x.shape) in (0, 1, 3) else 1
    attributes: dict[str, Attribute] = {"dim": dimension(dim, len(x.shape))}
    if dtype is not None:
        attributes["dtype"] = dtype
    return emitter.emit(op, x, **attributes)


@spelled("torch.nn.functional.softmax")
def functional_softmax(
    emitter: Emitter,
    input: TensorValue,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> TensorValue:
    return _emit(emitter, "softmax", input, dim, dtype)


@spelled("torch.softmax", "torch.Tensor.softmax", "torch.special.softmax")
def softmax(emitter: Emitter, input: TensorValue, dim: int, dtype: torch.dtype | None = None) -> TensorValue:
    return _emit(emitter, "softmax", input, dim, dtype)


@spelled("torch.nn.functional.log_softmax")
def functional_log_softmax(
    emitter: Emitter,
    input: TensorValue,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> TensorValue:
    return _emit(emitter, "log_softmax", input, dim, dtype)


@spelled("torch.log_softmax", "torch.Tensor.log_softmax", "torch.special.log_softmax")
def log_softmax(
    emitter: Emitter, input: TensorValue, dim: int, dtype: torch.dtype | None = None
) -> TensorValue:
    return _emit(emitter, "log_softmax", input, dim, dtype)


@spelled("torch.nn.functional.softmin")
def softmin(
    emitter: Emitter,
    input: TensorValue,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> TensorValue:
    return _emit(emitter, "softmax", emitter.emit("neg", input), dim, dtype)


@spelled("torch.logsumexp", "torch.Tensor.logsumexp", "torch.special.logsumexp")
def logsumexp(
    emitter: Emitter, input: TensorValue, dim: Dims, keepdim: bool = False, *, axis: Dims = None
) -> TensorValue:
    dims = tuple(sorted(reduced_dims(pick(dim, axis), len(input.shape))))
    return emitter.emit("logsumexp", input, dim=dims, keepdim=bool(keepdim))

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
from torchlean.intervals.repetition import narrowed
from torchlean.ops.arguments import dimension
from torchlean.ops.lanes import Lane, Shapes, all_but
from torchlean.ops.lowering import EXPANDED, Part, Steps
from torchlean.ops.noise.softmax import LogShares, LogSum, RunningLogSum, Shares
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

OneEnd = Callable[[Tensor, Tensor, int, int], tuple[Tensor, Tensor]]


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
        ends, copies = type(self).ends, 1
        one = narrowed(Interval(low, high), (dim,)) if low.stride(dim) == high.stride(dim) == 0 else None
        if one is not None and low.shape[dim] > 1 and one.bounded():
            # Logits that are all in the same interval have one share: of many words, where nothing was trained.
            copies, low, high = low.shape[dim], one.lower, one.upper
        lower = ends(low, high, dim, copies)[0]
        upper = ends(high, low, dim, copies)[1]
        undefined = bool((high.amax(dim) == -torch.inf).any() or (low == torch.inf).any())
        if x.infinite:
            # An end without a bound may then be the infinite value itself.
            undefined = bool((low.amax(dim) == -torch.inf).any() or (high == torch.inf).any())
        if copies > 1:
            return Interval(lower.expand(out.shape), upper.expand(out.shape), undefined)
        return Interval(lower.reshape(out.shape), upper.reshape(out.shape), undefined)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return all_but(shapes[0], attributes["dim"])

    def _rows(self, steps: Steps, x: Part, attributes: Attributes) -> Part | None:
        """The logits along the last dimension, less their mean where there are more than two.

        Exponentials of centred logits vary less than those of their differences, whose sums softmax is made of too:
        linear bounds of an exponential lose the square of its argument's width.
        """
        dim: Any = attributes["dim"]
        if not x.floating or not x.shape or x.type.numel == 0:
            return None
        rows = steps.last(x, [dim])
        return rows if rows.shape[-1] == 2 else steps.centred(rows, [len(rows.shape) - 1])

    def _lead(self, steps: Steps, rows: Part) -> Part:
        """`x_i - x_j` for both of two logits: softmax is its sigmoid."""
        return steps.op("sub", rows, steps.op("flip", rows, dims=(len(rows.shape) - 1,)))

    def _back(self, steps: Steps, rows: Part, attributes: Attributes) -> Part:
        """The last dimension back to its place."""
        dim: Any = attributes["dim"]
        order = list(range(len(rows.shape) - 1))
        return steps.permute(rows, [*order[:dim], len(order), *order[dim:]])


@register
class Softmax(SoftmaxLike):
    name = "softmax"
    function = torch.softmax
    rounding = Shares()
    ends = staticmethod(share)
    infinities = Infinities.SETTLED

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """The sigmoid of `x_i - log(sum_{j != i} exp(x_j))`; of one logit the power of its distance from itself."""
        rows = self._rows(steps, inputs[0], attributes)
        if rows is None or (size := rows.shape[-1]) ** 2 > EXPANDED:
            return None
        if size == 1:
            return self._back(steps, steps.op("exp", rows), attributes)
        if size == 2:
            lead = self._lead(steps, rows)
        else:
            others = steps.constant(1.0 - torch.eye(size, dtype=rows.type.dtype))
            sums = steps.op("matmul", steps.op("exp", rows), others)
            lead = steps.op("sub", rows, steps.op("log", sums))
        return self._back(steps, steps.op("sigmoid", lead), attributes)


@register
class LogSoftmax(SoftmaxLike):
    name = "log_softmax"
    function = torch.log_softmax
    rounding = LogShares()
    ends = staticmethod(log_share)
    infinities = Infinities.MOVED

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        """`x_i - log(sum_j exp(x_j))`; of two logits the logarithm of the sigmoid of their difference."""
        rows = self._rows(steps, inputs[0], attributes)
        if rows is None:
            return None
        if rows.shape[-1] == 2:
            return self._back(steps, steps.op("logsigmoid", self._lead(steps, rows)), attributes)
        total = steps.sum(steps.op("exp", rows), [len(rows.shape) - 1], keepdim=True)
        return self._back(steps, steps.op("sub", rows, steps.op("log", total)), attributes)


@register
class LogSumExp(Op):
    """`log(sum(exp(x)))` over `dim` (sorted dimensions)."""

    name = "logsumexp"
    rounding = LogSum()
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
        """`m + log(sum(exp(x - m)))` with the mean `m`: no overflow near any point, and no constant to choose."""
        (x,) = inputs
        dims: Any = attributes["dim"]
        if not x.floating or not x.shape or x.type.numel == 0:
            return None
        rows = steps.last(x, dims)
        along = len(rows.shape) - 1
        mean = steps.op("mean", rows, dim=(along,), keepdim=True)
        total = steps.sum(steps.op("exp", steps.op("sub", rows, mean)), [along], keepdim=True)
        result = steps.op("add", steps.op("log", total), mean)
        keepdim = bool(attributes["keepdim"])
        shape = [1 if d in dims else size for d, size in enumerate(x.shape) if keepdim or d not in dims]
        return steps.reshape(result, shape)


@register
class LogCumulativeSumExp(Op):
    """`log(cumsum(exp(x)))` along `dim`."""

    name = "logcumsumexp"
    never_grows = True
    rounding = RunningLogSum()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        dim: Any = attributes["dim"]
        return torch.logcumsumexp(x, dim)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Rises with every element: term by term at both ends, rounded outward each time."""
        (x,) = inputs
        dim: Any = attributes["dim"]
        if not x.shape or x.lower.numel() == 0:
            return x
        lower, upper = (list(end.unbind(dim)) for end in (x.lower, x.upper))
        for k in range(1, x.shape[dim]):
            lower[k] = log_sum(torch.stack((lower[k - 1], lower[k])), (0,), False)[0]
            upper[k] = log_sum(torch.stack((upper[k - 1], upper[k])), (0,), False)[1]
        return Interval(torch.stack(lower, dim), torch.stack(upper, dim))


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


@spelled("torch.logcumsumexp", "torch.Tensor.logcumsumexp")
def logcumsumexp(emitter: Emitter, input: TensorValue, dim: int) -> TensorValue:
    return emitter.emit("logcumsumexp", input, dim=dimension(dim, len(input.shape)))

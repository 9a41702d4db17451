"""Greatest and least elements, where they stand, and the order statistics: min, max, argmax, median."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.arguments import dimension, is_tensor
from torchlean.ops.lanes import Lane, Shapes, all_but
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise import choices
from torchlean.ops.op import Attributes, Infinities, Op, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.rearrangement import on_ends
from torchlean.ops.reduction import Dims, pick, reduced_dims
from torchlean.ops.spelling import Emitter, TensorValue, spelled


class ValuesIndices(NamedTuple):
    """What torch returns for `x.max(dim)` and its like: unpacks as a pair, and has the two attributes."""

    values: TensorValue
    indices: TensorValue


class MinMax(NamedTuple):
    """What `torch.aminmax` returns."""

    min: TensorValue
    max: TensorValue


def refuse_empty(name: str, x: TensorType, dims: object) -> None:
    """The extremum of nothing is an error in torch too.

    Raises:
        ShapeError: a reduced dimension (or, for None, the tensor) has no elements.
    """
    over = range(len(x.shape)) if dims is None else ([dims] if isinstance(dims, int) else dims)
    assert isinstance(over, (tuple, list, range))
    for d in over:
        if x.shape and x.shape[d] == 0:
            raise ShapeError(f"{name} of no elements: dimension {d} of {x.shape} has size 0")


class Extremum(Op):
    """`amax` and `amin`: attributes `dim` (sorted), `keepdim`."""

    never_grows = True

    function: Callable[..., Tensor]
    sign: float
    infinities = Infinities.MOVED
    rounding = choices.ChosenAlong(choices.worst)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        refuse_empty(self.name, inputs[0], attributes["dim"])

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return type(self).function(x, dim=attributes["dim"], keepdim=attributes["keepdim"])

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Monotone and exact: the extremum of each end."""
        return on_ends(lambda x: self.evaluate([x], attributes), *inputs)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return all_but(shapes[0], attributes["dim"], attributes["keepdim"])

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        (x,) = inputs
        dims: Any = attributes["dim"]
        if not x.floating or not x.shape or not dims:
            return None
        keepdim = bool(attributes["keepdim"])
        shape = [1 if d in dims else size for d, size in enumerate(x.shape) if keepdim or d not in dims]
        rows = steps.last(x if self.sign > 0 else steps.op("neg", x), dims)
        result = steps.reshape(steps.greatest(rows), shape)
        return result if self.sign > 0 else steps.op("neg", result)


@register
class Amax(Extremum):
    name = "amax"
    function = torch.amax
    sign = 1.0


@register
class Amin(Extremum):
    name = "amin"
    function = torch.amin
    sign = -1.0


class Where(Op):
    """`argmax` and `argmin`: the first place of the extremum along `dim`, or in the flattened tensor."""

    never_grows = True
    rounding = choices.Decided()

    sign: float

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        refuse_empty(self.name, inputs[0], attributes["dim"])
        if inputs[0].dtype == torch.bool:
            raise ShapeError(f"{self.name} is not defined for bool tensors: convert with `.int()`")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        find = torch.argmax if self.sign > 0 else torch.argmin
        return find(x, dim=attributes["dim"], keepdim=bool(attributes["keepdim"]))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """The least and the greatest place that can hold the maximum.

        torch returns the first of equal maxima, so place `i` can win exactly when `u_i >= l_j` for all `j`, and
        `u_i > l_j` for all `j < i`: raise `x_i` to its end and lower the others. At least the first place of the
        greatest upper end can.
        """
        (x,) = inputs
        low, high = (x.lower, x.upper) if self.sign > 0 else (-x.upper, -x.lower)
        dim: Any = attributes["dim"]
        if dim is None:
            low, high = low.reshape(-1), high.reshape(-1)
        elif not x.shape:
            return Interval.point(torch.zeros(out.shape, dtype=torch.float64))
        along = 0 if dim is None else dim
        possible = high >= low.amax(along, keepdim=True)
        before = torch.cummax(low, along).values.narrow(along, 0, low.shape[along] - 1)
        length = low.shape[along] - 1
        possible.narrow(along, 1, length).logical_and_(high.narrow(along, 1, length) > before)
        first, last = _ends(possible, along)
        lower = first.reshape(out.shape)
        return Interval(lower, lower if torch.equal(first, last) else last.reshape(out.shape))


def _ends(possible: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The first and the last true place along `dim`."""
    places = possible.to(torch.float64)
    first = places.argmax(dim)
    last = places.shape[dim] - 1 - places.flip(dim).argmax(dim)
    return first.to(torch.float64), last.to(torch.float64)


@register
class Argmax(Where):
    name = "argmax"
    sign = 1.0


@register
class Argmin(Where):
    name = "argmin"
    sign = -1.0


@register
class OrderStatistic(Op):
    """The `k`-th smallest element (from 1) along `dim`, NaN above all others.

    With `k` None it is torch's median: the lower of the two in the middle, and NaN where any element is.
    """

    name = "kth_value"
    rounding = choices.ChosenAlong(choices.along("dim"))

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        refuse_empty("an order statistic", inputs[0], attributes["dim"])
        if inputs[0].dtype == torch.bool:
            raise ShapeError("median and kthvalue are not defined for bool tensors: convert with `.int()`")

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        function, options = torch.kthvalue, dict(attributes)
        if options["k"] is None:
            function, x = torch.median, _apart(x)
            del options["k"]
        values: Tensor = function(x, **options).values
        return values

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Raising any element cannot lower the k-th smallest: monotone, and exact on the ends."""
        return on_ends(lambda x: self.evaluate([x], attributes), *inputs)


def _apart(x: Tensor) -> Tensor:
    """The same elements, each in a place of its own: where several share one, `torch.median` reads other memory."""
    return x.contiguous()


@register
class Places(Op):
    """Indices that come with `kthvalue` or `median` (`function`); which of equal elements is meant is open."""

    name = "order_indices"
    rounding = choices.Decided()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        options = {key: value for key, value in attributes.items() if key != "function"}
        indices: Tensor = getattr(torch, str(attributes["function"]))(_apart(x), **options).indices
        return indices

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Any place along the dimension."""
        dim: Any = attributes["dim"]
        last = max((inputs[0].shape[dim] if inputs[0].shape else 1) - 1, 0)
        return Interval.uniform(out.shape, 0.0, float(last))


def _extreme(op: str, argop: str, binary: str) -> Callable[..., Any]:
    def call(
        emitter: Emitter,
        input: TensorValue,
        dim: Any = None,
        keepdim: bool = False,
        *,
        other: TensorValue | None = None,
        axis: int | None = None,
    ) -> Any:
        chosen = pick(dim, axis)
        second = other if other is not None else (chosen if is_tensor(chosen) else None)
        if second is not None:
            return emitter.emit(binary, input, second)
        if chosen is None:
            return emitter.emit(op, input, dim=reduced_dims(None, len(input.shape)), keepdim=False)
        place = dimension(chosen, len(input.shape))
        dims = (place,) if input.shape else ()
        values = emitter.emit(op, input, dim=dims, keepdim=bool(keepdim))
        # torch.argmax refuses booleans where torch.max does not.
        ordered = emitter.emit("cast", input, dtype=torch.uint8) if input.dtype == torch.bool else input
        return ValuesIndices(values, emitter.emit(argop, ordered, dim=place, keepdim=bool(keepdim)))

    return call


spelled("torch.max", "torch.Tensor.max")(_extreme("amax", "argmax", "maximum"))
spelled("torch.min", "torch.Tensor.min")(_extreme("amin", "argmin", "minimum"))


def _all_extreme(op: str) -> Callable[..., TensorValue]:
    def call(
        emitter: Emitter, input: TensorValue, dim: Dims = (), keepdim: bool = False, *, axis: Dims = None
    ) -> TensorValue:
        dims = tuple(sorted(reduced_dims(pick(dim, axis), len(input.shape))))
        return emitter.emit(op, input, dim=dims, keepdim=bool(keepdim))

    return call


spelled("torch.amax", "torch.Tensor.amax")(_all_extreme("amax"))
spelled("torch.amin", "torch.Tensor.amin")(_all_extreme("amin"))


@spelled("torch.aminmax", "torch.Tensor.aminmax")
def aminmax(emitter: Emitter, input: TensorValue, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    least, greatest = (_all_extreme(op)(emitter, input, dim, keepdim) for op in ("amin", "amax"))
    return MinMax(least, greatest)


def _place(op: str) -> Callable[..., TensorValue]:
    def call(
        emitter: Emitter,
        input: TensorValue,
        dim: int | None = None,
        keepdim: bool = False,
        *,
        axis: int | None = None,
    ) -> TensorValue:
        chosen = pick(dim, axis)
        place = None if chosen is None else dimension(chosen, len(input.shape))
        return emitter.emit(op, input, dim=place, keepdim=bool(keepdim))

    return call


spelled("torch.argmax", "torch.Tensor.argmax")(_place("argmax"))
spelled("torch.argmin", "torch.Tensor.argmin")(_place("argmin"))


@spelled("torch.kthvalue", "torch.Tensor.kthvalue")
def kthvalue(
    emitter: Emitter, input: TensorValue, k: int, dim: int = -1, keepdim: bool = False
) -> ValuesIndices:
    place = dimension(dim, len(input.shape))
    options = {"k": k, "dim": place, "keepdim": bool(keepdim)}
    return ValuesIndices(
        emitter.emit("kth_value", input, **options),
        emitter.emit("order_indices", input, function="kthvalue", **options),
    )


@spelled("torch.median", "torch.Tensor.median")
def median(emitter: Emitter, input: TensorValue, dim: int | None = None, keepdim: bool = False) -> Any:
    if dim is None:
        if TensorType(input.shape, input.dtype).numel == 0:
            raise UnsupportedError(f"the median of no elements ({input.shape}) is NaN in torch")
        flat = emitter.emit("reshape", input, shape=(TensorType(input.shape, input.dtype).numel,))
        return emitter.emit("kth_value", flat, k=None, dim=0, keepdim=False)
    place = dimension(dim, len(input.shape))
    values = emitter.emit("kth_value", input, k=None, dim=place, keepdim=bool(keepdim))
    places = emitter.emit("order_indices", input, function="median", dim=place, keepdim=bool(keepdim))
    return ValuesIndices(values, places)

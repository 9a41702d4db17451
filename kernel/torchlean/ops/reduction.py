"""Reductions that add up: sum, mean, cumsum, count_nonzero, any, all, diff. See `extremum`, `variance`, `norm` for
the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.intervals.affine import integral, nonnegative_map
from torchlean.intervals.arithmetic import div, sub, total
from torchlean.ops.adjoint import weighted
from torchlean.ops.arguments import dimension
from torchlean.ops.cast import cast
from torchlean.ops.lanes import Lane, Shapes, all_but
from torchlean.ops.linearization import Affine
from torchlean.ops.lowering import Part, Steps
from torchlean.ops.noise.choices import Decided
from torchlean.ops.noise.contractions import Accumulated, reduced
from torchlean.ops.noise.powers import Differences
from torchlean.ops.op import (
    Attribute,
    Attributes,
    Op,
    ShapeError,
    TensorType,
    UnsupportedError,
    dtype_name,
    register,
)
from torchlean.ops.spelling import Emitter, TensorValue, spelled

Dims = int | Sequence[int] | None


def reduced_dims(dim: Dims, ndim: int) -> tuple[int, ...]:
    """The dimensions a `dim` argument means: None and `()` are all of them.

    Raises:
        ShapeError: out of range, or named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    given = (dim,) if isinstance(dim, int) else tuple(dim)
    if not given:
        return tuple(range(ndim))
    dims = tuple(dimension(d, ndim) for d in given)
    if len(set(dims)) < len(dims):
        raise ShapeError(f"dim={dim}: a dimension is named twice")
    return dims if ndim else ()


def size_over(shape: tuple[int, ...], dims: object) -> int:
    """How many elements fall together when `dims` are reduced."""
    assert isinstance(dims, tuple)
    count = 1
    for d in dims:
        count *= shape[d]
    return count


def pick(dim: Any, axis: Any) -> Any:
    """torch also accepts NumPy's name of the argument."""
    return dim if axis is None else axis


class Accumulation(Op):
    """Sum and mean: attributes `dim` (sorted dimensions), `keepdim`, and `dtype` where it was given."""

    never_grows = True
    divides = False
    function: Callable[..., Tensor]

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        dims: Any = attributes["dim"]
        # torch reduces a full tensor in another order than "all its dimensions"; ask as the user did.
        return type(self).function(
            x, dim=dims or None, keepdim=attributes["keepdim"], dtype=attributes.get("dtype")
        )

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """The sum of the ends, rounded outward for every order of summation (`intervals.arithmetic.total`)."""
        dims: Any = attributes["dim"]
        result = total(inputs[0], dims, keepdim=bool(attributes["keepdim"]))
        return result if out.dtype.is_floating_point else integral(result)

    def lanes(self, shapes: Shapes, attributes: Attributes) -> Sequence[Lane]:
        return all_but(shapes[0], attributes["dim"], attributes["keepdim"])

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        """Every element of the operand gets the coefficient of its sum. In a mean, that is divided by the number of
        elements: one rounding more, in either direction."""
        if not types[0].dtype.is_floating_point:
            return None
        dims: Any = attributes["dim"]
        shape = types[0].shape
        chosen = tuple(dims or range(len(shape)))
        kept = tuple(1 if d in chosen else size for d, size in enumerate(shape))
        summed = math.prod(shape[d] for d in chosen)
        share = summed if self.divides else 1
        if not share:
            return None

        def transpose(rows: Tensor) -> Tensor:
            spread = rows.reshape(len(rows), *kept)
            return (spread / share if self.divides else spread).expand(len(rows), *shape)

        def forward(values: Tensor) -> Tensor:
            """With or without a batch dimension in front."""
            batch = values.dim() - len(shape)
            found = (
                values.sum(tuple(d + batch for d in chosen), keepdim=bool(attributes["keepdim"]))
                if chosen
                else values
            )
            return found / share if self.divides else found

        return [Affine(transpose, max(1, summed) + 2, forward, forward=forward)]


@register
class Sum(Accumulation):
    name = "sum"
    function = torch.sum
    rounding = Accumulated(reduced)


@register
class Mean(Accumulation):
    """The sum divided by the number of elements; of nothing, it is 0/0."""

    name = "mean"
    divides = True
    function = torch.mean
    rounding = Accumulated(reduced, roundings=2)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        dtype = attributes.get("dtype", inputs[0].dtype)
        if isinstance(dtype, torch.dtype) and not dtype.is_floating_point:
            raise ShapeError(f"mean needs a floating dtype, got {dtype_name(dtype)}: convert with `.float()`")

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        count = size_over(inputs[0].shape, attributes["dim"])
        if out.numel and count == 0:
            return Interval.unbounded(out.shape, undefined=True)
        return div(super().interval(inputs, attributes, out), Interval.point(torch.tensor(float(count))))


def accumulate(
    emitter: Emitter, op: str, x: TensorValue, dim: Dims, keepdim: bool, dtype: torch.dtype | None
) -> TensorValue:
    """Emit a sum or mean."""
    attributes: dict[str, Attribute] = {
        "dim": tuple(sorted(reduced_dims(dim, len(x.shape)))),
        "keepdim": bool(keepdim),
    }
    if dtype == torch.bool and op == "sum":
        return emitter.emit("any", cast(emitter, x, dtype), **attributes)  # truths are added up to a truth
    if dtype is not None:
        if not dtype.is_floating_point and x.dtype.is_floating_point:
            raise UnsupportedError(
                f"{op}(dtype={dtype_name(dtype)}) of {dtype_name(x.dtype)}: convert with `.to(...)` before"
            )
        attributes["dtype"] = dtype
    return emitter.emit(op, x, **attributes)


@spelled("torch.sum", "torch.Tensor.sum")
def sum(
    emitter: Emitter,
    input: TensorValue,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
    axis: Dims = None,
) -> TensorValue:
    return accumulate(emitter, "sum", input, pick(dim, axis), keepdim, dtype)


@spelled("torch.mean", "torch.Tensor.mean")
def mean(
    emitter: Emitter,
    input: TensorValue,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: torch.dtype | None = None,
    axis: Dims = None,
) -> TensorValue:
    return accumulate(emitter, "mean", input, pick(dim, axis), keepdim, dtype)


@register
class CumulativeSum(Op):
    """Running sum along `dim`."""

    name = "cumsum"
    rounding = Accumulated(reduced)
    never_grows = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.cumsum(x, dim=attributes["dim"], dtype=attributes.get("dtype"))

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Every element is a sum: as for `sum`, with as many terms as the dimension has elements."""
        (x,) = inputs
        dim: Any = attributes["dim"]
        terms = x.shape[dim] if x.shape else 1
        result = nonnegative_map(lambda v: torch.cumsum(v, dim), x, terms)
        return result if out.dtype.is_floating_point else integral(result)

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> Sequence[Affine | None] | None:
        if not types[0].dtype.is_floating_point:
            return None
        return weighted(self.evaluate, inputs, types, {"dim": attributes["dim"]})


@spelled("torch.cumsum", "torch.Tensor.cumsum")
def cumsum(
    emitter: Emitter,
    input: TensorValue,
    dim: int | None = None,
    *,
    dtype: torch.dtype | None = None,
    axis: int | None = None,
) -> TensorValue:
    chosen = pick(dim, axis)
    if chosen is None:
        raise ShapeError("cumsum needs a dimension: cumsum(input, dim)")
    attributes: dict[str, Attribute] = {"dim": dimension(chosen, len(input.shape))}
    if dtype is not None:
        if dtype == torch.bool or (not dtype.is_floating_point and input.dtype.is_floating_point):
            raise UnsupportedError(f"cumsum to {dtype_name(dtype)}: convert with `.to(...)` before")
        attributes["dtype"] = dtype
    return emitter.emit("cumsum", input, **attributes)


@spelled("torch.Tensor.cumsum_")
def inplace_cumsum(
    emitter: Emitter, input: TensorValue, dim: int, *, dtype: torch.dtype | None = None
) -> TensorValue:
    result = cumsum(emitter, input, dim, dtype=dtype)
    return (
        emitter.overwrite(input, result) if input.shape else input
    )  # torch leaves a single number, or truth, as it is


def truth(x: Interval) -> tuple[Tensor, Tensor]:
    """Where an element is surely nonzero, and where it may be."""
    return (x.lower > 0) | (x.upper < 0), (x.lower != 0) | (x.upper != 0)


class Quantifier(Op):
    """`any` and `all` of the elements being nonzero; attributes `dim`, `keepdim`."""

    never_grows = True
    rounding = Decided()

    function: Callable[..., Tensor]

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return self._reduce(x, attributes)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Monotone in the truth of every element: decided for the least and for the greatest truths."""
        surely, maybe = truth(inputs[0])
        return Interval(
            self._reduce(surely, attributes).to(torch.float64),
            self._reduce(maybe, attributes).to(torch.float64),
        )

    def _reduce(self, x: Tensor, attributes: Attributes) -> Tensor:
        dims: Any = attributes["dim"]
        return type(self).function(x, dim=dims or None, keepdim=attributes["keepdim"])


@register
class Any_(Quantifier):
    name = "any"
    function = torch.any


@register
class All(Quantifier):
    name = "all"
    function = torch.all


def _quantify(op: str) -> Callable[..., TensorValue]:
    def call(
        emitter: Emitter, input: TensorValue, dim: Dims = None, keepdim: bool = False, *, axis: Dims = None
    ) -> TensorValue:
        chosen = pick(dim, axis)
        if input.shape and isinstance(chosen, (tuple, list)) and not chosen:
            return emitter.emit("ne", input, 0)  # over no dimension, where other reductions mean all
        dims = reduced_dims(chosen, len(input.shape))
        return emitter.emit(op, input, dim=tuple(sorted(dims)), keepdim=bool(keepdim))

    return call


spelled("torch.any", "torch.Tensor.any")(_quantify("any"))
spelled("torch.all", "torch.Tensor.all")(_quantify("all"))


@register
class CountNonzero(Op):
    """How many elements along `dim` are not zero."""

    name = "count_nonzero"
    rounding = Decided()
    never_grows = True

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        dims: Any = attributes["dim"]
        return torch.count_nonzero(x, dim=dims or None)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Counts of what is surely and of what may be nonzero: integers, exact in float64."""
        least, most = (self.evaluate([mask], attributes).to(torch.float64) for mask in truth(inputs[0]))
        return Interval(least, most)


@spelled("torch.count_nonzero", "torch.Tensor.count_nonzero")
def count_nonzero(emitter: Emitter, input: TensorValue, dim: Dims = None) -> TensorValue:
    return emitter.emit("count_nonzero", input, dim=tuple(sorted(reduced_dims(dim, len(input.shape)))))


@register
class Difference(Op):
    """`x[1:] - x[:-1]` along `dim` (of booleans: whether they differ)."""

    name = "diff"
    rounding = Differences()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        (x,) = inputs
        return torch.diff(x, dim=attributes["dim"])

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        """Rising in the later element, falling in the earlier; one correctly rounded subtraction each."""
        (x,) = inputs
        dim: Any = attributes["dim"]
        length = x.shape[dim]
        later, earlier = (
            Interval(
                x.lower.narrow(dim, start, max(length - 1, 0)), x.upper.narrow(dim, start, max(length - 1, 0))
            )
            for start in (min(1, length), 0)
        )
        if out.dtype == torch.bool:
            same = (
                later.lower.eq(later.upper) & earlier.lower.eq(earlier.upper) & later.lower.eq(earlier.lower)
            )
            apart = (later.lower > earlier.upper) | (later.upper < earlier.lower)
            return Interval(apart.to(torch.float64), (~same).to(torch.float64))
        result = sub(later, earlier)
        return result if out.dtype.is_floating_point else integral(result)

    def lower(self, steps: Steps, inputs: Sequence[Part], attributes: Attributes) -> Part | None:
        (x,) = inputs
        dim: Any = attributes["dim"]
        length = x.shape[dim]
        if not x.floating or length < 2:
            return None
        return steps.op("sub", steps.along(x, dim, 1, length), steps.along(x, dim, 0, length - 1))


@spelled("torch.diff", "torch.Tensor.diff")
def diff(
    emitter: Emitter,
    input: TensorValue,
    n: int = 1,
    dim: int = -1,
    prepend: TensorValue | None = None,
    append: TensorValue | None = None,
) -> TensorValue:
    if not input.shape:
        raise ShapeError("diff needs at least one dimension, got a 0-d tensor")
    if n < 0:
        raise ShapeError(f"diff: the order n must be >= 0, got {n}")
    place = dimension(dim, len(input.shape))
    pieces = [piece for piece in (prepend, input, append) if piece is not None]
    result = emitter.emit("cat", *pieces, dim=place) if len(pieces) > 1 else input
    if n == 0:
        return emitter.emit("clone", result)
    for _ in range(n):
        result = emitter.emit("diff", result, dim=place)
    return result

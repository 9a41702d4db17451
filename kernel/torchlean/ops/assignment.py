"""Writing elements by position: `x[...] = v` and the functions that do the same.

The graph has values and no memory, so an assignment makes the whole new tensor; the name that was assigned to sees it
from then on. `slice_update` writes where integers and ranges say, `index_update` where index tensors say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import cast, indexing, layout, selecting
from torchlean.ops.arguments import dimension, is_tensor, known_tensor, meta, shape_text, torch_errors
from torchlean.ops.noise.selection import LookedUp
from torchlean.ops.op import Attributes, Infinities, Op, ShapeError, TensorType, UnsupportedError, register
from torchlean.ops.rearrangement import Rearrangement, on_ends
from torchlean.ops.spelling import Emitter, Operand, TensorValue, spelled
from torchlean.ops.subscript import Parsed, canonical, check_range, parse


@register
class SliceUpdate(Rearrangement):
    """The first operand with the second, broadcast, where `index` (as in `slice`) points."""

    name = "slice_update"

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        x, value = inputs
        result = x.clone(memory_format=torch.contiguous_format)
        result[indexing.basic_index(attributes)] = value
        return result


@register
class IndexUpdate(Op):
    """The first operand with the second, broadcast, where the further operands index the dimensions `dims`."""

    name = "index_update"
    infinities = Infinities.MOVED
    rounding = LookedUp(values=2)

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        """The meta device accepts a value of any shape here."""
        x, value, *indices = (meta(operand) for operand in inputs)
        target = tuple(x[indexing.advanced_index(x.dim(), indices, attributes)].shape)
        # Like torch, overlook leading ones of the value.
        extra = max(value.dim() - len(target), 0)
        tail = tuple(value.shape[extra:])
        fits = all(have in (1, want) for have, want in zip(reversed(tail), reversed(target), strict=False))
        if not fits or any(size != 1 for size in value.shape[:extra]):
            raise ShapeError(
                f"cannot assign a value of shape {shape_text(value.shape)} to places of shape {shape_text(target)}"
            )

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        x, value, *indices = inputs
        result = x.clone(memory_format=torch.contiguous_format)
        result[indexing.advanced_index(x.dim(), indices, attributes)] = value
        return result

    def raises(self, inputs: Sequence[Interval], attributes: Attributes) -> str:
        return indexing.out_of_range(inputs[0], inputs[2:], attributes)

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        x, value, *indices = inputs
        same = value.lower.numel() == 1
        if not all(index.is_point for index in indices):
            if same:
                return self._anywhere(x, value)
            raise UnsupportedError("which elements are assigned depends on values that are not known exactly")
        places = [index.lower.to(torch.int64) for index in indices]
        if not same and self._repeats(x, places, attributes):
            raise UnsupportedError(
                "an element is assigned twice, and torch does not say which assignment stays"
            )
        return on_ends(lambda end, new: self.evaluate([end, new, *places], attributes), x, value)

    def _anywhere(self, x: Interval, value: Interval) -> Interval:
        """Any element may be the one value that is written, or stay."""
        lower, upper = value.lower.reshape(()), value.upper.reshape(())
        return Interval(
            torch.minimum(x.lower, lower),
            torch.maximum(x.upper, upper),
            x.undefined or value.undefined,
            x.infinite or value.infinite,
        )

    def _repeats(self, x: Interval, places: Sequence[Tensor], attributes: Attributes) -> bool:
        """Whether some element is written more than once."""
        numbers = torch.arange(x.lower.numel()).reshape(x.shape)
        written = numbers[indexing.advanced_index(x.lower.dim(), places, attributes)].reshape(-1)
        return bool(written.unique().numel() < written.numel())


@spelled("torch.Tensor.__setitem__")
def setitem(emitter: Emitter, input: TensorValue, index: Any, value: Operand) -> None:
    emitter.overwrite(input, assigned(emitter, input, index, value))


def assigned(emitter: Emitter, x: TensorValue, index: Any, value: Operand) -> TensorValue:
    """`x` after `x[index] = value`.

    Raises:
        ShapeError: torch would refuse the index or the value.
        UnsupportedError: where it writes depends on values that are not known.
    """
    new = selecting.filling(emitter, value, x.dtype)
    if isinstance(index, tuple) and len(index) == 1 and is_tensor(index[0]):
        index = index[0]
    if is_tensor(index) and index.dtype == torch.bool and emitter.value_of(index) is None:
        return _where_mask(emitter, x, index, new)
    parsed = parse(emitter, tuple(x.shape), index)
    if not parsed.advanced:
        return emitter.emit("slice_update", x, new, index=parsed.places)
    return _through(emitter, x, new, parsed)


def _where_mask(emitter: Emitter, x: TensorValue, mask: TensorValue, new: TensorValue) -> TensorValue:
    """`x[mask] = new` for a mask that is not known: possible where every chosen place gets the same."""
    rest = len(x.shape) - len(mask.shape)
    if tuple(mask.shape) != tuple(x.shape[: len(mask.shape)]):
        raise ShapeError(
            f"a mask of shape {shape_text(mask.shape)} does not fit the tensor {shape_text(x.shape)}"
        )
    if len(new.shape) > rest:
        raise UnsupportedError(
            "which value goes where depends on a mask that is only known when the program runs"
        )
    if torch.broadcast_shapes(new.shape, x.shape) != x.shape:
        raise ShapeError(
            f"cannot assign {new.type} to places of shape {shape_text(x.shape[len(mask.shape) :])}"
        )
    return emitter.emit("where", layout.reshaped(emitter, mask, tuple(mask.shape) + (1,) * rest), new, x)


def _through(emitter: Emitter, x: TensorValue, new: TensorValue, parsed: Parsed) -> TensorValue:
    """Write with index tensors into what the integers and ranges leave, and put that back."""
    if any(not index.shape for index in parsed.advanced.values()):
        raise UnsupportedError(
            "which element is assigned depends on values that are only known when the program runs"
        )
    part = indexing.sliced(emitter, x, parsed.places)
    written = emitter.emit("index_update", part, new, *parsed.advanced.values(), dims=tuple(parsed.advanced))
    return written if part is x else emitter.emit("slice_update", x, written, index=parsed.places)


@spelled("torch.index_put", "torch.Tensor.index_put")
def index_put(
    emitter: Emitter, input: TensorValue, indices: Any, values: TensorValue, accumulate: bool = False
) -> TensorValue:
    if accumulate:
        raise UnsupportedError("index_put with accumulate=True is not followed")
    return assigned(emitter, input, tuple(indices), values)


@spelled("torch.index_put_", "torch.Tensor.index_put_")
def index_put_(
    emitter: Emitter, input: TensorValue, indices: Any, values: TensorValue, accumulate: bool = False
) -> TensorValue:
    return emitter.overwrite(input, index_put(emitter, input, indices, values, accumulate))


@spelled("torch.Tensor.fill_")
def fill_(emitter: Emitter, input: TensorValue, value: Operand) -> TensorValue:
    if is_tensor(value) and value.shape:
        raise ShapeError(f"fill_ needs a number or a 0-d tensor, got {value.type}")
    return copy_(emitter, input, selecting.filling(emitter, value, input.dtype))


@spelled("torch.Tensor.zero_")
def zero_(emitter: Emitter, input: TensorValue) -> TensorValue:
    return fill_(emitter, input, 0)


@spelled("torch.Tensor.copy_")
def copy_(emitter: Emitter, input: TensorValue, src: TensorValue, non_blocking: bool = False) -> TensorValue:
    new = cast.cast(emitter, src, input.dtype)
    with torch_errors():
        meta(input).copy_(meta(new))
    shape = tuple(input.shape)
    # A node of its own: what is copied in must not change when its source does.
    own = emitter.emit("expand", new, shape=shape) if tuple(new.shape) != shape else new
    return emitter.overwrite(input, emitter.emit("clone", own))


@spelled("torch.index_fill", "torch.Tensor.index_fill")
def index_fill(
    emitter: Emitter, input: TensorValue, dim: int, index: TensorValue, value: Operand
) -> TensorValue:
    dim = dimension(dim, len(input.shape))
    lined = _lined(emitter, input)
    check_range(emitter, index, lined.shape[dim], dim)
    new = selecting.filling(emitter, value, input.dtype)
    written = emitter.emit("index_update", lined, new, layout.ravel(emitter, index), dims=(dim,))
    return layout.reshaped(emitter, written, tuple(input.shape))


def _lined(emitter: Emitter, x: TensorValue) -> TensorValue:
    """A number without dimensions as a vector of one: so torch indexes it."""
    return x if x.shape else layout.reshaped(emitter, x, (1,))


@spelled("torch.Tensor.index_fill_")
def index_fill_(
    emitter: Emitter, input: TensorValue, dim: int, index: TensorValue, value: Operand
) -> TensorValue:
    return emitter.overwrite(input, index_fill(emitter, input, dim, index, value))


@spelled("torch.Tensor.fill_diagonal_", "torch.fill_diagonal_")
def fill_diagonal_(
    emitter: Emitter, input: TensorValue, fill_value: Operand, wrap: bool = False
) -> TensorValue:
    """`x.fill_diagonal_(-inf)`: of a matrix, or of a tensor whose dimensions are all as long."""
    shape = tuple(input.shape)
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ShapeError(
            f"fill_diagonal_ needs a matrix, or dimensions that are all of one size, got {input.type}"
        )
    if wrap and shape[0] > shape[1] + 1:
        raise UnsupportedError("fill_diagonal_ that begins again in a tall matrix is not followed")
    places = emitter.constant(torch.arange(min(shape)))
    new = selecting.filling(emitter, fill_value, input.dtype)
    dims = tuple(range(len(shape)))
    written = emitter.emit("index_update", input, new, *(places for _ in dims), dims=dims)
    return emitter.overwrite(input, written)


@spelled("torch.scatter", "torch.Tensor.scatter")
def scatter(
    emitter: Emitter,
    input: TensorValue,
    dim: int,
    index: TensorValue,
    src: Operand | None = None,
    *,
    value: Operand | None = None,
    reduce: str | None = None,
) -> TensorValue:
    """`input[index[i][j]][j] = src[i][j]` for `dim` 0, and likewise for the others; the index must be known."""
    if reduce is not None:
        raise UnsupportedError("scatter with reduce= is not followed")
    given = src if src is not None else value
    if given is None:
        raise ShapeError("scatter needs a src tensor or a value")
    dim = dimension(dim, len(input.shape))
    with torch_errors():
        meta(input).scatter(dim, meta(index), meta(given) if is_tensor(given) and given.shape else 0)
    lined, index = _lined(emitter, input), _lined(emitter, index)
    places = known_tensor(emitter, index, "where scatter writes")
    if bool((places < 0).any()) or bool((places >= lined.shape[dim]).any()):
        raise ShapeError(f"scatter: an index is out of bounds for dimension {dim} of {input.type}")
    new = selecting.filling(emitter, given, input.dtype)
    if is_tensor(given) and new.shape:
        new = indexing.sliced(emitter, new, tuple(canonical(range(size)) for size in index.shape))
    coordinates = list(torch.meshgrid(*(torch.arange(size) for size in places.shape), indexing="ij"))
    coordinates[dim] = places
    constants = [emitter.constant(place.contiguous()) for place in coordinates]
    written = emitter.emit("index_update", lined, new, *constants, dims=tuple(range(len(constants))))
    return layout.reshaped(emitter, written, tuple(input.shape))


@spelled("torch.Tensor.scatter_")
def scatter_(
    emitter: Emitter, input: TensorValue, dim: int, index: TensorValue, *arguments: Any, **keywords: Any
) -> TensorValue:
    return emitter.overwrite(input, scatter(emitter, input, dim, index, *arguments, **keywords))

"""Transposes of linear maps, for ops that have no faster form of their own.

torch differentiates every op that the graph knows. For a linear map `f` the backward pass *is* the transpose: it adds
up, for each element of the operand, the coefficients of all outputs that the element goes into, in some order. Only
rounding is left to account for, and that needs no more than how many coefficients are added: `f`'s transpose of ones
counts them.

Forward, `f` itself maps values, of many boxes at once by way of `torch.func.vmap`; where it only moves elements, it is
asked once where each of them comes from. Passes that know the values of a map measure from them, and lose less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.linearization import Affine
from torchlean.ops.op import Attributes, TensorType

Evaluate = Callable[[Sequence[Tensor], Attributes], Tensor]

FEW = 64
"""Elements of an operand whose map is asked for every column, instead of being differentiated on every pass."""

SMALL = 2**12
"""Numbers of such a map's matrix: multiplying by it takes less time than torch needs to begin a backward pass."""


def transpose(function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """The transpose of an affine map's linear part.

    Args:
        function: an affine map of a float64 tensor of `shape`.

    Returns:
        (rows, *output) -> (rows, *shape).
    """
    columns = _columns(function, shape)
    if columns is not None:
        matrix = columns.reshape(len(columns), -1).t()

        def through(rows: Tensor) -> Tensor:
            found = rows.to(torch.float64).reshape(len(rows), -1) @ matrix
            return found.to(rows.dtype).reshape(len(rows), *shape)

        return through
    operand = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        result = function(operand)

    def back(rows: Tensor) -> Tensor:
        if not len(rows):
            # torch looks at the first of them.
            return rows.new_zeros(0, *shape)
        # Rows of float32 are added up in float64, and rounded once.
        wide = rows.to(torch.float64)
        (found,) = torch.autograd.grad(
            result, operand, wide, retain_graph=True, is_grads_batched=True, allow_unused=False
        )
        return found.to(rows.dtype)

    return back


def _columns(function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> Tensor | None:
    """What a linear map makes of each unit vector, exactly: a weight, added to zeros. (elements, *output).

    Returns:
        None where the map is large, adds an offset, or has weights that are not finite.
    """
    count = math.prod(shape)
    if not 0 < count <= FEW:
        return None
    with torch.no_grad():
        offset = function(torch.zeros(shape, dtype=torch.float64))
        if bool((offset != 0).any()) or not 0 < offset.numel() * count <= SMALL:
            return None
        units = torch.eye(count, dtype=torch.float64).reshape(count, *shape)
        columns = torch.stack([function(unit) for unit in units])
    return columns if bool(torch.isfinite(columns).all()) else None


def moving(
    evaluate: Evaluate,
    inputs: Sequence[Interval | None],
    types: Sequence[TensorType],
    attributes: Attributes,
) -> list[Affine | None] | None:
    """The linear maps of an op that only moves, repeats or drops elements of its unknown operands.

    Known operands (indices, masks) are passed to `evaluate` with their own dtype. Nothing is rounded unless an element
    is repeated, when its coefficients are added.

    Returns:
        None where unknown truths may be written among known ones: numbers in their place would become truths.
    """
    if (
        len({value is None for value, type in zip(inputs, types, strict=True) if type.dtype == torch.bool})
        > 1
    ):
        return None
    return [
        None if value is not None else _moving(_alone(evaluate, inputs, types, attributes, i), type.shape)
        for i, (value, type) in enumerate(zip(inputs, types, strict=True))
    ]


def _moving(function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> Affine:
    moves = _Moves.of(function, shape)
    if moves is None:
        back = transpose(function, shape)
        repeats, forward = _most(back, function, shape), None
    else:
        back, repeats, forward = moves.back, moves.repeats, moves.forward
    if repeats <= 1:
        return Affine(back, forward=forward)
    return Affine(back, repeats, _batched(lambda sizes: function(sizes).abs(), len(shape)), forward=forward)


@dataclass(frozen=True, eq=False, slots=True)
class _Moves:
    """Where the elements of a map's result come from.

    Attributes:
        shape, out: of the operand and of the result.
        source: for each element of the result a flat index of the operand, 0 where it comes from elsewhere.
        places: the elements of the result, flat, that come from the operand; None for all.
        repeats: how often an element of the operand is moved at most.
        inverse: where every element of the operand is moved once, and no other is there, for each of them a flat index
            of the result; empty where none changes its place.
    """

    shape: tuple[int, ...]
    out: tuple[int, ...]
    source: Tensor
    places: Tensor | None
    repeats: int
    inverse: Tensor | None

    @staticmethod
    def of(function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> _Moves | None:
        """Every element is moved under its number, counted from 1: what comes out is that number, or a fixed one,
        which zeros in the place of the numbers leave as it is.

        Returns:
            None where a fixed number is not finite.
        """
        count = math.prod(shape)
        numbers = torch.arange(1, count + 1, dtype=torch.float64).reshape(shape)
        with torch.no_grad():
            found, fixed = function(numbers), function(torch.zeros_like(numbers))
        if not bool(torch.isfinite(fixed).all()):
            return None
        moved = (found != fixed).flatten()
        source = torch.where(moved, found.flatten() - 1.0, 0.0).to(torch.int64)
        places = None if bool(moved.all()) else moved.nonzero().flatten()
        used = source if places is None else source[places]
        repeats = int(used.bincount().max()) if len(used) else 0
        inverse = None
        if places is None and len(source) == count and repeats == 1:
            order = source.argsort()
            inverse = (
                order[:0] if torch.equal(order, source) and torch.equal(order, torch.arange(count)) else order
            )
        return _Moves(shape, tuple(found.shape), source, places, repeats, inverse)

    def forward(self, values: Tensor) -> Tensor:
        """The moves, on values with a batch dimension in front, exactly."""
        flat = values.reshape(values.shape[0], math.prod(self.shape))
        if self.places is None:
            return flat[:, self.source].reshape(len(flat), *self.out)
        result = values.new_zeros(values.shape[0], len(self.source))
        result[:, self.places] = flat[:, self.source[self.places]]
        return result.reshape(len(flat), *self.out)

    def back(self, rows: Tensor) -> Tensor:
        """The transpose: each element gets the sum of the coefficients of where it was moved to.

        Rows of float32 are added up in float64, and rounded once.
        """
        if self.inverse is not None:
            found = rows.reshape(rows.shape[0], math.prod(self.out))
            found = found.index_select(1, self.inverse) if len(self.inverse) else found
            return found.reshape(len(rows), *self.shape)
        flat, source = rows.reshape(rows.shape[0], math.prod(self.out)), self.source
        if self.places is not None:
            flat, source = flat[:, self.places], source[self.places]
        dtype = rows.dtype if self.repeats <= 1 else torch.float64
        found = flat.new_zeros(len(flat), math.prod(self.shape), dtype=dtype)
        found.index_add_(1, source, flat.to(dtype))
        return found.to(rows.dtype).reshape(len(flat), *self.shape)


def _batched(function: Callable[[Tensor], Tensor], rank: int) -> Callable[[Tensor], Tensor]:
    """A function of tensors with `rank` dimensions, for such tensors and for batches of them."""
    many = torch.func.vmap(function)

    def either(values: Tensor) -> Tensor:
        if values.dim() == rank:
            return function(values)
        return function(values[0]).unsqueeze(0) if len(values) == 1 else many(values)

    return either


def weighted(
    evaluate: Evaluate,
    inputs: Sequence[Interval | None],
    types: Sequence[TensorType],
    attributes: Attributes,
    extra: int = 0,
    products: int | None = None,
) -> list[Affine | None] | None:
    """The linear map of an op that adds up products of its one unknown operand with known weights.

    Args:
        extra: for weights that the op computes itself (a mean divides by the count, a normalisation by a root), the
            roundings behind each; a product with such a weight counts as that many more terms.
        products: the most products that are added for one output, or backward for one element. Without it they are
            counted, or where the op computes weights itself taken to be as many as there are outputs, or elements.

    Returns:
        None where two operands are unknown: their product is not linear.
    """
    unknown = [i for i, value in enumerate(inputs) if value is None]
    if len(unknown) != 1:
        return None
    (index,) = unknown
    shape = types[index].shape
    function = _alone(evaluate, inputs, types, attributes, index)
    zeros = torch.zeros(shape, dtype=torch.float64)
    at_zero = function(zeros)
    offset, finite = bool(at_zero.any()), bool(torch.isfinite(at_zero).all())
    if products is not None:
        terms = products + extra
    elif extra:
        terms = max(at_zero.numel(), zeros.numel()) + extra
    else:
        ones = [None if value is None else Interval.point(torch.ones_like(value.lower)) for value in inputs]
        counting = _alone(evaluate, ones, types, attributes, index)
        added = counting(torch.ones_like(zeros)).abs()
        terms = max(_most(transpose(counting, shape), counting, shape), _greatest(added))
    sizes = [None if value is None else Interval.point(value.lower.abs()) for value in inputs]
    absolute = _alone(evaluate, sizes, types, attributes, index)
    forward, magnitude = (
        _without_offset(each, shape) if offset else _batched(each, len(shape))
        for each in (function, absolute)
    )
    part = Affine(transpose(function, shape), terms, magnitude, forward=forward if finite else None)
    return [part if i == index else None for i in range(len(inputs))]


def _without_offset(
    function: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> Callable[[Tensor], Tensor]:
    """The linear part of an affine map, on values and on batches of them, as the transpose of its transpose.

    The difference of two values of the map would do too, but adds an offset and takes it away, with two roundings of
    numbers that may be much larger than what is left.
    """
    operand = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        result = function(operand)
        rows = torch.zeros_like(result, requires_grad=True)
        (back,) = torch.autograd.grad(result, operand, rows, create_graph=True)

    def forward(values: Tensor) -> Tensor:
        batched = values.dim() > len(shape)
        (found,) = torch.autograd.grad(back, rows, values, retain_graph=True, is_grads_batched=batched)
        return found

    return forward


def _greatest(counts: Tensor) -> int:
    return math.ceil(float(counts.max())) if counts.numel() else 0


def _most(
    back: Callable[[Tensor], Tensor], function: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> int:
    """The most outputs that one element of the operand goes into."""
    if 0 in shape:
        return 0
    with torch.no_grad():
        out = function(torch.zeros(shape, dtype=torch.float64))
    return math.ceil(float(back(torch.ones(1, *out.shape, dtype=torch.float64)).abs().max()))


def scaled(type: TensorType, out: tuple[int, ...], factor: Tensor | float = 1.0) -> Affine:
    """The linear map `factor * operand`, element by element, with the operand broadcast to the shape `out`.

    Args:
        type: of the operand.
        factor: float64, broadcasts to `out`; exact.
    """
    repeats = max(1, math.prod(out) // max(1, type.numel))
    collect = sum_to(type.shape)
    if isinstance(factor, float) and abs(factor) == 1.0:
        terms = 0 if repeats == 1 else repeats
    else:
        terms = repeats + 1
    size = factor.abs() if isinstance(factor, Tensor) else abs(factor)

    def spread(values: Tensor, weight: Tensor | float) -> Tensor:
        """With or without a batch dimension in front."""
        batch = values.shape[: values.dim() - len(type.shape)]
        values = values.reshape((*batch, *(1,) * (len(out) - len(type.shape)), *type.shape))
        return (values * weight).expand((*batch, *out))

    def transpose(rows: Tensor) -> Tensor:
        weight = factor.to(rows.dtype) if isinstance(factor, Tensor) else factor
        return collect(rows * weight)

    return Affine(
        transpose, terms, lambda sizes: spread(sizes, size), forward=lambda values: spread(values, factor)
    )


def sum_to(shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """Undo broadcasting: sum (rows, *output) over the dimensions that `shape` does not have, or has once."""

    def collect(rows: Tensor) -> Tensor:
        extra = rows.dim() - 1 - len(shape)
        if extra:
            rows = rows.sum(dim=tuple(range(1, 1 + extra)))
        once = tuple(1 + i for i, size in enumerate(shape) if size == 1 and rows.shape[1 + i] != 1)
        return rows.sum(dim=once, keepdim=True) if once else rows

    return collect


def _alone(
    evaluate: Evaluate,
    inputs: Sequence[Interval | None],
    types: Sequence[TensorType],
    attributes: Attributes,
    index: int,
) -> Callable[[Tensor], Tensor]:
    """The op as a function of one unknown operand, with zeros for the other unknown ones."""
    operands = []
    for known, type in zip(inputs, types, strict=True):
        if known is None:
            operands.append(torch.zeros(type.shape, dtype=torch.float64))
        else:
            # Indices and masks keep their dtype; numbers meet the float64 operand as float64.
            operands.append(known.lower if type.dtype.is_floating_point else known.lower.to(type.dtype))

    def function(value: Tensor) -> Tensor:
        return evaluate([*operands[:index], value, *operands[index + 1 :]], attributes)

    return function

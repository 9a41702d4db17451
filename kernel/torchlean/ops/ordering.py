"""Sorting: `sort`, `argsort`, `topk` and the functions built on them.

Order statistics rise with every element, so the sorted ends bound the sorted values exactly. An index is bounded by
the ranks that its element can take: it comes after every element that is surely before it, and before every element
that surely follows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops.arguments import dimension, known_int, known_tensor
from torchlean.ops.extremum import ValuesIndices
from torchlean.ops.indexing import HULL_ELEMENTS
from torchlean.ops.noise.choices import ChosenAlong, Decided, along
from torchlean.ops.op import Attributes, Op, ShapeError, TensorType, dtype_name, register
from torchlean.ops.rearrangement import Rearrangement, on_ends
from torchlean.ops.spelling import Emitter, TensorValue, spelled


class Ordering(Op):
    """What the ops here share: they need numbers that torch can order, which its kernels tell."""

    never_grows = True

    def check(self, inputs: Sequence[TensorType], attributes: Attributes) -> None:
        if inputs[0].dtype.is_complex:
            raise ShapeError(f"{self.name} needs real numbers, got {dtype_name(inputs[0].dtype)}")


@register
class Sort(Ordering, Rearrangement):
    """The values along `dim` in rising order, or falling if `descending`."""

    name = "sort"
    rounding = ChosenAlong(along("dim"))

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return _sort(inputs[0], attributes)[0]

    def affine(
        self, inputs: Sequence[Interval | None], types: Sequence[TensorType], attributes: Attributes
    ) -> None:
        """Elements move, but where to depends on their values: no linear map, unlike other rearrangements."""


@register
class Argsort(Ordering):
    """Where the sorted values were along `dim`; equal values keep their order."""

    name = "argsort"
    rounding = Decided()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return _sort(inputs[0], attributes)[1]

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        return index_of_rank(inputs[0], _dim(attributes), descending=bool(attributes["descending"]))


def _sort(x: Tensor, attributes: Attributes) -> tuple[Tensor, Tensor]:
    """Always the stable sort: torch's other one may order equal values in any way, this one included."""
    values, indices = torch.sort(x, dim=attributes["dim"], descending=attributes["descending"], stable=True)
    return values, indices


@register
class Topk(Ordering):
    """The `k` greatest values along `dim` (the least unless `largest`), best first if `sorted`."""

    name = "topk"
    rounding = ChosenAlong(along("dim"))

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return _topk(inputs[0], attributes)[0]

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        dim = _dim(attributes)
        best = {**attributes, "sorted": True}
        ends = on_ends(lambda end: self.evaluate([end], best), x)
        if attributes["sorted"] or not out.numel or not out.shape:
            return ends
        return Interval(
            ends.lower.amin(dim, keepdim=True).expand(out.shape),
            ends.upper.amax(dim, keepdim=True).expand(out.shape),
        )


@register
class TopkIndices(Ordering):
    """Where the values of `topk` were along `dim`."""

    name = "topk_indices"
    rounding = Decided()

    def evaluate(self, inputs: Sequence[Tensor], attributes: Attributes) -> Tensor:
        return _topk(inputs[0], attributes)[1]

    def interval(self, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
        (x,) = inputs
        dim, k = _dim(attributes), attributes["k"]
        assert isinstance(k, int)
        if not x.shape:
            return index_of_rank(x, dim, descending=True)
        if not attributes["sorted"]:
            return Interval.uniform(out.shape, 0.0, float(max(x.shape[dim] - 1, 0)))
        ranks = index_of_rank(x, dim, descending=bool(attributes["largest"]))
        return on_ends(lambda end: end.narrow(dim, 0, k), ranks)


def _topk(x: Tensor, attributes: Attributes) -> tuple[Tensor, Tensor]:
    values, indices = torch.topk(
        x, attributes["k"], attributes["dim"], largest=attributes["largest"], sorted=attributes["sorted"]
    )
    return values, indices


def _dim(attributes: Attributes) -> int:
    dim = attributes["dim"]
    assert isinstance(dim, int)
    return dim


def index_of_rank(x: Interval, dim: int, *, descending: bool) -> Interval:
    """For each rank along `dim` the hull of the places whose element can have that rank.

    Element i comes after the elements surely before it (`u_j < l_i`) and before those surely after (`l_j > u_i`), so
    its rank lies between the number of the former and n - 1 minus the number of the latter, ties included.
    """
    if not x.shape:
        return Interval.point(torch.zeros((), dtype=torch.float64))
    count = x.shape[dim]
    if x.lower.numel() * count > HULL_ELEMENTS or not count:
        return Interval.uniform(x.shape, 0.0, float(max(count - 1, 0)))
    lower, upper = x.lower.movedim(dim, -1), x.upper.movedim(dim, -1)
    if descending:
        lower, upper = -upper, -lower
    before = (upper.unsqueeze(-2) < lower.unsqueeze(-1)).sum(-1)
    after = (lower.unsqueeze(-2) > upper.unsqueeze(-1)).sum(-1)
    ranks = torch.arange(count).unsqueeze(-1)
    possible = (before.unsqueeze(-2) <= ranks) & (ranks <= (count - 1 - after).unsqueeze(-2))
    places = torch.arange(count, dtype=torch.float64)
    first = torch.where(possible, places, math.inf).amin(-1).movedim(-1, dim)
    last = torch.where(possible, places, -math.inf).amax(-1).movedim(-1, dim)
    return Interval(first, first if torch.equal(first, last) else last)


@spelled("torch.sort", "torch.Tensor.sort")
def sort(
    emitter: Emitter, input: TensorValue, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> ValuesIndices:
    dim = dimension(dim, len(input.shape))
    return ValuesIndices(
        emitter.emit("sort", input, dim=dim, descending=bool(descending)),
        emitter.emit("argsort", input, dim=dim, descending=bool(descending)),
    )


@spelled("torch.argsort", "torch.Tensor.argsort")
def argsort(
    emitter: Emitter, input: TensorValue, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> TensorValue:
    return sort(emitter, input, dim, descending).indices


@spelled("torch.msort", "torch.Tensor.msort")
def msort(emitter: Emitter, input: TensorValue) -> TensorValue:
    return emitter.emit("sort", input, dim=dimension(0, len(input.shape)), descending=False)


@spelled("torch.topk", "torch.Tensor.topk")
def topk(
    emitter: Emitter, input: TensorValue, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesIndices:
    dim = dimension(dim, len(input.shape))
    count = known_int(emitter, k, "k")
    size = input.shape[dim] if input.shape else 1
    if not 0 <= count <= size:
        raise ShapeError(f"topk needs k between 0 and the size {size} of dimension {dim}, got {count}")
    return ValuesIndices(
        emitter.emit("topk", input, k=count, dim=dim, largest=largest, sorted=sorted),
        emitter.emit("topk_indices", input, k=count, dim=dim, largest=largest, sorted=sorted),
    )


@spelled("torch.unique", "torch.Tensor.unique")
def unique(
    emitter: Emitter,
    input: TensorValue,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> TensorValue | tuple[TensorValue, ...]:
    """Of numbers that stand in the program: how many different ones there are is a shape.

    Raises:
        UnsupportedError: they are only known when the program runs.
    """
    known = known_tensor(emitter, input, "how many different numbers there are")
    found = torch.unique(known, sorted, return_inverse, return_counts, dim)
    return tuple(map(emitter.constant, found)) if isinstance(found, tuple) else emitter.constant(found)

"""Backward bounds over many boxes at once, for branch and bound.

All boxes lie in one root box. What does not depend on the box (structure, weights, magnitudes for the rounding error)
is computed once, on the root; relaxations, intermediate bounds and results are tensors with a box dimension in front.
The bounds of the root hold in every box and are intersected.

An operand of a nonlinear op is first bounded from the intervals right below it, which costs one product for all boxes.
Elements that this settles (a relu's sign is known) need no backward pass. Passes run over groups of neighbouring boxes
and the elements that are open in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.crown.passages import Magnitude, Passage, stop
from torchlean.bounds.crown.refine import bound_lowered, known_operands, open_elements, passage_of
from torchlean.bounds.crown.rows import element_bounds
from torchlean.bounds.crown.structure import Structure, remembered
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType, UnsupportedError
from torchlean.ops.elementwise import Elementwise

GROUP_BYTES = 2**20
"""Memory for the coefficients of one node in the pass of a group of boxes: what one core keeps closest to it."""


def crown_boxes(
    graph: Graph,
    domains: Mapping[str, Interval],
    root: Mapping[str, Interval] | None = None,
    cache: BoundsCache | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    wanted: Collection[int] | None = None,
    known: Mapping[int, Interval] | None = None,
) -> dict[int, Interval]:
    """Bounds of some nodes over every box of a batch.

    Args:
        graph: any valid graph.
        domains: per input name an interval of shape (boxes, *input), the same number of boxes for all.
        root: a box that contains all of them, per input name in the input's shape; default: their hull. Bounds of the
            root are found in the cache, so it pays to pass the same one again.
        cache, cancelled: as for `crown`.
        wanted: ids; default: the graph's outputs.
        known: per id what is known of a node beforehand; see `bound_boxes`, which also gives what was found out about
            the nodes in between, to be passed on to parts of these boxes.

    Returns:
        For each wanted id an interval of shape (boxes, *node). `undefined` is that of the root.

    Raises:
        Cancelled: `cancelled()` became true.
        ValueError: the numbers of boxes differ, or a shape is not that of its input.
    """

    def check() -> None:
        if cancelled():
            raise Cancelled

    cache = BoundsCache() if cache is None else cache
    shape = remembered(graph, cache)
    places = shape.lowered.places
    ids = list(graph.outputs if wanted is None else wanted)
    told = {places[id]: interval for id, interval in (known or {}).items()}
    found = bound_boxes(shape, domains, root, cache, check, [places[id] for id in ids], told)
    return {id: found[places[id]] for id in ids}


def bound_boxes(
    shape: Structure,
    domains: Mapping[str, Interval],
    root: Mapping[str, Interval] | None,
    cache: BoundsCache,
    check: Callable[[], None],
    chosen: Collection[int],
    known: Mapping[int, Interval] | None = None,
) -> dict[int, Interval]:
    """`crown_boxes` on the lowered graph, for callers that pass bounds on from boxes to parts of them.

    Args:
        shape: from `remembered`; all ids here are those of `shape.graph`.
        check: called often; may raise to cancel.
        chosen: nodes to refine whatever reads them.
        known: per id an interval of shape (boxes or 1, *node) that is intersected with what is found. Elements that it
            settles need no rows. It may be that of a box around each of these (a parent in branch and bound), or state
            one side of a kink: the bounds then speak of the inputs that are on this side, and where there are none,
            they mean nothing (lower ends may be above upper ends).

    Returns:
        For each of `chosen`, and for each node that was refined because a nonlinear op reads it, an interval of shape
        (boxes, *node): what `known` may be for parts of the boxes.

    Raises:
        ValueError: as `crown_boxes`.
    """
    counts = {domain.shape[0] for domain in domains.values()}
    if len(counts) != 1:
        raise ValueError(f"expected the same number of boxes for every input, got {sorted(counts)}")
    if root is None:
        root = {name: Interval(x.lower.amin(0), x.upper.amax(0)) for name, x in domains.items()}
    wanted = frozenset(chosen)
    found = bound_lowered(shape, root, cache, check, wanted)
    (count,) = counts
    boxes = _Boxes(shape, domains, [bound.interval for bound, _, _ in found], known or {}, check, count)
    refined = set(wanted)
    for node in shape.graph:
        check()
        manner = shape.manner(node, node.id in wanted)
        boxes.admit(node, manner)
        if manner != b"none":
            refined.add(node.id)
    return {id: _expanded(boxes.bounds[id], count) for id in refined}


@dataclass
class _Boxes:
    """The growing problem: bounds of shape (boxes or 1, *node), and how rows pass each node.

    `short` are passages that end at the results of nonlinear ops: one step of interval propagation.
    """

    shape: Structure
    domains: Mapping[str, Interval]
    root: list[Interval]
    known: Mapping[int, Interval]
    check: Callable[[], None]
    count: int
    bounds: dict[int, Interval] = field(default_factory=dict)
    passages: dict[int, Passage] = field(default_factory=dict)
    short: dict[int, Passage] = field(default_factory=dict)
    magnitudes: dict[int, Magnitude] = field(default_factory=dict)

    def admit(self, node: Node, manner: bytes) -> None:
        """Bound a node and make it available to those above."""
        root = self.root[node.id]
        self.bounds[node.id] = _batched(root)
        if not self.shape.varies[node.id]:
            return
        self.magnitudes[node.id] = Magnitude.of(root)
        if node.op == "input":
            self.bounds[node.id] = self._domain(node, self.bounds[node.id])
        if node.id in self.known:
            self.bounds[node.id] = _both(self.bounds[node.id], self._told(node))
        for id in known_operands(self.shape, node):
            self.passages[id] = self.short[id] = stop(self.bounds[id], self.shape.additions)
            self.magnitudes[id] = Magnitude.of(self.root[id])
        operands = [self.bounds[id] for id in node.inputs]
        passage = None
        if not root.undefined:
            passage = passage_of(self.shape, node, operands, self.passages, self.magnitudes)
        linear = passage is not None and node.id in self.shape.parts
        if not linear:
            self.bounds[node.id] = self._elementwise(node, operands)
        if passage is not None:
            self.passages[node.id] = passage
            if linear:
                self.short[node.id] = passage
            if manner != b"none":
                self.bounds[node.id] = self._refined(node, manner, linear)
        if not linear:
            end = stop(self.bounds[node.id], self.shape.additions)
            self.short[node.id] = end
            self.passages.setdefault(node.id, end)

    def _domain(self, node: Node, root: Interval) -> Interval:
        domain = self.domains.get(str(node.attributes["name"]))
        if domain is None:
            return root
        if domain.shape[1:] != node.type.shape:
            raise ValueError(
                f"the domain of `{node.attributes['name']}` has shape {domain.shape}, "
                f"expected (boxes, *{node.type.shape})"
            )
        return domain

    def _told(self, node: Node) -> Interval:
        known = self.known[node.id]
        if known.shape[1:] != node.type.shape or known.shape[0] not in (1, self.count):
            raise ValueError(
                f"what is known of node {node.id} has shape {known.shape}, "
                f"expected ({self.count} or 1, *{node.type.shape})"
            )
        return known

    def _elementwise(self, node: Node, operands: list[Interval]) -> Interval:
        """The op's own interval rule in every box, where it works element by element."""
        bounds = self.bounds[node.id]
        if not node.inputs or not isinstance(OPS[node.op], Elementwise) or bounds.undefined:
            return bounds
        count = max(operand.shape[0] for operand in operands)
        try:
            found = OPS[node.op].interval(
                [_aligned(operand, len(node.type.shape)) for operand in operands],
                node.attributes,
                TensorType((count, *node.type.shape), node.type.dtype),
            )
        except UnsupportedError:
            return bounds
        return bounds if found.undefined else _both(bounds, found)

    def _refined(self, node: Node, manner: bytes, linear: bool) -> Interval:
        bounds, size = self.bounds[node.id], node.type.shape
        elements = _flat(open_elements(bounds, manner)).any(0).nonzero().flatten()
        if not len(elements):
            return bounds
        if linear:
            low, high = element_bounds(self.short, self.magnitudes, node.id, size, elements, self.check)
            bounds = _with(bounds, elements, low, high)
        if node.id in self.shape.optimal:
            return bounds
        bounds = _expanded(bounds, self.count)
        lower, upper = _flat(bounds.lower).clone(), _flat(bounds.upper).clone()
        rest = _flat(open_elements(bounds, manner))
        step = max(1, GROUP_BYTES // (16 * max(1, self.shape.widest[node.id]) * len(elements)))
        for start in range(0, self.count, step):
            group = slice(start, start + step)
            elements = rest[group].any(0).nonzero().flatten()
            if not len(elements):
                continue
            chosen = _Chosen(self.passages, group)
            low, high = element_bounds(chosen, self.magnitudes, node.id, size, elements, self.check)
            lower[group, elements] = torch.maximum(lower[group, elements], low)
            upper[group, elements] = torch.minimum(upper[group, elements], high)
        return Interval(lower.reshape(-1, *size), upper.reshape(-1, *size))


class _Chosen(dict[int, Passage]):
    """Passages of chosen boxes, taken from those of all boxes when they are asked for."""

    def __init__(self, passages: Mapping[int, Passage], boxes: slice) -> None:
        super().__init__()
        self._passages = passages
        self._boxes = boxes

    def __missing__(self, id: int) -> Passage:
        found = self[id] = self._passages[id].of_boxes(self._boxes)
        return found


def _flat(values: Tensor) -> Tensor:
    """(boxes, *node) as (boxes, elements), for 0-d nodes too."""
    return values.reshape(values.shape[0], -1)


def _with(bounds: Interval, elements: Tensor, low: Tensor, high: Tensor) -> Interval:
    """`bounds` intersected, at some elements, with (boxes or 1, elements)."""
    count = max(bounds.shape[0], low.shape[0])
    lower, upper = (_flat(end).expand(count, -1).clone() for end in (bounds.lower, bounds.upper))
    lower[:, elements] = torch.maximum(lower[:, elements], low)
    upper[:, elements] = torch.minimum(upper[:, elements], high)
    size = bounds.shape[1:]
    return Interval(lower.reshape(count, *size), upper.reshape(count, *size), bounds.undefined)


def _both(a: Interval, b: Interval) -> Interval:
    return Interval(torch.maximum(a.lower, b.lower), torch.minimum(a.upper, b.upper), a.undefined, a.infinite)


def _aligned(interval: Interval, rank: int) -> Interval:
    """With ones between the box dimension and the node's own, so that operands broadcast."""
    shape = (interval.shape[0], *(1,) * (rank + 1 - len(interval.shape)), *interval.shape[1:])
    lower = interval.lower.reshape(shape)
    return Interval(lower, lower if interval.is_point else interval.upper.reshape(shape))


def _batched(interval: Interval) -> Interval:
    lower = interval.lower.unsqueeze(0)
    upper = lower if interval.is_point else interval.upper.unsqueeze(0)
    return Interval(lower, upper, interval.undefined, interval.infinite)


def _expanded(interval: Interval, count: int) -> Interval:
    shape = (count, *interval.shape[1:])
    return Interval(interval.lower.expand(shape), interval.upper.expand(shape), interval.undefined)

"""Backward bounds over many boxes at once, for branch and bound.

All boxes lie in one root box. What does not depend on the box (structure, weights, magnitudes for the rounding error)
is computed once, on the root; relaxations, intermediate bounds and results are tensors with a box dimension in front.
The bounds of the root hold in every box and are intersected.

An operand of a nonlinear op is first bounded from the intervals right below it, which costs one product for all boxes.
Elements that this settles (a relu's sign is known) need no backward pass. Passes run over groups of boxes with about as
many open elements, each box with its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.crown.anchors import Anchor
from torchlean.bounds.crown.balls import Ball
from torchlean.bounds.crown.descent import Landscape, element_bounds
from torchlean.bounds.crown.refine import bound_lowered, known_operands, open_elements, step_of
from torchlean.bounds.crown.steps import enclosure, stop
from torchlean.bounds.crown.structure import Structure, remembered
from torchlean.bounds.device import at_a_time
from torchlean.bounds.forward.climb import Climb, narrower, worth
from torchlean.bounds.ibp import wraps
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType, UnsupportedError
from torchlean.ops.elementwise import Elementwise

GROUP_BYTES = 2**20
"""Memory for the coefficients of one node in the pass of a group of boxes: what one core keeps closest to it."""

BOX_BYTES = 2**29
"""Of the rows of a single box, which wide layers over large pictures would fill any memory with."""


def crown_boxes(
    graph: Graph,
    domains: Mapping[str, Interval],
    root: Mapping[str, Interval] | None = None,
    cache: BoundsCache | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    wanted: Collection[int] | None = None,
    known: Mapping[int, Interval] | None = None,
    balls: Mapping[str, Ball] | None = None,
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
        balls: per input name Euclidean balls, where of each box only what lies in its ball counts.

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
    found = bound_boxes(shape, domains, root, cache, check, [places[id] for id in ids], told, balls)
    return {id: found[places[id]] for id in ids}


def bound_boxes(
    shape: Structure,
    domains: Mapping[str, Interval],
    root: Mapping[str, Interval] | None,
    cache: BoundsCache,
    check: Callable[[], None],
    chosen: Collection[int],
    known: Mapping[int, Interval] | None = None,
    balls: Mapping[str, Ball] | None = None,
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
        balls: as for `crown_boxes`.

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
    boxes = _Boxes(
        shape, domains, [bound.interval for bound, _, _ in found], known or {}, check, count, balls or {}
    )
    refined = set(wanted)
    for node in shape.graph:
        check()
        manner = shape.manner(node, node.id in wanted)
        boxes.admit(node, manner, node.id in wanted)
        if manner != b"none":
            refined.add(node.id)
    return {id: _expanded(boxes.bounds[id], count) for id in refined}


@dataclass
class _Boxes:
    """The growing problem: bounds of shape (boxes or 1, *node), and how rows pass each node."""

    shape: Structure
    domains: Mapping[str, Interval]
    root: list[Interval]
    known: Mapping[int, Interval]
    check: Callable[[], None]
    count: int
    balls: Mapping[str, Ball] = field(default_factory=dict)
    bounds: dict[int, Interval] = field(default_factory=dict)
    land: Landscape = field(default_factory=Landscape)
    settled: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.climb = Climb(self.shape)

    def admit(self, node: Node, manner: bytes, asked: bool) -> None:
        """Bound a node and make it available to those above."""
        root = self.root[node.id]
        self.bounds[node.id] = root.batched()
        if not self.shape.varies[node.id]:
            return
        if node.op == "input":
            self.bounds[node.id] = self._domain(node, self.bounds[node.id])
        if node.id in self.known:
            self.bounds[node.id] = _both(self.bounds[node.id], self._told(node))
        for id in known_operands(self.shape, node):
            self.land.anchors[id], step = stop(self.bounds[id])
            self.land.put(id, step)
        self.bounds[node.id] = self._below(node)
        operands = [self.bounds[id] for id in node.inputs]
        found = None if root.undefined else step_of(self.shape, node, operands, self.land)
        if found is None:
            self._end(node)
            return
        point, step = found
        self.land.put(node.id, step)
        refined = manner != b"none" and (step.constant is not None or not self._known(node, asked))
        if refined:
            self.bounds[node.id] = self._refined(node, manner, point)
        if self.shape.settles(node, refined and manner == b"all", self.settled):
            self.settled.add(node.id)
        self.land.anchors[node.id] = Anchor.around(point, self.bounds[node.id])

    def _known(self, node: Node, asked: bool) -> bool:
        """Whether `enclosure` and rules have given what a pass would.

        Of balls they know nothing, and what somebody asked for is bounded more precisely than its operand was.
        """
        if self.balls or not self.shape.settles(node, False, self.settled):
            return False
        return not asked or node.id in self.shape.optimal

    def _end(self, node: Node) -> None:
        """Passes end here."""
        self.land.anchors[node.id], step = stop(self.bounds[node.id])
        ball = self.balls.get(str(node.attributes["name"])) if node.op == "input" else None
        if ball is not None and step.fatal is None:
            self.land.anchors[node.id], end = ball.end(self.bounds[node.id])
            step = replace(step, ball=end)
        self.land.put(node.id, step)

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

    def _below(self, node: Node) -> Interval:
        """Intersected with what the intervals of the operands say in every box, where that is quickly found."""
        bounds = self.bounds[node.id]
        if not node.inputs or bounds.undefined or wraps(node.type):
            return bounds
        operands = [self.bounds[id] for id in node.inputs]
        if node.id in self.shape.parts:
            found = enclosure(self.shape.parts[node.id], operands, self.shape.offsets[node.id])
            return bounds if found is None else _both(bounds, found)
        if not isinstance(OPS[node.op], Elementwise):
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

    def _refined(self, node: Node, manner: bytes, point: Tensor) -> Interval:
        """By backward passes of groups of boxes with about as many open elements each."""
        bounds, size = self.bounds[node.id], node.type.shape
        open = _flat(open_elements(bounds, manner))
        counts = open.sum(1)
        rows = int(counts.sum())
        if manner == b"unstable" and rows and worth(self.shape, node, rows, len(open)):
            found = self.climb.interval(node, self.bounds)
            if found is not None:
                bounds = narrower(bounds, found)
                open = _flat(open_elements(bounds, manner))
                counts = open.sum(1)
        if not bool(counts.any()):
            return bounds
        if len(open) < self.count:
            open, counts = open.expand(self.count, -1), counts.expand(self.count)
        bounds = _expanded(bounds, self.count)
        lower, upper = _flat(bounds.lower).clone(), _flat(bounds.upper).clone()
        dtype = self._dtype(node)
        numbers, order = counts.sort(descending=True)
        most = numbers.tolist()
        start = 0
        while start < self.count and most[start]:
            step = self._together(node, most[start], dtype)
            boxes = order[start : start + step]
            elements = self._elements(open, boxes, most[start], most[min(start + step, self.count) - 1])
            land = self.land.of_boxes(boxes)
            centre = point if point.shape[0] == 1 else point.index_select(0, boxes)
            for part in elements.split(self._rows(node, dtype), -1):
                low, high = element_bounds(land, node.id, centre, part, self.check, dtype)
                _meet(lower, boxes, part, low, torch.maximum)
                _meet(upper, boxes, part, high, torch.minimum)
            start += step
        return Interval(lower.reshape(-1, *size), upper.reshape(-1, *size))

    def _elements(self, open: Tensor, boxes: Tensor, most: int, fewest: int) -> Tensor:
        """The open elements of each box, and some others where a box has fewer; in order, (n,), where they are all."""
        if fewest == open.shape[1]:
            return torch.arange(fewest)
        return open.index_select(0, boxes).to(torch.uint8).argsort(1, descending=True)[:, :most]

    def _dtype(self, node: Node) -> torch.dtype:
        """Operands of nonlinear ops are bounded in float32, which takes half the time and widens them by some 1e-5."""
        wide = node.id in self.land.wide or node.id in self.shape.graph.outputs
        return torch.float64 if wide else torch.float32

    def _together(self, node: Node, rows: int, dtype: torch.dtype) -> int:
        """Boxes of a group."""
        return max(1, at_a_time(GROUP_BYTES) // (rows * self._bytes(node, dtype)))

    def _rows(self, node: Node, dtype: torch.dtype) -> int:
        """Elements of a box that are bounded together."""
        return max(1, BOX_BYTES // self._bytes(node, dtype))

    def _bytes(self, node: Node, dtype: torch.dtype) -> int:
        """What the two rows of an element take on the widest node below."""
        return (8 if dtype == torch.float64 else 4) * 2 * max(1, self.shape.widest[node.id])


def _meet(
    ends: Tensor, boxes: Tensor, elements: Tensor, found: Tensor, choose: Callable[[Tensor, Tensor], Tensor]
) -> None:
    """Intersect some elements of some boxes, (boxes, n), or the same of each, (n,), with what was found for them."""
    if len(elements) == ends.shape[1] and elements.dim() == 1:
        ends.index_copy_(0, boxes, choose(ends.index_select(0, boxes), found))
        return
    elements = elements.expand(len(boxes), elements.shape[-1])
    chosen = ends.index_select(0, boxes)
    chosen.scatter_(1, elements, choose(chosen.gather(1, elements), found))
    ends.index_copy_(0, boxes, chosen)


def _flat(values: Tensor) -> Tensor:
    """(boxes, *node) as (boxes, elements), for 0-d nodes too."""
    return values.reshape(values.shape[0], -1)


def _both(a: Interval, b: Interval) -> Interval:
    return Interval(torch.maximum(a.lower, b.lower), torch.minimum(a.upper, b.upper), a.undefined, a.infinite)


def _aligned(interval: Interval, rank: int) -> Interval:
    """With ones between the box dimension and the node's own, so that operands broadcast."""
    shape = (interval.shape[0], *(1,) * (rank + 1 - len(interval.shape)), *interval.shape[1:])
    lower = interval.lower.reshape(shape)
    return Interval(lower, lower if interval.is_point else interval.upper.reshape(shape))


def _expanded(interval: Interval, count: int) -> Interval:
    shape = (count, *interval.shape[1:])
    return Interval(interval.lower.expand(shape), interval.upper.expand(shape), interval.undefined)

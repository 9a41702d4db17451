"""Progressive CROWN: bounds of every node from backward passes, each built on the bounds below it.

Going up the graph, each node first gets the interval that its op's rule gives on the (already refined) intervals of
its operands. A node that a nonlinear op reads, or that the caller wants, is then refined by a backward pass from
itself to the inputs, through the planes of the nonlinear ops below; the two intervals are intersected, so the result
is never worse than intervals alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from torchlean.bounds.cache import Bound, BoundsCache
from torchlean.bounds.crown import joining, steps
from torchlean.bounds.crown.anchors import Anchor
from torchlean.bounds.crown.chain import Chain
from torchlean.bounds.crown.descent import Landscape, element_bounds
from torchlean.bounds.crown.passages import Magnitude, Passage, affine, between, joined
from torchlean.bounds.crown.planes import planes_of
from torchlean.bounds.crown.steps import Step, stop
from torchlean.bounds.crown.structure import Structure, remembered
from torchlean.bounds.device import at_a_time
from torchlean.bounds.forward.climb import Climb, narrower, too_many, worth
from torchlean.bounds.ibp import Bounds, bound_node, content_key, wraps
from torchlean.cancellation import Cancelled
from torchlean.graph import LEAVES, Graph, Node
from torchlean.intervals import Interval
from torchlean.ops.adjoint import sum_to

CHUNK_BYTES = 4 * 2**20
"""Memory for the coefficients of one node in a backward pass: what processors keep close to them. More rows are bounded
in several passes."""


PATCHED = 8
"""How many times more rows are passed at a time from a convolution, most of which are small patches."""


def crown(
    graph: Graph,
    domains: Mapping[str, Interval],
    cache: BoundsCache | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    wanted: Collection[int] | None = None,
) -> Bounds:
    """Bound every node, those of interest by backward linear bounds.

    Args:
        graph: any valid graph.
        domains: an interval of the input's shape per input name; an input without one is unbounded.
        cache: where finished bounds are looked up and stored, under keys of their own.
        cancelled: asked before every node of every pass.
        wanted: ids to refine even if no nonlinear op reads them; default: the graph's outputs.

    Raises:
        Cancelled: `cancelled()` became true.
        ValueError: a domain's shape differs from its input's.
    """

    def check() -> None:
        if cancelled():
            raise Cancelled

    cache = BoundsCache() if cache is None else cache
    shape = remembered(graph, cache)
    places = shape.lowered.places
    chosen = {places[id] for id in (graph.outputs if wanted is None else wanted)}
    return of_original(shape, bound_lowered(shape, domains, cache, check, chosen))


def of_original(shape: Structure, found: Sequence[tuple[Bound, bytes, bool]]) -> Bounds:
    """The answers of `bound_lowered` for the nodes of the original graph."""
    places = shape.lowered.places
    fresh = sum(found[place][2] for place in places)
    return Bounds(
        tuple(found[place][0] for place in places),
        tuple(found[place][1] for place in places),
        fresh,
        len(places) - fresh,
    )


def bound_lowered(
    shape: Structure,
    domains: Mapping[str, Interval],
    cache: BoundsCache,
    check: Callable[[], None],
    chosen: Collection[int],
) -> list[tuple[Bound, bytes, bool]]:
    """Bound every node of the lowered graph.

    Args:
        chosen: nodes to refine whatever reads them.

    Returns:
        Per node its bound, the key it is stored under, and whether it was computed now.
    """
    refinement = _Refinement(shape, check)
    bounds: list[Bound] = []
    keys: list[bytes] = []
    fresh: list[bool] = []
    for node in shape.graph:
        check()
        manner = shape.manner(node, node.id in chosen)
        # The manner is part of the key: a node refined for a nonlinear reader here may be left alone elsewhere.
        keys.append(content_key(node, keys, domains, refinement.key(node, manner)))
        bound = cache.get(keys[-1])
        fresh.append(bound is None)
        if bound is None:
            narrow = refinement.chain.interval(node.id)
            if narrow is None:
                first = bound_node(node, [bounds[id] for id in node.inputs], shape.graph, domains)
            else:
                first = Bound(narrow)
            for composite in shape.lowered.composites.get(node.id, ()):
                operands = [bounds[id] for id in composite.inputs]
                first = _both(first, bound_node(composite, operands, shape.graph, domains))
            bound = refinement.bound(node, first, manner)
            cache.put(keys[-1], bound)
        refinement.admit(node, bound, manner)
        bounds.append(bound)
    return list(zip(bounds, keys, fresh, strict=True))


def open_elements(interval: Interval, manner: bytes) -> Tensor:
    """Which elements a node refined in this manner (`Structure.manner`) has left to refine."""
    if manner == b"all":
        return interval.lower < interval.upper
    return (interval.lower < 0) & (interval.upper > 0)


def _both(steps: Bound, op: Bound) -> Bound:
    """The intersection of what the steps of a composite op give and what its own rule gives; the flags are the op's.

    Where a step has no value for some operands, its bounds speak of the others only, and the op's rule alone remains.
    """
    if steps.interval.undefined:
        return op
    lower = torch.maximum(steps.interval.lower, op.interval.lower)
    upper = torch.minimum(steps.interval.upper, op.interval.upper)
    return Bound(Interval(lower, upper, op.interval.undefined, op.interval.infinite), op.reason)


@dataclass
class _Refinement:
    """The growing problem that backward passes read; nodes are admitted in order, once their bound is final.

    Steps are built only when a pass needs them: where every bound comes from the cache, there are none.
    """

    structure: Structure
    check: Callable[[], None]
    bounds: list[Interval] = field(default_factory=list)
    land: Landscape = field(default_factory=Landscape)
    points: dict[int, Tensor] = field(default_factory=dict)
    batched: dict[int, Interval] = field(default_factory=dict)
    settled: dict[int, str] = field(default_factory=dict)
    built: int = 0

    def __post_init__(self) -> None:
        self.climb = Climb(self.structure)
        self.chain = Chain(self.structure, self.bounds)

    def key(self, node: Node, manner: bytes) -> bytes:
        """What a node's bound, or how others pass it, depends on besides content: all that an engine may choose."""
        known = self.structure.manners.get((node.id, manner))
        if known is None:
            known = self.structure.manners[node.id, manner] = self._key(node, manner)
        return known

    def _key(self, node: Node, manner: bytes) -> bytes:
        joined = b" joined" if self.structure.joins(node) else b""
        step = str(self.structure.additions).encode()
        forms = f"{self.structure.symbols} {self._alone(node)}".encode()
        return b" ".join((b"crown", manner, step, forms, self.structure.lowered.digest(node.id))) + joined

    def bound(self, node: Node, first: Bound, manner: bytes) -> Bound:
        """The node's final bound, given the one from its op's interval rule.

        Many rows are first looked at with affine forms, and done without where they are too many, unless somebody
        wants this node, and not only a nonlinear op.
        """
        interval = first.interval
        if manner == b"none" or interval.undefined:
            return first
        if self.structure.settles(node, False, self.settled):
            return replace(first, method=self.structure.origin(node, self.settled, first.method))
        elements = _indices(open_elements(interval, manner))
        if len(elements) and worth(self.structure, node, len(elements)):
            first = self._forward(node, first)
            interval = first.interval
            elements = _indices(open_elements(interval, manner))
        if not len(elements) or (not self._alone(node) and too_many(self.structure, node, len(elements))):
            return first
        if self.chain.reaches(node.id):
            found = self._along_chain(node, elements)
        else:
            self._build(node.id)
            if not self._advance(node):
                return first
            found = self._through_graph(node, elements)
        return Bound(_narrowed(interval, elements, *found), first.reason, "crown")

    def _alone(self, node: Node) -> bool:
        """Whether no nonlinear op reads a node: if it is refined, somebody wants it."""
        return not self.structure.readers.get(node.id)

    def _forward(self, node: Node, first: Bound) -> Bound:
        found = self.climb.interval(node, [self._batched(id) for id in range(len(self.bounds))])
        if found is None:
            return first
        one = Interval(found.lower[0], found.upper[0])
        return Bound(narrower(first.interval, one), first.reason, "forward")

    def admit(self, node: Node, bound: Bound, manner: bytes) -> None:
        """Make the next node's final bound available to later passes."""
        self.bounds.append(bound.interval)
        refined = manner == b"all" and bound.method == "crown"
        if self.structure.settles(node, refined, self.settled):
            method = bound.method if refined else self.structure.origin(node, self.settled, bound.method)
            self.settled[node.id] = method

    def _along_chain(self, node: Node, elements: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds of some elements, (n,)."""
        rows = max(1, CHUNK_BYTES // (8 * 2 * max(1, self.structure.widest[node.id])))
        chunks = [part.numpy() for part in elements.split(rows)]
        found = [self.chain.element_bounds(node.id, chunk, self.check) for chunk in chunks]
        low, high = (
            found[0] if len(found) == 1 else (np.concatenate(ends) for ends in zip(*found, strict=True))
        )
        return torch.from_numpy(low), torch.from_numpy(high)

    def _through_graph(self, node: Node, elements: Tensor) -> tuple[Tensor, Tensor]:
        """The same in any graph."""
        point = self.points[node.id]
        chunks = elements.split(self._rows_at_a_time(node))
        found = [element_bounds(self.land, node.id, point, chunk, self.check) for chunk in chunks]
        low, high = found[0] if len(found) == 1 else (torch.cat(ends, 1) for ends in zip(*found, strict=True))
        return low[0], high[0]

    def _batched(self, id: int) -> Interval:
        """A node's final bound with a batch of one box in front."""
        found = self.batched.get(id)
        if found is None:
            found = self.batched[id] = self.bounds[id].batched()
        return found

    def _rows_at_a_time(self, node: Node) -> int:
        """Elements per pass, each of which takes two rows of coefficients on the widest node below."""
        rows = max(1, at_a_time(CHUNK_BYTES) // (8 * 2 * max(1, self.structure.widest[node.id])))
        return rows if self.land.steps[node.id].window is None else PATCHED * rows

    def _build(self, end: int) -> None:
        """Steps and anchors of all nodes before `end`, whose bounds are final."""
        for id in range(self.built, end):
            if not self.structure.varies[id]:
                continue  # its value is inside the steps of its consumers
            node, interval = self.structure.graph[id], self._batched(id)
            known = id in self.points or (not interval.undefined and self._advance(node))
            if known:
                self.land.anchors[id] = Anchor.around(self.points[id], interval)
            else:
                self.land.anchors[id], step = stop(interval)
                self.land.put(id, step)
        self.built = max(self.built, end)

    def _advance(self, node: Node) -> bool:
        """Find the node's anchor and step, if there is another than to stop."""
        for id in known_operands(self.structure, node):
            self.land.anchors[id], step = stop(self._batched(id))
            self.land.put(id, step)
        operands = [self._batched(id) for id in node.inputs]
        found = step_of(self.structure, node, operands, self.land)
        if found is None:
            return False
        self.points[node.id], step = found
        self.land.put(node.id, step)
        return True


def step_of(
    shape: Structure, node: Node, operands: Sequence[Interval], land: Landscape
) -> tuple[Tensor, Step] | None:
    """A node's anchor and how rows pass it to its operands. None where a pass must stop at the node's own interval.

    Args:
        operands: intervals of shape (boxes or 1, *operand).
        land: anchors and steps of the nodes below that vary, and of `known_operands`.
    """
    if node.op in LEAVES or wraps(node.type):
        return None
    parts = shape.parts.get(node.id)
    if parts is not None:
        return steps.affine(node.inputs, parts, shape.starts[node.id], land.anchors, shape.origins)
    planes = planes_of(node, operands)
    if planes is None:
        return None
    shapes = [shape.graph[id].type.shape for id in node.inputs]
    point, step = steps.between(
        node.inputs, shapes, node.type.shape, planes, land.anchors, sum_to, shape.origins
    )
    below = land.steps[node.inputs[0]]
    if shape.joins(node) and below.fatal is None and below.constant is None:
        step = joining.joined(step, below)
    return point, step


def known_operands(shape: Structure, node: Node) -> list[int]:
    """The operands of a nonlinear node that do not vary: rows pass to them too, and end there."""
    if node.id in shape.parts or not shape.varies[node.id]:
        return []
    return [id for id in node.inputs if not shape.varies[id]]


def passage_of(
    shape: Structure,
    node: Node,
    operands: Sequence[Interval],
    passages: Mapping[int, Passage],
    magnitudes: Mapping[int, Magnitude],
) -> Passage | None:
    """How rows pass a node to its operands. None where a pass must stop at the node's own interval.

    Args:
        operands: intervals of shape (boxes or 1, *operand).
        passages, magnitudes: of the nodes below that vary, and of `known_operands`; magnitudes valid on all boxes.
    """
    if node.op in LEAVES or wraps(node.type):
        return None
    parts = shape.parts.get(node.id)
    if parts is not None:
        sizes = [magnitudes.get(id, _NOTHING) for id in node.inputs]
        return affine(node.inputs, parts, shape.offsets[node.id], sizes, shape.additions)
    planes = planes_of(node, operands)
    if planes is None:
        return None
    sizes = [magnitudes[id] for id in node.inputs]
    shapes = [shape.graph[id].type.shape for id in node.inputs]
    passage = between(node.inputs, shapes, node.type.shape, planes, sizes, shape.additions)
    if shape.joins(node) and passages[node.inputs[0]].fatal is None:
        return joined(passage, passages[node.inputs[0]])
    return passage


_NOTHING = Magnitude(torch.zeros(()), 0.0)
"""In the place of a known operand, which takes no part in a pass."""


def _narrowed(interval: Interval, elements: Tensor, low: Tensor, high: Tensor) -> Interval:
    """Intersected with bounds (n,) of some elements, given by flat index."""
    lower, upper = interval.lower.reshape(-1), interval.upper.reshape(-1)
    if len(elements) < len(lower):
        low, high = lower.index_copy(0, elements, low), upper.index_copy(0, elements, high)
    lower, upper = torch.maximum(lower, low), torch.minimum(upper, high)
    return Interval(lower.reshape(interval.shape), upper.reshape(interval.shape), interval.undefined)


def _indices(chosen: Tensor) -> Tensor:
    """Flat indices of what is true."""
    return chosen.flatten().nonzero().squeeze(1)

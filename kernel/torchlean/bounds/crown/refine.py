"""Progressive CROWN: bounds of every node from backward passes, each built on the bounds below it.

Going up the graph, each node first gets the interval that its op's rule gives on the (already refined) intervals of
its operands. A node that a nonlinear op reads, or that the caller wants, is then refined by a backward pass from
itself to the inputs, through the planes of the nonlinear ops below; the two intervals are intersected, so the result
is never worse than intervals alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from torchlean.bounds.cache import Bound, BoundsCache
from torchlean.bounds.crown.rows import Problem, lower_bounds
from torchlean.bounds.crown.structure import Structure, structure
from torchlean.bounds.ibp import MAX_ELEMENTS, Bounds, Cancelled, bound_node, content_key
from torchlean.graph import LEAVES, Graph, Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, UnsupportedError
from torchlean.ops.linearization import Relaxation

CHUNK_BYTES = 128 * 2**20
"""Memory for the coefficients of one backward pass; more rows than fit are bounded in several passes."""

COPIES = 6
"""Tensors of coefficient size that one step of a pass holds at a time (positive part, negative part, products)."""


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
    refinement = _Refinement(structure(graph, cache), check)
    chosen = frozenset(graph.outputs if wanted is None else wanted)
    bounds: list[Bound] = []
    keys: list[bytes] = []
    computed = 0
    for node in graph:
        check()
        manner = refinement.manner(node, node.id in chosen)
        # The manner is part of the key: a node refined for a nonlinear reader here may be left alone elsewhere.
        keys.append(content_key(node, keys, domains, b"crown " + manner))
        bound = cache.get(keys[-1])
        if bound is None:
            first = bound_node(node, [bounds[id] for id in node.inputs], graph, domains)
            bound = refinement.bound(node, first, manner)
            cache.put(keys[-1], bound)
            computed += 1
        refinement.admit(node, bound.interval)
        bounds.append(bound)
    return Bounds(tuple(bounds), tuple(keys), computed, len(bounds) - computed)


@dataclass
class _Refinement:
    """The growing problem that backward passes read; nodes are admitted in order, once their bound is final."""

    structure: Structure
    check: Callable[[], None]
    stops: dict[int, Interval] = field(default_factory=dict)
    relaxations: dict[int, Relaxation] = field(default_factory=dict)
    magnitudes: dict[int, Tensor] = field(default_factory=dict)
    reach: dict[int, float] = field(default_factory=dict)
    operands: dict[int, Interval] = field(default_factory=dict)

    def manner(self, node: Node, wanted: bool) -> bytes:
        """Which elements to refine: none, those on both sides of a kink at zero, or all that vary."""
        readers = self.structure.readers.get(node.id, ())
        if node.op in LEAVES or not self.structure.varies[node.id] or not (readers or wanted):
            return b"none"
        if node.type.numel > MAX_ELEMENTS:
            return b"none"
        return b"all" if wanted or any(reader.op != "relu" for reader in readers) else b"unstable"

    def bound(self, node: Node, first: Bound, manner: bytes) -> Bound:
        """The node's final bound, given the one from its op's interval rule."""
        if manner == b"none" or first.interval.undefined or not self._enter(node):
            return first
        interval = first.interval
        if manner == b"all":
            needed = interval.lower < interval.upper
        else:
            needed = (interval.lower < 0) & (interval.upper > 0)
        elements = needed.flatten().nonzero().flatten()
        return Bound(self._refine(node, interval, elements), first.reason) if len(elements) else first

    def _refine(self, node: Node, interval: Interval, elements: Tensor) -> Interval:
        problem = Problem(
            self.structure.graph,
            self.stops,
            self.structure.parts,
            self.relaxations,
            self.magnitudes,
            self.reach,
        )
        lower, upper = interval.lower.flatten().clone(), interval.upper.flatten().clone()
        for chunk in elements.split(self._rows_at_a_time(node)):
            count = len(chunk)
            rows = torch.zeros(2 * count, node.type.numel, dtype=torch.float64)
            place = torch.arange(count)
            rows[place, chunk] = 1.0
            rows[place + count, chunk] = -1.0
            found = lower_bounds(problem, node.id, rows.reshape(1, 2 * count, *node.type.shape), self.check)[
                0
            ]
            lower[chunk] = torch.maximum(lower[chunk], found[:count])
            upper[chunk] = torch.minimum(upper[chunk], -found[count:])
        shape = node.type.shape
        return Interval(lower.reshape(shape), upper.reshape(shape), interval.undefined)

    def _rows_at_a_time(self, node: Node) -> int:
        """Elements per pass, each of which takes two rows of coefficients on the widest node below."""
        below = self.structure.graph.nodes[: node.id + 1]
        widest = max(other.type.numel for other in below if self.structure.varies[other.id])
        return max(1, CHUNK_BYTES // (8 * 2 * COPIES * widest))

    def admit(self, node: Node, interval: Interval) -> None:
        """Make a node's final bound available to later passes."""
        self.operands[node.id] = interval
        if not self._enter(node) or interval.undefined:
            self.stops[node.id] = Interval(
                interval.lower.unsqueeze(0),
                interval.upper.unsqueeze(0) if not interval.is_point else interval.lower.unsqueeze(0),
                interval.undefined,
            )
        magnitude = torch.maximum(interval.lower.abs(), interval.upper.abs())
        self.magnitudes[node.id] = magnitude
        # Rounded up: a sum of nonnegative numbers is off by far less than one part in a thousand.
        self.reach[node.id] = float(magnitude.sum()) * 1.001

    def _enter(self, node: Node) -> bool:
        """Find the node's linear form. False where a pass must stop at its interval."""
        if node.op in LEAVES or not self.structure.varies[node.id]:
            return False
        if node.id in self.structure.parts or node.id in self.relaxations:
            return True
        operands = [self.operands[id] for id in node.inputs]
        if not all(operand.bounded() and not operand.undefined for operand in operands):
            return False
        try:
            planes = OPS[node.op].relax(
                [Interval(operand.lower.unsqueeze(0), operand.upper.unsqueeze(0)) for operand in operands],
                node.attributes,
            )
        except UnsupportedError:
            return False
        self.relaxations[node.id] = planes
        return True

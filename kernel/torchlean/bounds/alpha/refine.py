"""Progressive alpha-CROWN: the operands of nonlinear ops bounded one after the other, each row with slopes of its own.

As CROWN goes up the graph (`torchlean.bounds.crown.refine`), so does this, on bounds that are already tightened below.
Every row of a node, that is every element and side, gets slopes that are best for it alone. Bounds are intersected with
CROWN's, which come first, and are never worse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import torch

from torchlean.bounds.alpha.elements import Decided, ElementRows
from torchlean.bounds.alpha.problem import Problem
from torchlean.bounds.cache import Bound, BoundsCache
from torchlean.bounds.crown.refine import bound_lowered, of_original, open_elements
from torchlean.bounds.crown.structure import Structure, remembered
from torchlean.bounds.ibp import Bounds, bound_node, content_key
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, Node
from torchlean.graph.hashing import DIGEST_BYTES
from torchlean.intervals import Interval

STEPS = 20
"""What others are compared with; the last steps of these are worth little."""


def alpha(
    graph: Graph,
    domains: Mapping[str, Interval],
    cache: BoundsCache | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    wanted: Collection[int] | None = None,
    steps: int = STEPS,
    decided: Decided | None = None,
) -> Bounds:
    """Bound every node, those of interest by linear bounds with optimised slopes.

    Args:
        graph, domains, wanted: as for `crown`.
        cache: where finished bounds are looked up and stored, under keys of their own; CROWN's are found there too.
        cancelled: asked before every step of every search.
        steps: of each search, at most.
        decided: asked of CROWN's bounds of each wanted node, and of those found so far while these are searched. Where
            it answers yes, the bounds returned may be worse than those of a full search, and are not stored.

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
    found = bound_lowered(shape, domains, cache, check, chosen)
    if decided is None or not all(_settled(decided, found[place][0].interval) for place in chosen):
        found = _Tightening(shape, domains, cache, check, chosen, steps, decided).run(found)
    return of_original(shape, found)


def tightened(
    shape: Structure,
    domains: Mapping[str, Interval],
    cache: BoundsCache,
    check: Callable[[], None],
    chosen: Collection[int],
    steps: int = STEPS,
) -> list[Interval]:
    """The bounds of every node of the lowered graph, for callers that go on from there (branch and bound)."""
    found = bound_lowered(shape, domains, cache, check, chosen)
    tight = _Tightening(shape, domains, cache, check, chosen, steps, None).run(found)
    return [bound.interval for bound, _, _ in tight]


def _settled(decided: Decided, interval: Interval) -> bool:
    return not interval.undefined and decided(interval.lower, interval.upper)


Answers = list[tuple[Bound, bytes, bool]]
"""Per node its bound, the key it is stored under, and whether it was computed now."""


@dataclass
class _Tightening:
    shape: Structure
    domains: Mapping[str, Interval]
    cache: BoundsCache
    check: Callable[[], None]
    chosen: Collection[int]
    steps: int
    decided: Decided | None

    def run(self, analytic: Answers) -> Answers:
        """Tighten CROWN's answers, node by node."""
        problem = Problem(self.shape)
        bounds: list[Bound] = []
        keys: list[bytes] = []
        fresh: list[bool] = []
        for node in self.shape.graph:
            self.check()
            crown, crown_key, _ = analytic[node.id]
            keys.append(content_key(node, keys, self.domains, self._manner(node, crown_key)))
            bound = self.cache.get(keys[-1])
            fresh.append(bound is None)
            if bound is None:
                bound, complete = self._bound(problem, node, bounds, crown)
                if complete:
                    self.cache.put(keys[-1], bound)
            problem.admit(node, bound.interval.batched(), bound.interval)
            bounds.append(bound)
        return list(zip(bounds, keys, fresh, strict=True))

    def _manner(self, node: Node, crown_key: bytes) -> bytes:
        """All that an engine may choose: CROWN's choices are in its key."""
        state = hashlib.blake2b(crown_key, digest_size=DIGEST_BYTES)
        state.update(f"alpha {self.steps} {self.shape.additions}".encode())
        return state.digest()

    def _bound(
        self, problem: Problem, node: Node, bounds: Sequence[Bound], crown: Bound
    ) -> tuple[Bound, bool]:
        """The node's bound, and whether its search was left to end by itself."""
        manner = self.shape.manner(node, node.id in self.chosen)
        if not node.inputs or not self.shape.varies[node.id] or crown.interval.undefined:
            return crown, True
        first = bound_node(node, [bounds[id] for id in node.inputs], self.shape.graph, self.domains)
        interval = crown.interval if first.interval.undefined else _both(crown.interval, first.interval)
        # Operands that a search has tightened can do more for this node by its interval rule than planes did.
        gained = _differ(interval, crown.interval) and any(bounds[id].method == "alpha" for id in node.inputs)
        method = "alpha" if gained and crown.method == "crown" else crown.method
        complete = True
        elements = open_elements(interval, manner).flatten().nonzero().flatten()
        if manner != b"none" and node.id not in self.shape.optimal and len(elements):
            problem.admit(node, interval.batched(), interval)
            asked = self.decided if node.id in self.chosen else None
            rows = ElementRows(problem, node, interval, self.steps, self.check, asked)
            searched, complete = rows.tighten(elements)
            if _differ(searched, interval):
                interval, method = searched, "alpha"
        return Bound(interval, crown.reason, method), complete


def _differ(a: Interval, b: Interval) -> bool:
    return not (torch.equal(a.lower, b.lower) and torch.equal(a.upper, b.upper))


def _both(a: Interval, b: Interval) -> Interval:
    lower = torch.maximum(a.lower, b.lower)
    return Interval(lower, torch.minimum(a.upper, b.upper), a.undefined, a.infinite)


__all__ = ["alpha"]

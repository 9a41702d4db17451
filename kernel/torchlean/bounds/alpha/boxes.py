"""Optimised slopes and phase multipliers for rows of many boxes at once, for branch and bound.

Intermediate bounds are given and kept fixed: only what the rows choose for themselves is searched, a few steps from
where the parents' rows ended. Sources: Xu et al. 2021 (arXiv:2011.13824) for the slopes, Wang et al. 2021
(arXiv:2103.06624) for the multipliers, whose derivation stands in `torchlean.bounds.alpha.descent`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Route
from torchlean.bounds.alpha.families import FEW_ENTRIES
from torchlean.bounds.alpha.maps import SINGLE
from torchlean.bounds.alpha.problem import Problem
from torchlean.bounds.alpha.search import Search
from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.crown.refine import bound_lowered
from torchlean.bounds.crown.structure import Structure
from torchlean.intervals import Interval


@dataclass(frozen=True, slots=True)
class Choices:
    """Slopes and multipliers of rows, by id of the lowered graph: (boxes, rows, *node) each, float32.

    `alphas` belong to relus, `betas` to nodes with phases (operands of relus).
    """

    alphas: Mapping[int, Tensor]
    betas: Mapping[int, Tensor]

    def of(self, boxes: Tensor) -> Choices:
        """Those of some boxes, by index (n,), which may repeat: what the boxes' parts start from."""
        return Choices(
            {id: alpha.index_select(0, boxes) for id, alpha in self.alphas.items()},
            {id: beta.index_select(0, boxes) for id, beta in self.betas.items()},
        )


@dataclass(frozen=True, slots=True)
class RowBounds:
    """Attributes:
    lower: proved lower bounds, (boxes, rows); `-inf` where none is known.
    choices: what they were proved with.
    coefficients: per node asked for, what the rows multiply it with, (boxes, rows, *node), float32: to choose
        where to split.
    """

    lower: Tensor
    choices: Choices
    coefficients: Mapping[int, Tensor]


def alpha_boxes(
    shape: Structure,
    domains: Mapping[str, Interval],
    root: Mapping[str, Interval],
    node: int,
    rows: Tensor,
    *,
    known: Mapping[int, Interval],
    phases: Mapping[int, Tensor] | None = None,
    start: Choices | None = None,
    steps: int = 20,
    enough: Callable[[Tensor], bool] | None = None,
    cache: BoundsCache | None = None,
    check: Callable[[], None] = lambda: None,
    keep: frozenset[int] = frozenset(),
) -> RowBounds:
    """Lower bounds of `sum(rows * value(node))` over every box, with the best slopes that a few steps find.

    Args:
        shape: from `remembered`; all ids here are those of `shape.graph`.
        domains: per input name an interval of shape (boxes, *input).
        root: a box that contains all of them, per input name in the input's shape; its linear bounds are found in the
            cache, so it pays to pass the same one again.
        rows: coefficients, (boxes or 1, rows, *node), float64.
        known: what is known of nodes in between, (boxes or 1, *node), from `bound_boxes`; intersected with the
            root's bounds. It may hold on the inputs of each sub-domain only (see `phases`).
        phases: by operand of a relu, signs of shape (boxes, *node): 1 where the sub-domain of the box consists of
            inputs for which the element is at least 0, -1 where it is at most 0, 0 where either is possible. The bounds
            returned hold for these inputs.
        start: slopes and multipliers to start from; nodes without start from the analytic slope and from zero.
        steps: of the search; with 0 what is given is proved as it is.
        enough: given the plain bounds so far, (boxes, rows), whether they are good enough to stop.
        check: called often; may raise to cancel.
        keep: nodes whose coefficients the caller wants.

    Raises:
        ValueError: `phases` speak of a node that is no operand of a relu, or have other numbers than -1, 0, 1.
    """
    cache = BoundsCache() if cache is None else cache
    signs = _checked(shape, phases or {})
    problem = problem_of(shape, domains, root, node, known, signs, cache, check)
    (count,) = {domain.shape[0] for domain in domains.values()}
    rows = rows.expand(count, *rows.shape[1:])
    route = Route.of(problem.stations, node, frozenset(signs))
    signs = {id: sign for id, sign in signs.items() if id in route.down}
    batch = rows.shape[:2]
    given = Choices({}, {}) if start is None else start
    alphas = {
        id: problem.kinks[id].started(given.alphas.get(id), batch) for id in route.down if id in problem.kinks
    }
    betas = {}
    for id, sign in signs.items():
        beta = given.betas.get(id)
        betas[id] = sign.new_zeros(*batch, *sign.shape[2:]) if beta is None else beta.clone()
    search = Search(problem, route, rows.to(SINGLE), signs, alphas, betas)
    lost = any(id in problem.lost for id in route.down)
    found = search.run(0 if lost else steps, enough, check, keep)
    lower = problem.prove(node, rows, found.alphas, search.multipliers, check)
    return RowBounds(lower, Choices(found.alphas, found.betas), found.coefficients)


def _checked(shape: Structure, phases: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """The signs as (boxes, 1, *node) float32."""
    for id, sign in phases.items():
        if all(reader.op != "relu" for reader in shape.readers.get(id, ())):
            raise ValueError(f"phases are stated for node {id}, which no relu reads")
        if not bool(((sign == 0) | (sign.abs() == 1)).all()):
            raise ValueError(f"the phases of node {id} must be -1, 0 or 1")
    return {id: sign.to(SINGLE).unsqueeze(1) for id, sign in phases.items() if bool(sign.any())}


def problem_of(
    shape: Structure,
    domains: Mapping[str, Interval],
    root: Mapping[str, Interval],
    node: int,
    known: Mapping[int, Interval],
    signs: Mapping[int, Tensor],
    cache: BoundsCache,
    check: Callable[[], None],
) -> Problem:
    problem = Problem(shape, signs, FEW_ENTRIES)
    for below, (bound, _, _) in zip(
        shape.graph, bound_lowered(shape, root, cache, check, [node]), strict=False
    ):
        if below.id > node:
            break
        interval = bound.interval
        own = Interval(
            interval.lower.unsqueeze(0), interval.upper.unsqueeze(0), interval.undefined, interval.infinite
        )
        if interval.is_point:
            own = Interval(own.lower, own.lower, interval.undefined, interval.infinite)
        domain = domains.get(str(below.attributes["name"])) if below.op == "input" else None
        if domain is not None:
            own = domain
        told = known.get(below.id)
        if told is not None:
            own = _both(own, told)
        if below.id in signs:
            own = _on_side(own, signs[below.id].squeeze(1))
        problem.admit(below, own, interval)
    return problem


def _both(a: Interval, b: Interval) -> Interval:
    return Interval(torch.maximum(a.lower, b.lower), torch.minimum(a.upper, b.upper), a.undefined, a.infinite)


def _on_side(x: Interval, sign: Tensor) -> Interval:
    """The part of the interval on the stated side of zero. Where there is none, one end at zero is as good as any."""
    lower = torch.where(sign > 0, x.lower.clamp(min=0.0), x.lower)
    upper = torch.where(sign < 0, x.upper.clamp(max=0.0), x.upper)
    return Interval(torch.minimum(lower, upper), torch.maximum(lower, upper), x.undefined, x.infinite)


__all__ = ["Choices", "RowBounds", "alpha_boxes"]

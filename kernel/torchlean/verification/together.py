"""Regions that ask the same, bounded together by linear bounds.

A region that is bounded alone costs a hundredth of a second of bookkeeping, and among many little more than its
arithmetic. What is shown here needs no search of its own; of the others nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from torchlean.bounds.branching import Goal
from torchlean.bounds.branching.tree import SplitTree
from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.crown.boxes import bound_boxes
from torchlean.bounds.crown.structure import remembered
from torchlean.bounds.device import PROCESSOR, on
from torchlean.intervals import Interval

PORTION = 256
"""Regions of one pass: enough to make its overhead small, few enough to say often how far it is."""


def alike(goals: Sequence[Goal]) -> list[list[int]]:
    """The goals by index, those together that ask the same of the same graph object; only their domains differ."""
    groups: dict[int, list[int]] = {}
    for index, goal in enumerate(goals):
        groups.setdefault(id(goal.graph), []).append(index)
    return list(groups.values())


def hull(goals: Sequence[Goal]) -> dict[str, Interval]:
    """Around the domains of goals that are alike."""
    return {name: Interval(box.lower.amin(0), box.upper.amax(0)) for name, box in _stacked(goals).items()}


def shown_together(
    goals: Sequence[Goal], check: Callable[[], None], device: torch.device = PROCESSOR
) -> Iterator[dict[int, SplitTree]]:
    """Of each pass the goals that it shows, by index: as trees of one leaf, with a lower bound of the worst margin.

    Args:
        check: called often; what it raises ends the work.
        device: where bounds are computed.
    """
    for group in alike(goals):
        if len(group) == 1:
            continue
        cache = BoundsCache()
        for start in range(0, len(group), PORTION):
            part = group[start : start + PORTION]
            bounds = _bounds([goals[index] for index in part], cache, check, device)
            yield {
                index: _leaf(bound) for index, bound in zip(part, bounds, strict=True) if bound is not None
            }


def _bounds(
    goals: Sequence[Goal], cache: BoundsCache, check: Callable[[], None], device: torch.device
) -> list[float | None]:
    """Lower bounds of the worst margins; None where one does not show its goal."""
    first = goals[0]
    with on(device):
        shape = remembered(first.graph, cache)
        place = shape.lowered.places[first.rows]
        domains = {name: box.to(device) for name, box in _stacked(goals).items()}
        rows = bound_boxes(shape, domains, None, cache, check, [place])[place]
        if rows.undefined:
            return [None] * len(goals)
        margins = first.margins(rows.lower)
        shown, worst = first.shown(margins).all(1).tolist(), margins.amin(1).tolist()
    return [bound if done else None for bound, done in zip(worst, shown, strict=True)]


def _stacked(goals: Sequence[Goal]) -> dict[str, Interval]:
    """The domains, per input (goals, *input)."""
    return {
        name: Interval(
            torch.stack([goal.domain[name].lower for goal in goals]),
            torch.stack([goal.domain[name].upper for goal in goals]),
        )
        for name in goals[0].domain
    }


def _leaf(bound: float) -> SplitTree:
    tree = SplitTree()
    tree.bound(0, bound)
    tree.close(0)
    return tree

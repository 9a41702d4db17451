"""Why nothing is known of a network on a region: an op that is not defined for all that it may be given there."""

from __future__ import annotations

from collections.abc import Callable

from torchlean.bounds import propagate
from torchlean.bounds.branching import Goal
from torchlean.numbers import interval_text


def undefined(goal: Goal, cancelled: Callable[[], bool]) -> str:
    """The first op that may be undefined and what it is given, in words; empty where every op is defined.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    bounds = propagate(goal.graph, goal.domain, cancelled=cancelled)
    for node in goal.graph:
        if bounds[node.id].undefined:
            given = [bounds[id] for id in node.inputs if goal.graph[id].data is None]
            ranges = " and ".join(
                f"numbers in {interval_text(float(x.lower.min()), float(x.upper.max()))}"
                for x in given
                if x.lower.numel()
            )
            of = f" of {ranges}" if ranges else ""
            return f"`{node.label or node.op}` is {node.op}{of}, which is not defined everywhere there"
    return ""


__all__ = ["undefined"]

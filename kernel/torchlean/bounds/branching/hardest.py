"""The part that is hardest to decide, in numbers and in words: who waits for a share to grow wants to know where it
does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.branching.boxes import Boxes
from torchlean.bounds.branching.goal import Goal
from torchlean.bounds.device import PROCESSOR
from torchlean.numbers import interval_text, lower_text

NAMED = 5
"""Inputs whose range is spelled out: those of a small controller or of a collision avoidance network. Among more, the
ones that were cut most say where the part is."""


@dataclass(frozen=True, eq=False, slots=True)
class Hardest:
    """The open part with the least bound.

    Attributes:
        bound: a lower bound of its worst margin.
        lower, upper: its ends, flat, (inputs,), in the order of the goal's inputs.
        narrowed: (name, lower end, upper end) of the inputs along which the domain was cut to get it, `NAMED` at most.
        more: how many of these are not listed.
        phases: how many relus' operands have one sign on it, because it was cut there.
    """

    bound: float
    lower: Tensor
    upper: Tensor
    narrowed: tuple[tuple[str, float, float], ...] = ()
    more: int = 0
    phases: int = 0

    @property
    def text(self) -> str:
        """`margin at least -0.02 where x[0] in [0.5, 0.75], 3 relus keep their sign`; ends are rounded outward."""
        where = [f"{name} in {interval_text(low, high)}" for name, low, high in self.narrowed]
        if self.more:
            where.append("1 more input is cut" if self.more == 1 else f"{self.more:,} more inputs are cut")
        if self.phases:
            where.append(
                "1 relu keeps its sign" if self.phases == 1 else f"{self.phases:,} relus keep their sign"
            )
        place = f"where {', '.join(where)}" if where else "on the whole domain"
        return f"margin at least {lower_text(self.bound)} {place}"


def hardest(parts: Sequence[Boxes], goal: Goal, name: Callable[[int], str]) -> Hardest | None:
    """The hardest of open parts; None where there are none.

    Args:
        parts: in any groups, some of which may be empty.
        goal: what is to be shown, with the whole domain.
        name: what the input with a number (in the order of the goal's inputs) is called.
    """
    worst = [boxes.of(boxes.worst.argmin().unsqueeze(0)) for boxes in parts if len(boxes)]
    if not worst:
        return None
    box = min(worst, key=lambda one: float(one.worst))
    lower, upper = box.lower[0], box.upper[0]
    whole = goal.to(PROCESSOR).ends()  # where boxes lie between calls
    cut = ((lower > whole[0]) | (upper < whole[1])).nonzero().flatten()
    left = ((upper - lower) / (whole[1] - whole[0]))[cut]
    listed = sorted(cut[left.argsort(stable=True)[:NAMED]].tolist())
    return Hardest(
        float(box.worst),
        lower,
        upper,
        tuple((name(index), float(lower[index]), float(upper[index])) for index in listed),
        len(cut) - len(listed),
        sum(int(torch.count_nonzero(signs)) for signs in box.phases.values()),
    )

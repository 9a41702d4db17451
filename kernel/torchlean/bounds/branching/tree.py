"""The tree of splits: which parts a domain was cut into, and the bound found for each.

A node is cut by one variable at one place into the part below and the part above; both keep the face in the middle, so
together they are the node: coverage holds by construction, and a finished tree is a proof that anybody can check leaf
by leaf. A variable is an input, or an element of a nonlinear op's operand (a relu's phase: at most zero, at least
zero); inputs are numbered first. Nodes live in flat arrays, since there may be a million of them.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

LEAF = -1


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that was not cut further.

    Attributes:
        id: of the tree's node.
        cuts: (variable, place, above) on the way from the root.
        bound: a lower bound of its worst margin.
    """

    id: int
    cuts: tuple[tuple[int, float, bool], ...]
    bound: float


@dataclass(slots=True)
class SplitTree:
    """A tree that starts as one leaf, the whole domain, with nothing known.

    Attributes:
        verified: share of the domain on which the goal is shown, each cut counted as a half: of the volume, where
            cuts are through the middle of inputs.
        closed: how many leaves are decided.
    """

    first: array[int] = field(default_factory=lambda: array("i", [LEAF]))
    variable: array[int] = field(default_factory=lambda: array("i", [0]))
    at: array[float] = field(default_factory=lambda: array("d", [0.0]))
    depth: array[int] = field(default_factory=lambda: array("i", [0]))
    bounds: array[float] = field(default_factory=lambda: array("d", [-math.inf]))
    verified: float = 0.0
    closed: int = 0

    def __len__(self) -> int:
        return len(self.first)

    @property
    def leaves(self) -> int:
        """How many parts the domain has."""
        return (len(self.first) + 1) // 2

    @property
    def finished(self) -> bool:
        return self.closed == self.leaves

    def split(self, id: int, variable: int, at: float) -> tuple[int, int]:
        """Cut a leaf.

        Returns:
            The parts below and above.
        """
        assert self.first[id] == LEAF, "only leaves are cut"
        below = len(self.first)
        self.first[id], self.variable[id], self.at[id] = below, variable, at
        for _ in range(2):
            self.first.append(LEAF)
            self.variable.append(0)
            self.at.append(0.0)
            self.depth.append(self.depth[id] + 1)
            # What holds on a part holds on what it is cut into.
            self.bounds.append(self.bounds[id])
        return below, below + 1

    def bound(self, id: int, value: float) -> None:
        """Note a lower bound; the best one counts."""
        self.bounds[id] = max(self.bounds[id], value)

    def close(self, id: int) -> None:
        """Note that a leaf is decided."""
        self.closed += 1
        self.verified = 1.0 if self.finished else min(self.verified + math.ldexp(1.0, -self.depth[id]), 1.0)

    def all_leaves(self) -> Iterator[Leaf]:
        """From left to right."""
        stack: list[tuple[int, tuple[tuple[int, float, bool], ...]]] = [(0, ())]
        while stack:
            id, cuts = stack.pop()
            below = self.first[id]
            if below == LEAF:
                yield Leaf(id, cuts, self.bounds[id])
                continue
            variable, at = self.variable[id], self.at[id]
            stack.append((below + 1, (*cuts, (variable, at, True))))
            stack.append((below, (*cuts, (variable, at, False))))

    @property
    def least(self) -> float:
        """A lower bound of the worst margin on the whole domain."""
        return min(bound for first, bound in zip(self.first, self.bounds, strict=True) if first == LEAF)

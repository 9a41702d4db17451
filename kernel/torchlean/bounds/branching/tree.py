"""The tree of splits: which parts a domain was cut into, and the bound found for each.

A node is cut by one variable at one place into the part below and the part above; both keep the face in the middle, so
together they are the node: coverage holds by construction, and a finished tree is a proof that anybody can check leaf
by leaf. A variable is an input, or an element of a nonlinear op's operand (a relu's phase: at most zero, at least
zero); inputs are numbered first. Nodes live in flat arrays, since there may be a million of them.

What another process splits comes back as a forest, one tree for each leaf that it was given, and is grafted onto these
leaves. A leaf is decided once: what would decide it again, or cut what is decided, is a mistake and stops the program.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LEAF = -1


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that was not cut further.

    Attributes:
        id: of the tree's node.
        cuts: (variable, place, above) on the way from the root.
        bound: a lower bound of its worst margin.
        decided: whether the goal is shown on it.
    """

    id: int
    cuts: tuple[tuple[int, float, bool], ...]
    bound: float
    decided: bool = False


@dataclass(slots=True)
class SplitTree:
    """A tree that starts as one leaf, the whole domain, with nothing known; or a forest of several (`forest`).

    Attributes:
        done: 1 where a leaf is decided.
        roots: the first nodes, which nothing was cut into: one in a tree.
        whole: share of the domain that the roots are.
        verified: share of the domain on which the goal is shown, each cut counted as a half: of the volume, where
            cuts are through the middle of inputs.
        closed: how many leaves are decided.
    """

    first: array[int] = field(default_factory=lambda: array("i", [LEAF]))
    variable: array[int] = field(default_factory=lambda: array("i", [0]))
    at: array[float] = field(default_factory=lambda: array("d", [0.0]))
    depth: array[int] = field(default_factory=lambda: array("i", [0]))
    bounds: array[float] = field(default_factory=lambda: array("d", [-math.inf]))
    done: array[int] = field(default_factory=lambda: array("b", [0]))
    roots: int = 1
    whole: float = 1.0
    verified: float = 0.0
    closed: int = 0

    @staticmethod
    def of_cuts(first: Sequence[int], variable: Sequence[int]) -> SplitTree:
        """A tree of which only the cuts are known: nothing is bounded, no leaf decided, and places are zero.

        Raises:
            ValueError: these are no tree's arrays.
        """
        count = len(first)
        if count != len(variable) or not count:
            raise ValueError("arrays of different lengths, or empty ones")
        depth = array("i", [-1]) * count
        depth[0] = 0
        for id, below in enumerate(first):
            if depth[id] < 0:
                raise ValueError(f"node {id} stands before the node that it is a part of")
            if below == LEAF:
                continue
            if not id < below < count - 1 or depth[below] >= 0 or depth[below + 1] >= 0:
                raise ValueError(f"node {id} has no parts of its own")
            depth[below] = depth[below + 1] = depth[id] + 1
        zeros = array("d", [0.0]) * count
        unknown = array("d", [-math.inf]) * count
        return SplitTree(
            array("i", first), array("i", variable), zeros, depth, unknown, array("b", [0]) * count
        )

    @staticmethod
    def forest(depths: Sequence[int], bounds: Sequence[float]) -> SplitTree:
        """Leaves of another tree, each as the root of its own, in order."""
        count = len(depths)
        return SplitTree(
            array("i", [LEAF]) * count,
            array("i", [0]) * count,
            array("d", [0.0]) * count,
            array("i", depths),
            array("d", bounds),
            array("b", [0]) * count,
            count,
            math.fsum(math.ldexp(1.0, -depth) for depth in depths),
        )

    def __len__(self) -> int:
        return len(self.first)

    @property
    def leaves(self) -> int:
        """How many parts the domain has."""
        return (len(self.first) + self.roots) // 2

    @property
    def finished(self) -> bool:
        return self.closed == self.leaves

    def split(self, id: int, variable: int, at: float) -> tuple[int, int]:
        """Cut a leaf.

        Returns:
            The parts below and above.
        """
        assert self._open(id), "only leaves that are not decided are cut"
        below = len(self.first)
        self.first[id], self.variable[id], self.at[id] = below, variable, at
        for _ in range(2):
            self.first.append(LEAF)
            self.variable.append(0)
            self.at.append(0.0)
            self.depth.append(self.depth[id] + 1)
            # What holds on a part holds on what it is cut into.
            self.bounds.append(self.bounds[id])
            self.done.append(0)
        return below, below + 1

    def bound(self, id: int, value: float) -> None:
        """Note a lower bound; the best one counts."""
        self.bounds[id] = max(self.bounds[id], value)

    def close(self, id: int) -> None:
        """Note that a leaf is decided."""
        assert self._open(id), "a leaf is decided once"
        self.done[id] = 1
        self._count(1, math.ldexp(1.0, -self.depth[id]))

    def graft(self, leaves: Sequence[int], part: SplitTree) -> array[int]:
        """Put what became of some leaves in their place.

        Args:
            leaves: ids of leaves that are not decided, each once.
            part: a forest that was begun with these leaves, in this order.

        Returns:
            For each node of the part its id here.
        """
        assert len(leaves) == part.roots == len(set(leaves)), "a tree for each leaf"
        assert all(self._open(leaf) for leaf in leaves), "a leaf is decided once"
        roots = range(part.roots)
        assert all(part.depth[root] == self.depth[leaf] for root, leaf in zip(roots, leaves, strict=True))
        ids = array("i", leaves)
        ids.extend(range(len(self), len(self) + len(part) - part.roots))
        shift = len(self) - part.roots
        first = array("i", [id if id == LEAF else id + shift for id in part.first])
        for root, leaf in zip(roots, leaves, strict=True):
            self.first[leaf], self.done[leaf] = first[root], part.done[root]
            self.variable[leaf], self.at[leaf] = part.variable[root], part.at[root]
            self.bound(leaf, part.bounds[root])
        self.first.extend(first[part.roots :])
        self.variable.extend(part.variable[part.roots :])
        self.at.extend(part.at[part.roots :])
        self.depth.extend(part.depth[part.roots :])
        self.bounds.extend(part.bounds[part.roots :])
        self.done.extend(part.done[part.roots :])
        self._count(part.closed, part.verified)
        return ids

    def _open(self, id: int) -> bool:
        return self.first[id] == LEAF and not self.done[id]

    def _count(self, closed: int, share: float) -> None:
        self.closed += closed
        # Shares of very deep leaves are below the last digit of the sum.
        self.verified = self.whole if self.finished else min(self.verified + share, self.whole)

    def all_leaves(self) -> Iterator[Leaf]:
        """From left to right."""
        stack: list[tuple[int, tuple[tuple[int, float, bool], ...]]] = [
            (root, ()) for root in reversed(range(self.roots))
        ]
        while stack:
            id, cuts = stack.pop()
            below = self.first[id]
            if below == LEAF:
                yield Leaf(id, cuts, self.bounds[id], bool(self.done[id]))
                continue
            variable, at = self.variable[id], self.at[id]
            stack.append((below + 1, (*cuts, (variable, at, True))))
            stack.append((below, (*cuts, (variable, at, False))))

    @property
    def least(self) -> float:
        """A lower bound of the worst margin on the whole domain."""
        return min(bound for first, bound in zip(self.first, self.bounds, strict=True) if first == LEAF)

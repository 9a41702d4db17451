"""The loop of branch and bound: split the open boxes, bound the halves, drop what is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.boxes import LEVELS, Boxes, joined
from torchlean.bounds.branching.tree import LEAF, SplitTree

BATCH = 512
"""Boxes split together: enough to make the overhead of one round small, few enough to choose again often."""

ENOUGH = 64
"""Halves that are bounded in about the time that two take. With fewer, boxes are halved more than once in one step."""

POOL = 2**15
"""Open boxes beyond which the most promising are taken first, so that memory stays bounded."""


@dataclass
class Exploration:
    """A branch and bound in progress; it can be stopped after any step and continued.

    Attributes:
        tree: all splits so far.
        open: the leaves that are not decided, with what is known of them.
        stuck: leaves that can be neither decided nor split: single points.
        pool: open boxes beyond which the most promising are taken first.
    """

    bounder: Bounder
    tree: SplitTree
    open: Boxes
    stuck: int = 0
    pool: int = POOL

    @staticmethod
    def begin(bounder: Bounder) -> Exploration:
        """Bound the whole domain."""
        exploration = Exploration(bounder, SplitTree(), bounder.whole())
        exploration._settle(exploration.open)
        return exploration

    @property
    def proved(self) -> bool:
        return self.tree.finished

    def step(self, batch: int = BATCH) -> bool:
        """Split open boxes and bound their halves.

        Returns:
            False where nothing is left to split.
        """
        count = len(self.open)
        if not count:
            return False
        order = self._order()
        parts, rest = self.open.of(order[:batch]), self.open.of(order[batch:])
        for level in range(LEVELS):
            parts = self._halved(parts, level)
            if 2 * len(parts) > ENOUGH:
                break
        self.open = rest
        self._settle(self.bounder.bound(parts), rest)
        return True

    def replay(self, earlier: SplitTree, told: Callable[[], None] = lambda: None) -> None:
        """Cut the whole domain as an earlier run did, and bound the parts that it ended with.

        Of those in between only some are bounded, so that parts begin with what is known of one a few cuts larger. Of
        the earlier run nothing is believed: it only says where to cut.

        Args:
            earlier: a tree over the same variables; only `first` and `variable` are read.
            told: called after every batch of parts.
        """
        if not len(self.open):
            return
        first, variable = (
            torch.tensor(each, dtype=torch.int64) for each in (earlier.first, earlier.variable)
        )
        waiting = [(self.open, torch.zeros(1, dtype=torch.int64), 0)]
        self.open = self.open.of(torch.arange(0))
        while waiting:
            boxes, nodes, level = waiting.pop()
            if level == LEVELS:
                boxes, level = self.bounder.bound(boxes), 0
                shown = self.bounder.goal.shown(boxes.margins).all(1)
                self._settle(boxes.of(shown.nonzero().flatten()), self.open)
                left = (~shown).nonzero().flatten()
                boxes, nodes = boxes.of(left), nodes[left]
                told()
            inner = first[nodes] != LEAF
            ends = boxes.of((~inner).nonzero().flatten())
            if len(ends):
                self._settle(ends if level == 0 else self.bounder.bound(ends), self.open)
                told()
            for index in self._kinds(inner, variable[nodes]):
                # Parts below stand before all parts above, and so do their nodes.
                cut, below = variable[nodes[index]], first[nodes[index]]
                parts = self._parts(_to_cut(boxes.of(index), cut), 0)
                onward = torch.cat((below, below + 1))
                for batch in torch.arange(len(parts)).split(BATCH):
                    waiting.append((parts.of(batch), onward[batch], level + 1))

    def _kinds(self, inner: Tensor, variable: Tensor) -> list[Tensor]:
        """The boxes to be cut along inputs, and those at phases, by index."""
        halved = variable < self.bounder.variables.inputs
        found = ((inner & kind).nonzero().flatten() for kind in (halved, ~halved))
        return [index for index in found if len(index)]

    def take(self, chunks: int, size: int) -> list[Boxes]:
        """Remove open boxes for others to explore, each chunk a fair sample of hard and easy ones.

        With the easy ones alone, sending them would cost more than exploring them; the hardest are where attacks look.

        Args:
            chunks, size: how many, of how many boxes; together no more than there are.
        """
        count, taken = len(self.open), chunks * size
        assert taken <= count, "only open boxes can be taken"
        order = self._order()
        places = (torch.arange(taken) + 1) * count // (taken + 1)
        rest = torch.ones(count, dtype=torch.bool)
        rest[places] = False
        boxes, self.open = self.open, self.open.of(order[rest])
        return [boxes.of(order[places[chunk::chunks]]) for chunk in range(chunks)]

    def give(self, boxes: Sequence[Boxes]) -> None:
        """Put boxes that were taken back."""
        some = [part for part in (self.open, *boxes) if len(part)]
        if some:
            self.open = joined(some)

    def merge(self, boxes: Boxes, tree: SplitTree, open: Boxes, stuck: int) -> Boxes:
        """Put what became of boxes that were taken in their place in the tree.

        Args:
            boxes: as they were taken.
            tree: a forest with a tree for each of them.
            open: those leaves of the forest that are not decided and can be split, by their ids there.
            stuck: how many can not be split.

        Returns:
            The open ones by their ids in this tree, to be given.
        """
        assert tree.leaves == tree.closed + len(open) + stuck, "every leaf is decided, open or stuck"
        ids = torch.tensor(self.tree.graft(boxes.node.tolist(), tree).tolist())
        self.stuck += stuck
        return replace(open, node=ids[open.node])

    def _order(self) -> Tensor:
        return self.open.worst.argsort(descending=len(self.open) > self.pool)

    def _halved(self, boxes: Boxes, level: int) -> Boxes:
        """The halves of each box that has a cut at this level, and the others as they are.

        Halves share the face in the middle, so together they are the box.
        """
        cut = boxes.cuts[:, level]
        whole, index = (cut < 0).nonzero().flatten(), (cut >= 0).nonzero().flatten()
        if not len(index):
            return boxes
        parts = self._parts(boxes.of(index), level)
        return joined([boxes.of(whole), parts]) if len(whole) else parts

    def _parts(self, boxes: Boxes, level: int) -> Boxes:
        cut = boxes.cuts[:, level]
        variables = self.bounder.variables
        halved = (cut < variables.inputs).nonzero().flatten()
        phased = (cut >= variables.inputs).nonzero().flatten()
        parts = []
        if len(halved):
            some, own = boxes.of(halved), cut[halved]
            middle = ((some.lower + some.upper) / 2)[torch.arange(len(some)), own]
            parts.append(self._numbered(some, own, middle, _halves(some, own, middle)))
        if len(phased):
            some, own = boxes.of(phased), cut[phased]
            zero = torch.zeros(len(some), dtype=torch.float64)
            parts.append(self._numbered(some, own, zero, variables.parts(some, own)))
        return joined(parts)

    def _numbered(self, boxes: Boxes, cut: Tensor, at: Tensor, parts: Boxes) -> Boxes:
        """The parts below and above with their nodes of the tree."""
        cuts = zip(boxes.node.tolist(), cut.tolist(), at.tolist(), strict=True)
        ids = torch.tensor([self.tree.split(node, variable, place) for node, variable, place in cuts])
        return replace(parts, node=ids.t().reshape(-1))

    def _settle(self, boxes: Boxes, rest: Boxes | None = None) -> None:
        """Note the bounds of new leaves, and keep those that are open."""
        worst = boxes.worst
        shown = self.bounder.goal.shown(boxes.margins).all(1)
        for node, value, done in zip(boxes.node.tolist(), worst.tolist(), shown.tolist(), strict=True):
            self.tree.bound(node, value)
            if done:
                self.tree.close(node)
        divisible = boxes.cuts[:, 0] >= 0
        open = boxes.of((~shown & divisible).nonzero().flatten())
        self.stuck += int((~shown & ~divisible).sum())
        self.open = open if rest is None or not len(rest) else joined([rest, open])


def _to_cut(boxes: Boxes, variable: Tensor) -> Boxes:
    """With this variable as the first to cut, (boxes,)."""
    cuts = boxes.cuts.clone()
    cuts[:, 0] = variable
    return replace(boxes, cuts=cuts)


def _halves(boxes: Boxes, cut: Tensor, middle: Tensor) -> Boxes:
    """Boxes halved along inputs: first all parts below, then all above."""
    places = torch.arange(len(boxes))
    below, above = boxes.upper.clone(), boxes.lower.clone()
    below[places, cut] = above[places, cut] = middle
    return replace(
        boxes.of(torch.cat((places, places))),
        lower=torch.cat((boxes.lower, above)),
        upper=torch.cat((below, boxes.upper)),
    )

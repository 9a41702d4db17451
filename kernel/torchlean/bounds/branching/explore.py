"""The loop of branch and bound: split the open boxes, bound the halves, drop what is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.boxes import Boxes, joined
from torchlean.bounds.branching.tree import SplitTree

BATCH = 512
"""Boxes split together: enough to make the overhead of one round small, few enough to choose again often."""

POOL = 2**15
"""Open boxes beyond which the most promising are taken first, so that memory stays bounded."""


@dataclass
class Exploration:
    """A branch and bound in progress; it can be stopped after any step and continued.

    Attributes:
        tree: all splits so far.
        open: the leaves that are not decided, with what is known of them.
        stuck: leaves that can be neither decided nor split: single points.
    """

    bounder: Bounder
    tree: SplitTree
    open: Boxes
    stuck: int = 0

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
        worst = self.open.worst
        order = worst.argsort(descending=count > POOL)
        chosen, rest = self.open.of(order[:batch]), self.open.of(order[batch:])
        halves = self._halved(chosen)
        self.open = rest
        self._settle(self.bounder.bound(halves), rest)
        return True

    def _halved(self, boxes: Boxes) -> Boxes:
        """Each box's two halves; they share the face in the middle, so together they are the box."""
        places = torch.arange(len(boxes))
        middle = ((boxes.lower + boxes.upper) / 2)[places, boxes.cut]
        below, above = boxes.upper.clone(), boxes.lower.clone()
        below[places, boxes.cut] = above[places, boxes.cut] = middle
        cuts = zip(boxes.node.tolist(), boxes.cut.tolist(), middle.tolist(), strict=True)
        ids = torch.tensor([self.tree.split(node, cut, at) for node, cut, at in cuts])
        twice = boxes.of(torch.cat((places, places)))
        return replace(
            twice,
            node=torch.cat((ids[:, 0], ids[:, 1])),
            lower=torch.cat((boxes.lower, above)),
            upper=torch.cat((below, boxes.upper)),
        )

    def _settle(self, boxes: Boxes, rest: Boxes | None = None) -> None:
        """Note the bounds of new leaves, and keep those that are open."""
        worst = boxes.worst
        shown = self.bounder.goal.shown(boxes.margins).all(1)
        for node, value, done in zip(boxes.node.tolist(), worst.tolist(), shown.tolist(), strict=True):
            self.tree.bound(node, value)
            if done:
                self.tree.close(node)
        open = boxes.of((~shown & (boxes.cut >= 0)).nonzero().flatten())
        self.stuck += int((~shown & (boxes.cut < 0)).sum())
        self.open = open if rest is None or not len(rest) else joined([rest, open])

"""What another process does for a branch and bound: explore some boxes for a while, and hand back what became of them.

The goal is sent with the first parts only: a process keeps what it prepared for the last few goals, and one that does
not know a goal says so.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.boxes import Boxes
from torchlean.bounds.branching.explore import Exploration
from torchlean.bounds.branching.goal import Goal
from torchlean.bounds.branching.packing import packed, unpacked
from torchlean.bounds.branching.tree import SplitTree

KEPT = 4
"""Goals that a process remembers: a property's regions are decided one after the other, by several clients perhaps."""


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """What became of some boxes.

    Attributes:
        tree: a forest with a tree for each box, in order.
        open: leaves that are not decided and can be split, by their ids in the forest.
        stuck: how many leaves can be neither decided nor split.
    """

    tree: SplitTree
    open: Boxes
    stuck: int


@dataclass(frozen=True, slots=True)
class SentGoal:
    """A goal as it travels.

    Attributes:
        key: a digest of its content.
        content: pickled.
    """

    key: bytes
    content: bytes

    @staticmethod
    def of(goal: Goal) -> SentGoal:
        content = pickle.dumps(goal, pickle.HIGHEST_PROTOCOL)
        return SentGoal(hashlib.blake2b(content).digest(), content)


def explore_part(key: bytes, content: bytes | None, boxes: bytes, seconds: float, batch: int) -> bytes | None:
    """Split boxes until all are decided or the time is over.

    Args:
        key, content: of a `SentGoal`; the content may be left out where this process has seen the goal.
        boxes: from `pack_boxes`.
        seconds: after which no further step begins.
        batch: boxes split in one step.

    Returns:
        What `unpack_part` reads; None where the content is needed.

    Raises:
        ValueError: the boxes were packed by another version.
    """
    with _alone:
        bounder = _bounder(key, content)
        if bounder is None:
            return None
        depths, given = _unpack_boxes(boxes)
        tree = SplitTree.forest(depths, given.worst.tolist())
        # The most promising boxes first: few then stay open, and are sent back.
        exploration = Exploration(bounder, tree, replace(given, node=torch.arange(len(given))), pool=0)
        started = time.monotonic()
        while exploration.step(batch) and time.monotonic() - started < seconds:
            pass
        return packed(tree, exploration.open, exploration.stuck)


_alone = threading.Lock()
"""One part at a time: a worker of a cluster may have several threads, and what bounds remember is for one."""

_bounders: OrderedDict[bytes, Bounder] = OrderedDict()


def _bounder(key: bytes, content: bytes | None) -> Bounder | None:
    found = _bounders.get(key)
    if found is None:
        if content is None:
            return None
        if "OMP_NUM_THREADS" not in os.environ:
            # There is a worker for each core, and threads that wait for each other make all of them slow.
            torch.set_num_threads(1)
        found = _bounders[key] = Bounder(pickle.loads(content))
        if len(_bounders) > KEPT:
            _bounders.popitem(last=False)
    _bounders.move_to_end(key)
    return found


def pack_boxes(depths: Sequence[int], boxes: Boxes) -> bytes:
    """Boxes with the depths of their nodes in the tree; the nodes' ids stay behind."""
    return packed(list(depths), boxes)


def _unpack_boxes(content: bytes) -> tuple[list[int], Boxes]:
    depths, boxes = unpacked(content)
    assert isinstance(depths, list) and isinstance(boxes, Boxes)
    return depths, boxes


def unpack_part(content: bytes) -> Part:
    """Read what `explore_part` returned.

    Raises:
        ValueError: it was written by another version.
    """
    tree, open, stuck = unpacked(content)
    assert isinstance(tree, SplitTree) and isinstance(open, Boxes) and isinstance(stuck, int)
    return Part(tree, open, stuck)

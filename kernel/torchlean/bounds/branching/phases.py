"""Cuts of relus' operands at zero, as variables beside the inputs.

Inputs are variables 0, 1, ...; then follow the elements of every node that a relu reads and that the goal depends on,
node by node. Cutting one makes two parts: on the one its element is at most zero, on the other at least zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Route
from torchlean.bounds.alpha.problem import Problem
from torchlean.bounds.branching.boxes import LEVELS, Boxes
from torchlean.bounds.branching.scores import gaps
from torchlean.bounds.crown.structure import Structure


@dataclass(frozen=True, slots=True)
class Variables:
    """Attributes:
    inputs: how many inputs there are.
    places: per operand of a relu the numbers of its elements.
    """

    inputs: int
    places: Mapping[int, slice]

    @staticmethod
    def of(shape: Structure, goal: int, inputs: int) -> Variables:
        """Those of a graph, in order of its nodes up to the goal."""
        places: dict[int, slice] = {}
        start = inputs
        for node in shape.graph:
            if node.id < goal and any(reader.op == "relu" for reader in shape.readers.get(node.id, ())):
                places[node.id] = slice(start, start + node.type.numel)
                start += node.type.numel
        return Variables(inputs, places)

    @property
    def count(self) -> int:
        """How many variables there are."""
        return max((place.stop for place in self.places.values()), default=self.inputs)

    def loosest(self, problem: Problem, node: int, boxes: Boxes) -> Tensor:
        """The relus whose gap weighs most in the combined rows of the clause that is furthest from being shown.

        Returns:
            Variables, best first, (boxes, LEVELS); -1 where no relu leaves a gap.
        """
        worst = boxes.margins.argmin(1)
        rows = boxes.weights[torch.arange(len(boxes)), worst].unsqueeze(1)
        found, _ = gaps(problem, Route.of(problem.stations, node), rows)
        cuts = torch.full((len(boxes), LEVELS), -1)
        scores = []
        for operand in self.places:
            readers = [reader.id for reader in problem.shape.readers[operand] if reader.op == "relu"]
            weights = [found[reader].reshape(len(boxes), -1) for reader in readers if reader in found]
            if weights:
                scores.append((operand, torch.stack(weights).sum(0)))
        if not scores:
            return cuts
        numbers = torch.cat([torch.arange(self.places[id].start, self.places[id].stop) for id, _ in scores])
        best = torch.cat([score for _, score in scores], 1).topk(min(LEVELS, len(numbers)), 1)
        cuts[:, : best.indices.shape[1]] = torch.where(best.values > 0, numbers[best.indices], -1)
        return cuts

    def parts(self, boxes: Boxes, cut: Tensor) -> Boxes:
        """Boxes cut at relus: first all parts below zero, then all above.

        Args:
            cut: a relu's variable for each box, (boxes,).
        """
        places = torch.arange(len(boxes))
        twice = boxes.of(torch.cat((places, places)))
        low, high, phases = dict(twice.low), dict(twice.high), dict(twice.phases)
        above = torch.arange(len(twice)) >= len(boxes)
        for id, place in self.places.items():
            mine = ((cut >= place.start) & (cut < place.stop)).repeat(2).nonzero().flatten()
            if not len(mine):
                continue
            element = cut.repeat(2)[mine] - place.start
            on_top = above[mine]
            floor = low[id].reshape(len(twice), -1).clone()
            ceiling = high[id].reshape(len(twice), -1).clone()
            floor[mine[on_top], element[on_top]] = floor[mine[on_top], element[on_top]].clamp(min=0.0)
            ceiling[mine[~on_top], element[~on_top]] = ceiling[mine[~on_top], element[~on_top]].clamp(max=0.0)
            signs = (
                phases.get(id, torch.zeros(low[id].shape, dtype=torch.int8)).reshape(len(twice), -1).clone()
            )
            signs[mine, element] = torch.where(on_top, 1, -1).to(torch.int8)
            low[id], high[id] = floor.reshape(low[id].shape), ceiling.reshape(low[id].shape)
            phases[id] = signs.reshape(low[id].shape)
        return replace(twice, low=low, high=high, phases=phases)

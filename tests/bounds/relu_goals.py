"""Random relu networks with a property that holds by a little, so that bounds need many boxes to show it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

from torchlean.bounds.branching import Goal
from torchlean.bounds.branching.tree import SplitTree
from torchlean.graph import GraphBuilder
from torchlean.intervals import Interval
from torchlean.ops import TensorType

SAMPLES = 50_000
BEST = 256
DESCENTS = 300


@dataclass(frozen=True)
class Network:
    """Layers `relu(W x + b)`, the last without relu and with one output, on the box [-1, 1]^inputs."""

    layers: tuple[tuple[Tensor, Tensor], ...]

    @staticmethod
    def random(seed: int, inputs: int, width: int, hidden: int = 2) -> Network:
        generator = torch.Generator().manual_seed(seed)
        sizes = [inputs, *[width] * hidden, 1]
        return Network(
            tuple(
                (torch.randn(out, into, generator=generator), torch.randn(out, generator=generator))
                for into, out in pairwise(sizes)
            )
        )

    @property
    def inputs(self) -> int:
        return self.layers[0][0].shape[1]

    def __call__(self, points: Tensor) -> Tensor:
        for weight, bias in self.layers[:-1]:
            points = torch.relu(points @ weight.t() + bias)
        weight, bias = self.layers[-1]
        return (points @ weight.t() + bias).flatten()

    def floor(self, gap: float) -> float:
        """A little below the least output, by a share of the range of outputs; the least one is found by descent."""
        generator = torch.Generator().manual_seed(0)
        points = torch.rand(SAMPLES, self.inputs, generator=generator) * 2 - 1
        values = self(points)
        best, rate = points[values.topk(BEST, largest=False).indices], 0.05
        for _ in range(DESCENTS):
            best.requires_grad_()
            (gradient,) = torch.autograd.grad(self(best).sum(), best)
            best = (best.detach() - rate * gradient.sign()).clamp(-1, 1)
            rate *= 0.97
        least = min(float(values.min()), float(self(best).min()))
        return least - gap * float(values.max() - least)

    def goal(self, floor: float) -> Goal:
        """That the output is nowhere below the floor."""
        builder = GraphBuilder()
        node = builder.input("x", TensorType((self.inputs,), torch.float32))
        for index, (weight, bias) in enumerate(self.layers):
            ids = [builder.parameter(weight, f"w{index}").id, builder.parameter(bias, f"b{index}").id]
            node = builder.op("linear", [node.id, *ids], {})
            if index + 1 < len(self.layers):
                node = builder.op("relu", [node.id], {})
        shift = builder.parameter(torch.tensor([-floor]), "shift")
        row = builder.op("add", [node.id, shift.id], {})
        ends = torch.ones(self.inputs, dtype=torch.float64)
        return Goal(builder.graph([row.id]), row.id, ((0,),), (False,), {"x": Interval(-ends, ends)})


def assert_covers(tree: SplitTree, inputs: int) -> None:
    """The leaves are [-1, 1]^inputs: every cut goes through the middle of what it cuts, and volumes add up."""
    volume = Fraction(0)
    for leaf in tree.all_leaves():
        low, high = [Fraction(-1)] * inputs, [Fraction(1)] * inputs
        for variable, at, above in leaf.cuts:
            assert low[variable] < Fraction(at) < high[variable]
            (low if above else high)[variable] = Fraction(at)
        share = Fraction(1)
        for below, above_it in zip(low, high, strict=True):
            share *= above_it - below
        volume += share
    assert volume == Fraction(2) ** inputs


def assert_decided_once(tree: SplitTree) -> None:
    """What the tree counts is what its leaves say."""
    leaves = [leaf.id for leaf in tree.all_leaves()]
    assert len(leaves) == len(set(leaves)) == tree.leaves
    assert sum(tree.done[leaf] for leaf in leaves) == sum(tree.done) == tree.closed

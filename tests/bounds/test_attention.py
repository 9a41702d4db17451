"""Linear bounds of attention blocks and layer norms: on tiny boxes as wide as the derivative says, and sound."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from torchlean.bounds.crown import crown, crown_boxes
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.ops import TensorType

TINY = 1e-5
"""A radius at which terms of second order are some ten thousandths of those of first order."""


@dataclass(frozen=True)
class Block:
    """Tokens by size, attention in heads, and whether a layer norm stands before the attention and the last layer."""

    tokens: int
    size: int
    heads: int
    norm: bool

    def __str__(self) -> str:
        return f"{self.tokens}x{self.size}, heads {self.heads}{', norm' if self.norm else ''}"

    def weights(self) -> list[Tensor]:
        generator = torch.Generator().manual_seed(self.tokens)
        shapes = [(self.size, self.size)] * 3 + [(2, self.size)]
        return [torch.randn(*shape, generator=generator) * self.size**-0.5 for shape in shapes]

    def centre(self) -> Tensor:
        return torch.randn(self.tokens, self.size, generator=torch.Generator().manual_seed(1)).double()

    def graph(self) -> Graph:
        builder = GraphBuilder()
        x = builder.input("x", TensorType((self.tokens, self.size), torch.float32))
        normed = self._normed(builder, x)
        *projections, last = [builder.parameter(weight, "weight") for weight in self.weights()]
        split = (self.tokens, self.heads, self.size // self.heads)
        query, key, value = (
            op(
                builder,
                "permute",
                op(builder, "reshape", op(builder, "linear", normed, w), shape=split),
                dims=(1, 0, 2),
            )
            for w in projections
        )
        scores = op(builder, "matmul", query, op(builder, "permute", key, dims=(0, 2, 1)))
        mixed = op(builder, "matmul", op(builder, "softmax", scores, dim=2), value)
        joined = op(builder, "reshape", op(builder, "permute", mixed, dims=(1, 0, 2)), shape=x.type.shape)
        result = self._normed(builder, op(builder, "add", x, joined))
        return builder.graph([op(builder, "linear", result, last).id])

    def _normed(self, builder: GraphBuilder, x: Node) -> Node:
        if not self.norm:
            return x
        shape = (self.size,)
        return op(
            builder, "layer_norm", x, normalized_shape=shape, eps=1e-5, has_weight=False, has_bias=False
        )

    def evaluate(self, x: Tensor) -> Tensor:
        """The block in float64, for a batch or for one."""
        *projections, last = [weight.double() for weight in self.weights()]
        normed = self._standardised(x)
        split = (*x.shape[:-1], self.heads, self.size // self.heads)
        query, key, value = ((normed @ w.T).reshape(split).transpose(-3, -2) for w in projections)
        mixed = torch.softmax(query @ key.transpose(-2, -1), -1) @ value
        return self._standardised(x + mixed.transpose(-3, -2).reshape(x.shape)) @ last.T

    def _standardised(self, x: Tensor) -> Tensor:
        return torch.nn.functional.layer_norm(x, (self.size,)) if self.norm else x


def op(builder: GraphBuilder, name: str, *operands: Node, **attributes) -> Node:
    return builder.op(name, [operand.id for operand in operands], attributes)


def width(interval: Interval) -> float:
    return float((interval.upper - interval.lower).sum())


BLOCKS = [Block(3, 4, 1, False), Block(4, 6, 2, False), Block(3, 6, 2, True)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_on_a_tiny_box_bounds_are_as_wide_as_the_derivative_says(block: Block) -> None:
    """Products, softmax and norms lose terms of second order only, through every change of shape between them."""
    x, graph = block.centre(), block.graph()
    jacobian = torch.autograd.functional.jacobian(block.evaluate, x)
    least = 2 * TINY * float(jacobian.abs().sum())
    found = crown(graph, {"x": Interval(x - TINY, x + TINY)})[graph.outputs[0]]
    assert 0.999 * least <= width(found) <= 1.005 * least


@pytest.mark.parametrize("block", BLOCKS, ids=str)
@pytest.mark.parametrize("radius", [0.01, 0.3])
def test_bounds_of_a_block_contain_its_values(block: Block, radius: float) -> None:
    x, graph = block.centre(), block.graph()
    found = crown(graph, {"x": Interval(x - radius, x + radius)})[graph.outputs[0]]
    generator = torch.Generator().manual_seed(2)
    corners = torch.randint(0, 2, (500, *x.shape), generator=generator) * 2.0 - 1.0
    inside = torch.rand(500, *x.shape, generator=generator).double() * 2 - 1
    values = block.evaluate(x + radius * torch.cat((corners.double(), inside)))
    rounding = 1e-12
    assert bool((values >= found.lower - rounding).all())
    assert bool((values <= found.upper + rounding).all())


def test_many_boxes_of_a_block_are_bounded_as_each_alone() -> None:
    block = BLOCKS[1]
    x, graph = block.centre(), block.graph()
    middles = torch.stack([x, x + 0.01, x - 0.02])
    boxes = {"x": Interval(middles - 0.005, middles + 0.005)}
    together = crown_boxes(graph, boxes)[graph.outputs[0]]
    for i, middle in enumerate(middles):
        alone = crown(graph, {"x": Interval(middle - 0.005, middle + 0.005)})[graph.outputs[0]]
        each = Interval(together.lower[i], together.upper[i])
        assert width(each) <= 1.001 * width(alone)
        values = block.evaluate(middle)
        assert bool((each.lower <= values).all() and (values <= each.upper).all())


def test_softmax_of_two_logits_is_bounded_as_the_sigmoid_of_their_difference() -> None:
    weight = torch.tensor([[1.0, -2.0, 0.5], [0.75, 1.5, -1.0]])
    box = {"x": Interval(torch.full((3,), -0.4).double(), torch.full((3,), 0.6).double())}
    readout = torch.tensor([[3.0, -1.0]])
    bounds = []
    for pair in ("softmax", "sigmoid"):
        builder = GraphBuilder()
        x = builder.input("x", TensorType((3,), torch.float32))
        logits = op(builder, "linear", x, builder.parameter(weight, "weight"))
        if pair == "softmax":
            shares = op(builder, "softmax", logits, dim=0)
        else:
            shares = op(
                builder, "sigmoid", op(builder, "sub", logits, op(builder, "flip", logits, dims=(0,)))
            )
        result = op(builder, "linear", shares, builder.parameter(readout, "readout"))
        graph = builder.graph([result.id])
        bounds.append(crown(graph, box)[graph.outputs[0]])
    assert torch.allclose(bounds[0].lower, bounds[1].lower, rtol=1e-12)
    assert torch.allclose(bounds[0].upper, bounds[1].upper, rtol=1e-12)

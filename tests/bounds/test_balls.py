"""Linear bounds over Euclidean balls, against points of the balls."""

from __future__ import annotations

import torch

from torchlean.bounds.crown.balls import Ball
from torchlean.bounds.crown.boxes import crown_boxes
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.intervals import Interval
from torchlean.ops import TensorType

INPUTS = 12
COUNT = 5
RADIUS = 0.3


def network(seed: int) -> Graph:
    generator = torch.Generator().manual_seed(seed)
    builder = GraphBuilder()
    last = builder.input("x", TensorType((1, INPUTS), torch.float64))
    for size in (16, 16, 3):
        inner = last.type.shape[1]
        weight = builder.constant(
            torch.randn(size, inner, generator=generator, dtype=torch.float64) / inner**0.5
        )
        bias = builder.constant(torch.randn(size, generator=generator, dtype=torch.float64))
        last = builder.op("linear", [last.id, weight.id, bias.id], {})
        if size != 3:
            last = builder.op("relu", [last.id], {})
    return builder.graph([last.id])


def regions(seed: int) -> tuple[torch.Tensor, Interval]:
    """Centres, some on the border of the clip, and the boxes around their balls."""
    centers = torch.rand(COUNT, 1, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    centers[:, :, ::3] = 0.0
    return centers, Interval((centers - RADIUS).clamp(0, 1), (centers + RADIUS).clamp(0, 1))


def points(centers: torch.Tensor, graph: Graph) -> torch.Tensor:
    """Points on the border of each ball: in random directions, and where gradients lead; (points, boxes, 1, inputs)."""
    generator = torch.Generator().manual_seed(3)
    away = torch.randn(200, *centers.shape, generator=generator, dtype=torch.float64)
    leaf = centers.clone().requires_grad_()
    for column in range(3):
        scores = torch.stack([evaluate(graph, {"x": x})[graph.outputs[0]][0, column] for x in leaf])
        (slope,) = torch.autograd.grad(scores.sum(), leaf)
        away = torch.cat([away, slope.unsqueeze(0), -slope.unsqueeze(0)])
    inside = (centers + RADIUS * away / away.norm(dim=-1, keepdim=True)).clamp(0, 1)
    # Cutting to the clip moves a point towards the centre, which lies in it.
    assert bool(((inside - centers).norm(dim=-1) <= RADIUS * (1 + 1e-12)).all())
    return centers + (inside - centers) * (1 - 1e-12)


def test_bounds_over_balls_contain_what_points_of_the_balls_give() -> None:
    for seed in range(3):
        graph = network(seed)
        centers, boxes = regions(seed)
        found = crown_boxes(graph, {"x": boxes}, balls={"x": Ball(centers, RADIUS)})[graph.outputs[0]]
        for some in points(centers, graph):
            values = torch.stack([evaluate(graph, {"x": x})[graph.outputs[0]] for x in some])
            assert bool((values >= found.lower).all() and (values <= found.upper).all())


def test_bounds_over_balls_are_tighter_than_those_over_the_boxes_around_them() -> None:
    graph = network(0)
    centers, boxes = regions(0)
    balls = crown_boxes(graph, {"x": boxes}, balls={"x": Ball(centers, RADIUS)})[graph.outputs[0]]
    alone = crown_boxes(graph, {"x": boxes})[graph.outputs[0]]
    assert bool((balls.upper - balls.lower < 0.7 * (alone.upper - alone.lower)).all())


def test_an_affine_map_over_a_ball_is_bounded_by_the_dual_norm() -> None:
    builder = GraphBuilder()
    weight = torch.tensor([[3.0, -4.0]], dtype=torch.float64)
    x = builder.input("x", TensorType((1, 2), torch.float64))
    zero = builder.constant(torch.zeros(1, dtype=torch.float64))
    y = builder.op("linear", [x.id, builder.constant(weight).id, zero.id], {})
    graph = builder.graph([y.id])
    centers = torch.tensor([[[0.5, 0.5]], [[0.5, 0.0]]], dtype=torch.float64)
    boxes = Interval((centers - 0.1).clamp(0, 1), (centers + 0.1).clamp(0, 1))
    found = crown_boxes(graph, {"x": boxes}, balls={"x": Ball(centers, 0.1)})[y.id]
    expected = torch.tensor([[-0.5 - 0.5, -0.5 + 0.5], [1.5 - 0.5, 1.5 + 0.3]], dtype=torch.float64)
    lower, upper = found.lower.flatten(), found.upper.flatten()
    assert bool((lower <= expected[:, 0]).all() and (upper >= expected[:, 1]).all())
    assert torch.allclose(lower, expected[:, 0]) and torch.allclose(upper, expected[:, 1])

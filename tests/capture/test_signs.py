"""What a loop adds up from zero on is not negative, and what it may take away from is."""

from __future__ import annotations

import math

import pytest

from torchlean.capture import Workspace, capture_file
from torchlean.graph.origin import Source, region_of

SCRIPT = """
import torch
from torch import nn

model = nn.Linear(3, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
total = torch.zeros(2)
for step in range(1000):
    x = torch.randn(4, 3)
    y = model(x)
    loss = (y ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    {body}
last = total * 1
"""

UPWARDS = {
    "squares in place": "total += (y * y).sum(dim=0)",
    "squares under a new name": "total = total + y.pow(2).mean(dim=0)",
    "a moving average of squares": "total = 0.9 * total + 0.1 * y.square().mean(0)",
    "a moving average of squares that are multiplied from the left": "total = 0.9 * total + 0.1 * y[0] * y[0]",
    "counts": "total += (y > 0).sum(dim=0).float()",
    "absolute values, by a method": "total.add_(y.abs().amax(dim=0))",
    "a decaying sum of exponentials": "total.mul_(0.5).add_(torch.exp(y).sum(0))",
    "a moving average of squares, in place": "total.mul_(0.9).addcmul_(y[0], y[0], value=0.1)",
    "squares of a gradient that is read twice": (
        "total.mul_(0.9).addcmul_(model.bias.grad.data, model.bias.grad.data, value=0.1)"
    ),
    "products with probabilities": "total = (total @ torch.softmax(y[:2], 1)) * torch.sigmoid(y[0])",
    "layers without negative weights": "total = torch.tanh(nn.functional.linear(total, (y.T @ y) ** 2)).log1p()",
    "reciprocal roots": "total = total + (total + 1).rsqrt() + (total + 2).reciprocal()",
    "probabilities of chosen elements": "total[0] += torch.softmax(y, dim=1)[0, 0]",
}

ANYWHERE = {
    "outputs": "total += y.sum(dim=0)",
    "differences of squares": "total += y[0] ** 2 - y[1] ** 2",
    "cubes": "total += (y ** 3).sum(dim=0)",
    "products of matrices": "total = total @ (y.T @ y)",
    "squares that are taken away": "total.mul_(0.9).addcmul_(y[0], y[0], value=-0.1)",
    "products of different numbers": "total.mul_(0.9).addcmul_(y[0], y[1], value=0.1)",
    "products of two steps' gradients": (
        "old = model.bias.grad; model(x).sum().backward(); total = total + old * model.bias.grad"
    ),
    "normal draws": "total += torch.randn(2)",
    "a product with a sign": "total = -2.0 * total + (y * y).sum(0)",
    "a limit below zero": "total = (total + (y * y).sum(0)).clamp(max=-1.0)",
    "changed by a view": "total += (y * y).sum(0); total[:1].sub_(1.0)",
}


def lower_end(body: str) -> float:
    """Where the numbers begin that `total` can have before an iteration."""
    graph = capture_file("/m.py", SCRIPT.format(body=body), Workspace((), {})).graph
    cone, pending = set(), [len(graph) - 1]
    while pending:
        node = graph[pending.pop()]
        cone.add(node.id)
        pending += [operand for operand in node.inputs if operand not in cone]
    leaves = [region_of(graph[id]) for id in cone if not graph[id].inputs]
    return min(leaf.lower for leaf in leaves if leaf.source is Source.UNKNOWN)


@pytest.mark.parametrize("body", UPWARDS.values(), ids=UPWARDS)
def test_what_is_added_up_from_zero_on_is_not_negative(body: str) -> None:
    assert lower_end(body) == 0.0


@pytest.mark.parametrize("body", ANYWHERE.values(), ids=ANYWHERE)
def test_what_may_be_taken_away_from_can_be_anything(body: str) -> None:
    assert lower_end(body) == -math.inf

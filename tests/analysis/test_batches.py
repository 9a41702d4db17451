"""Batches of which only the range is known: what is said of a file with many samples, beside the same with few."""

from __future__ import annotations

import textwrap

import pytest
import torch
from torch import Tensor

from torchlean.analysis.session import Session
from torchlean.analysis.units import UnitGraph, unit_graph
from torchlean.bounds import Bounds, propagate
from torchlean.capture import capture_file
from torchlean.graph import Graph
from torchlean.intervals import Interval
from torchlean.ops import folding
from torchlean.rounding import Errors, rounding_errors

NEARLY = 2.0**-40
"""Relative: what sums in another order may differ by, through some layers."""

CONVOLUTIONS = """
    self.body = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, stride=2),
        nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(4, 5), nn.Sigmoid(),
    )
"""

RECURRENT = """
    self.rows = nn.Flatten(2)
    self.rnn = nn.LSTM(36, 8, batch_first=True)
    self.head = nn.Linear(8, 3)
"""

PROGRAM = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
{layers}
    def forward(self, x):
{forward}

torch.manual_seed(0)
net = Net(){mode}
for step in range(3):
    x = torch.rand(8, 2, 6, 6)
    y = net(x)
    shares = torch.log_softmax(y, dim=1)
    centred = (y - y.mean(dim=0)) / (y.std(dim=0) + 1.0)
    loss = -(shares * torch.rand(8, 1)).mean() + centred.square().sum()
"""


def program(layers: str, forward: str, mode: str) -> str:
    return PROGRAM.format(
        layers=textwrap.indent(layers, "    "), forward=textwrap.indent(forward, " " * 8), mode=mode
    )


PROGRAMS = {
    "convolutions": program(CONVOLUTIONS, "return self.body(x)", ".eval()"),
    "convolutions in training": program(CONVOLUTIONS, "return self.body(x)", ""),
    "a recurrent network": program(
        RECURRENT, "out, _ = self.rnn(self.rows(x))\nreturn self.head(out[:, -1])", ""
    ),
}


def parts(text: str) -> list[UnitGraph]:
    capture = capture_file("/project/net.py", text, Session().workspace, lambda: False)
    return [unit_graph(capture, unit) for unit in capture.units]


def analysed(graph: Graph) -> tuple[Bounds, Errors]:
    bounds = propagate(graph, {})
    return bounds, rounding_errors(graph, bounds)


def near(a: Tensor, b: Tensor, size: Tensor) -> bool:
    return bool(((a == b) | ((a - b).abs() <= NEARLY * size)).all())


def magnitude(x: Interval) -> Tensor:
    """The largest that is finite."""
    return torch.nan_to_num(torch.maximum(x.lower.abs(), x.upper.abs()), posinf=0.0).amax()


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_a_batch_computed_once_has_the_bounds_and_errors_of_every_sample(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeats = 0
    for part in parts(text):
        monkeypatch.setattr(folding, "WORTHWHILE", 0)
        bounds, errors = analysed(part.graph)
        monkeypatch.setattr(folding, "WORTHWHILE", 2**62)
        whole_bounds, whole_errors = analysed(part.graph)
        for node in part.graph:
            mine, theirs = bounds[node.id], whole_bounds[node.id]
            assert (mine.undefined, mine.infinite) == (theirs.undefined, theirs.infinite)
            repeats += node.type.numel > 1 and 0 in mine.lower.stride() and bool(node.inputs)
            size = magnitude(theirs)
            assert near(mine.lower, theirs.lower, size) and near(mine.upper, theirs.upper, size), node
            error, whole_error = errors[node.id], whole_errors[node.id]
            assert (error.error is None) == (whole_error.error is None), node
            assert error.reason == whole_error.reason
            if error.error is not None and whole_error.error is not None:
                assert near(
                    error.error, whole_error.error, torch.nan_to_num(whole_error.error, posinf=0.0).amax()
                ), node
    assert repeats > 10

"""Certificates of networks trained for a task are accepted by the kernel, whatever they are made of.

Small networks are trained here, in a second each; the larger ones are those of the examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.certificate.models import asked
from torch import Tensor, nn
from torch.nn import functional as F

from torchlean.analysis.certifying import certified
from torchlean.analysis.session import Session
from torchlean.certificate import certify
from torchlean.certificate.document import Document
from torchlean.lean import Accepted, certificate_faults

pytestmark = pytest.mark.lean

EXAMPLES = Path(__file__).parents[2] / "examples"


def fitted(inputs: Tensor, loss: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], None]:
    """Training on all inputs at once."""

    def train(module: nn.Module) -> None:
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(300):
            optimizer.zero_grad()
            loss(module(inputs)).backward()
            optimizer.step()

    return train


def sine(folder: Path) -> Document:
    """A regression, bounded on its whole range."""
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    train = fitted(x, lambda y: F.mse_loss(y, torch.sin(math.pi * x)))
    layers = "self.a = nn.Linear(1, 16)\nself.b = nn.Linear(16, 1)"
    return _document(
        folder, layers, "self.b(torch.relu(self.a(x)))", "net(x).abs() <= 1.5", "[-1.0], [1.0]", train
    )


def quadrants(folder: Path) -> Document:
    """A classifier, which tells one corner of the plane from the other."""
    x = torch.rand(256, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    train = fitted(x, lambda y: F.cross_entropy(y, (x.sum(1) > 0).long()))
    layers = "self.a = nn.Linear(2, 12)\nself.b = nn.Linear(12, 12)\nself.c = nn.Linear(12, 2)"
    forward = "self.c(F.leaky_relu(self.b(torch.relu(self.a(x))), 0.1))"
    return _document(folder, layers, forward, "net(x).argmax(-1) == 1", "[0.4, 0.4], [0.9, 0.9]", train)


def stripes(folder: Path) -> Document:
    """A convolution with pooling, which tells upright stripes from lying ones."""
    bars = torch.tensor([1.0, 0.0, 1.0, 0.0]).repeat(4, 1)
    noise = 0.2 * torch.rand(64, 4, 4, generator=torch.Generator().manual_seed(0))
    x = torch.cat([bars + noise, bars.t() + noise]).reshape(128, 16)
    train = fitted(x, lambda y: F.cross_entropy(y, torch.arange(128) // 64))
    layers = "self.a = nn.Conv2d(1, 3, 2)\nself.b = nn.Linear(12, 2)"
    forward = "self.b(F.max_pool2d(torch.relu(self.a(x.reshape(-1, 1, 4, 4))), 2, 1).flatten(1))"
    box = "[0.95, 0.0, 0.95, 0.0] * 4, [1.05, 0.1, 1.05, 0.1] * 4"
    return _document(folder, layers, forward, "(net(x).argmax(-1) == 0).all()", box, train)


def _document(
    folder: Path, layers: str, forward: str, claim: str, box: str, train: Callable[[nn.Module], None]
) -> Document:
    found = asked(folder, layers, f"return {forward}", claim, box, train=train)
    return certify("holds", found.question, found.own, found.text).document


def example(name: str, claim: str) -> Callable[[Path], Document]:
    def document(_: Path) -> Document:
        file = EXAMPLES / name
        ((_, found),) = certified(str(file), file.read_text(encoding="utf-8"), [claim], Session(()))
        assert found is not None, "the example's claim is proved and checkable"
        return found.document

    return document


NETWORKS: dict[str, Callable[[Path], Document]] = {
    "sine": sine,
    "quadrants": quadrants,
    "stripes": stripes,
    "pendulum": example("pendulum/controller.py", "stays_in_actuator_range"),
    "digits": example("digits/dense.py", "three_stays_three"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_certificate_of_a_trained_network_is_accepted(name, kernel, tmp_path) -> None:
    document = NETWORKS[name](tmp_path)
    assert certificate_faults(document.lean) == ()
    outcome = kernel(document.lean)
    assert isinstance(outcome, Accepted), outcome.describe()

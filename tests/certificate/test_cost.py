"""What the planner believes of the kernel is what the kernel does: the unfoldings that Lean counts."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from tests.certificate.models import asked

from torchlean.certificate import Document, certify, parts
from torchlean.certificate.cost import STEP_SECONDS, convolved
from torchlean.certificate.lean_source import PROOFS
from torchlean.certificate.network import Bound, Linear
from torchlean.certificate.parts import PART_SECONDS, checking
from torchlean.lean import Accepted, Outcome

COUNTING = "set_option diagnostics true\nset_option diagnostics.threshold 0\n"

AGREEMENT = 0.3
"""Relative difference that is allowed: the estimate looks at sizes alone."""

SHAPES = {
    "intervals": ((4, 20, 12, 3), 100.0, 0),
    "all matrices backward": ((3, 12, 12, 12, 1), 0.55, 3),
}
"""Sizes of layers, a bound of the outputs that this way shows, and how many matrices it bounds backward."""

CONVOLUTIONS = {
    "a picture": ("nn.Conv2d(1, 6, 3, stride=2, padding=1)", (1, 1, 8, 8), 96),
    "channels": ("nn.Conv2d(3, 2, 3, padding=1)", (1, 3, 5, 5), 50),
    "a sequence": ("nn.Conv1d(2, 4, 5, padding=2)", (1, 2, 12), 48),
}
"""A convolution, the shape that it reads, and the number of its results."""

ROWS = """
theorem rows : withNetwork layers (fun _ => true) = true := by decide +kernel
"""


@pytest.mark.lean
@pytest.mark.parametrize("name", SHAPES)
def test_the_estimate_is_what_lean_counts(name, kernel, tmp_path) -> None:
    sizes, bound, matrices = SHAPES[name]
    layers = "self.layers = nn.ModuleList([" + ", ".join(
        f"nn.Linear({columns}, {rows})" for columns, rows in pairwise(sizes)
    )
    forward = "for layer in self.layers[:-1]:\n    x = torch.relu(layer(x))\nreturn self.layers[-1](x)"
    box = f"[-1.0] * {sizes[0]}, [1.0] * {sizes[0]}"
    claim = asked(tmp_path, layers + "])", forward, f"(net(x).abs() <= {bound}).all()", box)
    found = certify("holds", claim.question, claim.own, claim.text)
    plan = found.document.proof.plan
    assert isinstance(plan, Bound) and sum(plan.backward) == matrices
    counted = _counted(kernel(found.document.lean.replace(PROOFS, PROOFS + "\n" + COUNTING)))
    believed = checking(found.document.statement.network, plan).seconds / STEP_SECONDS
    assert abs(believed - counted) <= AGREEMENT * counted


@pytest.mark.lean
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_rows_of_convolutions_take_what_lean_counts(name, kernel, tmp_path) -> None:
    document = _convolved(name, tmp_path)
    definitions, _, proofs = document.lean.partition(PROOFS)
    counted = _counted(kernel(definitions + COUNTING + ROWS + proofs[proofs.rindex("\nend ") :]))
    believed = convolved(document.statement.network).seconds / STEP_SECONDS
    assert abs(believed - counted) <= AGREEMENT * counted


@pytest.mark.parametrize("most", [PART_SECONDS, 0.0], ids=["one theorem", "parts"])
def test_rows_of_convolutions_are_counted_in_each_theorem_that_computes_them(
    most, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(parts, "PART_SECONDS", most)
    document = _convolved("a picture", tmp_path)
    network, plan = document.statement.network, document.proof.plan
    nodes = (replace(n, convolution=None) if isinstance(n, Linear) else n for n in network.nodes)
    stated = replace(network, nodes=tuple(nodes))
    theorems = document.lean.count("of_evaluated")
    assert theorems == (2 if most else 3)
    more = checking(network, plan).seconds - checking(stated, plan).seconds
    assert more == pytest.approx(theorems * convolved(network).seconds)


def _convolved(name: str, folder: Path) -> Document:
    """A certificate of a convolution, relu and an affine output, by intervals."""
    layer, shape, results = CONVOLUTIONS[name]
    size = math.prod(shape)
    claim = asked(
        folder,
        f"self.a = {layer}\nself.b = nn.Linear({results}, 1)",
        f"return self.b(torch.relu(self.a(x.reshape({shape}))).flatten(1)).flatten()",
        "(net(x).abs() <= 100.0).all()",
        f"[-1.0] * {size}, [1.0] * {size}",
    )
    document = certify("holds", claim.question, claim.own, claim.text).document
    assert document.statement.network.layered
    return document


def _counted(outcome: Outcome) -> int:
    assert isinstance(outcome, Accepted), outcome.describe()
    return sum(
        int(count)
        for message in outcome.messages
        for count in re.findall(r"\[kernel\] \S+ ↦ (\d+)", message.text)
    )

"""What the planner believes of the kernel is what the kernel does: the unfoldings that Lean counts."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from tests.certificate.models import asked

from torchlean.certificate import certify
from torchlean.certificate.cost import STEP_SECONDS
from torchlean.certificate.lean_source import PROOFS
from torchlean.certificate.network import Bound
from torchlean.certificate.parts import checking
from torchlean.lean import Accepted

pytestmark = pytest.mark.lean

COUNTING = "set_option diagnostics true\nset_option diagnostics.threshold 0\n"

AGREEMENT = 0.3
"""Relative difference that is allowed: the estimate looks at sizes alone."""

SHAPES = {
    "intervals": ((4, 20, 12, 3), 100.0, 0),
    "all matrices backward": ((3, 12, 12, 12, 1), 0.55, 3),
}
"""Sizes of layers, a bound of the outputs that this way shows, and how many matrices it bounds backward."""


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
    outcome = kernel(found.document.lean.replace(PROOFS, PROOFS + "\n" + COUNTING))
    assert isinstance(outcome, Accepted), outcome.describe()
    counted = sum(
        int(count)
        for message in outcome.messages
        for count in re.findall(r"\[kernel\] \S+ ↦ (\d+)", message.text)
    )
    believed = checking(found.document.statement.network, plan).seconds / STEP_SECONDS
    assert abs(believed - counted) <= AGREEMENT * counted

"""A name is followed to its assignment only where the expression still has the same value."""

from __future__ import annotations

import pytest
from tests.fixes.proposing import proposals

HEAD = "import torch\nimport torch.nn.functional as F\n"

SAFE = {
    "the same block": "p = torch.sigmoid(z)\nloss = «torch.log(p)»",
    "a block around": "p = torch.sigmoid(z)\nif flag:\n    loss = «torch.log(p)»",
    "over two names": "q = torch.sigmoid(z)\np = q\nloss = «torch.log(p)»",
    "assigned in the same round of a loop": (
        "for x in data:\n    z = model(x)\n    p = torch.sigmoid(z)\n    loss = «torch.log(p)»"
    ),
    "one of two names assigned at once": "p, n = torch.sigmoid(z), 3\nloss = «torch.log(p)»",
    "other names changed between": "p = torch.sigmoid(z)\ny = 2\nw.data.add_(1)\nloss = «torch.log(p)»",
}

UNSAFE = {
    "the operand has a new value": "p = torch.sigmoid(z)\nz = z + 1\nloss = «torch.log(p)»",
    "the operand was changed in place": "p = torch.sigmoid(z)\nz.mul_(2)\nloss = «torch.log(p)»",
    "the operand's data were changed": "p = torch.sigmoid(z)\nz.data -= 1\nloss = «torch.log(p)»",
    "an element was changed": "p = torch.sigmoid(z)\np[0] = 1\nloss = «torch.log(p)»",
    "only one way leads there": "p = z\nif flag:\n    p = torch.sigmoid(z)\nloss = «torch.log(p)»",
    "changed on some way": "p = torch.sigmoid(z)\nif flag:\n    z = z * 2\nloss = «torch.log(p)»",
    "changed in a later step over two names": "q = torch.sigmoid(z)\np = q\nz = z + 1\nloss = «torch.log(p)»",
    "changed in the last round of a loop": (
        "p = torch.sigmoid(z)\nfor x in data:\n    loss = «torch.log(p)»\n    z = x"
    ),
    "bound by a loop": "p = torch.sigmoid(z)\nfor z in data:\n    loss = «torch.log(p)»",
    "written by an output argument": "p = torch.sigmoid(z)\ntorch.exp(w, out=z)\nloss = «torch.log(p)»",
    "assigned from itself": "z = torch.sigmoid(z)\nloss = «torch.log(z)»",
    "assigned in another function": "def g():\n    p = torch.sigmoid(z)\nloss = «torch.log(p)»",
}


def words(body: str) -> list[str]:
    return [proposal.words for proposal in proposals(HEAD + body + "\n", "TL212")[1]]


@pytest.mark.parametrize("body", SAFE.values(), ids=SAFE)
def test_a_formula_over_several_statements_is_recognised(body: str) -> None:
    assert "Use logsigmoid" in words(body)


@pytest.mark.parametrize("body", UNSAFE.values(), ids=UNSAFE)
def test_a_formula_whose_parts_changed_meanwhile_is_not_put_together(body: str) -> None:
    assert "Use logsigmoid" not in words(body)


def test_an_exponential_that_is_used_elsewhere_is_not_shifted() -> None:
    body = "def f(z):\n    e = «torch.exp(z)»\n    return e / e.sum(dim=1, keepdim=True) + e\n"
    assert "Subtract the maximum" not in words(body)


def test_exponentials_normalised_along_different_dimensions_are_not_shifted() -> None:
    body = (
        "def f(z):\n    e = «torch.exp(z)»\n"
        "    return e / e.sum(dim=1, keepdim=True), e / e.sum(dim=0, keepdim=True)\n"
    )
    assert "Subtract the maximum" not in words(body)

"""Hazards are those of a function's steps, whoever executes them."""

import pytest
from tests.hazards.expressions import hazards, unknown

PAIRS = [
    ("torch.trace(x)", "x.diagonal().sum()"),
    ("torch.cdist(x, x[:3])", "(x.unsqueeze(-2) - x[:3].unsqueeze(-3)).norm(2.0, -1)"),
    (
        "torch.cross(x[:, :3], x[:, 1:], dim=1)",
        "(x[:, :3].roll(-1, 1) * x[:, 1:].roll(-2, 1) - x[:, :3].roll(-2, 1) * x[:, 1:].roll(-1, 1))",
    ),
    ("torch.inner(x[0], x[1])", "torch.dot(x[0], x[1])"),
]
"""What torch has a function for, and its steps."""

READERS = [
    "1 / F",
    "torch.log(F.abs())",
    "torch.exp(F)",
    "torch.nan_to_num(1 / F)",
    "(1 / F).clamp(max=9.0)",
    "F.sqrt()",
]


@pytest.mark.parametrize(("function", "steps"), PAIRS)
@pytest.mark.parametrize("reader", READERS)
def test_what_reads_a_function_reads_its_last_step(function: str, steps: str, reader: str) -> None:
    """Not only what is found: what the message advises depends on what is divided by, and on who else reads it."""
    found = hazards(unknown(f"y = {reader.replace('F', function, 1)}"))
    wanted = hazards(unknown(f"y = {reader.replace('F', steps, 1)}"))
    assert [(d.code, d.message) for d in found] == [(d.code, d.message) for d in wanted]

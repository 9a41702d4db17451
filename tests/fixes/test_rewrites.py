"""What a fix makes of an expression, executed: the same where the old code was fine, right where it was not."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tests.fixes.cases import CASES as FIRST_CASES
from tests.fixes.cases import Case
from tests.fixes.limit_cases import LIMIT_CASES
from tests.fixes.proposing import drawn, fixed

CASES = [*FIRST_CASES, *LIMIT_CASES]

HEAD = "import torch\nimport torch.nn.functional as F\n\n\n"

ROUNDING = 2e-6
"""Relative: a few operations' roundings (2^-24 each) of the old and of the new form together."""


def texts(case: Case) -> tuple[str, str]:
    """The file before and after."""
    marked = HEAD + case.body + "\n"
    return drawn(marked)[0], fixed(marked, case.code, case.words)


def function(text: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(compile(text, "m.py", "exec"), namespace)
    return namespace["f"]


def arguments(expression: str) -> Any:
    return eval(expression, {"torch": torch})


def result(case: Case, text: str) -> torch.Tensor:
    """The function, or its derivative, on the extreme input."""
    given = arguments(case.extreme)
    if not case.gradient:
        return torch.as_tensor(function(text)(*given)).double()
    first = given[0].clone().requires_grad_()
    function(text)(first, *given[1:]).backward()
    assert first.grad is not None
    return first.grad.double()


def right(case: Case, value: torch.Tensor) -> bool:
    if not bool(torch.isfinite(value).all()):
        return False
    if case.truth is None:
        return True
    truth = torch.as_tensor(eval(case.truth, {"torch": torch, "math": math}), dtype=torch.float64)
    return torch.allclose(value, truth.expand_as(value), rtol=1e-4, atol=1e-30)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_expression_is_rewritten_and_nothing_else_of_the_file(case: Case) -> None:
    before, after = texts(case)
    assert case.new in after
    at = after.index(case.new)
    kept = len(after) - at - len(case.new)
    assert after[:at] == before[:at]
    assert after[at + len(case.new) :] == before[len(before) - kept :]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_old_and_new_agree_where_the_old_code_was_fine(case: Case) -> None:
    before, after = texts(case)
    given = arguments(case.fine)
    old, new = function(before)(*given), function(after)(*given)
    assert old.shape == new.shape
    assert torch.allclose(old.double(), new.double(), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_new_code_is_right_where_the_old_was_not(case: Case) -> None:
    before, after = texts(case)
    assert not right(case, result(case, before))
    assert right(case, result(case, after)), result(case, after)

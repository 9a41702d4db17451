"""Where a sort moves its elements depends on their values: no bound may take it for a fixed rearrangement."""

import pytest

from torchlean.analysis import Session, analyse
from torchlean.analysis.result import Verdict

TEMPLATE = """
import torch
import torchlean as tl

@tl.claim(x=tl.box([1.0, -1.0], [2.0, -0.5]))
def claim(x):
    return {expression}
"""


def verdict(expression: str) -> Verdict:
    (unit,) = analyse("/model.py", TEMPLATE.format(expression=expression), Session()).units
    assert unit.claim is not None
    return unit.claim.verdict


@pytest.mark.parametrize(
    "expression",
    [
        "x.sort()[0][0] > 0",
        "(x >= 0).sort()[0][0]",
        "~(x >= 0).sort()[0][1]",
        "x.sort(descending=True)[0][1] > 0",
    ],
)
def test_what_only_the_unsorted_elements_satisfy_is_refuted(expression) -> None:
    assert verdict(expression) is Verdict.REFUTED


@pytest.mark.parametrize("expression", ["x.sort()[0][1] > 0", "x.sort()[0][0] < 0", "(x >= 0).any()"])
def test_what_the_sorted_elements_satisfy_is_proved(expression) -> None:
    assert verdict(expression) is Verdict.PROVED

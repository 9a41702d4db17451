"""Claims about programs that may raise an error on inputs of the domain: nothing is proved of them."""

from __future__ import annotations

import pytest

from torchlean.analysis import Session, analyse
from torchlean.analysis.result import ClaimResult

HEAD = "import torch\nimport torch.nn.functional as F\nimport torchlean as tl\n\n"


def verdict(body: str, least: int, greatest: int, shape: str) -> ClaimResult:
    text = (
        f"{HEAD}@tl.claim(x=tl.box(-1.0, 1.0, shape=(2, 3)), "
        f"t=tl.box({least}, {greatest}, shape={shape}, dtype=torch.int64))\n"
        f"def stated(x, t):\n    {body}\n"
    )
    (unit,) = [unit for unit in analyse("/nowhere/m.py", text, Session()).units if unit.kind == "claim"]
    assert unit.claim is not None
    return unit.claim


BODIES = {
    "index": ("return x[:, t].abs().max() <= 2.0", "(2,)", True),
    "gather": ("return x.gather(1, t).abs().max() <= 2.0", "(2, 1)", False),
    "cross entropy": ("return F.cross_entropy(x, t) <= 100.0", "(2,)", False),
    "one hot": ("return F.one_hot(t, 3).max() <= 1", "(2,)", False),
    "assignment": ("x = x.clone()\n    x[0, t] = 0.5\n    return x.abs().max() <= 2.0", "(2,)", True),
}


@pytest.mark.parametrize(("body", "shape", "negative"), BODIES.values(), ids=BODIES)
def test_an_index_that_may_be_out_of_range_proves_nothing(body: str, shape: str, negative: bool) -> None:
    assert verdict(body, 0, 2, shape).verdict.value == "proved"
    beyond = verdict(body, 0, 3, shape)
    assert beyond.verdict.value == "unknown"
    assert "may raise an error" in beyond.detail
    assert "an index can be from 0 to 3, in a dimension of size 3" in beyond.detail
    below = verdict(body, -3, 2, shape)
    assert below.verdict.value == ("proved" if negative else "unknown"), "negative indices count from the end"
    assert verdict(body, -4, 2, shape).verdict.value == "unknown"


def test_the_message_names_the_line() -> None:
    found = verdict("return x.gather(1, t).abs().max() <= 2.0", 1, 7, "(2, 1)")
    assert "`gather` on line 7 may raise" in found.detail

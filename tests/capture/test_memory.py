"""Code that is not followed may write into the tensors it gets: nothing is proved of them afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.capture.probing import captured, unit_of

PRELUDE = """
import numpy as np
import torch
import mystery
import torchlean as tl

@tl.claim(x=tl.box(0.0, 1.0, shape=(2,)))
def claim(x):
"""

UNSEEN = [
    "mystery.normalise(x)",
    "mystery.normalise_(3, x)",
    "mystery.normalise([{'a': x}])",
    "y = x[:1]\n    mystery.normalise(y)",
    "y = mystery.view(x)\n    y += 1",
    "y = mystery.view(x)\n    y[0] = 1",
    "y = mystery.view(x)\n    y.mul_(2)",
    "y = mystery.view(x)\n    torch.relu_(y)",
    "y = mystery.view(x)\n    torch.add(x, 1, out=y)",
    "y = mystery.view(x)\n    mystery.normalise(y)",
    "y = np.asarray(x)\n    y *= 2",
    "x.untyped_storage().fill_(3)",
    "x += mystery.number()",
    "x.mul_(torch.float32)",
    "y = x\n    y.add_(mystery.number())",
]


@pytest.mark.parametrize("body", UNSEEN)
def test_a_tensor_that_may_have_been_written_is_unknown(body: str, tmp_path: Path) -> None:
    text = f"{PRELUDE}    {body}\n    return x <= 1.0\n"
    unit = unit_of(captured(tmp_path / "m.py", text), "claim")
    assert unit.failure is not None
    assert unit.outputs == ()


SEEN = [
    "print(x)",
    "y = mystery.number()\n    y += 1",
    "y = x.clone()\n    mystery.normalise(y)",
    "torch.copysign(x, x)",
    "np.linalg.svd(x)",
]


@pytest.mark.parametrize("body", SEEN)
def test_a_tensor_that_stays_as_it_is_stays_known(body: str, tmp_path: Path) -> None:
    text = f"{PRELUDE}    {body}\n    return x <= 1.0\n"
    unit = unit_of(captured(tmp_path / "m.py", text), "claim")
    assert unit.failure is None

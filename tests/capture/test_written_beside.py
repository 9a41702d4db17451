"""What functions write into their arguments beside their result: nothing is proved of the numbers that stood there."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from torchlean.analysis import Session, analyse
from torchlean.analysis.result import Verdict

HEAD = "import torch\nimport torch.nn.functional as F\nimport torchlean as tl\n"
STATISTICS = "m, v = torch.zeros(3), torch.ones(3)"

WRITTEN = {
    "batch_norm": (f"{STATISTICS} ; F.batch_norm(x, m, v, training=True)", "m <= 0"),
    "batch_norm by keywords": (
        f"{STATISTICS} ; F.batch_norm(x, running_var=v, running_mean=m, training=True)",
        "v >= 1",
    ),
    "batch_norm below the layers": (
        f"{STATISTICS} ; torch.batch_norm(x, None, None, m, v, True, 0.1, 1e-5, False)",
        "m <= 0",
    ),
    "native_batch_norm": (
        f"{STATISTICS} ; torch.native_batch_norm(x, None, None, m, v, True, 0.1, 1e-5)",
        "m <= 0",
    ),
    "instance_norm below the layers": (
        f"{STATISTICS} ; y = x.unsqueeze(-1).repeat(1, 1, 2) ; "
        "torch.instance_norm(y, None, None, m, v, True, 0.1, 1e-5, False)",
        "m <= 0",
    ),
    "embedding": ("y = x * 1 ; F.embedding(torch.tensor([0, 1]), y, max_norm=1.0)", "y >= 1"),
    "rrelu in place": ("y = x - 4 ; F.rrelu(y, 0.125, 0.25, True, True)", "y <= -1"),
    "dropout in place": ("y = x * 1 ; F.dropout(y, 0.5, True, True)", "y <= 2"),
    "dropout2d in place": (
        "y = x.reshape(1, 6, 1, 1) * 1 ; F.dropout2d(y, 0.5, inplace=True)",
        "y <= 2",
    ),
    "alpha_dropout in place": ("y = x * 1 ; F.alpha_dropout(y, 0.5, True, True)", "y >= 1"),
    "dropout of everything in place": ("y = x * 1 ; F.dropout(y, 1.0, True, True)", "y >= 1"),
}


@pytest.mark.parametrize(("body", "claim"), WRITTEN.values(), ids=WRITTEN)
@pytest.mark.filterwarnings("ignore:dropout2d", "ignore:.*dropout2d")
def test_nothing_is_proved_of_what_a_function_writes_beside_its_result(body: str, claim: str) -> None:
    lines = [*body.split(" ; "), f"return {claim}"]
    stated = "@tl.claim(x=tl.box(1.0, 2.0, shape=(2, 3)))\ndef stated(x):\n    " + "\n    ".join(lines) + "\n"
    space: dict[str, Any] = {}
    exec(HEAD + stated, space)
    torch.manual_seed(0)
    x = torch.linspace(1.0, 2.0, 6).reshape(2, 3)
    assert not all(bool(space["stated"](x).all()) for _ in range(20)), "the claim is false"
    (unit,) = [
        unit for unit in analyse("/nowhere/m.py", HEAD + stated, Session()).units if unit.kind == "claim"
    ]
    assert unit.claim is not None and unit.claim.verdict is not Verdict.PROVED


def test_statistics_of_evaluation_stay_known() -> None:
    stated = (
        "@tl.claim(x=tl.box(1.0, 2.0, shape=(2, 3)))\ndef stated(x):\n    m, v = torch.zeros(3), torch.ones(3)\n"
        "    F.batch_norm(x, m, v, eps=-1.0)\n    return m <= 0\n"
    )
    (unit,) = [
        unit for unit in analyse("/nowhere/m.py", HEAD + stated, Session()).units if unit.kind == "claim"
    ]
    assert unit.claim is not None and unit.claim.verdict is Verdict.PROVED

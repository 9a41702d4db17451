"""Dtypes that torch refuses are refused, at the call and with torch's reason; those that it takes are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.capture.dtype_cases import DTYPES, SHAPES, TEMPLATES, cases
from tests.capture.marked import check_marked
from tests.capture.probing import captured

IMPORTS = ["import torch", "from torch import nn", "import torch.nn.functional as F"]
TENSORS = [
    f"{name}_{short} = torch.ones({shape and shape + ', ' if name != 'z' else '(), '}dtype=torch.{dtype})"
    for name, shape in SHAPES.items()
    for short, dtype in DTYPES.items()
]
REFUSALS = ("TL101", "TL103")


def statements(case: str) -> list[str]:
    """One or two lines; the last is the one that torch may refuse."""
    first, _, second = case.partition("; ")
    return [first, second] if second else [f"c = {first}"]


@pytest.mark.filterwarnings("ignore")
def raised(case: str, names: dict[str, Any]) -> str | None:
    """What torch says against it."""
    try:
        exec("\n".join(statements(case)), dict(names))
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return None


@pytest.mark.parametrize("group", TEMPLATES)
@pytest.mark.filterwarnings("ignore")
def test_what_torch_refuses_for_its_dtypes_is_refused_and_nothing_else(group: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec("\n".join([*IMPORTS, *TENSORS]), names)
    lines, places = [*IMPORTS, *TENSORS], {}
    for case in cases(group):
        lines += statements(case)
        places[case] = len(lines) - 1
    said: dict[int, list[str]] = {}
    for found in captured(tmp_path / "cases.py", "\n".join(lines) + "\n").diagnostics:
        if found.code in REFUSALS:
            said.setdefault(found.span.line, []).append(found.message)
    wrong = []
    for case, place in places.items():
        theirs, ours = raised(case, names), said.pop(place, None)
        if (theirs is None) != (ours is None):
            wrong.append(f"{case}: torch {theirs or 'takes it'}, we {ours or 'say nothing'}")
    assert not wrong, "\n".join(wrong)
    assert not said, said


def test_the_reason_is_torch_s_and_stands_at_the_call(tmp_path: Path) -> None:
    check_marked(
        """
        import torch
        import torch.nn.functional as F

        hits = torch.ones(3, dtype=torch.int64)
        best = torch.zeros((), dtype=torch.int64)

        def loss(prediction):
            return F.mse_loss(prediction, hits, reduction="none")
            #      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL101

        print(loss(hits))
        best = torch.amax(torch.ones(3), 0, out=best)
        #      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL101
        most = torch.maximum(hits, 0)
        #      ^^^^^^^^^^^^^^^^^^^^^^ TL103
        shifted = hits << 0.5
        #         ^^^^^^^^^^^ TL101
        """,
        tmp_path,
    )


def test_a_refusal_can_be_caught(tmp_path: Path) -> None:
    capture = captured(
        tmp_path / "caught.py",
        """
import torch
import torch.nn.functional as F

a = torch.ones(3, dtype=torch.int64)
try:
    loss = F.mse_loss(a, a, reduction="none")
except NotImplementedError:
    loss = F.mse_loss(a.float(), a.float(), reduction="none")
checked = loss.view(2, 2)
""",
    )
    assert [(d.code, d.span.line) for d in capture.diagnostics] == [("TL101", 9)]


def test_kernels_that_only_the_processor_lacks_are_not_reported(tmp_path: Path) -> None:
    """A file does not say whether its half precision runs on a device whose kernels know it."""
    half = torch.ones(3, dtype=torch.float16)
    with pytest.raises(NotImplementedError, match="Half"):
        torch.polar(half, half)
    text = "import torch\nh = torch.ones(3, dtype=torch.float16)\nz = torch.polar(h, h)\n"
    assert {d.code for d in captured(tmp_path / "half.py", text).diagnostics} <= {"TL102"}


@pytest.mark.parametrize("call", ["lin(x.bfloat16())", "lin(x).bfloat16() @ torch.ones(4, 4)"])
def test_mixed_precision_may_mix_dtypes(call: str, tmp_path: Path) -> None:
    text = f"""
import torch
from torch import nn

lin = nn.Linear(4, 4)
x = torch.randn(8, 4)
with torch.autocast("cpu", dtype=torch.bfloat16):
    y = {call}
"""
    exec(text, {})
    assert {d.code for d in captured(tmp_path / "mixed.py", text).diagnostics} == {"TL102"}
    plain = text.replace('with torch.autocast("cpu", dtype=torch.bfloat16)', "if True")
    with pytest.raises(RuntimeError, match="dtype"):
        exec(plain, {})
    assert [d.code for d in captured(tmp_path / "plain.py", plain).diagnostics] == ["TL101"]

"""A bad domain is refused by the running program and by the analysis, in the same words."""

from pathlib import Path

import pytest

import torchlean as tl
from torchlean.analysis import Session, analyse
from torchlean.diagnostics import Severity

DOMAINS = [
    "tl.box([0.0, 2.0], [1.0, 1.0])",
    "tl.box([0.0, float('nan')], 1.0)",
    "tl.box([0.0, 0.0], [1.0, 1.0, 1.0])",
    "tl.box([[1, 2], [3]], 9.0)",
    "tl.box('low', 1.0)",
    "tl.box([0.0, 0.0, 0.0], 1.0, shape=(2, 2))",
    "tl.box(0.0, 1.0, shape=(2, -1))",
    "tl.ball([0.5, 0.5], -0.1)",
    "tl.ball([0.5, 0.5], float('nan'))",
    "tl.ball([0.5, 0.5], 'wide')",
    "tl.ball([0.5, float('nan')], 0.1)",
    "tl.ball([0.5, 0.5], 0.1, clip=(1.0, 0.0))",
    "tl.ball([0.5, 0.5], 0.1, clip=(1.0,))",
    "tl.ball([5.0, 0.5], 0.1, clip=(0.0, 1.0))",
    "tl.ball('near', 0.1)",
]

CLAIMS = [
    "@tl.claim(x=tl.box(0.0, 1.0))\ndef f(y):\n    return y > 0\n",
    "@tl.claim(x=tl.box(0.0, 1.0))\ndef f(x, y):\n    return x > y\n",
    "@tl.claim(x=tl.box(0.0, 1.0), arithmetic='exact')\ndef f(x):\n    return x > 0\n",
    "@tl.claim(x=tl.box(0.0, 1.0), arithmetic=32)\ndef f(x):\n    return x > 0\n",
    "@tl.claim()\ndef f():\n    return True\n",
    "@tl.claim(x=[0, 1])\ndef f(x):\n    return x > 0\n",
    "@tl.claim(x=tl.box(0.0, 1.0))\ndef f(*x):\n    return True\n",
]

PROGRAMS = [f"import torchlean as tl\n\nd = {domain}\n" for domain in DOMAINS] + [
    f"import torchlean as tl\n\n{claim}" for claim in CLAIMS
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_both_refuse_in_the_same_words(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where data files are looked for by a program that has no file of its own
    with pytest.raises(tl.DomainError) as refused:
        exec(program, {})
    analysis = analyse(str(tmp_path / "model.py"), program, Session())
    messages = [d.message for d in analysis.diagnostics if d.code == "TL304"]
    assert str(refused.value) in messages
    assert all(d.severity is Severity.ERROR for d in analysis.diagnostics if d.code == "TL304")


def test_a_good_claim_is_refused_by_neither(tmp_path: Path) -> None:
    program = (
        "import torchlean as tl\n\n@tl.claim(x=tl.ball([0.5], 0.1))\ndef f(x, scale=2.0):\n    return x > 0\n"
    )
    exec(program, {})
    analysis = analyse(str(tmp_path / "model.py"), program, Session())
    assert [d.message for d in analysis.diagnostics if d.code == "TL304"] == []

"""The gate before Lean: what no certificate may contain."""

from __future__ import annotations

import pytest

from torchlean.lean import certificate_faults
from torchlean.lean.gate import FORBIDDEN

GOOD = """module
prelude
public import Init.Omega
public import TorchLean.Check
public section
set_option maxRecDepth 100000
/-- The claim `stays_in_range` of model.py, checked by Lean. -/
theorem TorchLean.Certificate.stays_in_range : check net box property tree = true := by decide +kernel
"""


def test_a_plain_certificate_passes() -> None:
    assert certificate_faults(GOOD) == ()


@pytest.mark.parametrize("word", FORBIDDEN)
def test_a_forbidden_word_is_found_at_its_place(word: str) -> None:
    (fault, *_) = certificate_faults(GOOD + f"  {word} x")
    assert (fault.line, fault.column) == (9, 2)
    assert word in fault.text


@pytest.mark.parametrize(
    "line",
    [
        "axiom cheat : 1 = 2",
        "theorem x : 1 = 2 := by sorry",
        "theorem x : 1 = 2 := by decide +native",
        "theorem x : 1 = 2 := by native_decide",
        "@[implemented_by g] def f := 0",
        "set_option debug.skipKernelTC true",
        "set_option pp.all true",
        'macro "decide" : tactic => `(tactic| trivial)',
        "local notation x ` = ` y => True",
        "#eval 1",
        "#exit",
        "/- axiom -/",
        "-- sorry",
        "import Lean",
        "public import Std.Data.HashMap",
        "public import TorchLean.Check public import Lean.Elab",
        "meta import TorchLean.Check",
        "import all TorchLean.Check",
        "«import» Lean",
        "open TorchLean in unsafe def f := 0",
    ],
)
def test_tricks_are_refused(line: str) -> None:
    assert certificate_faults(GOOD + line + "\n")


def test_words_that_only_contain_a_forbidden_one_pass() -> None:
    assert certificate_faults(GOOD + "theorem unsafe_region_axiomatic : evaluate x = y := rfl\n") == ()

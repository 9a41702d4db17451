"""Results survive the way between processes unchanged, without torch in the receiving one."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from torchlean.analysis.result import (
    Certificate,
    ClaimResult,
    Counters,
    Element,
    Evidence,
    Extent,
    FileAnalysis,
    NotCheckable,
    Place,
    Plan,
    SymbolResult,
    TensorFact,
    UnitResult,
    Verdict,
)
from torchlean.analysis.wire import decode, decode_as, encode
from torchlean.diagnostics import Diagnostic, Related, Severity
from torchlean.source import Span

SPAN = Span("/file.py", 1, 2, 3, 4)


def an_analysis() -> FileAnalysis:
    fact = TensorFact(
        node=3,
        op="linear",
        label="fc1",
        shape=(1, 2),
        dtype="float32",
        lower=-math.inf,
        upper=1.5,
        width=math.inf,
        widest=(Element((0, 1), -math.inf, 1.5),),
        undefined=True,
        reason="because",
        method="crown",
        line=7,
        alone=Extent(-math.inf, 40.5, math.inf, undefined=True),
    )
    claim = ClaimResult(Verdict.REFUTED, Evidence.COUNTEREXAMPLE, "no", -0.5, {"x": [[1.0, 2.5]]}, 0.25)
    unit = UnitResult(
        "claim",
        "holds",
        SPAN,
        "summary",
        12,
        (("x", "box"),),
        (fact,),
        (Place(SPAN, "return", "y", (0, 0)),),
        claim,
    )
    symbol = SymbolResult("Net", "module", SPAN, SPAN, (SymbolResult("forward", "module", SPAN, SPAN),))
    found = Diagnostic("TL101", Severity.ERROR, SPAN, "message", (Related(SPAN, "here"),))
    return FileAnalysis("/file.py", (unit,), (symbol,), (found,), ("/weights.pt",), Counters(3, 4), False)


def test_a_result_survives_encoding_through_json() -> None:
    original = an_analysis()
    assert decode(json.loads(json.dumps(encode(original)))) == original


def test_plans_of_certificates_keep_apart_what_can_be_checked_and_what_cannot() -> None:
    plans = (
        Plan("safe[0]", "ab", Certificate("12", "theorem t", "TorchLean.t", "exact arithmetic")),
        Plan("safe[1]", "cd", NotCheckable("op tanh is outside the checker")),
        Plan("safe[2]", "ef", NotCheckable("it took too long", passing=True)),
    )
    assert decode_as(tuple[Plan, ...], json.loads(json.dumps(encode(plans)))) == plans


@pytest.mark.parametrize(
    ("bounds", "alone", "much"),
    [
        ((0.0, 1.0, 1.0), None, False),
        ((0.0, 1.0, 1.0), Extent(0.0, 1.9, 1.9), False),
        ((0.0, 1.0, 1.0), Extent(-0.5, 1.5, 2.0), True),
        # Elements far apart: each of them is much narrower, all together are not.
        ((0.0, 9.0, 1.0), Extent(-1.0, 10.0, 3.0), True),
        # One wide element hides that the others moved together.
        ((0.0, 1.0, 1.0), Extent(-4.0, 5.0, 1.5), True),
        ((2.0, 2.0, 0.0), Extent(1.9, 2.0, 0.1), True),
        ((0.0, math.inf, math.inf), Extent(-math.inf, math.inf, math.inf), False),
        ((0.0, 1.0, 1.0), Extent(-math.inf, math.inf, math.inf), True),
        ((0.0, 1.0, 1.0), Extent(0.0, 1.0, 1.0, undefined=True), True),
    ],
)
def test_intervals_are_worth_showing_beside_bounds_that_say_twice_as_much(
    bounds: tuple[float, float, float], alone: Extent | None, much: bool
) -> None:
    lower, upper, width = bounds
    fact = TensorFact(3, "linear", "fc1", (1, 2), "float32", lower, upper, width, alone=alone)
    assert fact.much_tighter is much


def test_decoding_results_imports_no_torch() -> None:
    code = "import sys, torchlean.analysis.wire, torchlean.numbers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

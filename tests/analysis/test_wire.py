"""Results survive the way between processes unchanged, without torch in the receiving one."""

from __future__ import annotations

import json
import math
import subprocess
import sys

from torchlean.analysis.result import (
    ClaimResult,
    Counters,
    Element,
    Evidence,
    FileAnalysis,
    Place,
    SymbolResult,
    TensorFact,
    UnitResult,
    Verdict,
)
from torchlean.analysis.wire import decode, encode
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
        line=7,
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


def test_decoding_results_imports_no_torch() -> None:
    code = "import sys, torchlean.analysis.wire, torchlean.numbers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

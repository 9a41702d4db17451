"""Each claim of the examples gets the verdict it is there to show, and the demo runs."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.examples.loading import EXAMPLES, REFUTED, UNDECIDED, claims_of, example

from torchlean.analysis import Session, analyse
from torchlean.analysis.result import Evidence, FileAnalysis, Verdict
from torchlean.diagnostics import Severity

WITH_CLAIMS = ["digits/dense.py", "digits/conv.py", "digits/pixels.py", "pendulum/controller.py"]


def analysed(name: str) -> FileAnalysis:
    path = EXAMPLES / name
    return analyse(str(path), path.read_text(encoding="utf-8"), Session())


@pytest.mark.parametrize("name", WITH_CLAIMS)
def test_every_claim_gets_its_verdict(name) -> None:
    results = {unit.name: unit.claim for unit in analysed(name).units if unit.claim is not None}
    assert set(results) == set(claims_of(name))
    verdicts = {key: result.verdict for key, result in results.items()}
    expected = {
        key: Verdict.REFUTED if key in REFUTED else Verdict.UNKNOWN if key in UNDECIDED else Verdict.PROVED
        for key in results
    }
    assert verdicts == expected


@pytest.mark.parametrize("name", ["digits/dense.py", "pendulum/controller.py"])
def test_a_counterexample_replays_in_the_program_and_lies_in_the_domain(name) -> None:
    claims = claims_of(name)
    found = [unit for unit in analysed(name).units if unit.claim and unit.claim.verdict is Verdict.REFUTED]
    assert found
    for unit in found:
        assert unit.claim is not None and unit.claim.evidence is Evidence.COUNTEREXAMPLE
        assert unit.claim.counterexample is not None
        claim = claims[unit.name]
        x = torch.tensor(unit.claim.counterexample["x"])
        domain = claim.domains["x"]
        assert tuple(x.shape) == domain.shape
        values = x.flatten().tolist()
        assert all(l <= v <= u for l, v, u in zip(domain.lower, values, domain.upper, strict=True))
        assert not bool(claim(x).all())


@pytest.mark.parametrize("name", WITH_CLAIMS)
def test_the_analysis_has_nothing_else_to_complain_about(name) -> None:
    others = [d for d in analysed(name).diagnostics if d.code not in ("TL300", "TL301", "TL302", "TL306")]
    assert [d for d in others if d.severity <= Severity.WARNING] == []


def test_the_shape_error_is_underlined_at_the_second_layers_call() -> None:
    text = (EXAMPLES / "shape_error.py").read_text(encoding="utf-8").splitlines()
    errors = [d for d in analysed("shape_error.py").diagnostics if d.severity is Severity.ERROR]
    assert [d.code for d in errors] == ["TL101"]
    assert "self.decode(code)" in text[errors[0].span.line]
    assert "64" in errors[0].message and "46" in errors[0].message


def test_the_untrained_networks_shapes_are_found_by_trial() -> None:
    analysis = analysed("untrained.py")
    assert not [d for d in analysis.diagnostics if d.severity <= Severity.WARNING]
    (unit,) = [unit for unit in analysis.units if unit.name == "SmallVision"]
    assert unit.assumed_input
    assert unit.facts[-1].shape[-1] == 10
    assert any(fact.shape[-3:] == (16, 32, 32) for fact in unit.facts)


def test_the_demo_shows_bounds_and_all_three_verdicts(tmp_path: Path) -> None:
    # In an empty cache there is no Lean, whose minutes belong to the tests of Lean.
    without_lean = {**os.environ, "TORCHLEAN_CACHE": str(tmp_path)}
    demo = [sys.executable, str(EXAMPLES / "demo.py")]
    done = subprocess.run(demo, capture_output=True, text=True, env=without_lean)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("proved", "refuted", "unknown", "too_tight", "three_stays_three", "relu"):
        assert word in done.stdout


def test_the_demo_fails_when_a_command_fails(monkeypatch) -> None:
    demo = example("demo.py")
    monkeypatch.setattr(demo, "SHOWS", [("a file that is not there", ["bounds", "nowhere.py"], {0})])
    assert demo.main() == 1
    assert (
        importlib.util.find_spec("torchlean.cli") is not None
    )  # it failed for the file, not for the command

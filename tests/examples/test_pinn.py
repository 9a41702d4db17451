"""The heat equation's example: its conditions are proved on the whole domain, and a wrong equation is refuted."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest
import torch
from tests.examples.loading import EXAMPLES

from torchlean.analysis import Session, analyse, pipeline
from torchlean.analysis.result import Evidence, FileAnalysis, Verdict

FOLDER = EXAMPLES / "pinn"


def analysed(name: str) -> FileAnalysis:
    path = FOLDER / f"{name}.py"
    return analyse(str(path), path.read_text(encoding="utf-8"), Session())


@pytest.fixture
def heat(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    for module in ("heat", "wrong_rod"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return importlib.import_module("heat")


def test_residual_border_and_start_are_proved_on_the_whole_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    # A few seconds of work; a busy machine may need many for them.
    monkeypatch.setattr(pipeline, "FACT_SECONDS", 300.0)
    claims = {unit.name: unit.claim for unit in analysed("heat").units if unit.claim is not None}
    assert list(claims) == ["heat.residual", "heat.boundary", "heat.initial"]
    assert {(claim.verdict, claim.evidence) for claim in claims.values()} == {
        (Verdict.PROVED, Evidence.ENGINE)
    }
    assert "in exact arithmetic" in claims["heat.residual"].detail
    assert all("for every float32" in claims[f"heat.{fact}"].detail for fact in ("boundary", "initial"))


def test_a_wrong_equation_is_refuted_by_a_point_of_space_and_time() -> None:
    (claim,) = (unit.claim for unit in analysed("wrong_rod").units if unit.claim is not None)
    assert (claim.verdict, claim.evidence) == (Verdict.REFUTED, Evidence.COUNTEREXAMPLE)


def test_the_proved_bound_of_the_residual_is_close_to_the_largest_sampled_one(heat: ModuleType) -> None:
    """The claim's 0.005 is less than half again what a grid reaches, and the grid never exceeds it."""
    axis = torch.linspace(0.0, 1.0, 201, dtype=torch.float64)
    x, t = (each.reshape(-1, 1).requires_grad_() for each in torch.meshgrid(axis, axis, indexing="ij"))
    heat.rod.double()
    largest = float(heat.equation(x, t).abs().max().detach())
    assert largest < 0.005 < 1.5 * largest


def test_the_claims_run_on_tensors_as_they_are_proved(heat: ModuleType) -> None:
    assert all(fact.sample(100, seed=1).violated == 0 for fact in heat.heat.facts.values())
    assert not bool(
        importlib.import_module("wrong_rod").conducts.residual(torch.tensor([0.5]), torch.tensor([0.5]))
    )

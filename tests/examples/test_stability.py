"""The stability examples: what is stated of them is proved, the broken twin is refuted, and the program agrees."""

import importlib
import itertools
import sys
from types import ModuleType

import pytest
import torch
from tests.examples.loading import EXAMPLES

import torchlean as tl
from torchlean.analysis import Session, analyse
from torchlean.analysis.result import Evidence, FileAnalysis, Verdict
from torchlean.diagnostics import Severity

FOLDER = EXAMPLES / "stability"


def analysed(name: str) -> FileAnalysis:
    path = FOLDER / f"{name}.py"
    return analyse(str(path), path.read_text(encoding="utf-8"), Session())


def imported(name: str, patch: pytest.MonkeyPatch) -> ModuleType:
    """The example, which imports its neighbours, as a person runs it: from its folder."""
    patch.syspath_prepend(str(FOLDER))
    for module in ("pendulum", "van_der_pol", "weak_motor"):
        patch.delitem(sys.modules, module, raising=False)
    return importlib.import_module(name)


@pytest.mark.parametrize("name", ["pendulum", "van_der_pol"])
def test_a_trained_controller_is_proved_practically_stable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = analysed(name)
    claims = {unit.name: unit.claim for unit in analysis.units if unit.claim is not None}
    assert list(claims) == ["stable.inside", "stable.decreases", "stable.inner"]
    assert {(claim.verdict, claim.evidence) for claim in claims.values()} == {
        (Verdict.PROVED, Evidence.ENGINE)
    }
    assert all("for every float32" in claim.detail for claim in claims.values())
    assert [d for d in analysis.diagnostics if d.severity <= Severity.WARNING] == []
    stable = imported(name, monkeypatch).stable
    assert isinstance(stable, tl.Lyapunov)
    assert all(fact.sample(300, seed=1).violated == 0 for fact in stable.facts.values())


@pytest.mark.parametrize("name", ["pendulum", "van_der_pol"])
def test_trajectories_settle_within_the_steps_that_the_theorem_gives(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = imported(name, monkeypatch)
    levels, region = module.stable.levels, module.stable.region
    low, high = torch.tensor(region.lower), torch.tensor(region.upper)
    x = low + (high - low) * torch.rand(400, 2, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        x = x[module.V(x) <= levels.rho]
        for _ in range(-int(-(levels.rho - levels.rho0) // levels.delta)):
            x = module.step(x)
            assert bool(((x >= low) & (x <= high)).all())
            assert bool((module.V(x) <= levels.rho).all())
        assert bool((module.V(x) <= levels.inner).all())


def test_a_weak_motor_is_refuted_by_a_trajectory_along_which_the_function_rises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claims = {unit.name: unit.claim for unit in analysed("weak_motor").units if unit.claim is not None}
    claim = claims["weak.decreases"]
    assert claim.verdict is Verdict.REFUTED
    module = imported("weak_motor", monkeypatch)
    states = [torch.tensor(state) for state in claim.trajectory]
    assert not bool(module.weak.decreases(states[0]))
    with torch.no_grad():
        for before, after in itertools.pairwise(states):
            assert torch.equal(module.weak_step(before), after)
        assert float(module.V(states[1])) > float(module.V(states[0])) - module.weak.levels.delta

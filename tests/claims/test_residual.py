"""`tl.residual`: its facts in one and two dimensions, with and without time, and mistakes in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import torchlean as tl
from torchlean.analysis import Session, analyse
from torchlean.analysis.result import FileAnalysis, Verdict

HEAD = """import torch
import torchlean as tl

def poisson(x):
    u = x[0] ** 2 - x[1] ** 2
    first = tl.D(u, x)
    return tl.D(first[0], x)[0] + tl.D(first[1], x)[1]

def heat(x, t):
    u = torch.exp(-t) * torch.sin(x)
    return tl.D(u, t) - tl.D(u, x, x)

def zero(x, t=None):
    return x[0] * (1 - x[0])

space = tl.box([0.0, 0.0], [1.0, 2.0])
rod, times = tl.box([0.0], [1.0]), tl.box([0.0], [0.5])
"""


def analysed(call: str, folder: Path) -> FileAnalysis:
    return analyse(str(folder / "equations.py"), HEAD + f"facts = {call}\n", Session())


def verdicts(result: FileAnalysis) -> dict[str, Verdict]:
    return {unit.name: unit.claim.verdict for unit in result.units if unit.claim is not None}


def test_a_harmonic_function_has_no_residual(tmp_path: Path) -> None:
    found = analysed("tl.residual(poisson, x=space, eps=1e-6)", tmp_path)
    assert verdicts(found) == {"facts.residual": Verdict.PROVED}
    assert [d.code for d in found.diagnostics if d.code.startswith("TL1")] == []


def test_each_face_of_the_border_is_held_against_the_condition(tmp_path: Path) -> None:
    """What vanishes where the first coordinate is at an end does not on the faces of the second."""
    one = "tl.residual(heat, x=rod, t=times, eps=0.2, boundary=zero, boundary_eps=1e-6, initial=zero, initial_eps=0.3)"
    assert verdicts(analysed(one, tmp_path))["facts.boundary"] is Verdict.PROVED
    assert verdicts(analysed(one, tmp_path))["facts.initial"] is Verdict.PROVED
    two = "tl.residual(poisson, x=space, eps=1e-6, boundary=zero, boundary_eps=0.2)"
    assert verdicts(analysed(two, tmp_path))["facts.boundary"] is Verdict.REFUTED


MISTAKES = [
    "tl.residual(3, x=space, eps=0.1)",
    "tl.residual(poisson, x=1.0, eps=0.1)",
    "tl.residual(heat, x=rod, t=space, eps=0.1)",
    "tl.residual(poisson, x=space, eps=-1.0)",
    "tl.residual(poisson, x=space, eps=float('nan'))",
    "tl.residual(poisson, x=space, eps=0.1, initial=zero)",
    "tl.residual(poisson, x=space, eps=0.1, boundary=zero, boundary_eps='small')",
    "tl.residual(poisson, x=space, eps=0.1, boundary=4)",
]


@pytest.mark.parametrize("call", MISTAKES)
def test_a_mistake_is_refused_by_the_program_and_by_the_analysis_in_the_same_words(
    call: str, tmp_path: Path
) -> None:
    names: dict[str, Any] = {}
    exec(HEAD, names)
    with pytest.raises(tl.DomainError) as raised:
        eval(call, names)
    found = [each for each in analysed(call, tmp_path).diagnostics if each.code == "TL304"]
    assert [str(raised.value)] == [each.message for each in found]


def test_the_facts_run_on_tensors() -> None:
    names: dict[str, Any] = {}
    exec(HEAD, names)
    facts = tl.residual(
        names["heat"],
        x=names["rod"],
        t=names["times"],
        eps=1e-5,
        boundary=names["zero"],
        initial=names["zero"],
    )
    x, t = torch.tensor([0.25]), torch.tensor([0.5])
    assert bool(facts.residual(x, t)) and bool(facts.boundary(x, t)) and not bool(facts.initial(x))
    assert facts.residual.sample(30, seed=0).violated == 0
    with pytest.raises(AttributeError, match="no fact"):
        _ = facts.ends


def test_an_equation_that_gives_no_tensor_is_refused_in_the_same_words(tmp_path: Path) -> None:
    call = "tl.residual(lambda x: 1.0, x=rod, eps=1.0)"
    names: dict[str, Any] = {}
    exec(f"{HEAD}facts = {call}\n", names)
    with pytest.raises(tl.DomainError) as refused:
        names["facts"].residual(torch.zeros(1))
    assert str(refused.value) == "`equation` must give a tensor, got 1.0"
    found = [d for d in analysed(call, tmp_path).diagnostics if d.code == "TL304"]
    assert [d.message for d in found] == [str(refused.value)]
    assert found[0].span.line == HEAD.count("\n")

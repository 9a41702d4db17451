"""`tl.lyapunov` as a running program has it: facts that can be called, and refusals that the analysis words alike."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import torchlean as tl
from torchlean.analysis import Session, analyse

PRELUDE = """import torch
import torchlean as tl


def V(x):
    return (x * x).sum()


def step(x):
    return 0.5 * x


region = tl.box([-1.0, -1.0], [1.0, 1.0])
"""

WRONG = [
    "V, step, region=[-1.0, 1.0], level=(0.1, 0.9), decrease=0.01",
    "V, step, region=tl.box(torch.zeros(0), 1.0), level=(0.1, 0.9), decrease=0.01",
    "V, step, region=tl.box([1.0, 0.0], [0.0, 1.0]), level=(0.1, 0.9), decrease=0.01",
    "V, step, region=tl.box([-1.0, 0.0], [1.0, float('inf')]), level=(0.1, 0.9), decrease=0.01",
    "V, step, region=region, level=(0.9, 0.1), decrease=0.01",
    "V, step, region=region, level=(0.5, 0.5), decrease=0.01",
    "V, step, region=region, level=0.9, decrease=0.01",
    "V, step, region=region, level=(0.1, 0.5, 0.9), decrease=0.01",
    "V, step, region=region, level=(0.1, float('nan')), decrease=0.01",
    "V, step, region=region, level=(0.1, float('inf')), decrease=0.01",
    "V, step, region=region, level=('low', 0.9), decrease=0.01",
    "V, step, region=region, level=(0.1, 0.9), decrease=0.0",
    "V, step, region=region, level=(0.1, 0.9), decrease=-0.5",
    "V, step, region=region, level=(0.1, 0.9), decrease='some'",
    "V, step, region=region, level=(0.1, 0.9), decrease=0.01, inner=0.05",
    "V, step, region=region, level=(0.1, 0.9), decrease=0.01, inner=1.0",
    "V, 3.0, region=region, level=(0.1, 0.9), decrease=0.01",
    "'V', step, region=region, level=(0.1, 0.9), decrease=0.01",
    "V, region=region, level=(0.1, 0.9), decrease=0.01",
    "V, step, field=step, region=region, level=(0.1, 0.9), decrease=0.01",
    "V, step, gradient=step, region=region, level=(0.1, 0.9), decrease=0.01",
    "V, field=step, gradient=step, inner=0.5, region=region, level=(0.1, 0.9), decrease=0.01",
]


def told(program: str, folder: Path) -> list[tuple[str, str]]:
    """The code and message of what the analysis reports, save verdicts."""
    analysis = analyse(str(folder / "model.py"), program, Session())
    return [(d.code, d.message) for d in analysis.diagnostics if d.code in ("TL304", "TL303")]


@pytest.mark.parametrize("arguments", WRONG)
def test_both_refuse_in_the_same_words_on_the_line_of_the_call(arguments: str, tmp_path: Path) -> None:
    program = f"{PRELUDE}stable = tl.lyapunov({arguments})\n"
    with pytest.raises(tl.DomainError) as refused:
        exec(program, {})
    assert ("TL304", str(refused.value)) in told(program, tmp_path)
    analysis = analyse(str(tmp_path / "model.py"), program, Session())
    assert {d.span.line for d in analysis.diagnostics if d.code == "TL304"} == {program.count("\n") - 1}


@pytest.mark.parametrize(
    ("definition", "arguments"),
    [
        ("def bad(x):\n    return torch.stack([x, x])\n", "V, bad"),
        ("def bad(x):\n    return x * x\n", "bad, step"),
        ("def bad(x):\n    return (x * x).sum() < 1.0\n", "bad, step"),
        ("def bad(x):\n    return x.sum()\n", "V, bad"),
        ("def bad(x):\n    return 1.5\n", "V, bad"),
        ("def bad(x):\n    return (0.5 * x).half()\n", "V, bad"),
        ("def bad(x):\n    return 0.5 * x.double()\n", "V, bad"),
        ("def bad(x):\n    x.mul_(0.5)\n    return x\n", "V, bad"),
        ("def bad(x):\n    x[0] = 0.0\n    return x.sum()\n", "bad, step"),
    ],
)
def test_functions_that_give_or_do_the_wrong_thing_are_refused_in_the_same_words(
    definition: str, arguments: str, tmp_path: Path
) -> None:
    program = (
        f"{PRELUDE}\n{definition}\n"
        f"stable = tl.lyapunov({arguments}, region=region, level=(0.1, 0.9), decrease=0.01)\n"
    )
    namespace: dict[str, object] = {}
    exec(program, namespace)
    stable = namespace["stable"]
    assert isinstance(stable, tl.Lyapunov)
    with pytest.raises(tl.DomainError) as refused:
        stable.decreases(torch.ones(2))
    assert ("TL304", str(refused.value)) in told(program, tmp_path)


def halving() -> tl.Lyapunov:
    namespace: dict[str, object] = {}
    exec(
        f"{PRELUDE}stable = tl.lyapunov(V, step, region=region, level=(0.1, 0.9), decrease=0.05)\n", namespace
    )
    stable = namespace["stable"]
    assert isinstance(stable, tl.Lyapunov)
    return stable


def test_the_facts_of_a_stable_system_hold_on_samples() -> None:
    stable = halving()
    assert list(stable.facts) == ["inside", "decreases", "inner"]
    for fact in stable.facts.values():
        assert fact.sample(200, seed=0).violated == 0
    assert bool(stable.decreases(torch.tensor([0.5, 0.5])))


def test_a_decrease_that_is_too_much_is_found_by_sampling() -> None:
    def grow(x: torch.Tensor) -> torch.Tensor:
        return 1.5 * x

    region = tl.box([-1.0, -1.0], [1.0, 1.0])
    stable = tl.lyapunov(lambda x: (x * x).sum(), grow, region=region, level=(0.1, 0.9), decrease=0.05)
    assert stable.decreases.sample(200, seed=0).violated > 0
    assert not bool(stable.inside(torch.tensor([0.9, 0.0])))
    assert bool(stable.inside(torch.tensor([1.0, 1.0])))  # above rho, of which nothing is said


@pytest.mark.parametrize("gradient", [None, lambda x: 2 * x])
def test_a_field_has_one_fact_and_no_other(gradient: Callable[[torch.Tensor], torch.Tensor] | None) -> None:
    stable = tl.lyapunov(
        lambda x: (x * x).sum(),
        field=lambda x: -x,
        gradient=gradient,
        region=tl.box([-1.0, -1.0], [1.0, 1.0]),
        level=(0.1, 0.9),
        decrease=0.2,
    )
    assert list(stable.facts) == ["decreases"]
    assert bool(stable.decreases(torch.tensor([0.5, 0.5])))
    with pytest.raises(AttributeError, match="no fact of this Lyapunov function"):
        _ = stable.inside


def test_a_decrease_below_an_ulp_of_the_function_is_none() -> None:
    stable = tl.lyapunov(
        lambda x: 1e6 + 0 * x.sum(),
        lambda x: x,
        region=tl.box([-1.0, -1.0], [1.0, 1.0]),
        level=(0.1, 2e6),
        decrease=0.01,
    )
    x = torch.zeros(2)
    assert float(torch.tensor(1e6) - 0.01) == 1e6
    assert not bool(stable.decreases(x))

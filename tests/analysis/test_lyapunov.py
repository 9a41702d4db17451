"""`tl.lyapunov` in the analysis: verdicts of its facts, what is told beside them, and what is odd about functions."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from torchlean.analysis import Session, analyse
from torchlean.analysis.result import ClaimResult, Evidence, FileAnalysis, Verdict
from torchlean.analysis.wire import decode, encode

SYSTEM = """import torch
import torchlean as tl


def V(x):
    return x[0] ** 2 + x[0] * x[1] + x[1] ** 2


def turn(x, by, shrink):
    a, b = x[0], x[1]
    return shrink * torch.stack([a - by * b, b + by * a])


def step(x):
    return turn(x, 0.2, 0.8)


"""

LEVELS = "region=tl.box([-1.5, -1.5], [1.5, 1.5]), level=(0.2, 1.0), decrease=0.02"

Analysis = Callable[..., FileAnalysis]


@pytest.fixture
def analysed(tmp_path: Path) -> Analysis:
    """The analysis of the system with more lines below."""

    def run(lines: str, session: Session | None = None) -> FileAnalysis:
        return analyse(str(tmp_path / "model.py"), SYSTEM + lines, session or Session())

    return run


def verdicts(analysis: FileAnalysis) -> dict[str, ClaimResult]:
    return {unit.name: unit.claim for unit in analysis.units if unit.claim is not None}


def messages(analysis: FileAnalysis, code: str) -> list[str]:
    return [found.message for found in analysis.diagnostics if found.code == code]


def test_all_facts_of_a_stable_system_are_proved_at_the_name(analysed: Analysis) -> None:
    analysis = analysed(f"stable = tl.lyapunov(V, step, {LEVELS})\n")
    found = verdicts(analysis)
    assert list(found) == ["stable.inside", "stable.decreases", "stable.inner"]
    assert {claim.verdict for claim in found.values()} == {Verdict.PROVED}
    assert {claim.evidence for claim in found.values()} == {Evidence.ENGINE}
    places = {(d.span.line, d.span.column) for d in analysis.diagnostics if d.code == "TL300"}
    assert places == {(SYSTEM.count("\n"), 0)}
    (family,) = analysis.families
    assert (family.name, family.kind, family.proved, family.total) == ("stable", "lyapunov", 3, 3)
    assert family.detail.startswith("All three together")
    # 0.8 / 0.02, and one more: a difference that float64 rounds up to the decrease may be a little less.
    assert "reaches V <= 0.2 within 41 steps" in family.detail
    assert not messages(analysis, "TL311")


def test_where_the_inner_set_ends_is_told_and_true(analysed: Analysis) -> None:
    detail = verdicts(analysed(f"stable = tl.lyapunov(V, step, {LEVELS})\n"))["stable.inner"].detail
    told = float(detail.rpartition("ends at V <= ")[2])
    namespace: dict[str, Callable[..., torch.Tensor]] = {}
    exec(SYSTEM, namespace)
    states = (torch.rand(4000, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1).unbind()
    reached = [float(namespace["V"](namespace["step"](x))) for x in states if namespace["V"](x) <= 0.2]
    assert max(reached) <= told <= 1.0


def test_a_refuted_fact_shows_the_trajectory_from_its_counterexample(analysed: Analysis) -> None:
    analysis = analysed(
        f"def grow(x):\n    return turn(x, 0.2, 1.2)\n\n\nbroken = tl.lyapunov(V, grow, {LEVELS})\n"
    )
    claim = verdicts(analysis)["broken.decreases"]
    assert claim.verdict is Verdict.REFUTED
    assert analysis.families[0].detail.startswith("If all three were proved: ")
    namespace: dict[str, Callable[..., torch.Tensor]] = {}
    exec(SYSTEM + "def grow(x):\n    return turn(x, 0.2, 1.2)\n", namespace)
    assert claim.counterexample is not None
    assert list(claim.trajectory[0]) == claim.counterexample["x"]
    for before, after in zip(claim.trajectory, claim.trajectory[1:], strict=False):
        assert namespace["grow"](torch.tensor(before)).tolist() == list(after)
    assert max(abs(number) for number in claim.trajectory[-1]) > 1.5
    assert "which leaves the region" in claim.detail
    assert decode(encode(analysis)) == analysis


def test_what_is_not_proved_names_the_open_share_and_the_worst_box(analysed: Analysis) -> None:
    # V falls by three quarters: by more than 0.75 rho0 above rho0, but by no more than that to be proved.
    lines = (
        "tight = tl.lyapunov(lambda x: (x**2).sum(), lambda x: x / 2, region=tl.box([-1.0, -1.0], [1.0, 1.0]), "
        "level=(0.2, 0.9), decrease=0.15)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchlean.analysis.pipeline.FACT_SECONDS", 3.0)
        claim = verdicts(analysed(lines))["tight.decreases"]
    assert claim.verdict is Verdict.UNKNOWN
    assert claim.detail.startswith("Lyapunov condition not proved: ")
    assert "% of the region" in claim.detail
    assert "the worst is [" in claim.detail


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            f"odd = tl.lyapunov(V, step, {LEVELS.replace('1.0)', '3.0)')})\n",
            "the level set V <= 3 touches the border of the region",
        ),
        (
            f"odd = tl.lyapunov(lambda x: 1.0 - V(x), step, {LEVELS})\n",
            "V has no minimum inside the region",
        ),
        (
            f"odd = tl.lyapunov(lambda x: V(x) - 0.5, step, {LEVELS})\n",
            "V is negative",
        ),
        (
            f"odd = tl.lyapunov(lambda x: V(x) + 1.1, step, {LEVELS})\n",
            "no state with V <= 1 was met, the least value is 1.1 at [0, 0]",
        ),
        (
            f"odd = tl.lyapunov(lambda x: torch.log(x[0]), step, {LEVELS})\n",
            "V is NaN at",
        ),
    ],
)
def test_odd_functions_are_told_on_the_name(lines: str, said: str, analysed: Analysis) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchlean.analysis.pipeline.FACT_SECONDS", 0.2)
        analysis = analysed(lines)
    assert any(message.startswith("odd: ") and said in message for message in messages(analysis, "TL311"))
    assert {d.span.line for d in analysis.diagnostics if d.code == "TL311"} == {SYSTEM.count("\n")}


def test_an_empty_level_set_is_warned_about(analysed: Analysis) -> None:
    analysis = analysed(f"empty = tl.lyapunov(lambda x: 2.0 + (x * x).sum(), step, {LEVELS})\n")
    (message,) = messages(analysis, "TL308")
    assert message.startswith("empty: no state of the region has V <= 1")


def test_a_step_that_cannot_be_followed_says_why(analysed: Analysis) -> None:
    analysis = analysed(
        "def strange(x):\n    return torch.linalg.svd(torch.outer(x, x))[1]\n\n\n"
        f"odd = tl.lyapunov(V, strange, {LEVELS})\n"
    )
    assert verdicts(analysis)["odd.inside"].verdict is Verdict.UNKNOWN
    assert any("cannot be analysed" in message for message in messages(analysis, "TL303"))


def test_a_step_that_takes_more_than_a_state_says_what_is_missing(analysed: Analysis) -> None:
    analysis = analysed(f"wrong = tl.lyapunov(V, turn, {LEVELS})\n")
    found = messages(analysis, "TL303")
    assert found and all("is called without `by`, `shrink`" in message for message in found)


def test_dividing_by_zero_inside_the_step_proves_nothing(analysed: Analysis) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchlean.analysis.pipeline.FACT_SECONDS", 0.2)
        found = verdicts(analysed(f"odd = tl.lyapunov(V, lambda x: step(x) / x[0], {LEVELS})\n"))
    assert Verdict.PROVED not in {claim.verdict for claim in found.values()}


@pytest.mark.parametrize(
    "gradient", ["", "gradient=lambda x: torch.stack([2 * x[0] + x[1], x[0] + 2 * x[1]]), "]
)
def test_the_decrease_along_a_field_is_proved_and_says_nothing_of_trajectories(
    gradient: str, analysed: Analysis
) -> None:
    found = verdicts(
        analysed(f"stable = tl.lyapunov(V, field=lambda x: turn(-x, 0.2, 1.0), {gradient}{LEVELS})\n")
    )
    assert list(found) == ["stable.decreases"]
    assert found["stable.decreases"].verdict is Verdict.PROVED
    assert "says nothing about trajectories" in found["stable.decreases"].detail
    exact = "in exact arithmetic" in found["stable.decreases"].detail
    assert exact == (not gradient)


def test_a_call_without_a_name_is_reported(analysed: Analysis) -> None:
    analysis = analysed(f"tl.lyapunov(V, step, {LEVELS})\n")
    assert not verdicts(analysis)
    assert any("write `name = tl.lyapunov(...)`" in message for message in messages(analysis, "TL304"))


def test_an_untrained_function_is_not_executed(analysed: Analysis) -> None:
    analysis = analysed(f"net = torch.nn.Linear(2, 1)\nopen = tl.lyapunov(net, step, {LEVELS})\n")
    assert verdicts(analysis)["open.decreases"].verdict is Verdict.UNKNOWN
    assert messages(analysis, "TL305")
    assert not messages(analysis, "TL311")


def test_on_a_region_that_is_flat_in_one_coordinate_the_decrease_is_proved(analysed: Analysis) -> None:
    flat = LEVELS.replace("[-1.5, -1.5], [1.5, 1.5]", "[-1.5, 0.0], [1.5, 0.0]")
    found = verdicts(analysed(f"flat = tl.lyapunov(V, lambda x: 0.5 * x, {flat})\n"))
    assert found["flat.decreases"].verdict is Verdict.PROVED

"""Concrete inputs: an error names one, and executing the program's own line on it gives what the message says."""

import contextlib
import re
import sys

import pytest
import torch
from tests.hazards.expressions import HEADER, claimed, hazards, unknown

from torchlean.analysis import Session, analyse
from torchlean.cancellation import Cancelled
from torchlean.diagnostics import Severity

SHOWN = [
    ("torch.exp(x)", [0.0, 0.0], [100.0, 100.0]),
    ("torch.log(x)", [0.0, 0.5], [1.0, 1.0]),
    ("torch.sqrt(x)", [-1.0, 0.5], [1.0, 1.0]),
    ("1 / (x - 1)", [0.0, 0.0], [1.0, 2.0]),
    ("x / x.norm()", [0.0, -1.0], [1.0, 1.0]),
    ("x ** 12", [0.0, 0.0], [2000.0, 2000.0]),
    ("torch.acos(x * 1.5)", [-1.0, 0.0], [1.0, 0.0]),
]


@pytest.mark.parametrize(("expression", "low", "high"), SHOWN)
def test_the_named_input_shows_the_hazard(expression, low, high) -> None:
    (found,) = hazards(claimed(f"y = {expression}", low, high))
    assert found.severity is Severity.ERROR
    executed = re.search(r"Executed in float32: with x = \[(.*)\] the result is (\S+)$", found.message)
    assert executed is not None, found.message
    x = torch.tensor([float(number) for number in executed[1].split(",")])
    assert bool(((torch.tensor(low) <= x) & (x <= torch.tensor(high))).all())
    result = eval(expression, {"torch": torch, "x": x})
    wrong = result[~torch.isfinite(result)]
    assert len(wrong) and str(float(wrong[0])) == executed[2].lower()


def test_lost_digits_are_shown_beside_the_right_result() -> None:
    (found,) = hazards(claimed("y = torch.exp(x) - 1", [-1e-3], [1e-3]))
    executed = re.search(r"with x = \[(.*)\] the result is (\S+) instead of (\S+)$", found.message)
    assert executed is not None
    x = torch.tensor([float(executed[1])])
    assert float(torch.exp(x) - 1) == pytest.approx(float(executed[2]), rel=1e-5)
    assert float(torch.expm1(x.double())) == pytest.approx(float(executed[3]), rel=1e-5)
    assert float(executed[2]) != pytest.approx(float(executed[3]), rel=0.01)


def test_a_danger_that_no_executed_input_shows_stays_a_warning() -> None:
    # The interval reaches zero at one point in a thousand dimensions, which no search finds.
    body = "y = torch.log(((x - 0.123) ** 2).sum())"
    (found,) = hazards(claimed(body, [0.0] * 1000, [1.0] * 1000))
    assert (found.code, found.severity) == ("TL205", Severity.WARNING)
    assert "Executed" not in found.message


def test_nothing_is_executed_where_no_region_is_known() -> None:
    (found,) = hazards(unknown("y = torch.log(x.abs())"))
    assert found.severity is Severity.HINT


def test_a_draw_is_one_that_the_program_can_make() -> None:
    (found,) = hazards(HEADER + "u = torch.rand(5)\ny = torch.log(u)\n")
    numbers = re.search(r"rand = \[(.*?), …\] the result is -inf", found.message)
    assert numbers is not None
    drawn = [float(number) for number in numbers[1].split(",")]
    assert drawn[0] == 0.0
    assert all(0 < number < 1 for number in drawn[1:])


def test_the_same_file_gets_the_same_answer_from_memory() -> None:
    text = claimed("y = torch.exp(x) + torch.log(x)", [0.0], [100.0])
    session = Session()
    first = analyse("/somewhere/program.py", text, session).diagnostics
    again = analyse("/somewhere/program.py", text, session).diagnostics
    cold = analyse("/somewhere/program.py", text, Session()).diagnostics
    assert first == again == cold


def test_moving_the_lines_moves_the_reports_and_computes_nothing(monkeypatch) -> None:
    text = claimed("y = torch.log(x)", [0.0], [1.0])
    session = Session()
    (before,) = (d for d in analyse("/a/p.py", text, session).diagnostics if d.code == "TL205")
    # By its name the module cannot be reached: the package offers a function of the same name.
    monkeypatch.setattr(sys.modules["torchlean.hazards.examine"], "float_ranges", None)
    (after,) = (
        d for d in analyse("/a/p.py", f"# a comment\n{text}", session).diagnostics if d.code == "TL205"
    )
    assert (after.span.line, after.message) == (before.span.line + 1, before.message)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_cancelled_examination_is_not_kept(share) -> None:
    text = claimed("y = torch.log(x)", [0.0], [1.0])
    calls = 0

    def counted() -> bool:
        nonlocal calls
        calls += 1
        return False

    analyse("/a/p.py", text, Session(), counted)
    left = int(share * calls)

    def late() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    session = Session()
    # How often it is asked depends on the clock a little: the last calls may not be reached.
    with contextlib.suppress(Cancelled):
        analyse("/a/p.py", text, session, late)
    found = analyse("/a/p.py", text, session).diagnostics
    assert [d.code for d in found if d.code.startswith("TL2")] == ["TL205"]

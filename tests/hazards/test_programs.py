"""Every marked hazard is reported on its line under its code; nothing else is, and nothing of the stable twins."""

from __future__ import annotations

import pytest
from tests.hazards.evidence import PROGRAMS
from tests.hazards.marks import compare, marks, reported

NAMES = sorted(path.stem for path in (PROGRAMS / "hazardous").glob("*.py"))

NOT_YET: dict[str, set[str]] = {"hazardous": set(), "stable": set()}
"""Programs that the analysis does not yet get right. Strict: whoever teaches it removes the name."""


def cases(kind: str) -> list[object]:
    missing = pytest.mark.xfail(strict=True, reason="not yet told from its twin")
    return [pytest.param(name, marks=missing if name in NOT_YET[kind] else ()) for name in NAMES]


@pytest.mark.parametrize("name", cases("hazardous"))
def test_the_hazards_of_a_program_are_reported_where_they_arise(name) -> None:
    path = PROGRAMS / "hazardous" / f"{name}.py"
    diagnostics = reported(path)
    comparison = compare(marks(path.read_text(encoding="utf-8")), diagnostics)
    assert comparison.agrees, "\n".join([str(comparison), *(f"{d.span}: {d.message}" for d in diagnostics)])


@pytest.mark.parametrize("name", cases("stable"))
def test_nothing_is_reported_of_a_stable_twin(name) -> None:
    diagnostics = reported(PROGRAMS / "stable" / f"{name}.py")
    assert not diagnostics, "\n".join(f"{d.span} {d.code}: {d.message}" for d in diagnostics)


def test_every_program_has_a_twin_and_only_one_of_them_is_marked() -> None:
    stable = sorted(path.stem for path in (PROGRAMS / "stable").glob("*.py"))
    assert stable == NAMES
    for name in NAMES:
        hazardous, twin = (
            marks((PROGRAMS / kind / f"{name}.py").read_text(encoding="utf-8"))
            for kind in ("hazardous", "stable")
        )
        assert hazardous and not twin, name

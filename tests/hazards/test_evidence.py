"""The marks are facts: executed on a triggering input the hazardous line is wrong, the twin's is right."""

from __future__ import annotations

import pytest
from tests.hazards import evidence
from tests.hazards.evidence import PROGRAMS
from tests.hazards.evidence_cases import BY_EXECUTION, WITHOUT_EXECUTION
from tests.hazards.marks import marks

NAMES = sorted(path.stem for path in (PROGRAMS / "hazardous").glob("*.py"))

CODES = {f"TL2{number:02}" for number in range(1, 21)}


@pytest.fixture(autouse=True)
def _settings():
    with evidence.settings_restored():
        yield


@pytest.mark.parametrize("name", sorted(BY_EXECUTION))
def test_the_hazardous_program_goes_wrong_on_the_triggering_input(name) -> None:
    assert not evidence.is_right(evidence.observed("hazardous", name), evidence.exact(name))


@pytest.mark.parametrize("name", sorted(BY_EXECUTION))
def test_the_twin_is_right_on_the_triggering_input(name) -> None:
    value = evidence.observed("stable", name)
    assert evidence.is_right(value, evidence.exact(name)), value


def test_every_pair_has_evidence_or_a_reason_why_not() -> None:
    assert set(NAMES) == set(BY_EXECUTION) | set(WITHOUT_EXECUTION)
    assert not set(BY_EXECUTION) & set(WITHOUT_EXECUTION)


def test_every_code_is_marked_in_some_program() -> None:
    texts = [(PROGRAMS / "hazardous" / f"{name}.py").read_text(encoding="utf-8") for name in NAMES]
    accepted = {code for text in texts for codes in marks(text).values() for code in codes}
    assert accepted == CODES

"""Families of claims in results: counted, and in words that claim no more than was shown."""

from __future__ import annotations

from collections.abc import Sequence

from torchlean.analysis.lyapunov import conclusion
from torchlean.analysis.result import ClaimResult, FamilyResult, UnitResult, Verdict
from torchlean.capture.result import Family, Unit

_WORDS = {Verdict.PROVED: "proved", Verdict.REFUTED: "refuted", Verdict.UNKNOWN: "not decided"}


def fact_families(captured: Sequence[Unit], units: Sequence[UnitResult]) -> list[FamilyResult]:
    """The families whose facts are units of their own, as far as these are decided."""
    facts: dict[Family, list[UnitResult]] = {}
    results = {(unit.kind, unit.name): unit for unit in units}
    for unit in captured:
        result = results.get((unit.kind.value, unit.name))
        if unit.family is not None and unit.samples is None and result is not None:
            facts.setdefault(unit.family, []).append(result)
    return [_counted(family, results) for family, results in facts.items()]


def _counted(family: Family, facts: Sequence[UnitResult]) -> FamilyResult:
    counts = tally([fact.claim for fact in facts])
    words = [f"{fact.name.removeprefix(family.name + '.')} {_word(fact)}" for fact in facts]
    return FamilyResult(
        family.name,
        family.kind,
        family.span,
        *counts,
        total=len(facts),
        text=", ".join(words),
        detail=_meaning(family, facts),
        facts=tuple(fact.name for fact in facts),
        seconds=sum(fact.claim.seconds for fact in facts if fact.claim is not None),
    )


def _meaning(family: Family, facts: Sequence[UnitResult]) -> str:
    """What the facts say together."""
    if family.levels is None:
        return ""
    names = [fact.name.removeprefix(f"{family.name}.") for fact in facts]
    proved = all(fact.claim is not None and fact.claim.verdict is Verdict.PROVED for fact in facts)
    return conclusion(family.levels, names, proved)


def _word(fact: UnitResult) -> str:
    if fact.failure:
        return "cannot be analysed"
    return "being checked" if fact.claim is None else _WORDS[fact.claim.verdict]


def tally(claims: Sequence[ClaimResult | None]) -> tuple[int, int, int]:
    """How many are proved, refuted and decided to be unknown."""
    proved, refuted, unknown = (
        sum(claim is not None and claim.verdict is verdict for claim in claims)
        for verdict in (Verdict.PROVED, Verdict.REFUTED, Verdict.UNKNOWN)
    )
    return proved, refuted, unknown

"""A family with one claim for each sample, from its unit to its counts, and what is said of it and of each sample."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from torchlean.analysis.counterexamples import inputs_text
from torchlean.analysis.families import tally
from torchlean.analysis.result import ClaimResult, Evidence, FamilyResult, Verdict
from torchlean.analysis.session import Session
from torchlean.analysis.units import UnitBounds
from torchlean.capture.result import Unit
from torchlean.claims.batch import SECONDS, BatchRun
from torchlean.claims.decide import Decision
from torchlean.claims.groups import Caches, Group, claim_groups, is_drawn, robust_groups
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.numbers import lower_text

BETWEEN = 0.1
"""Seconds between two reports: each lists all samples, and nobody reads faster."""


def decided_family(
    bounded: UnitBounds,
    session: Session,
    cancelled: Callable[[], bool],
    report: Callable[[FamilyResult], None] = lambda family: None,
    seconds: float = SECONDS,
) -> FamilyResult:
    """The verdict of every sample, from memory where the same question was answered before.

    Args:
        report: told how far it is, after every step and at the end.
        seconds: for branch and bound of samples that bounds and attacks leave open.

    Raises:
        Cancelled: by the caller. What was decided until then is remembered.
    """
    unit = bounded.part.unit
    started = time.perf_counter()
    if unit.failure is not None:
        result = _result(unit, {}, None, {}, started)
        report(result)
        return result
    assert unit.samples is not None
    caches = Caches(session.bounds, session.errors)
    groups_of = claim_groups if unit.samples.labels is None else robust_groups
    groups = groups_of(
        bounded.part.graph, bounded.part.outputs[0], unit.samples, unit.domains, caches, cancelled
    )
    keys = {member: group.key(unit.samples, member) for group in groups for member in group.members}

    def known(group: Group, member: int) -> Decision | None:
        return session.decided.get(keys[member])

    def correct() -> int | None:
        """Samples that hold as they are; None where there is no one program to execute."""
        return None if any(is_drawn(group) for group in groups) else len(run.correct)

    stored: set[int] = set()
    told = started

    def tell() -> None:
        nonlocal told
        for member in run.decisions.keys() - stored:
            stored.add(member)
            if run.decisions[member].finished:
                session.decided.put(keys[member], run.decisions[member])
        if time.perf_counter() - told > BETWEEN:
            report(_result(unit, run.decisions, correct(), keys, started))
            told = time.perf_counter()

    run = BatchRun(groups, unit.samples, unit.sampled, session.bounds, cancelled, tell)
    run.decide(known, seconds)
    result = _result(unit, run.decisions, correct(), keys, started)
    report(result)
    return result


def _result(
    unit: Unit, decisions: dict[int, Decision], correct: int | None, keys: dict[int, bytes], started: float
) -> FamilyResult:
    assert unit.family is not None and unit.samples is not None
    family, total = unit.family, len(unit.samples)
    members = {
        f"{family.name}[{member}]": _claim(decisions[member], keys[member], unit.trained)
        for member in sorted(decisions)
    }
    proved, refuted, unknown = tally(list(members.values()))
    labelled = unit.samples.labels is not None
    correct = correct if labelled else None
    word = "certified" if labelled else "proved"
    text = f"{word} {proved}, refuted {refuted}, unknown {total - proved - refuted} of {total}"
    if correct is not None:
        text += f" (accuracy {correct})"
    open = total - len(members)
    if unit.failure is not None:
        text = "cannot be analysed"
    elif open:
        text += f" · {open} being checked"
    return FamilyResult(
        family.name,
        family.kind,
        family.span,
        proved,
        refuted,
        unknown,
        total,
        text,
        detail=unit.failure or (_ROBUST if labelled else _CLAIM),
        members=members,
        correct=correct,
        seconds=time.perf_counter() - started,
    )


_CLAIM = (
    "Proved: on the whole region around the sample, every float32 execution keeps the claim. Refuted: an executed "
    "float32 input of the region violates it."
)

_ROBUST = (
    "Certified: on the whole region around the sample, every float32 execution, in any order of summation, scores the "
    "sample's class above each other one (linear bounds of the differences of scores, rounded outward). Refuted: an "
    "executed float32 input of the region does not. A tie counts as a failure; accuracy counts the samples themselves."
)


def _claim(decision: Decision, key: bytes, trained: bool) -> ClaimResult:
    margin = decision.margin if math.isfinite(decision.margin) else None
    seconds, name = decision.seconds, key.hex()
    if decision.proved:
        how = f"linear bounds on {decision.boxes:,} boxes" if decision.boxes > 1 else "linear bounds"
        detail = f"proved by {how} for every float32 execution: the margin is at least {lower_text(decision.margin)}"
        if not trained:
            detail += "; it holds for every value the untrained weights may be initialised with"
        return ClaimResult(Verdict.PROVED, Evidence.ENGINE, detail, margin, None, seconds, name)
    if decision.violation is not None:
        example: dict[str, object] = {name: value.tolist() for name, value in decision.violation.items()}
        detail = f"refuted by a float32 input, executed: {inputs_text(decision.violation)}"
        return ClaimResult(Verdict.REFUTED, Evidence.COUNTEREXAMPLE, detail, margin, example, seconds, name)
    bound = (
        "no bound of its margin is known"
        if margin is None
        else f"its margin is at least {lower_text(margin)}"
    )
    tried = f"no violation among {decision.tried} executed inputs, which proves nothing"
    reason = f"; {decision.reason}" if decision.reason else ""
    time_left = "" if decision.finished else ". More time may decide it"
    detail = f"not decided: {bound}; {tried}{reason}{time_left}"
    return ClaimResult(Verdict.UNKNOWN, Evidence.NONE, detail, margin, None, seconds, name)


def family_diagnostics(bounded: UnitBounds, family: FamilyResult) -> list[Diagnostic]:
    """The counts at the family's name, and a warning where its weights were never loaded."""
    unit = bounded.part.unit
    if unit.failure is not None:
        return [diagnostic("TL303", family.span, f"{family.name}: cannot be analysed: {unit.failure}")]
    found = [diagnostic("TL310", family.span, f"{family.name}: {family.text}")]
    if not unit.trained:
        message = (
            f"{family.name} speaks about weights that no file was loaded into. Load trained ones with "
            "`tl.load(module, path)`."
        )
        found.append(diagnostic("TL305", family.span, message))
    return found

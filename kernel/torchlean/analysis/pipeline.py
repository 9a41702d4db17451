"""The whole way for one file: capture, bounds, verdicts; answered in layers."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from torchlean.analysis.agreement import compared
from torchlean.analysis.families import fact_families
from torchlean.analysis.hazards import file_hazards
from torchlean.analysis.lyapunov import doubts, told
from torchlean.analysis.preprocessing import preprocessing
from torchlean.analysis.properties import is_property
from torchlean.analysis.result import (
    ClaimResult,
    Counters,
    Evidence,
    FamilyResult,
    FileAnalysis,
    SymbolResult,
    UnitResult,
    Verdict,
)
from torchlean.analysis.sample_verdicts import decided_family, family_diagnostics
from torchlean.analysis.session import Session
from torchlean.analysis.units import (
    UnitBounds,
    UnitGraph,
    bound_unit,
    fully_bounded,
    unit_graph,
    unit_result,
)
from torchlean.analysis.vacuity import SECONDS as VACUITY_SECONDS
from torchlean.analysis.vacuity import vacuities
from torchlean.analysis.verdicts import claim_result, unit_diagnostics
from torchlean.bounds.cache import Bound
from torchlean.cancellation import Cancelled
from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Symbol, Unit, UnitKind
from torchlean.claims.decide import SPLIT_SECONDS, Decision, Question, decide
from torchlean.claims.splitting import Progress
from torchlean.diagnostics import Diagnostic

EARLY_ANSWER_SECONDS = 0.1
"""Shapes are published ahead of the bounds when those take longer than a person's sense of "at once" allows. Sooner,
an answer in layers comes later: making one and sending it takes a tenth of an edit of a file of some hundred lines."""

FACT_SECONDS = 20.0
"""For branch and bound of one fact of a family: a person who states a Lyapunov function or a residual waits for it, and
sees how far it is."""


def analyse(
    path: str,
    text: str,
    session: Session,
    cancelled: Callable[[], bool] = lambda: False,
    publish: Callable[[FileAnalysis], None] = lambda _: None,
) -> FileAnalysis:
    """Everything known of a file.

    Args:
        path: absolute path of the file (used to resolve imports and weights); it need not exist. `.vnnlib` files are
            read as properties, all others as Python.
        text: its text, saved or not.
        session: caches and unsaved texts of other files.
        cancelled: asked often; makes the call end with `Cancelled`.
        publish: receives early layers of the answer (`complete=False`): shapes, then bounds, then hazards while claims
            are searched.

    Raises:
        Cancelled: the caller asked for it.
    """
    path = os.path.abspath(path)
    if is_property(path):
        # Verification is loaded with the first property file: most sessions have none.
        from torchlean.analysis.property_verdicts import analyse_property

        return analyse_property(path, text, session, cancelled, publish)
    started = time.perf_counter()
    session.begin()
    capture = capture_file(path, text, session.workspace, cancelled)
    parts = [unit_graph(capture, unit) for unit in capture.units]
    early = _Early(publish, started, capture)
    bounded: list[UnitBounds] = []
    for index, part in enumerate(parts):
        begun: list[Bound] = []

        def so_far() -> list[UnitResult]:
            """What is known before this unit is bounded: of it as many nodes as there are bounds."""
            current = unit_result(part, None, None, path, begun)  # noqa: B023 - called in this round alone
            return [*_shown(bounded, path), current, *_shapes(parts[index + 1 :], path)]  # noqa: B023 - the same

        bounded.append(bound_unit(part, session.bounds, early.asking(so_far, cancelled), begun))
        early.offer(lambda: [*_shown(bounded, path), *_shapes(parts[index + 1 :], path)])  # noqa: B023 - called at once
    # Before the claims: a search may take seconds, and hazards need nothing of it.
    all_bounded = early.asking(lambda: _shown(bounded, path), cancelled)
    hazards = file_hazards(path, text, bounded, capture.differentiated, session.hazards, all_bounded)
    early.examined(hazards)
    early.offer(lambda: _shown(bounded, path))
    units: list[UnitResult] = []
    computed = reused = 0
    diagnostics: list[Diagnostic] = [*capture.diagnostics, *hazards]
    # Where a weight file is named and is the trouble, advising every claim to load one helps nobody.
    file_named = any(d.code in ("TL110", "TL111") for d in capture.diagnostics)
    for index, interval_bounds in enumerate(bounded):
        since = time.perf_counter()
        decided_before = early.asking(lambda: [*units, *_shown(bounded[index:], path)], cancelled)  # noqa: B023 - the same
        unit = fully_bounded(interval_bounds, session, decided_before)
        computed, reused = computed + unit.counters.computed, reused + unit.counters.reused
        # A search may take seconds: what is known before it is offered whenever the search asks if it should go on.
        search = _Search(unit, path)
        rest = bounded[index + 1 :]

        def stop() -> bool:
            early.offer(lambda: [*units, search.shown(), *_shown(rest, path)])  # noqa: B023 - in this round alone
            return cancelled()

        claim = decided(unit, session, stop, search.note)
        if claim is not None:
            claim = replace(claim, seconds=time.perf_counter() - since)
        units.append(unit_result(unit.part, unit, claim, path))
        if unit.part.unit.samples is not None:
            family = decided_family(unit, session, stop, early.counted)
            diagnostics += family_diagnostics(unit, family)
            units[-1] = replace(units[-1], summary=family.text)
        diagnostics += [d for d in unit_diagnostics(unit, claim) if not (d.code == "TL305" and file_named)]
        diagnostics += doubts(unit)
        diagnostics += preprocessing(unit)
        if claim is not None:
            diagnostics += vacuities(
                unit, session, stop, lambda asked: remembered(asked, session, VACUITY_SECONDS, stop)
            )
        early.offer(lambda: [*units, *_shown(bounded[index + 1 :], path)])  # noqa: B023 - called at once
    units, partings = compared(session.agreements.of(capture, text, session.workspace), parts, units, path)
    diagnostics += partings
    return FileAnalysis(
        path,
        tuple(units),
        tuple(_symbol(symbol) for symbol in capture.symbols),
        tuple(diagnostics),
        capture.dependencies,
        Counters(computed, reused),
        families=early.families(units),
        wanted=capture.wanted,
        offer=capture.offer,
    )


class _Early:
    """Publishes what is there when the whole answer takes too long; the interval doubles, so slow files are not slowed
    further by telling about it."""

    def __init__(self, publish: Callable[[FileAnalysis], None], started: float, capture: Capture) -> None:
        self._publish = publish
        self._capture = capture
        self._started = started
        self._wait = EARLY_ANSWER_SECONDS
        self._hazards: Sequence[Diagnostic] | None = None
        self._counted: dict[str, FamilyResult] = {}

    def counted(self, family: FamilyResult) -> None:
        """So far has a family with a claim for each sample come."""
        self._counted[family.name] = family

    def families(self, units: Sequence[UnitResult]) -> tuple[FamilyResult, ...]:
        """All families, as far as they are decided."""
        return (*fact_families(self._capture.units, units), *self._counted.values())

    def examined(self, hazards: Sequence[Diagnostic]) -> None:
        """From now on layers have the file's hazards."""
        self._hazards = hazards

    def asking(
        self, units: Callable[[], list[UnitResult]], cancelled: Callable[[], bool]
    ) -> Callable[[], bool]:
        """`cancelled`, which is asked often, and publishes on the way if it is time: a single unit may take long."""

        def asked() -> bool:
            self.offer(units)
            return cancelled()

        return asked

    def offer(self, units: Callable[[], list[UnitResult]]) -> None:
        """Publish if it is time; cheap to call otherwise."""
        if time.perf_counter() - self._started < self._wait:
            return
        capture = self._capture
        symbols = tuple(_symbol(symbol) for symbol in capture.symbols)
        shown = tuple(units())
        self._publish(
            FileAnalysis(
                capture.path,
                shown,
                symbols,
                (*capture.diagnostics, *(self._hazards or ())),
                capture.dependencies,
                complete=False,
                examined=self._hazards is not None,
                families=self.families(shown),
            )
        )
        self._wait = 2 * (time.perf_counter() - self._started)


class _Search:
    """A unit while its claim is being decided, with how far that is."""

    def __init__(self, unit: UnitBounds, path: str) -> None:
        self._unit = unit
        self._path = path
        self._reached = ""

    def note(self, progress: Progress) -> None:
        """Branch and bound has come so far."""
        self._reached = progress.text

    def shown(self) -> UnitResult:
        result = unit_result(self._unit.part, self._unit, None, self._path)
        return replace(result, reached=self._reached)


def _shapes(parts: list[UnitGraph], path: str) -> list[UnitResult]:
    return [unit_result(part, None, None, path) for part in parts]


def _shown(bounded: Sequence[UnitBounds], path: str) -> list[UnitResult]:
    return [unit_result(unit.part, unit, None, path) for unit in bounded]


def decided(
    unit: UnitBounds,
    session: Session,
    cancelled: Callable[[], bool],
    report: Callable[[Progress], None] = lambda progress: None,
) -> ClaimResult | None:
    """The claim's verdict, from memory if the same question was answered before. None for other units.

    Raises:
        Cancelled: by the caller.
    """
    captured = unit.part.unit
    if captured.kind is not UnitKind.CLAIM:
        return None
    if unit.question is None:
        return unanswerable(captured)
    seconds = SPLIT_SECONDS if captured.family is None else FACT_SECONDS
    decision = remembered(unit.question, session, seconds, cancelled, report)
    error = math.inf if unit.errors is None else unit.errors[unit.question.margin.node].largest
    result = told(unit, decision, claim_result(captured, unit.question, decision, error))
    if captured.front_end == "export":
        result = replace(result, detail=f"{result.detail}; the model is the exported program")
    return replace(result, key=unit.question.key.hex())


def unanswerable(captured: Unit) -> ClaimResult:
    """Of a claim that is no question."""
    detail = f"cannot be analysed: {captured.failure or 'the claim has no single result'}"
    return ClaimResult(Verdict.UNKNOWN, Evidence.NONE, detail)


def remembered(
    question: Question,
    session: Session,
    seconds: float,
    cancelled: Callable[[], bool],
    report: Callable[[Progress], None] = lambda progress: None,
) -> Decision:
    """The decision of a claim, from memory if the same question was answered before.

    Args:
        seconds: for branch and bound, where the session's method has it.

    Raises:
        Cancelled: by the caller.
    """
    decision = session.decided.get(question.key)
    if decision is None:
        decision = decide(question, cancelled, seconds if session.method == "crown" else 0.0, report)
        if decision.finished:
            session.decided.put(question.key, decision)
    return decision


def _symbol(symbol: Symbol) -> SymbolResult:
    children = tuple(_symbol(child) for child in symbol.children)
    return SymbolResult(symbol.name, symbol.kind.value, symbol.span, symbol.name_span, children)


__all__ = ["Cancelled", "analyse", "decided"]

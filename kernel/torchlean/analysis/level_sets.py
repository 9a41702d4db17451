"""The Lyapunov functions of a file, studied closer than an analysis does: the parts of each fact's region, and the
largest level that can be proved.

A level is tried by changing the text and capturing it anew, so that what is found is what the file will say.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torchlean.analysis.lyapunov import System, border_least, system_of, told
from torchlean.analysis.pipeline import remembered, unanswerable
from torchlean.analysis.result import ClaimResult, Verdict
from torchlean.analysis.session import Session
from torchlean.analysis.units import UnitBounds, bound_unit, fully_bounded, unit_graph
from torchlean.analysis.verdicts import claim_result
from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Family
from torchlean.claims.decide import Decision
from torchlean.edits import Edit, Fix, applied, line_starts

NEAR = 0.01
"""Share of the largest level up to which it is searched for: a person reads two digits."""

DIGITS = 3
"""Significant digits of a level that is tried, as a person would write it."""


class NoLevelError(ValueError):
    """No level can be searched for; the message says why."""


@dataclass(frozen=True, slots=True)
class Studied:
    """One fact with its verdict; `system` and `decision` are None where it cannot be analysed."""

    name: str
    system: System | None
    decision: Decision | None
    result: ClaimResult


@dataclass(frozen=True, slots=True)
class Level:
    """The largest level found.

    Attributes:
        rho: the level, proved; `failed` the least one that was tried above and not proved, None where none was.
        fix: writes it into the file; None where the file says it already.
    """

    rho: float
    failed: float | None
    fix: Fix | None

    def text(self, name: str) -> str:
        """A sentence about it."""
        above = "" if self.failed is None else f"; rho = {self.failed:g} was tried and not proved"
        return f"the largest level of `{name}` that was proved is rho = {self.rho:g}{above}"


def families(capture: Capture) -> list[Family]:
    """The file's Lyapunov functions."""
    found = {unit.family.name: unit.family for unit in capture.units if unit.family is not None}
    return [family for family in found.values() if family.levels is not None]


def study(
    path: str,
    text: str,
    name: str,
    session: Session,
    seconds: float,
    cancelled: Callable[[], bool] = lambda: False,
    until: Callable[[ClaimResult], bool] = lambda result: False,
) -> list[Studied]:
    """Decide the facts of one Lyapunov function; none where the text has none of that name.

    Args:
        seconds: for each.
        until: after such a verdict no further fact is decided.

    Raises:
        Cancelled: by the caller.
    """
    capture = capture_file(path, text, session.workspace, cancelled)
    found: list[Studied] = []
    for unit in capture.units:
        if unit.family is None or unit.family.name != name or unit.family.levels is None:
            continue
        by_intervals = bound_unit(unit_graph(capture, unit), session.bounds, cancelled)
        bounded = fully_bounded(by_intervals, session, cancelled)
        found.append(_studied(bounded, session, seconds, cancelled))
        if until(found[-1].result):
            break
    return found


def _studied(unit: UnitBounds, session: Session, seconds: float, cancelled: Callable[[], bool]) -> Studied:
    captured, question = unit.part.unit, unit.question
    if question is None:
        return Studied(captured.name, None, None, unanswerable(captured))
    decision = remembered(question, session, seconds, cancelled)
    result = told(unit, decision, claim_result(captured, question, decision))
    return Studied(captured.name, system_of(unit), decision, result)


def largest_level(
    path: str,
    text: str,
    name: str,
    session: Session,
    seconds: float,
    cancelled: Callable[[], bool] = lambda: False,
    report: Callable[[float, bool], None] = lambda rho, proved: None,
    enough: Callable[[], bool] = lambda: False,
) -> Level:
    """Bisect for the largest `rho` with which all facts are proved, between `rho0` and the least value of V that was
    executed on the border of the region: beyond that the level set is cut off.

    Args:
        seconds: for each fact of each level.
        report: told of every level that was tried.
        enough: asked before each; no further one is tried then.

    Raises:
        NoLevelError: the file has no such function, its `level` is no pair of numbers in this file, or none is proved.
        Cancelled: by the caller.
    """
    capture = capture_file(path, text, session.workspace, cancelled)
    family = next((family for family in families(capture) if family.name == name), None)
    if family is None or family.levels is None:
        raise NoLevelError(f"no Lyapunov function is bound to `{name}` here")
    levels = family.levels
    place = levels.place
    if place is None or place.path != path or not _is_pair(text, family):
        raise NoLevelError(f"`level` of `{name}` is not written as two numbers at the call")

    def edit(rho: float) -> Edit:
        return Edit(place, f"({levels.rho0!r}, {rho!r})")

    def proved(rho: float) -> bool:
        changed = text if rho == levels.rho else applied(text, [edit(rho)])
        facts = study(path, changed, name, session, seconds, cancelled, _is_open)
        found = bool(facts) and not any(_is_open(fact.result) for fact in facts)
        report(rho, found)
        return found

    least = _border(path, text, name, session, cancelled)
    low, high = (levels.rho, least) if proved(levels.rho) else (levels.rho0, levels.rho)
    failed = None if low == levels.rho else high
    while high - low > NEAR * high and not enough():
        rho = float(f"{(low + high) / 2:.{DIGITS}g}")
        if not low < rho < high:
            break
        if proved(rho):
            low = rho
        else:
            high = failed = rho
    if low == levels.rho0:
        raise NoLevelError(f"no level of `{name}` was proved, down to {high:g}")
    if low == levels.rho:
        return Level(low, failed, None)
    title = f"Set the level of `{name}` to {low:g}, the largest that was proved"
    return Level(low, failed, Fix(title, "TL300", family.span, (edit(low),)))


def _is_open(result: ClaimResult) -> bool:
    return result.verdict is not Verdict.PROVED


def _border(path: str, text: str, name: str, session: Session, cancelled: Callable[[], bool]) -> float:
    capture = capture_file(path, text, session.workspace, cancelled)
    for unit in capture.units:
        if unit.family is not None and unit.family.name == name:
            system = system_of(bound_unit(unit_graph(capture, unit), session.bounds, cancelled))
            if system is not None:
                return border_least(system)
    raise NoLevelError(f"`{name}` cannot be analysed")


def _is_pair(text: str, family: Family) -> bool:
    """Whether `level` is written as two numbers."""
    assert family.levels is not None and family.levels.place is not None
    place, starts = family.levels.place, line_starts(text)
    written = text[starts[place.line] + place.column : starts[place.end_line] + place.end_column]
    try:
        value = ast.literal_eval(written)
    except (ValueError, SyntaxError):
        return False
    return isinstance(value, Sequence) and len(value) == 2


__all__ = ["Level", "NoLevelError", "Studied", "families", "largest_level", "study"]

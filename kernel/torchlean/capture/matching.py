"""`match` statements on known values."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from torchlean.capture.conditions import known_truth
from torchlean.capture.kinds import is_instance
from torchlean.capture.operators import compare
from torchlean.capture.values import Instance, TensorValue, Unknown, Value, contains_unknown

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter


def chosen_case(
    run: Interpreter, node: ast.Match, subject: Value, frame: Frame
) -> ast.match_case | Unknown | None:
    """The first case that matches, with its names bound; unknown where one cannot be decided."""
    unknown = contains_unknown(subject)
    if unknown is not None:
        return unknown
    for case in node.cases:
        fits = matches(run, case.pattern, subject, frame)
        if fits is True and case.guard is not None:
            fits = known_truth(run, run.eval(case.guard, frame))
        if isinstance(fits, Unknown):
            return fits
        if fits:
            return case
    return None


def matches(run: Interpreter, pattern: ast.pattern, subject: Value, frame: Frame) -> bool | Unknown:
    """Whether a pattern fits a value; binds its names as it goes."""
    if isinstance(pattern, ast.MatchValue):
        if isinstance(subject, TensorValue):
            return Unknown("a match on the value of a tensor is not followed")
        return known_truth(run, compare(run, ast.Eq, subject, run.eval(pattern.value, frame)))
    if isinstance(pattern, ast.MatchSingleton):
        return subject is pattern.value
    if isinstance(pattern, ast.MatchAs):
        fits = True if pattern.pattern is None else matches(run, pattern.pattern, subject, frame)
        if fits is True and pattern.name is not None:
            run.assign(frame.environment.target(pattern.name), pattern.name, subject)
        return fits
    if isinstance(pattern, ast.MatchOr):
        return _first(run, pattern.patterns, subject, frame)
    if isinstance(pattern, ast.MatchSequence):
        return _sequence(run, pattern, subject, frame)
    if isinstance(pattern, ast.MatchClass) and not pattern.patterns and not pattern.kwd_patterns:
        return is_instance(run, subject, run.eval(pattern.cls, frame))
    return Unknown("this kind of pattern is not followed")


def _first(run: Interpreter, patterns: list[ast.pattern], subject: Value, frame: Frame) -> bool | Unknown:
    for pattern in patterns:
        fits = matches(run, pattern, subject, frame)
        if fits is not False:
            return fits
    return False


def _sequence(run: Interpreter, pattern: ast.MatchSequence, subject: Value, frame: Frame) -> bool | Unknown:
    if isinstance(subject, Instance):
        return Unknown("a match on an object as a sequence is not followed")
    if not isinstance(subject, (list, tuple)):
        return False
    items, patterns = list(subject), pattern.patterns
    star = next((i for i, part in enumerate(patterns) if isinstance(part, ast.MatchStar)), None)
    if star is None:
        if len(items) != len(patterns):
            return False
    elif len(items) < len(patterns) - 1:
        return False
    else:
        after = len(patterns) - star - 1
        items = [*items[:star], items[star : len(items) - after], *items[len(items) - after :]]
    for part, item in zip(patterns, items, strict=True):
        if isinstance(part, ast.MatchStar):
            if part.name is not None:
                run.assign(frame.environment.target(part.name), part.name, item)
            continue
        fits = matches(run, part, item, frame)
        if fits is not True:
            return fits
    return True

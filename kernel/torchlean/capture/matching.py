"""`match` statements on known values."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from torchlean.capture.attributes import quiet_attribute
from torchlean.capture.conditions import known_truth
from torchlean.capture.iteration import items_of, range_length
from torchlean.capture.kinds import is_instance
from torchlean.capture.operators import compare
from torchlean.capture.records import positional_fields
from torchlean.capture.values import (
    MISSING,
    Instance,
    TensorValue,
    Unknown,
    UserClass,
    Value,
    contains_unknown,
)

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
        bound: Bound = {}
        fits = matches(run, case.pattern, subject, frame, bound)
        if fits is True:
            for name, value in bound.items():
                run.assign(frame.environment.target(name), name, value)
        if fits is True and case.guard is not None:
            fits = known_truth(run, run.eval(case.guard, frame))
        if isinstance(fits, Unknown):
            return fits
        if fits:
            return case
    return None


Bound = dict[str, Value]
"""What the names of a pattern are bound to once all of it fits."""

OF_THEMSELVES = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset)
"""Classes whose pattern takes the subject itself: `int(n)`."""


def matches(
    run: Interpreter, pattern: ast.pattern, subject: Value, frame: Frame, bound: Bound
) -> bool | Unknown:
    """Whether a pattern fits a value; collects what its names are bound to."""
    if isinstance(pattern, ast.MatchValue):
        if isinstance(subject, TensorValue):
            return Unknown("a match on the value of a tensor is not followed")
        return known_truth(run, compare(run, ast.Eq, subject, run.eval(pattern.value, frame)))
    if isinstance(pattern, ast.MatchSingleton):
        return subject is pattern.value
    if isinstance(pattern, ast.MatchAs):
        fits = True if pattern.pattern is None else matches(run, pattern.pattern, subject, frame, bound)
        if fits is True and pattern.name is not None:
            bound[pattern.name] = subject
        return fits
    if isinstance(pattern, ast.MatchOr):
        return _first(run, pattern.patterns, subject, frame, bound)
    if isinstance(pattern, ast.MatchSequence):
        return _sequence(run, pattern, subject, frame, bound)
    if isinstance(pattern, ast.MatchMapping):
        return _mapping(run, pattern, subject, frame, bound)
    if isinstance(pattern, ast.MatchClass):
        return _class(run, pattern, subject, frame, bound)
    return Unknown("this kind of pattern is not followed")


def _first(
    run: Interpreter, patterns: list[ast.pattern], subject: Value, frame: Frame, bound: Bound
) -> bool | Unknown:
    for pattern in patterns:
        fits = matches(run, pattern, subject, frame, bound)
        if fits is not False:
            return fits
    return False


def _all(
    run: Interpreter, pairs: Iterable[tuple[ast.pattern, Value]], frame: Frame, bound: Bound
) -> bool | Unknown:
    for pattern, subject in pairs:
        fits = matches(run, pattern, subject, frame, bound)
        if fits is not True:
            return fits
    return True


def _sequence(
    run: Interpreter, pattern: ast.MatchSequence, subject: Value, frame: Frame, bound: Bound
) -> bool | Unknown:
    if isinstance(subject, Instance):
        if subject.cls.open is not None:
            return subject.cls.open
        subject = subject.data
    if not isinstance(subject, (list, tuple, range)):
        return False
    patterns = pattern.patterns
    star = next((i for i, part in enumerate(patterns) if isinstance(part, ast.MatchStar)), None)
    count = range_length(subject) if isinstance(subject, range) else len(subject)
    if count != len(patterns) if star is None else count < len(patterns) - 1:
        return False
    items = items_of(run, subject)
    if isinstance(items, Unknown):
        return items
    if star is None:
        return _all(run, zip(patterns, items, strict=True), frame, bound)
    after = count - (len(patterns) - star - 1)
    starred = patterns[star]
    assert isinstance(starred, ast.MatchStar)
    if starred.name is not None:
        bound[starred.name] = items[star:after]
    parts = [*patterns[:star], *patterns[star + 1 :]]
    return _all(run, zip(parts, [*items[:star], *items[after:]], strict=True), frame, bound)


def _mapping(
    run: Interpreter, pattern: ast.MatchMapping, subject: Value, frame: Frame, bound: Bound
) -> bool | Unknown:
    if isinstance(subject, Instance):
        if subject.cls.open is not None or subject.cls.find("__getitem__") is not MISSING:
            return subject.cls.open or Unknown("a match on an object as a mapping is not followed")
        subject = subject.data
    if not isinstance(subject, dict):
        return False
    keys = [run.eval(key, frame) for key in pattern.keys]
    unknown = contains_unknown(keys)
    if unknown is not None:
        return unknown
    if not all(key in subject for key in keys):
        return False
    fits = _all(run, zip(pattern.patterns, (subject[key] for key in keys), strict=True), frame, bound)
    if fits is True and pattern.rest is not None:
        bound[pattern.rest] = {key: value for key, value in subject.items() if key not in keys}
    return fits


def _class(
    run: Interpreter, pattern: ast.MatchClass, subject: Value, frame: Frame, bound: Bound
) -> bool | Unknown:
    """`Point(x, y=0)`: the class says which attributes stand without a name."""
    kind = run.eval(pattern.cls, frame)
    fits = is_instance(run, subject, kind)
    if fits is not True:
        return fits
    names = list(pattern.kwd_attrs)
    patterns = [*pattern.patterns, *pattern.kwd_patterns]
    if pattern.patterns and kind in OF_THEMSELVES and len(pattern.patterns) == 1:
        fits = matches(run, pattern.patterns[0], subject, frame, bound)
        if fits is not True:
            return fits
        patterns = pattern.kwd_patterns
    elif pattern.patterns:
        places = _places(kind)
        if places is None or len(places) < len(pattern.patterns):
            return Unknown("which attributes a class pattern means is not followed")
        names = [*places[: len(pattern.patterns)], *names]
    for name, part in zip(names, patterns, strict=True):
        value = quiet_attribute(run, subject, name)
        if value is MISSING:
            return False
        if isinstance(value, Unknown):
            return value
        fits = matches(run, part, value, frame, bound)
        if fits is not True:
            return fits
    return True


def _places(kind: Value) -> list[str] | None:
    """`__match_args__` of a class."""
    if not isinstance(kind, UserClass):
        return None
    given = kind.find("__match_args__")
    if isinstance(given, tuple) and all(isinstance(name, str) for name in given):
        return list(given)
    if given is not MISSING or kind.fields is None:
        return None
    return positional_fields(kind)

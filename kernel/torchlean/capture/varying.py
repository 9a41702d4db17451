"""Values that differ from one iteration of a loop to the next: numbers of which a range is known, and streams of items.

A training loop is followed once, for any of its iterations (`loops`). What it counts, averages or takes from a data
set then has a description instead of a value. Such a value behaves as unknown wherever nothing else is written here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from torchlean.capture.values import Abstract, TensorValue, Unknown, Value
from torchlean.graph.origin import Source
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


class Number(Abstract):
    """A Python number between two ends.

    Attributes:
        integer: an `int`, else a `float`.
        lower, upper: ends, perhaps infinite.
        linear: the number as `factor * symbol + offset`, for integers that are computed from the variable of a loop:
            so the length of `x[i : i + 64]` is known.
    """

    def __init__(
        self,
        reason: str,
        integer: bool,
        lower: float = -math.inf,
        upper: float = math.inf,
        linear: tuple[object, int, int] | None = None,
    ) -> None:
        super().__init__(reason)
        self.integer = integer
        self.lower, self.upper = lower, upper
        self.linear = linear

    def __repr__(self) -> str:
        return f"{'int' if self.integer else 'float'} in [{self.lower:g}, {self.upper:g}]"


class Stream(Abstract):
    """An iterable of unknown length, at least one, each of whose items is described by what `make` gives."""

    def __init__(self, reason: str, make: Callable[[Interpreter], Value], length: Value = None) -> None:
        super().__init__(reason)
        self.make = make
        self.length = length

    def mapped(self, change: Callable[[Interpreter, Value], Value]) -> Stream:
        """The stream of the changed items."""
        return Stream(self.reason, lambda run: change(run, self.make(run)), self.length)


def counter(reason: str, lower: float, upper: float) -> Number:
    """The variable of a loop: an integer that others may be computed from."""
    return Number(reason, True, lower, upper, (object(), 1, 0))


def as_tensor(run: Interpreter, number: Number) -> TensorValue:
    """The number where it meets a tensor: a 0-d leaf of its range."""
    dtype = torch.int64 if number.integer else run.default_dtype or torch.float32
    source = Source.UNKNOWN if math.isinf(number.lower) or math.isinf(number.upper) else Source.DRAWN
    return run.emitter.random(TensorType((), dtype), number.lower, number.upper, number.reason, source=source)


def arithmetic(name: str, left: Value, right: Value) -> Value:
    """An operator on numbers of which at least one is abstract."""
    sides = [side if isinstance(side, Number) else _point(side) for side in (left, right)]
    one, other = sides
    if one is None or other is None:
        return left.unknown if isinstance(left, Abstract) else right.unknown
    integer = one.integer and other.integer and name != "truediv"
    reason = left.reason if isinstance(left, Number) else right.reason
    if name in ("add", "sub", "mul"):
        lower, upper = _hull(name, one, other)
        return Number(reason, integer, lower, upper, _linear(name, one, other) if integer else None)
    if name == "truediv" and (other.lower > 0 or other.upper < 0):
        return Number(reason, False, *_hull(name, one, other))
    if name == "pow" and 0 < one.lower == one.upper < math.inf:
        return Number(reason, False, *_powers(one.lower, other))
    if name == "mod" and integer and other.lower == other.upper > 0:
        return Number(reason, True, 0.0, other.upper - 1)
    if name in ("truediv", "floordiv", "mod", "pow"):
        return Number(reason, integer and name != "pow")
    return Unknown(reason)


def _point(value: Value) -> Number | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    try:
        end = float(value)
    except OverflowError:
        return None
    exact = isinstance(value, int)
    if exact and end != value:
        return Number("", True)
    return Number("", exact, end, end, (None, 0, value) if isinstance(value, int) else None)


def _hull(name: str, one: Number, other: Number) -> tuple[float, float]:
    """Ends of all results, in the program's own float64 arithmetic, which is monotone."""
    if name == "sub":
        ends = [one.lower - other.upper, one.upper - other.lower]
    elif name == "add":
        ends = [one.lower + other.lower, one.upper + other.upper]
    elif name == "truediv":
        ends = [a / b for a in (one.lower, one.upper) for b in (other.lower, other.upper)]
    else:
        ends = [a * b for a in (one.lower, one.upper) for b in (other.lower, other.upper)]
    if any(end != end for end in ends):
        return -math.inf, math.inf
    return min(ends), max(ends)


POWER_SLACK = 1e-14
"""Fifty roundings: C libraries compute powers to one, and need not be monotone in the last digit."""


def _powers(base: float, exponent: Number) -> tuple[float, float]:
    """The ends of `base ** n` for a positive base: `1 - 0.9 ** step` is no zero from the first step on."""
    ends = []
    for end in (exponent.lower, exponent.upper):
        try:
            ends.append(base**end)
        except OverflowError:
            ends.append(math.inf)
    return min(ends) * (1 - POWER_SLACK), max(ends) * (1 + POWER_SLACK)


def _linear(name: str, one: Number, other: Number) -> tuple[object, int, int] | None:
    if one.linear is None or other.linear is None:
        return None
    (symbol, factor, offset), (second, other_factor, other_offset) = one.linear, other.linear
    if symbol is not None and second is not None and symbol is not second:
        return None
    if name == "mul":
        if factor and other_factor:
            return None
        return symbol or second, factor * other_offset + other_factor * offset, offset * other_offset
    sign = -1 if name == "sub" else 1
    return symbol or second, factor + sign * other_factor, offset + sign * other_offset


def distance(start: Value, stop: Value) -> int | None:
    """`stop - start`, where that is the same in every iteration."""
    one, other = (side if isinstance(side, Number) else _point(side) for side in (start, stop))
    if one is None or other is None:
        return None
    linear = _linear("sub", other, one)
    return linear[2] if linear is not None and linear[1] == 0 else None


def compared(name: str, left: Value, right: Value) -> bool | Unknown:
    """A comparison that the ranges may decide."""
    one, other = (side if isinstance(side, Number) else _point(side) for side in (left, right))
    unknown = left.unknown if isinstance(left, Abstract) else right.unknown
    assert isinstance(unknown, Unknown)
    if one is None or other is None:
        return unknown
    if name in ("gt", "ge"):
        one, other, name = other, one, {"gt": "lt", "ge": "le"}[name]
    below = one.upper < other.lower or (name == "le" and one.upper <= other.lower)
    above = one.lower > other.upper or (name == "lt" and one.lower >= other.upper)
    if name in ("lt", "le"):
        return True if below else False if above else unknown
    apart = one.upper < other.lower or one.lower > other.upper
    return name == "ne" if apart else unknown


def joined(left: Value, right: Value, reason: str) -> Number | None:
    """One number that may be either of two; None where one of them is no number."""
    one, other = (side if isinstance(side, Number) else _point(side) for side in (left, right))
    if one is None or other is None:
        return None
    lower, upper = min(one.lower, other.lower), max(one.upper, other.upper)
    return Number(reason, one.integer and other.integer, lower, upper)


def absolute(number: Number) -> Number:
    """`abs(number)`."""
    ends = (abs(number.lower), abs(number.upper))
    lower = 0.0 if number.lower < 0 < number.upper else min(ends)
    return Number(number.reason, number.integer, lower, max(ends))


def extreme(name: str, items: list[Value]) -> Value:
    """`min` or `max` of numbers of which some are not known: one of them, on the right side of all."""
    choose = min if name == "min" else max
    ends = [end for item in items if (end := joined(item, item, "")) is not None]
    if len(ends) < len(items):
        return Unknown(f"`{name}` of values that are not known", reported=True)
    lower, upper = choose(end.lower for end in ends), choose(end.upper for end in ends)
    return Number(f"`{name}` of numbers that vary", all(end.integer for end in ends), lower, upper)

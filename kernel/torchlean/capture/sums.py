"""`sum`, which need not be the additions that it is written for: from Python 3.12 on it carries along what adding
floats rounds away, so that `sum([0.1] * 10)` is 1.0 there, and 0.9999999999999999 before."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torchlean.capture.operators import binary
from torchlean.capture.values import Value
from torchlean.capture.varying import Number, joined

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

PLAIN = (int, bool, float, complex)

SLACK = 2.0**-51
"""What a sum of floats may lose with each item, as a share of the sum of their magnitudes: a quarter of it is what one
addition rounds in the ends' own sums, a quarter what one rounds in the program's, whichever way it adds, and the other
half is more than the arithmetic loses that adds this to the ends."""


def summed(run: Interpreter, items: Sequence[Value], start: Value) -> Value:
    """`sum(items, start)`, as the Python that runs this computes it.

    Numbers at the beginning, until the first item that is something else (a tensor), are Python's own business. Where
    some of them vary, the sum is a range that has what any version of Python makes of them.
    """
    numbers = list(itertools.takewhile(_is_number, (start, *items)))
    total, rest = start, list(items)
    if numbers:
        total, rest = _of_numbers(run, numbers), rest[len(numbers) - 1 :]
    for item in rest:
        total = binary(run, "add", total, item)
    return total


def _is_number(value: Value) -> bool:
    return type(value) in PLAIN or isinstance(value, Number)


def _of_numbers(run: Interpreter, numbers: list[Value]) -> Value:
    if not any(isinstance(number, Number) for number in numbers):
        try:
            return sum(numbers[1:], numbers[0])
        except OverflowError:
            pass  # an integer that no float holds: the addition that it is in says so
    total = numbers[0]
    for number in numbers[1:]:
        total = binary(run, "add", total, number)
    if isinstance(total, Number) and not total.integer:
        return _widened(total, [end for number in numbers if (end := joined(number, number, "")) is not None])
    return total


def _widened(total: Number, parts: list[Number]) -> Number:
    """The ends of a sum of floats, with room for every way of rounding it."""
    below, above = abs(total.lower), abs(total.upper)
    if not (all(part.lower >= 0 for part in parts) or all(part.upper <= 0 for part in parts)):
        # Between signs, what is rounded away is measured by the items, and not by what remains of them.
        below = above = sum(max(abs(part.lower), abs(part.upper)) for part in parts)
    slack = len(parts) * SLACK
    return Number(total.reason, False, total.lower - slack * below, total.upper + slack * above)

"""Result files in the competition's format: a verdict, and after `sat` the input and output that show it.

    sat
    ((X_0 0.60000002384185791015625)
    (X_1 -0.5)
    (Y_0 -0.25))

Source: VNN-COMP's rules, section "Counterexamples". Numbers are written out to their last digit: every reader gets
the same binary32 number back, however it rounds, and one that computes exactly finds it on the right side of every
bound of the property.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

from torchlean.vnnlib.lexical import TOKEN, NumberTooLong, number
from torchlean.writing import write_whole

VERDICTS = ("sat", "unsat", "unknown", "timeout", "error")

_NAME = re.compile(r"([XY])_(0|[1-9][0-9]{0,8})")


class WitnessError(ValueError):
    """A result file that cannot be read; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a result file says. `x` and `y` are exact, and empty where there is no witness."""

    verdict: str
    x: tuple[Fraction, ...] = ()
    y: tuple[Fraction, ...] = ()


Number = float | Fraction

DIGITS = 1100
"""Significant digits of a fraction that no decimal is, such as 1/3: more than any binary64 number has, so that reading
it as one gives the number nearest to the fraction."""


def text(verdict: str, x: Sequence[Number] = (), y: Sequence[Number] = ()) -> str:
    """A result file's text; `x` and `y` are binary32 (or binary64) numbers or exact decimals, only for `sat`.

    Raises:
        ValueError: an unknown verdict, a number that is not finite, or a witness for something else than `sat`.
    """
    if verdict not in VERDICTS:
        raise ValueError(f"expected one of {', '.join(VERDICTS)}, got {verdict!r}")
    if (verdict == "sat") != bool(len(x)):
        raise ValueError(f"{verdict} {'needs' if verdict == 'sat' else 'has no'} witness")
    pairs = [f"(X_{i} {_decimal(value)})" for i, value in enumerate(x)]
    pairs += [f"(Y_{j} {_decimal(value)})" for j, value in enumerate(y)]
    return f"{verdict}\n" + (f"({chr(10).join(pairs)})\n" if pairs else "")


def _decimal(value: Number) -> str:
    if isinstance(value, Fraction):
        return _exact(value)
    if not math.isfinite(value):
        raise ValueError(f"a witness has finite numbers, got {value}")
    return str(Decimal(float(value)))


def _exact(value: Fraction) -> str:
    """All digits of a decimal; `DIGITS` of another fraction."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        with localcontext() as context:
            context.prec = DIGITS
            return str(Decimal(value.numerator) / Decimal(value.denominator))
    places = max(twos, fives)
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    point = len(digits) - places
    return f"{'-' if value < 0 else ''}{digits[:point]}{'.' if places else ''}{digits[point:]}"


def write(path: str, verdict: str, x: Sequence[Number] = (), y: Sequence[Number] = ()) -> None:
    """Write a result file. Another process sees the old file or the whole new one, never a part.

    Raises:
        OSError: it cannot be written; the old file is then as it was.
        ValueError: as `text`.
    """
    write_whole(path, text(verdict, x, y))


def read(path: str) -> Result:
    """Read a result file.

    Raises:
        OSError: it cannot be read.
        WitnessError: it is malformed.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        return parse(file.read())


def parse(content: str) -> Result:
    """Read a result file's text. A witness without the verdict in front counts as `sat`, as in the first years.

    Raises:
        WitnessError: it is malformed.
    """
    tokens = [(match[0], match.start()) for match in TOKEN.finditer(content) if match[0][0] != ";"]
    verdict = "sat"
    if tokens and tokens[0][0] != "(":
        verdict = tokens.pop(0)[0]
        if verdict not in VERDICTS:
            raise WitnessError(f"expected one of {', '.join(VERDICTS)}, got {verdict[:40]!r}")
    elif not tokens:
        raise WitnessError("the file is empty")
    if not tokens:
        return Result(verdict)
    values = _pairs(tokens, content)
    x, y = (_in_order(values, letter) for letter in "XY")
    if verdict != "sat":
        raise WitnessError(f"{verdict} has no witness")
    return Result(verdict, x, y)


def _pairs(tokens: Sequence[tuple[str, int]], content: str) -> dict[tuple[str, int], Fraction]:
    """`((X_0 1.0) (Y_0 2.0))`."""

    def wrong(index: int, expected: str) -> WitnessError:
        token, at = tokens[index] if index < len(tokens) else ("the end", len(content))
        line = content.count("\n", 0, at) + 1
        return WitnessError(f"line {line}: expected {expected}, got {token[:40]!r}")

    if tokens[0][0] != "(":
        raise wrong(0, "`(`")
    values: dict[tuple[str, int], Fraction] = {}
    at = 1
    while at < len(tokens) and tokens[at][0] == "(":
        words = [token for token, _ in tokens[at : at + 4]]
        name = _NAME.fullmatch(words[1]) if len(words) == 4 else None
        if name is None or words[3] != ")":
            raise wrong(at, "a pair such as `(X_0 1.0)`")
        try:
            value = number(words[2])
        except NumberTooLong:
            value = None
        key = (name[1], int(name[2]))
        if value is None or key in values:
            raise wrong(at + 2, "a decimal number") if value is None else wrong(at + 1, "each name once")
        values[key] = value
        at += 4
    if [token for token, _ in tokens[at:]] != [")"]:
        raise wrong(at if at >= len(tokens) or tokens[at][0] != ")" else at + 1, "`)` and the end")
    return values


def _in_order(values: dict[tuple[str, int], Fraction], letter: str) -> tuple[Fraction, ...]:
    numbers = sorted(i for name, i in values if name == letter)
    if numbers != list(range(len(numbers))):
        missing = next(i for i, n in enumerate(numbers) if i != n)
        raise WitnessError(f"{letter}_{missing} is missing")
    return tuple(values[letter, i] for i in numbers)

"""Tokens of a property file with their places.

VNN-LIB borrows SMT-LIB's lexical rules: parentheses, words, comments from `;` to the end of the line. Version 2.0 adds
bracketed indices (`X[0,1]`), which are one token here, and quoted node names. One regular expression cuts the whole
text; it is written so that no input makes it look at a character more than a few times.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from fractions import Fraction
from functools import cached_property

from torchlean.source import Span

TOKEN = re.compile(
    r"""[()]                        # forms
    | ;[^\r\n]*                     # a comment
    | [^\ \t\r\n()\[\];"|]+         # a word: name, operator, number
    | \[[^\[\]();"|]*\]             # indices or a shape
    | "[^"\r\n]*"                   # a node's name
    | \|[^|\r\n]*\|                 # a quoted word
    | [^\ \t\r\n]                   # anything else, which is a mistake
    """,
    re.VERBOSE,
)

BOUND = re.compile(
    r"""\([ ]?assert[ ](\(
    (<=|>=)[ ]([^ \t\r\n()\[\];"|]+)[ ]([^ \t\r\n()\[\];"|]+)
    \))[ ]?\)""",
    re.VERBOSE,
)
"""`(assert (<= X_0 1.0))` as generators write it, of two words: nine tenths of large files are such. Groups: the form,
its operator, both operands."""

DECLARATION = re.compile(r"\(declare-const ([XY]_[0-9]+) Real\)")
"""`(declare-const X_0 Real)`, nearly all the rest."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""Decimals, with the signs and exponents that files in use have though SMT-LIB itself has neither."""

MAX_DIGITS = 2000
"""Characters and decimal exponent of a number: the longest exact decimal of a binary64 number has 1,075 digits."""

_LINE_END = re.compile(r"\r\n|\n|\r")

_INDICES = re.compile(r"[ \t\r\n]*\d+[ \t\r\n]*(,[ \t\r\n]*\d+[ \t\r\n]*)*", re.ASCII)

MAX_INDEX_DIGITS = 12
"""Digits of an index or a dimension: no tensor has a trillion elements."""


class NumberTooLong(ValueError):
    """A number whose exact value would take unreasonable room."""


def number(word: str) -> Fraction | None:
    """The exact value of a decimal; None for what is no number.

    Raises:
        NumberTooLong: more than `MAX_DIGITS` characters, or an exponent beyond that.
    """
    match = NUMBER.fullmatch(word)
    if match is None:
        return None
    exponent = match[2]
    if len(word) > MAX_DIGITS or (
        exponent and (len(exponent) > len("e+") + len(str(MAX_DIGITS)) or abs(int(exponent[1:])) > MAX_DIGITS)
    ):
        raise NumberTooLong
    return Fraction(word)


def indices(token: str) -> tuple[int, ...] | None:
    """The numbers of `[0, 1]`; None when they are malformed. `[]` has none: a scalar."""
    inside = token[1:-1]
    if not inside.strip(" \t\r\n"):
        return ()
    if _INDICES.fullmatch(inside) is None:
        return None
    parts = [part.strip(" \t\r\n") for part in inside.split(",")]
    if any(len(part) > MAX_INDEX_DIGITS for part in parts):
        return None
    return tuple(int(part) for part in parts)


class Source:
    """A text and its lines, for turning offsets into spans."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column), both from zero, columns in code points."""
        line = bisect_right(self._starts, offset) - 1
        return line, offset - self._starts[line]

    def span(self, start: int, end: int) -> Span:
        return Span(self.path, *self.position(start), *self.position(end))

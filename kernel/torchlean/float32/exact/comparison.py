"""Comparisons and the total order (IEEE 754-2019, 5.6.1, 5.10, 5.11)."""

from __future__ import annotations

import enum
from typing import NamedTuple

from torchlean.float32.environment import DEFAULT, Environment, Flags
from torchlean.float32.exact.datum import is_nan, is_signaling
from torchlean.float32.formats import BINARY32, Format


class Relation(enum.Enum):
    """The four mutually exclusive relations of two data (5.11). A NaN is unordered with everything, itself
    included.
    """

    LESS = "less"
    EQUAL = "equal"
    GREATER = "greater"
    UNORDERED = "unordered"


class Comparison(NamedTuple):
    """The truth of a predicate and the exceptions raised on the way."""

    holds: bool
    flags: Flags


_LESS, _EQUAL, _GREATER, _UNORDERED = Relation
_ORDERED = frozenset({_LESS, _EQUAL, _GREATER})
_EVERY: frozenset[Relation] = frozenset(Relation)

_TRUE_FOR: dict[str, frozenset[Relation]] = {
    "Equal": frozenset({_EQUAL}),
    "NotEqual": _EVERY - {_EQUAL},
    "Greater": frozenset({_GREATER}),
    "GreaterEqual": frozenset({_GREATER, _EQUAL}),
    "Less": frozenset({_LESS}),
    "LessEqual": frozenset({_LESS, _EQUAL}),
    "NotGreater": _EVERY - {_GREATER},
    "LessUnordered": frozenset({_LESS, _UNORDERED}),
    "NotLess": _EVERY - {_LESS},
    "GreaterUnordered": frozenset({_GREATER, _UNORDERED}),
}

PREDICATES: dict[str, frozenset[Relation]] = {
    **{f"compareQuiet{name}": relations for name, relations in _TRUE_FOR.items()},
    **{f"compareSignaling{name}": relations for name, relations in _TRUE_FOR.items()},
    "compareQuietUnordered": frozenset({_UNORDERED}),
    "compareQuietOrdered": _ORDERED,
}
"""The 22 predicates of tables 5.1, 5.2 and 5.3 with the relations for which each is true."""


def relation(a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32) -> Relation:
    """How a stands to b. The two zeros are equal."""
    format.check(a, b)
    if is_nan(a, format) or is_nan(b, format):
        return Relation.UNORDERED
    left, right = _rank(a, environment, format), _rank(b, environment, format)
    if left == right:
        return Relation.EQUAL
    return Relation.LESS if left < right else Relation.GREATER


def compare(
    predicate: str, a: int, b: int, environment: Environment = DEFAULT, format: Format = BINARY32
) -> Comparison:
    """One of the standard's `PREDICATES` by its name.

    A signaling NaN is invalid for every predicate, a quiet one for the signaling predicates only. Raises
    KeyError for a name that is not in the tables.
    """
    found = relation(a, b, environment, format)
    holds = found in PREDICATES[predicate]
    signals = predicate.startswith("compareSignaling") and found is Relation.UNORDERED
    if signals or is_signaling(a, format) or is_signaling(b, format):
        return Comparison(holds, Flags.INVALID)
    return Comparison(holds, Flags.NONE)


def total_order(a: int, b: int, format: Format = BINARY32) -> bool:
    """totalOrder: whether a comes before b, or is b, in the order of all data (5.10).

    -NaN < -∞ < negative numbers < -0 < +0 < positive numbers < +∞ < +NaN; of positive NaNs the signaling ones
    come first, and then a smaller payload does.
    """
    format.check(a, b)
    return _total_rank(a, format) <= _total_rank(b, format)


def total_order_magnitude(a: int, b: int, format: Format = BINARY32) -> bool:
    """totalOrderMag: the total order of the magnitudes."""
    return total_order(a & format.magnitude_mask, b & format.magnitude_mask, format)


def _rank(bits: int, environment: Environment, format: Format) -> int:
    """An integer that orders all numbers and infinities as their values: the magnitude's bits with the
    number's sign.
    """
    magnitude = bits & format.magnitude_mask
    if environment.denormals_are_zero and magnitude < format.hidden_bit:
        return 0
    return -magnitude if bits & format.sign_mask else magnitude


def _total_rank(bits: int, format: Format) -> int:
    magnitude = bits & format.magnitude_mask
    return -1 - magnitude if bits & format.sign_mask else magnitude

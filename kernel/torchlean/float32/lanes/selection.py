"""Minimum, maximum and comparisons of blocks: order on bit patterns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from torchlean.float32.environment import Environment, Flags
from torchlean.float32.exact.comparison import PREDICATES, Relation
from torchlean.float32.formats import BINARY32
from torchlean.float32.lanes.blocks import Kernel, Lanes, Status, raise_flag
from torchlean.float32.lanes.packing import magnitude, read
from torchlean.float32.lanes.specials import is_nan, is_signaling, propagate

_MAGNITUDE = np.int32(BINARY32.magnitude_mask)
_COMES_FIRST: dict[bool, Callable[[Lanes, Lanes], Lanes]] = {True: np.less_equal, False: np.greater_equal}


def extremum(*, smaller: bool) -> Kernel:
    """The kernel of minimum or maximum (2019): any NaN gives a NaN."""

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a, b = operands
        return propagate(_choose(a, b, smaller), (a, b), environment, status)

    return kernel


def extremum_number(*, smaller: bool) -> Kernel:
    """The kernel of minimumNumber or maximumNumber (2019): a number is preferred to any NaN."""

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a, b = operands
        out = propagate(_choose(a, b, smaller), (a, b), environment, status)
        return _prefer_number(_prefer_number(out, a, b), b, a)

    return kernel


def extremum_2008(*, smaller: bool) -> Kernel:
    """The kernel of minNum or maxNum (2008): a number is preferred to a quiet NaN only."""
    of_2019 = extremum_number(smaller=smaller)

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a, b = operands
        out = of_2019(operands, environment, status)
        signals = is_signaling(a) | is_signaling(b)
        return np.where(signals, propagate(out, operands, environment, None), out)

    return kernel


def comparison(predicate: str) -> Kernel:
    """The kernel of one of the standard's 22 predicates, with a boolean result. Raises KeyError for other
    names.
    """
    relations = PREDICATES[predicate]
    signaling = predicate.startswith("compareSignaling")

    def kernel(operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
        a, b = (read(x, environment) for x in operands)
        unordered = is_nan(a) | is_nan(b)
        raise_flag(status, unordered if signaling else is_signaling(a) | is_signaling(b), Flags.INVALID)
        left, right = _value_rank(a), _value_rank(b)
        holds = np.zeros(a.shape, dtype=np.bool_)
        for relation, compare in _ORDERINGS.items():
            if relation in relations:
                holds |= compare(left, right)
        # The ranks of NaNs compare somehow; here they are unordered.
        return np.where(unordered, Relation.UNORDERED in relations, holds)

    return kernel


_ORDERINGS: dict[Relation, Callable[[Lanes, Lanes], Lanes]] = {
    Relation.LESS: np.less,
    Relation.EQUAL: np.equal,
    Relation.GREATER: np.greater,
}


def _choose(a: Lanes, b: Lanes, smaller: bool) -> Lanes:
    first = _COMES_FIRST[smaller](_total_rank(a), _total_rank(b))
    return np.where(first, a, b)


def _prefer_number(out: Lanes, nan: Lanes, number: Lanes) -> Lanes:
    return np.where(is_nan(nan) & ~is_nan(number), number, out)


def _total_rank(x: Lanes) -> Lanes:
    """int32 in the order of values, -0 below +0: negative numbers have their magnitude's bits turned over."""
    signed = x.view(np.int32)
    return signed ^ (signed >> 31 & _MAGNITUDE)


def _value_rank(x: Lanes) -> Lanes:
    """int32 in the order of values, both zeros alike."""
    negative = x.view(np.int32) >> 31
    return (magnitude(x).view(np.int32) ^ negative) - negative

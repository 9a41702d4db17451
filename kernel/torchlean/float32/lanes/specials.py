"""NaNs and infinities: the lanes that arithmetic on significands cannot answer.

Kernels compute all lanes as if they were finite, and then overwrite the few that were not. Those are gathered
first, so ordinary data pays one comparison for them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from torchlean.float32.environment import Environment, Flags, NanPolicy
from torchlean.float32.formats import BINARY32
from torchlean.float32.lanes.blocks import Lanes, Status, raise_flag
from torchlean.float32.lanes.packing import magnitude, sign_bit

INFINITY = np.uint32(BINARY32.infinity)
CANONICAL_NAN = np.uint32(BINARY32.canonical_nan)
_QUIET = np.uint32(BINARY32.quiet_bit)

Special = Callable[[tuple[Lanes, ...], Environment, Status], Lanes]


def is_nan(x: Lanes) -> Lanes:
    return magnitude(x) > INFINITY


def is_infinite(x: Lanes) -> Lanes:
    return magnitude(x) == INFINITY


def is_signaling(x: Lanes) -> Lanes:
    return is_nan(x) & (x & _QUIET == 0)


def is_zero(x: Lanes) -> Lanes:
    return magnitude(x) == 0


def overwrite(
    out: Lanes,
    special: Lanes,
    operands: tuple[Lanes, ...],
    answer: Special,
    environment: Environment,
    status: Status,
) -> Lanes:
    """`out` with the special lanes answered by `answer`, their flags replaced by what it raises."""
    lanes = np.flatnonzero(special)
    if lanes.size == 0:
        return out
    raised = None if status is None else np.zeros(lanes.size, dtype=np.uint8)
    out[lanes] = answer(tuple(x[lanes] for x in operands), environment, raised)
    if status is not None and raised is not None:
        status[lanes] = raised
    return out


def propagate(out: Lanes, operands: tuple[Lanes, ...], environment: Environment, status: Status) -> Lanes:
    """`out` with a quiet NaN in every lane that has a NaN operand; invalid where one signals (6.2)."""
    for x in reversed(operands):
        nan = is_nan(x)
        answer = CANONICAL_NAN if environment.nan_policy is NanPolicy.CANONICAL else x | _QUIET
        out = np.where(nan, answer, out)
        raise_flag(status, is_signaling(x), Flags.INVALID)
    return out


def invalid_where(out: Lanes, where: Lanes, status: Status) -> Lanes:
    """`out` with the canonical NaN and the invalid flag where the mask is true (7.2)."""
    raise_flag(status, where, Flags.INVALID)
    return np.where(where, CANONICAL_NAN, out)


def sum_with_infinity(a: Lanes, b: Lanes, status: Status) -> Lanes:
    """a + b where one is infinite and none a NaN; elsewhere the answer means nothing, and no flag is raised."""
    opposite = is_infinite(a) & is_infinite(b) & (a != b)
    return invalid_where(np.where(is_infinite(a), a, b), opposite, status)


def product_with_infinity(a: Lanes, b: Lanes, status: Status) -> Lanes:
    """a * b where one is infinite and none a NaN; elsewhere the answer means nothing, and no flag is raised."""
    undefined = is_infinite(a) & is_zero(b) | is_zero(a) & is_infinite(b)
    return invalid_where(sign_bit(a ^ b) | INFINITY, undefined, status)

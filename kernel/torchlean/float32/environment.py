"""What an operation depends on besides its operands, and what it returns besides its result.

The standard calls these attributes (clause 4) and status flags (clause 7). Here they are plain values:
nothing is global, so a result never depends on what ran before.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple


class Rounding(enum.Enum):
    """Rounding-direction attributes (4.3.1, 4.3.2)."""

    TIES_TO_EVEN = "roundTiesToEven"
    TIES_TO_AWAY = "roundTiesToAway"
    TOWARD_POSITIVE = "roundTowardPositive"
    TOWARD_NEGATIVE = "roundTowardNegative"
    TOWARD_ZERO = "roundTowardZero"


class Flags(enum.IntFlag):
    """The five exceptions of clause 7, raised under the default handling of each."""

    NONE = 0
    INVALID = 1
    DIVIDE_BY_ZERO = 2
    OVERFLOW = 4
    UNDERFLOW = 8
    INEXACT = 16


class NanPolicy(enum.Enum):
    """Which NaN comes out of an operation with NaNs among its operands (6.2.3 leaves it to the
    implementation).

    Processors differ, so compare results by NaN-ness unless the policy is known. `FIRST_OPERAND` keeps the
    sign and payload of the first NaN operand and makes it quiet (what x86's vector instructions do, but for
    the operand order of their fused operations); `CANONICAL` always gives the format's canonical quiet NaN
    (RISC-V, WebAssembly's choice). An invalid operation without a NaN operand gives the canonical NaN under
    both; x86 gives the negative one.
    """

    FIRST_OPERAND = "first operand"
    CANONICAL = "canonical"


class Tininess(enum.Enum):
    """When a result counts as tiny (7.5): judged after rounding to unbounded exponents (x86), or before
    rounding (Arm).
    """

    AFTER_ROUNDING = "after rounding"
    BEFORE_ROUNDING = "before rounding"


@dataclass(frozen=True)
class Environment:
    """The attributes of one operation. The defaults are those of PyTorch on a CPU.

    `flush_to_zero`: a tiny non-zero result becomes a zero of its sign, with underflow and inexact raised
    (x86's FTZ). `denormals_are_zero`: a subnormal operand is read as a zero of its sign, without a flag
    (x86's DAZ), by arithmetic, comparisons, and conversions to integers and to other formats. Operations that
    only choose an operand, look at its bits or print it (minimum and maximum, signs, neighbours, text) take
    no notice. The standard knows neither.
    """

    rounding: Rounding = Rounding.TIES_TO_EVEN
    tininess: Tininess = Tininess.AFTER_ROUNDING
    nan_policy: NanPolicy = NanPolicy.FIRST_OPERAND
    flush_to_zero: bool = False
    denormals_are_zero: bool = False


DEFAULT = Environment()


class Result(NamedTuple):
    """The bits of a result and the exceptions raised on the way."""

    bits: int
    flags: Flags


class IntegerResult(NamedTuple):
    """An integer result and the exceptions raised on the way."""

    value: int
    flags: Flags

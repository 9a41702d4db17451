"""What a comparison of the ways to run a program shows, as plain data."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field

from torchlean.source import Span

LEAN, LEAN_BINARY32 = "Lean", "Lean binary32"

OWN = ("graph", "binary32", LEAN, LEAN_BINARY32)
"""Modes that execute the graph, or the network of a certificate, and not the program."""


class Outcome(str, enum.Enum):
    """Of one mode. `AGREES`: every difference is inside of the proved bound. `UNBOUNDED`: it was run and no bound is
    known, so that nothing is said but how large the difference is. `SKIPPED`: it is no mode of this program, or not of
    this machine. `FAILED`: it did not run."""

    AGREES = "agrees"
    PARTS = "parts"
    UNBOUNDED = "no bound known"
    SKIPPED = "not compared"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModeResult:
    """One mode of one unit.

    Attributes:
        inputs: how many were compared.
        difference: the largest |executed - reference| of any element.
        ulps: the same in units in the last place of the reference, in the type that the mode computes in.
        fraction: of the proved bound, at the element where that is largest; NaN where no bound is finite.
        reason: why it was not compared, or what became of it.
        seconds: on the clock.
    """

    mode: str
    outcome: Outcome
    inputs: int = 0
    difference: float = 0.0
    ulps: float = 0.0
    fraction: float = math.nan
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Parting:
    """Where an execution leaves the bound.

    Attributes:
        mode: which one.
        node: the first node that differs, and its `op`.
        last: the node that was compared, after it.
        located: the steps of this mode, or of one that parts at the same place, were looked at; else `node` is `last`.
        span: its place in the source.
        inputs: name -> nested list of numbers that show it; `dtypes` their types.
        executed, expected, bound: at the element that is furthest off.
    """

    mode: str
    node: int
    op: str
    last: int
    located: bool
    span: Span | None
    inputs: dict[str, object]
    dtypes: dict[str, str]
    executed: float
    expected: float
    bound: float


@dataclass(frozen=True, slots=True)
class UnitAgreement:
    """One unit in all modes.

    Attributes:
        key: of the content: graph, weights and domain, and the versions that computed.
        drawn: what the inputs were drawn from, for people.
        failure: why nothing was compared.
        torch: its version.
        remarks: what the program did beside computing.
    """

    kind: str
    name: str
    span: Span
    key: str = ""
    drawn: str = ""
    modes: tuple[ModeResult, ...] = ()
    partings: tuple[Parting, ...] = ()
    failure: str = ""
    torch: str = ""
    remarks: tuple[str, ...] = field(default=())

    @property
    def agrees(self) -> bool:
        """Whether the program was compared, and nothing is outside."""
        return not self.parts and any(row.outcome is Outcome.AGREES for row in self.executed)

    @property
    def parts(self) -> bool:
        """Whether some execution is outside of its bound, or Lean denies a number."""
        return bool(self.partings) or any(row.outcome is Outcome.PARTS for row in self.modes)

    @property
    def sound(self) -> bool:
        """Whether it was run, and nothing is outside of a bound, where one is known."""
        ran = any(row.outcome in (Outcome.AGREES, Outcome.UNBOUNDED) for row in self.executed)
        return not self.parts and ran

    @property
    def executed(self) -> tuple[ModeResult, ...]:
        """The modes in which the program itself is run."""
        return tuple(row for row in self.modes if row.mode not in OWN)

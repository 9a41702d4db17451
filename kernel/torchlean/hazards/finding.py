"""What a detector says: which node goes wrong, by which code, and in which words."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from torchlean.hazards.regions import Known


class Trouble(enum.Enum):
    """What a wrong node hands on to the nodes that use it; see `torchlean.hazards.causes`."""

    OVERFLOW = enum.auto()  # an infinity, whose quotients and differences are 0 or NaN
    SINGULAR = enum.auto()  # an infinity or NaN at a pole or outside a domain
    DIGITS = enum.auto()  # a finite number with few correct digits
    NONE = enum.auto()  # the value is right; its gradient is not, or the way of writing it is dangerous


@dataclass(frozen=True, slots=True)
class Finding:
    """One hazard.

    Attributes:
        node: id of the node in the unit's graph.
        code: `TL2xx`.
        message: what is wrong, why it matters and what to do, without severity and without the region's words.
        operand: the node whose range reaches the danger zone; its region decides the severity.
        trouble: what follows from it downstream.
        specific: the code names the cause by its pattern; it stands even where the operand is wrong already.
        because: nodes that go wrong as a consequence, in order.
        known: what the operand's range rests on.
        evidence: an input that was executed and shows it, in words.
    """

    node: int
    code: str
    message: str
    operand: int
    trouble: Trouble
    specific: bool = False
    because: list[int] = field(default_factory=list)
    known: Known = Known.NOTHING
    evidence: str | None = None

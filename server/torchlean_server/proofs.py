"""What the Lean kernel says of each proved claim: a third axis beside verdict and freshness.

The verdict is the engine's and stays so, whatever becomes of Lean. A `Proof` belongs to a claim's name and the key of
its content (`ClaimResult.key`), so it can never vouch for another model, domain or property; an edit that changes none
of them leaves it as it is.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from torchlean.analysis.result import Certificate, UnitResult, Verdict


class Standing(enum.Enum):
    """How far the check of one claim by Lean is, or how it ended."""

    PLANNED = "planned"  # its certificate is to be written
    WAITING = "waiting"  # the certificate waits for Lean
    CHECKING = "checking"  # Lean is at work
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNCHECKABLE = "uncheckable"  # there is no certificate for such a claim
    UNANSWERED = "unanswered"  # Lean or the planning ended without an answer
    UNAVAILABLE = "unavailable"  # there is no Lean that works
    OFF = "off"  # the person does not want checks, or nobody makes certificates


PENDING = frozenset({Standing.PLANNED, Standing.WAITING, Standing.CHECKING})


@dataclass(frozen=True, slots=True)
class Proof:
    """One claim and Lean.

    Attributes:
        claim, key: the claim's name and the key of its content.
        detail: why it stands so, as a clause for people; empty where the standing says it all.
        code: of the diagnostic about it, empty where there is none.
        seconds: that the check took when Lean made it.
        announced: this claim carries the workspace's one diagnostic about a missing Lean.
        wanted: when it was last asked for; larger is later.
    """

    claim: str
    key: str
    standing: Standing
    detail: str = ""
    code: str = ""
    certificate: Certificate | None = None
    seconds: float = 0.0
    announced: bool = False
    wanted: int = 0

    @property
    def pending(self) -> bool:
        return self.standing in PENDING

    @property
    def accepted(self) -> bool:
        return self.standing is Standing.ACCEPTED

    def now(self, standing: Standing, detail: str = "", code: str = "", seconds: float = 0.0) -> Proof:
        """The same claim with another standing."""
        return replace(self, standing=standing, detail=detail, code=code, seconds=seconds, announced=False)


Key = tuple[str, str]
"""A claim's name and the key of its content."""


def proof_key(unit: UnitResult) -> Key | None:
    """Under which the proof of a unit is kept; None for what has nothing to prove."""
    claim = unit.claim
    if unit.kind != "claim" or claim is None or claim.verdict is not Verdict.PROVED or not claim.key:
        return None
    return unit.name, claim.key

"""The claims of a document with their verdicts, for lists: a tree of claims, a test explorer, a quickfix window."""

from __future__ import annotations

from dataclasses import dataclass

from torchlean.analysis.result import ClaimResult
from torchlean_server import render
from torchlean_server.proofs import Proof
from torchlean_server.state import Document, ShownUnit, has_verdict


@dataclass(frozen=True, slots=True)
class Listed:
    """A claim, the place of its name (offsets), and what Lean says of it."""

    shown: ShownUnit
    start: int
    end: int
    proof: Proof | None

    @property
    def claim(self) -> ClaimResult | None:
        """None while there is no verdict yet, and for a claim that cannot be analysed."""
        return self.shown.unit.claim

    @property
    def evidence(self) -> str:
        if self.claim is None:
            return "none"
        return "kernel" if self.proof is not None and self.proof.accepted else self.claim.evidence.value

    @property
    def title(self) -> str:
        """The verdict in the words of its lens."""
        unit = self.shown.unit
        return (
            render.property_title(unit) if unit.kind == "property" else render.claim_title(unit, self.proof)
        )

    @property
    def detail(self) -> str:
        """A sentence for people."""
        if self.shown.unit.failure:
            return self.shown.unit.failure
        return "" if self.claim is None else self.claim.detail


def listed(document: Document) -> list[Listed]:
    """In order of the text. A claim whose name is being edited has no place, and is left out until it has one again."""
    found = []
    for shown in document.units(has_verdict):
        where = shown.layer.track.now(shown.unit.span)
        if shown.unit.kind in ("claim", "property") and where is not None:
            found.append(Listed(shown, *where, document.proof(shown.unit)))
    return sorted(found, key=lambda claim: (claim.start, claim.shown.unit.name))

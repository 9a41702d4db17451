"""The claims of a document with their verdicts, for lists: a tree of claims, a test explorer, a quickfix window.

And its modules, which have no verdict, but bounds that may be old or cut off: for marks in the gutter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torchlean.analysis.result import ClaimResult, UnitResult
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
    for shown in [*document.units(has_verdict), *_members(document)]:
        where = shown.layer.track.now(shown.unit.span)
        if shown.unit.kind in ("claim", "property") and where is not None:
            found.append(Listed(shown, *where, document.proof(shown.unit)))
    # Members of a family stand at one place, in the order of their samples.
    return sorted(found, key=lambda claim: claim.start)


def modules(document: Document) -> list[tuple[ShownUnit, int, int]]:
    """The modules with the places of their names (offsets), in order of the text; left out as claims are."""
    places = [(shown, shown.layer.track.now(shown.unit.span)) for shown in document.units(has_verdict)]
    found = [(shown, *where) for shown, where in places if shown.unit.kind == "module" and where is not None]
    return sorted(found, key=lambda module: module[1])


def _members(document: Document) -> Iterator[ShownUnit]:
    """One claim a sample (`safe[3]`) as if each were a unit.

    Without their counterexamples: a thousand pictures would have to be sent with each answer.
    """
    for shown in document.families():
        family = shown.family
        for name, claim in family.members.items():
            told = replace(claim, counterexample=None)
            unit = UnitResult("claim", name, family.span, "", 0, (), (), (), told, family=family.name)
            yield ShownUnit(unit, shown.layer)

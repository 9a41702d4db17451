"""What a menu offers on a proved claim about Lean: to see the certificate, to check again, to set Lean up."""

from __future__ import annotations

from dataclasses import dataclass

from torchlean.analysis.result import UnitResult
from torchlean_server.proofs import Proof, Standing
from torchlean_server.state import Document

OPEN_CERTIFICATE = "torchlean.openCertificate"
CHECK_AGAIN = "torchlean.checkWithLean"
SET_UP = "torchlean.setUpLean"

_WITHOUT_CERTIFICATE = frozenset({Standing.OFF, Standing.UNCHECKABLE})


@dataclass(frozen=True, slots=True)
class Offer:
    """A command for one claim."""

    title: str
    command: str
    arguments: tuple[str, ...]


def offers(document: Document, start: int, end: int) -> list[Offer]:
    """For the claims whose names stand on the lines of a range."""
    lines = range(document.text.position(start)[0], document.text.position(end)[0] + 1)
    found: list[Offer] = []
    track = document.complete
    for key, unit in document.provable().items():
        proof = document.proofs.get(key)
        where = track.now(unit.span) if track else None
        if proof is not None and where is not None and document.text.position(where[0])[0] in lines:
            found += _about(document, unit, proof)
    return list(dict.fromkeys(found))


def _about(document: Document, unit: UnitResult, proof: Proof) -> list[Offer]:
    arguments = (document.uri, unit.name)
    found = []
    if proof.standing not in _WITHOUT_CERTIFICATE:
        found.append(Offer(f"Open the Lean certificate of {unit.name}", OPEN_CERTIFICATE, arguments))
    if proof.standing is Standing.UNAVAILABLE and proof.code == "TL400":
        found.append(Offer("Set up Lean for TorchLean", SET_UP, ()))
    if not proof.accepted and not proof.pending and proof.standing is not Standing.OFF:
        found.append(Offer(f"Check {unit.name} with Lean again", CHECK_AGAIN, arguments))
    return found


def find(document: Document, claim: str) -> tuple[UnitResult, Proof] | None:
    """A proved claim of the text of now by its name."""
    for key, unit in document.provable().items():
        if key[0] == claim and key in document.proofs:
            return unit, document.proofs[key]
    return None

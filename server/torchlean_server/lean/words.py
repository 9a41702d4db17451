"""What people read of Lean's part in a proved claim: in lenses, hovers, and diagnostics."""

from __future__ import annotations

from torchlean_server.proofs import Proof, Standing

LONGEST = 80
"""Characters of a reason in a lens, which has more to say in the same line."""

_UNAVAILABLE = {"TL400": "Lean is not set up", "TL403": "its library is not built"}
"""In a lens; hovers and the diagnostic say why, and what to do."""

_PENDING = {
    Standing.PLANNED: "its certificate is being written for Lean",
    Standing.WAITING: "its certificate waits for Lean",
    Standing.CHECKING: "Lean is checking it",
}


def verdict(proof: Proof | None) -> str:
    """`proved` with its evidence, in the few words of a lens."""
    if proof is None or proof.standing is Standing.OFF:
        return "proved (engine)"
    if proof.accepted:
        return f"proved (Lean kernel, {_seconds(proof)})"
    if proof.pending:
        return "proved by bounds, Lean checking..."
    if proof.standing is Standing.REJECTED:
        return "proved by bounds, rejected by Lean"
    return f"proved by bounds, not checked by Lean: {_short(_UNAVAILABLE.get(proof.code, proof.detail))}"


def evidence(proof: Proof | None) -> str:
    """The same for a hover."""
    if proof is None or proof.standing is Standing.OFF:
        return "engine (outward-rounded arithmetic, not re-checked)"
    if proof.accepted:
        says = proof.certificate.states if proof.certificate else ""
        return f"kernel (accepted by the Lean kernel in {_seconds(proof)})" + (
            f"; it says: {says}" if says else ""
        )
    if proof.pending:
        return f"engine (outward-rounded arithmetic); {_PENDING[proof.standing]}"
    if proof.standing is Standing.REJECTED:
        return f"engine (outward-rounded arithmetic); {proof.detail}"
    return f"engine (outward-rounded arithmetic), not checked by Lean: {proof.detail}"


def message(proof: Proof) -> str:
    """The diagnostic with the proof's code."""
    if proof.standing is Standing.UNAVAILABLE:
        return f"proved claims are not checked by Lean: {proof.detail}"
    if proof.standing is Standing.REJECTED:
        return f"{proof.claim}: proved by bounds, but Lean does not accept the certificate: {proof.detail}"
    return f"{proof.claim}: not checked by Lean: {proof.detail}"


def accepted(proof: Proof) -> str:
    """What is added to the diagnostic of a proved claim; empty without the kernel's word."""
    if not proof.accepted or proof.certificate is None:
        return ""
    return f"; the Lean kernel accepted the theorem {proof.certificate.theorem} in {_seconds(proof)}"


def _seconds(proof: Proof) -> str:
    """A duration, not a bound."""
    return f"{proof.seconds:.1f} s"


def _short(reason: str) -> str:
    line = reason.splitlines()[0] if reason else "no reason is known"
    return line if len(line) <= LONGEST else line[:LONGEST] + " …"

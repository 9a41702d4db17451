"""The way from a decided claim to its certificate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from torchlean.certificate.document import EXECUTIONS, NOISE, Document, digest
from torchlean.certificate.lean_source import Title
from torchlean.certificate.lowering import Lowered, NotCheckableError, lower
from torchlean.certificate.planning import NotPlannableError, Planned, plan
from torchlean.claims.decide import Question
from torchlean.graph import Graph
from torchlean.graph.hashing import tensor_digest

GRID = 36
"""Binary places of bounds: a float32 rounding of a number near one is thousands of units, so that rounding noise up to
the grid loses nothing that counts."""

SEARCH_SECONDS = 20.0
"""For finding a plan, of each kind."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate, and what finding it told.

    Attributes:
        reservation: why it speaks of less than all float32 executions; empty where it speaks of them.
    """

    document: Document
    planned: Planned
    reservation: str = ""

    @property
    def states(self) -> str:
        """What the theorem says, for people."""
        if self.document.speaks_of == EXECUTIONS:
            return "for every float32 execution, with sums in any order"
        if self.document.speaks_of == NOISE:
            return f"for every run within the noise that TorchLean computed ({self.reservation})"
        return f"in real arithmetic ({self.reservation})"


def certify(
    name: str,
    question: Question,
    own: int,
    text: str,
    cancelled: Callable[[], None] = lambda: None,
    seconds: float = SEARCH_SECONDS,
) -> Certified:
    """A certificate of a claim, whether anybody has proved it or not: what it says of executions (or of runs within
    their noise, where an op is executed in steps of its own) where that can be shown, else of real arithmetic.

    Args:
        own: how many nodes of the margin's graph are the claim's own.
        text: of the file that states it.
        cancelled: called often; raises to stop.

    Raises:
        NotCheckableError: an op, or the size, is outside the checker.
        NotPlannableError: the checker's bounds do not show it.
    """

    def document(lowered: Lowered, planned: Planned) -> Document:
        title = Title(name, weights_digest(question.margin.graph), question.key.hex(), lowered.noisy)
        return Document(title, lowered.statement, planned.proof, digest(text))

    try:
        lowered = lower(question.margin, own, question.domains, GRID)
        planned = plan(lowered.statement, seconds, cancelled)
        return Certified(document(lowered, planned), planned, lowered.departure)
    except (NotCheckableError, NotPlannableError) as error:
        reason = str(error)
    lowered = lower(question.margin, own, question.domains, GRID, exact=True)
    planned = plan(lowered.statement, seconds, cancelled)
    return Certified(document(lowered, planned), planned, reason)


def weights_digest(graph: Graph) -> str:
    """SHA-256 over all parameters, with their labels, in the graph's order."""
    state = hashlib.sha256()
    for node in graph:
        if node.op == "parameter" and node.data is not None:
            label = (node.label or "").encode()
            state.update(len(label).to_bytes(8, "little") + label + tensor_digest(node.data))
    return state.hexdigest()

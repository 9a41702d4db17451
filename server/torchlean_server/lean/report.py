"""What is still unchecked, for clients and scripts (docs/protocol.md): a notification that lists the ranges, and a
request that is answered when there are none left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torchlean_server.documents import Documents
from torchlean_server.proofs import Standing
from torchlean_server.state import Document

ANALYSIS, CERTIFICATE, LEAN = "analysis", "certificate", "lean"
"""What a range waits for."""

STOPPED = "stopped"
"""It waits for nothing any more: the analysis ended without an answer, and only a change starts another."""


@dataclass(frozen=True, slots=True)
class Unchecked:
    """The text between two offsets waits for `stage`."""

    start: int
    end: int
    stage: str


def unchecked(document: Document) -> list[Unchecked]:
    """In order of the text; empty: everything is checked. While the text is analysed it is one range."""
    if not document.answered() or stopped(document):
        stage = ANALYSIS if document.checking else STOPPED
        return [Unchecked(0, len(document.text.string), stage)]
    found = []
    for key, unit in document.unproved().items():
        assert document.complete is not None, "claims of it are unproved"
        where = document.complete.now(unit.span)
        stage = CERTIFICATE if document.proofs[key].standing is Standing.PLANNED else LEAN
        if where is not None:
            found.append(Unchecked(*where, stage))
    return sorted(found, key=lambda part: (part.start, part.end))


def stopped(document: Document) -> bool:
    """Whether there is no answer for the text of now and none is being computed."""
    trouble = document.trouble
    return trouble is not None and trouble.revision == document.revision and not document.checking


def verdicts(document: Document) -> list[dict[str, object]]:
    """The claims of the current answer in plain data."""
    track = document.complete
    if track is None or track.anchor.revision != document.revision:
        return []
    found: list[dict[str, object]] = []
    for unit in track.analysis.units:
        if unit.kind not in ("claim", "property") or unit.claim is None:
            continue
        proof = document.proof(unit)
        accepted = proof is not None and proof.accepted
        found.append(
            {
                "name": unit.name,
                "verdict": unit.claim.verdict.value,
                "evidence": "kernel" if accepted else unit.claim.evidence.value,
                "lean": None if proof is None else proof.standing.value,
                "detail": unit.claim.detail if proof is None or not proof.detail else proof.detail,
                "seconds": proof.seconds if proof is not None else None,
            }
        )
    return found


class Reporter:
    """Tells what is unchecked whenever that changes, and answers those who wait.

    Args:
        send: sends the notification for a document.
    """

    def __init__(self, documents: Documents, send: Callable[[Document, list[Unchecked]], None]) -> None:
        self._documents = documents
        self._send = send
        self._sent: dict[str, tuple[int, list[Unchecked]]] = {}
        self._news = asyncio.Event()

    def update(self, document: Document) -> None:
        """Something of the document may have changed."""
        if not self._documents.has(document):
            return
        now = (document.version, unchecked(document))
        if self._sent.get(document.uri) != now:
            self._sent[document.uri] = now
            self._send(document, now[1])
        self._wake()

    def closed(self, document: Document) -> None:
        self._sent.pop(document.uri, None)
        self._wake()

    async def wait(self, uri: str, version: int | None) -> dict[str, Any]:
        """Wait until everything is checked for this version of a document (None: the one of now)."""
        document = self._documents.get(uri)
        if version is None and document is not None:
            version = document.version
        while True:
            if document is None or not self._documents.has(document):
                return _answer("closed", uri, version, [])
            if version is not None and document.version > version:
                return _answer("superseded", uri, document.version, [])
            if document.version == version and stopped(document):
                return _answer("stopped", uri, version, verdicts(document))
            if document.version == version and not unchecked(document):
                return _answer("checked", uri, version, verdicts(document))
            await self._news.wait()

    def _wake(self) -> None:
        # Everybody who waits looks again; a new event, so that nobody is woken twice by the same news.
        self._news.set()
        self._news = asyncio.Event()


def _answer(status: str, uri: str, version: int | None, claims: list[dict[str, object]]) -> dict[str, Any]:
    return {"status": status, "textDocument": {"uri": uri, "version": version}, "claims": claims}

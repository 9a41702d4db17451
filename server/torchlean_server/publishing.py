"""Tells the client that there is something new: pushed diagnostics, and requests to ask again (refreshes).

Diagnostics are pushed only to clients that cannot pull or cannot be asked to pull again, always with the version they
speak about, and only once that version is answered; a first layer alone (shapes) is pushed when the rest is slow. A
refresh is sent only when the client was told something that is no longer what it would be told now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from lsprotocol import types

from torchlean_server.client import Client
from torchlean_server.documents import Documents
from torchlean_server.state import Document

EARLY = 0.15
"""Seconds that the whole answer may come after its first layer before that is pushed alone. Pushing both at once would
make verdicts flicker."""

GATHER = 0.02
"""Seconds in which results of several documents lead to one refresh."""

DIAGNOSTICS, HINTS, LENSES = "diagnostics", "inlay hints", "code lenses"


class Outgoing(Protocol):
    """What is needed of the language server."""

    def text_document_publish_diagnostics(self, params: types.PublishDiagnosticsParams) -> None: ...
    def workspace_diagnostic_refresh(self, params: None) -> Any: ...
    def workspace_inlay_hint_refresh(self, params: None) -> Any: ...
    def workspace_code_lens_refresh(self, params: None) -> Any: ...


Stamp = tuple[object, ...]


def _early_news(document: Document) -> bool:
    """Whether the first layer of the answer for the text of now is there and reports something."""
    early = document.early
    return (
        early is not None and early.anchor.revision == document.revision and bool(early.analysis.diagnostics)
    )


def stamp(document: Document) -> Stamp:
    """Changes whenever what is shown of the document may change."""
    return (document.serial, document.checking, document.selected)


class Publisher:
    """Pushes and refreshes.

    Args:
        diagnostics: the LSP diagnostics of a document as it is now.
    """

    def __init__(
        self,
        out: Outgoing,
        client: Client,
        documents: Documents,
        diagnostics: Callable[[Document], list[types.Diagnostic]],
    ) -> None:
        self._out = out
        self._client = client
        self._documents = documents
        self._diagnostics = diagnostics
        self._told: dict[tuple[str, str], Stamp] = {}
        self._pushed: dict[str, tuple[int, list[types.Diagnostic]]] = {}
        self._late: dict[str, asyncio.TimerHandle] = {}
        self._gathering: asyncio.TimerHandle | None = None
        self._refreshes: dict[str, Callable[[None], Any]] = {}
        if client.pull_diagnostics:
            self._refreshes[DIAGNOSTICS] = out.workspace_diagnostic_refresh
        if client.refresh_inlay_hints:
            self._refreshes[HINTS] = out.workspace_inlay_hint_refresh
        if client.refresh_lenses:
            self._refreshes[LENSES] = out.workspace_code_lens_refresh

    def told(self, document: Document, feature: str) -> None:
        """The client has just asked for a feature, and gets what is known now."""
        self._told[document.uri, feature] = stamp(document)

    def shown(self, document: Document) -> None:
        """Something new may be shown of the document."""
        self._refresh_soon()
        if self._client.pull_diagnostics:
            return
        self._forget_late(document)
        if document.answered():
            self._push(document)
        elif _early_news(document):
            loop = asyncio.get_running_loop()
            self._late[document.uri] = loop.call_later(EARLY, self._push_early, document, document.revision)

    def closed(self, document: Document) -> None:
        """The document is closed: take its problems back."""
        self._forget_late(document)
        self._pushed.pop(document.uri, None)
        for key in [key for key in self._told if key[0] == document.uri]:
            del self._told[key]
        if not self._client.pull_diagnostics:
            self._out.text_document_publish_diagnostics(types.PublishDiagnosticsParams(document.uri, []))

    def refresh(self, *features: str) -> None:
        """Ask the client to ask again, where it can be asked that."""
        for feature in features:
            if feature in self._refreshes:
                self._refreshes[feature](None)

    def _push_early(self, document: Document, revision: int) -> None:
        if document.revision == revision:
            self._push(document)

    def _push(self, document: Document) -> None:
        now = (document.version, self._diagnostics(document))
        # Lean goes through several steps with each claim that change no diagnostic.
        if self._pushed.get(document.uri) != now:
            self._pushed[document.uri] = now
            self._out.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(document.uri, now[1], document.version)
            )

    def _forget_late(self, document: Document) -> None:
        if (timer := self._late.pop(document.uri, None)) is not None:
            timer.cancel()

    def _refresh_soon(self) -> None:
        if self._refreshes and self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER, self._refresh_outdated)

    def _refresh_outdated(self) -> None:
        self._gathering = None
        outdated = {key for key, told in self._told.items() if self._outdated(key, told)}
        for key in outdated:
            # Once: the client asks again when it wants to, and is then told anew.
            del self._told[key]
        self.refresh(*sorted({feature for _, feature in outdated}))

    def _outdated(self, key: tuple[str, str], told: Stamp) -> bool:
        document = self._documents.get(key[0])
        return document is not None and stamp(document) != told

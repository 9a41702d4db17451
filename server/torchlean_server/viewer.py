"""Asks workers for views of the bounds panel. Of one document the newest question wins.

A slider that is moved asks several times a second: what the last question made pointless is dropped at once, so that
the newest one finds an idle worker.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from torchlean.analysis.views import View, Viewed
from torchlean_server.documents import Documents
from torchlean_server.pool import Request
from torchlean_server.state import Document


class Overtaken(Exception):
    """There is a newer question about the document, or a newer text."""


class Views(Protocol):
    """What is needed of the pool."""

    async def view(self, request: Request) -> Viewed: ...


class Viewer:
    """Views of open documents."""

    def __init__(self, pool: Views, documents: Documents) -> None:
        self._pool = pool
        self._documents = documents
        self._running: dict[str, asyncio.Task[Viewed]] = {}

    async def view(self, document: Document, view: View) -> Viewed:
        """What there is to see in the text of now.

        Raises:
            Overtaken: by a newer question about the document, or by an edit.
            AnalysisStopped: it took too long, or its process died twice.
        """
        self.drop(document)
        revision = document.revision
        request = Request(
            document.uri, document.path, document.text.string, self._documents.overlays(), view=view
        )
        task = asyncio.get_running_loop().create_task(self._pool.view(request))
        self._running[document.uri] = task
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()  # where the client has given up; without effect on what is done
            if self._running.get(document.uri) is task:
                del self._running[document.uri]
        if task.cancelled():
            raise Overtaken
        error = task.exception()  # looked at also where nobody wants to hear of it any more
        if document.revision != revision:
            raise Overtaken
        if error is not None:
            raise error
        return task.result()

    def drop(self, document: Document) -> None:
        """What is being computed for the document is not wanted any more."""
        task = self._running.pop(document.uri, None)
        if task is not None:
            task.cancel()

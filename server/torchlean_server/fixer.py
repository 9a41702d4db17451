"""Asks workers for quick fixes and remembers them for as long as the text stays.

Editors ask for the actions of every place where the cursor rests. What was found for some lines of a text is kept until
the document changes in any way; a request for a text that is gone is dropped at once, so that it holds up no check.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from torchlean.edits import Fix
from torchlean_server.documents import Documents
from torchlean_server.pool import AnalysisStopped, Request
from torchlean_server.state import Document

Lines = tuple[int, int]


class Fixes(Protocol):
    """What is needed of the pool."""

    async def fixes(self, request: Request) -> tuple[Fix, ...]: ...


@dataclass(slots=True)
class _Known:
    """What was asked for one revision of a document."""

    revision: int
    tasks: dict[Lines, asyncio.Task[tuple[Fix, ...]]] = field(default_factory=dict)


class Fixer:
    """Quick fixes of open documents."""

    def __init__(self, pool: Fixes, documents: Documents) -> None:
        self._pool = pool
        self._documents = documents
        self._known: dict[str, _Known] = {}

    async def fixes(self, document: Document, lines: Lines) -> tuple[Fix, ...]:
        """Fixes for the hazards on some lines; none when the document changes meanwhile or no worker answers."""
        known = self._known.get(document.uri)
        if known is None or known.revision != document.revision:
            self.drop(document)
            known = self._known[document.uri] = _Known(document.revision)
        task = known.tasks.get(lines)
        if task is None:
            request = Request(
                document.uri, document.path, document.text.string, self._documents.overlays(), lines=lines
            )
            task = known.tasks[lines] = asyncio.get_running_loop().create_task(self._pool.fixes(request))
        # Waited for without being tied to it: another request may wait for the same answer.
        await asyncio.wait([task])
        if task.cancelled() or known.revision != document.revision:
            return ()
        error = task.exception()
        if error is None:
            return task.result()
        known.tasks.pop(lines, None)
        if isinstance(error, AnalysisStopped):
            return ()
        raise error

    def drop(self, document: Document) -> None:
        """The text is another one, or the document is closed."""
        known = self._known.pop(document.uri, None)
        for task in known.tasks.values() if known is not None else ():
            task.cancel()

    def stop(self) -> None:
        for known in self._known.values():
            for task in known.tasks.values():
                task.cancel()

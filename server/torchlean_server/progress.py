"""A progress bar for checks that take long. No bar and no stale mark means: checked."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from torchlean_server.state import Document

PATIENCE = 0.5
"""Seconds that a check may take without a bar: shorter ones would only flicker."""


class Bars(Protocol):
    """What is needed of `pygls.progress.Progress`."""

    async def create_async(self, token: str) -> object: ...
    def begin(self, token: str, value: types.WorkDoneProgressBegin) -> None: ...
    def report(self, token: str, value: types.WorkDoneProgressReport) -> None: ...
    def end(self, token: str, value: types.WorkDoneProgressEnd) -> None: ...


@dataclass(slots=True)
class _Running:
    """Analyses of one document that have started and not ended: an overtaken one may end after the next started."""

    count: int = 0
    task: asyncio.Task[None] | None = None
    over: asyncio.Event | None = None


class Progress:
    """Shows one bar per document that is being checked."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._numbers = itertools.count(1)
        self._running: dict[Document, _Running] = {}
        self._tokens: dict[str, Document] = {}

    def running(self, document: Document, starts: bool) -> None:
        """An analysis of the document starts or ends."""
        state = self._running.setdefault(document, _Running())
        state.count += 1 if starts else -1
        if starts and state.task is None:
            state.over = asyncio.Event()
            state.task = asyncio.get_running_loop().create_task(self._show(document, state.over))
        if state.count == 0 and state.over is not None:
            state.over.set()
            del self._running[document]

    def document(self, token: str | int) -> Document | None:
        """Whose bar this is."""
        return self._tokens.get(str(token))

    async def _show(self, document: Document, over: asyncio.Event) -> None:
        """A bar from `PATIENCE` on until it is over."""
        try:
            await asyncio.wait_for(over.wait(), PATIENCE)
            return
        except asyncio.TimeoutError:
            pass
        token = f"torchlean-{next(self._numbers)}"
        try:
            await self._bars.create_async(token)
        except JsonRpcException:
            return  # the client does not want another bar
        self._tokens[token] = document
        name = document.path.replace("\\", "/").rpartition("/")[2]
        begin = types.WorkDoneProgressBegin(title=f"TorchLean: checking {name}", cancellable=True)
        self._bars.begin(token, begin)
        await over.wait()
        self._bars.end(token, types.WorkDoneProgressEnd())
        del self._tokens[token]

"""A progress bar for checks that take long. No bar and no stale mark means: checked."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
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
    """Analyses of one document that have started and not ended: an overtaken one may end after the next started.

    Attributes:
        message: how far it is, in words.
        news: set when there is another message, or when it is over.
    """

    count: int = 0
    task: asyncio.Task[None] | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    message: str = ""


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
            state.task = asyncio.get_running_loop().create_task(self._show(document, state))
        if state.count == 0:
            state.over.set()
            state.news.set()
            del self._running[document]

    def shown(self, document: Document) -> None:
        """Something new is known of the document: perhaps how far a search is."""
        state = self._running.get(document)
        message = reached(document)
        if state is not None and message and message != state.message:
            state.message = message
            state.news.set()

    def document(self, token: str | int) -> Document | None:
        """Whose bar this is."""
        return self._tokens.get(str(token))

    async def _show(self, document: Document, state: _Running) -> None:
        """A bar from `PATIENCE` on until it is over."""
        try:
            await asyncio.wait_for(state.over.wait(), PATIENCE)
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
        message = state.message
        title = f"TorchLean: checking {name}"
        begin = types.WorkDoneProgressBegin(title=title, cancellable=True, message=message or None)
        self._bars.begin(token, begin)
        while not state.over.is_set():
            if state.message != message:
                message = state.message
                self._bars.report(token, types.WorkDoneProgressReport(cancellable=True, message=message))
            state.news.clear()
            await state.news.wait()
        self._bars.end(token, types.WorkDoneProgressEnd())
        del self._tokens[token]


def reached(document: Document) -> str:
    """How far the search for the current text's verdict is, in a line; empty where none has come to anything yet."""
    early = document.early
    if early is None or early.anchor.revision != document.revision:
        return ""
    searched = next((unit for unit in early.analysis.units if unit.reached and unit.claim is None), None)
    return "" if searched is None else f"{searched.name}: {searched.reached}"

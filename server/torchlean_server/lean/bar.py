"""Progress bars for Lean: while it makes itself ready, while claims wait for it, while it is set up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from torchlean_server.progress import PATIENCE, Bars
from torchlean_server.proofs import Proof, Standing
from torchlean_server.state import Document

_NUMBERS = itertools.count(1)

_STAGES = (Standing.CHECKING, Standing.PLANNED, Standing.WAITING)
"""Which of several claims a bar names."""


class Bar:
    """A bar that is there while it has something to say.

    Args:
        bars: None for clients without progress.
        cancel: what cancelling it does.
    """

    def __init__(self, bars: Bars | None, title: str, cancel: Callable[[], None]) -> None:
        self._bars = bars
        self._title = title
        self._cancel = cancel
        self._text: str | None = None
        self._percentage: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._token = ""

    def say(self, text: str | None, percentage: int | None = None) -> None:
        """What it says from now on; None: it is not needed any more."""
        if (text, percentage) != (self._text, self._percentage):
            self._text, self._percentage = text, percentage
            self._news.set()
            self._begin()

    def cancelled(self, token: str | int) -> bool:
        """A person cancelled the bar with this token: whether it was this one, and then it does what that means."""
        if not self._token or str(token) != self._token:
            return False
        self._cancel()
        return True

    def _begin(self) -> None:
        if self._bars is not None and self._text is not None and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._show(self._bars))
            self._task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._task, self._token = None, ""
        if task.cancelled() or task.exception() is not None:
            self._bars = None  # the client does not want bars, or is gone
        self._begin()

    async def _show(self, bars: Bars) -> None:
        # What is done soon would only flicker.
        await asyncio.sleep(PATIENCE)
        if self._text is None:
            return
        token = f"torchlean-lean-{next(_NUMBERS)}"
        try:
            await bars.create_async(token)
        except JsonRpcException:
            self._bars = None
            return
        if (text := self._new_text()) is None:
            return
        self._token = token
        begin = types.WorkDoneProgressBegin(
            title=self._title, cancellable=True, message=text, percentage=self._percentage
        )
        bars.begin(token, begin)
        while (text := await self._next()) is not None:
            report = types.WorkDoneProgressReport(cancellable=True, message=text, percentage=self._percentage)
            bars.report(token, report)
        bars.end(token, types.WorkDoneProgressEnd())

    async def _next(self) -> str | None:
        """What it says next."""
        await self._news.wait()
        return self._new_text()

    def _new_text(self) -> str | None:
        self._news.clear()
        return self._text


def work(documents: Iterable[Document]) -> str | None:
    """What a bar says of claims that wait for Lean; None without any."""
    pending = [
        document.proofs[key] for document in documents if not document.checking for key in document.unproved()
    ]
    if not pending:
        return None
    busy = min(pending, key=lambda proof: _STAGES.index(proof.standing))
    more = f", {len(pending) - 1} more" if len(pending) > 1 else ""
    return _doing(busy) + more


def _doing(proof: Proof) -> str:
    return f"certificate of {proof.claim}" if proof.standing is Standing.PLANNED else proof.claim

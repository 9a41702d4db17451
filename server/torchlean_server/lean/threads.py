"""Lean's blocking calls on threads of their own: one for Lean itself, which has one source at a time, and one for
results of before, which are there at once also while Lean is at work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from torchlean_server.lean.service import Answer, Lean, Report


class LeanThreads:
    """An asynchronous Lean. Cancelling a call ends what it does in Lean; the next one waits for that."""

    def __init__(self, lean: Lean) -> None:
        self._lean = lean
        self._work = ThreadPoolExecutor(1, "Lean")
        self._memory = ThreadPoolExecutor(1, "Lean's results")

    async def open(self, path: str | None, report: Report) -> None:
        """As `Lean.open`; `report` is called on the event loop.

        Raises:
            Unavailable: it cannot be made ready.
        """
        loop = asyncio.get_running_loop()

        def opened(cancel: threading.Event) -> None:
            def heard(done: int, total: int, what: str) -> None:
                # It goes on for a little when it is cancelled, which then is no news.
                if not cancel.is_set():
                    report(done, total, what)

            def told(done: int, total: int, what: str) -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(heard, done, total, what)

            self._lean.open(path, told, cancel)

        await self._cancellable(opened)

    async def known(self, source: str) -> Answer | None:
        """As `Lean.known`."""
        return await asyncio.get_running_loop().run_in_executor(self._memory, self._lean.known, source)

    async def check(self, source: str, timeout: float) -> Answer:
        """As `Lean.check`.

        Raises:
            Unavailable: Lean has gone.
        """
        answers: list[Answer] = []
        await self._cancellable(lambda cancel: answers.append(self._lean.check(source, timeout, cancel)))
        return answers[0]

    def rest(self) -> None:
        """As `Lean.rest`, without waiting for it."""
        self._work.submit(self._lean.rest)

    async def close(self) -> None:
        """End what Lean does. It may be opened again."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._work, self._lean.close)

    def end(self) -> None:
        """No calls any more, after `close`."""
        self._work.shutdown(wait=False)
        self._memory.shutdown(wait=False)

    async def _cancellable(self, call: Callable[[threading.Event], None]) -> None:
        cancel = threading.Event()
        future = asyncio.get_running_loop().run_in_executor(self._work, call, cancel)
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            cancel.set()
            # Whoever cancels does not wait; that it failed then is no news.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise

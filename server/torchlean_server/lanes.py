"""Which way an analysis goes: Python files to the workers, property files in two steps, certificates behind both.

What can be said of a property file's text alone must show at once, also while torch is still being imported and while
other files are analysed; its verdict may take all the time there is. So the text is read first: in a thread of this
process when it is short enough to disturb nobody, otherwise by a worker. The verdict then takes one of the workers, and
one worker at least is always left for everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from torchlean.analysis import properties
from torchlean.analysis.result import FileAnalysis, Plan
from torchlean.edits import Fix
from torchlean_server.pool import Pool, Request

IN_THREAD = 100_000
"""Characters that are read in this process: a tenth of a second of one thread, of which the event loop notices some
milliseconds now and then. An image of 784 pixels has 75,000."""


class Lanes:
    """The workers, with property files and certificates kept from taking all of them.

    Args:
        workers: how many there are.
    """

    def __init__(self, pool: Pool, workers: int) -> None:
        self._pool = pool
        self._patient = asyncio.Semaphore(max(1, workers - 1))

    async def analyse(self, request: Request, publish: Callable[[FileAnalysis], None]) -> FileAnalysis:
        """As `Pool.analyse`."""
        if not properties.is_property(request.path):
            return await self._pool.analyse(request, publish)
        read = await self._read(request)
        if read.complete:
            return read
        publish(read)
        async with self._patient:
            return await self._pool.analyse(request, publish)

    async def plans(self, request: Request) -> tuple[Plan, ...]:
        """As `Pool.plans`."""
        async with self._patient:
            return await self._pool.plans(request)

    async def study(self, request: Request) -> tuple[str, tuple[Fix, ...]]:
        """As `Pool.study`."""
        async with self._patient:
            return await self._pool.study(request)

    def forget(self, key: str) -> None:
        self._pool.forget(key)

    async def _read(self, request: Request) -> FileAnalysis:
        if len(request.text) <= IN_THREAD:
            return await asyncio.to_thread(properties.read, request.path, request.text)
        return await self._pool.analyse(replace(request, text_alone=True), lambda _: None)

"""Workers of a Dask cluster: processes on any number of machines, which may come and go while they are used.

What becomes of a task whose worker died is first the scheduler's business: it gives the task to another worker, and
after a few dead ones says so. Where the scheduler itself goes, the client calls its tasks off, and takes new ones when
it has found the scheduler again. Nothing of that needs code here, but for saying so: Dask's own log is a traceback for
each attempt.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress

from torchlean.bounds.branching.workers import Result, Workers, WorkersError

ANSWER = 5.0
"""Seconds in which a scheduler must answer: across a continent it takes a tenth of one."""

REFRESH = 2.0
"""Seconds between two questions for the number of workers."""

QUICKLY = 0.1
"""Seconds that such a question may hold up the work; without an answer the number stays what it was."""


_log = logging.getLogger(__name__)


class DaskWorkers(Workers):
    """The workers of a cluster.

    Args:
        address: of its scheduler, `tcp://host:port`.
        seconds: in which the scheduler must answer; by default `ANSWER`.

    Raises:
        WorkersError: `dask.distributed` is not installed, or no scheduler answers.
    """

    def __init__(self, address: str, seconds: float | None = None) -> None:
        super().__init__()
        seconds = ANSWER if seconds is None else seconds
        try:
            from distributed import Client
            from distributed.client import ClosedClientError
        except ImportError as error:
            raise WorkersError(
                "a cluster needs dask.distributed, which is not installed: pip install 'torchlean[dask]'"
            ) from error
        try:
            self._client = Client(address, timeout=seconds, set_as_default=False)
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            raise WorkersError(
                f"no Dask scheduler answered at {address} within {seconds:g} s: {error}"
            ) from error
        self._closed = ClosedClientError
        self._address = address
        self._lost = False
        self._quiet = _Quiet()
        self._seconds = seconds
        self._count = 0
        self._counted = 0.0

    @property
    def count(self) -> int:
        if self._client.status != "running":
            if not self._lost:
                _log.warning(
                    "the scheduler at %s is gone: work goes on in this process alone, unless it comes back",
                    self._address,
                )
            self._lost = True
            return 0
        self._lost = False
        now = time.monotonic()
        if now - self._counted > REFRESH:
            self._counted = now
            with suppress(OSError, asyncio.TimeoutError):
                # A process explores one part at a time, however many threads it has.
                self._count = len(self._client.nthreads(callback_timeout=QUICKLY))
        return self._count

    def _open(self) -> Executor:
        # Parts with equal arguments are not equal: time is among them.
        executor: Executor = self._client.get_executor(pure=False)
        return executor

    def submit(self, work: Callable[..., Result], *arguments: object) -> Future[Result]:
        try:
            return super().submit(work, *arguments)
        except self._closed as error:
            raise OSError(str(error)) from error

    def _close(self, executor: Executor) -> None:
        """Nothing: an executor is a view of the client. Tasks are called off one by one, and what runs ends soon."""

    def stop(self) -> None:
        super().stop()
        if self._client.status != "closed":
            self._client.close(timeout=self._seconds)
        self._quiet.end()


class _Quiet:
    """Drops what Dask logs of a client that has lost its scheduler, until `end`."""

    NAMES = ("distributed.client", "distributed.core", "distributed.utils", "distributed.comm")

    def __init__(self) -> None:
        self._loggers = [logging.getLogger(name) for name in self.NAMES]
        for logger in self._loggers:
            logger.addFilter(self._drop)

    @staticmethod
    def _drop(record: logging.LogRecord) -> bool:
        return False

    def end(self) -> None:
        for logger in self._loggers:
            logger.removeFilter(self._drop)

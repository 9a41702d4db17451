"""Who explores boxes beside this process: executors that are started when they are wanted, and again when they break.

Any `concurrent.futures.Executor` whose tasks run in other processes will do (`Given`); `local` and `cluster` start
some. What goes wrong with one costs time and nothing else: its boxes are still known here. So failures are counted
and logged, never raised; after a few in a row the work goes on without workers.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from types import TracebackType
from typing import TypeVar

CHANCES = 3
"""Failures with no result in between after which workers are given up: one may be an accident, or another program's
hunger for memory; three are how it always ends."""

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class WorkersError(Exception):
    """There cannot be such workers; for people."""


class Workers(ABC):
    """An executor and what becomes of it.

    Attributes:
        delay: seconds that a question must stay open before workers are started for it.
        failures: in a row.
        answered: whether a task was done since workers were started: before, they may still be starting.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.failures = 0
        self.answered = False
        self._executor: Executor | None = None
        self._due = time.monotonic() + delay

    @property
    @abstractmethod
    def count(self) -> int:
        """How many parts can be explored at once."""

    @abstractmethod
    def _open(self) -> Executor:
        """Start an executor.

        Raises:
            OSError: the system, or another one, does not let it start.
        """

    @abstractmethod
    def _close(self, executor: Executor) -> None:
        """End it now, with what it is doing."""

    def begin(self) -> None:
        """A question was asked."""
        self._due = time.monotonic() + self.delay

    @property
    def ready(self) -> bool:
        """Whether it is time for workers, and they are not given up."""
        return self.failures < CHANCES and (self._executor is not None or time.monotonic() >= self._due)

    def submit(self, work: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Have something done, where workers are `ready`.

        Raises:
            OSError, RuntimeError: the executor cannot be started, or takes nothing more.
        """
        if self._executor is None:
            self._executor = self._open()
        return self._executor.submit(work, *arguments)

    def failed(self, error: BaseException) -> None:
        """A task failed, or the executor itself, or it did not answer."""
        self.failures += 1
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        if self.failures >= CHANCES:
            self.stop()
            _log.warning("workers failed %d times, work goes on in this process alone (%s)", CHANCES, reason)
            return
        _log.info("a worker failed, its boxes are explored again (%s)", reason)
        if isinstance(error, BrokenExecutor | TimeoutError):
            self._drop()

    def succeeded(self) -> None:
        """A task was done."""
        self.failures = 0
        self.answered = True

    def stop(self) -> None:
        """End all workers."""
        self._drop()

    def _drop(self) -> None:
        """End the executor; the next task starts another."""
        executor, self._executor = self._executor, None
        self.answered = False
        if executor is not None:
            self._close(executor)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Given(Workers):
    """An executor that belongs to the caller, who started it and ends it."""

    def __init__(self, executor: Executor, count: int) -> None:
        super().__init__()
        self._given = executor
        self._count = count

    @property
    def count(self) -> int:
        return self._count

    def _open(self) -> Executor:
        return self._given

    def _close(self, executor: Executor) -> None:
        """Nothing: it is the caller's."""

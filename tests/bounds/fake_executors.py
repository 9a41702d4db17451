"""Executors that run tasks in this process, or fail to, as a script says: what workers can do wrong, on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from itertools import chain, repeat
from typing import Any


class Scripted(Executor):
    """Each task takes the next word of the script; after its end tasks are run.

    `run`: at once. `fail`: the task raises. `lose`: it is called off. `hold`: nothing happens until `release`.
    `swap`: it is done together with the next one, after that.
    """

    def __init__(self, script: Iterable[str] = (), error: Exception | None = None) -> None:
        self._script = chain(script, repeat("run"))
        self._error = OSError("a worker died") if error is None else error
        self._held: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._swapped: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.submitted = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.submitted += 1
        future: Future[Any] = Future()
        word = next(self._script)
        task = (future, lambda: fn(*args, **kwargs))
        if word == "fail":
            future.set_exception(self._error)
        elif word == "lose":
            future.cancel()
        elif word == "hold":
            future.set_running_or_notify_cancel()  # so that it cannot be called off
            self._held.append(task)
        elif word == "swap":
            self._swapped.append(task)
        else:
            _run(*task)
            while self._swapped:
                _run(*self._swapped.pop())
        return future

    @property
    def held(self) -> int:
        return len(self._held)

    def release(self) -> None:
        """Now the tasks that were held are done."""
        while self._held:
            _run(*self._held.pop())


def _run(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.cancelled():
        future.set_result(work())


class Broken(Executor):
    """Takes nothing."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise RuntimeError("cannot schedule new futures after shutdown")

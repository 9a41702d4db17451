"""Ends that come from outside: a time limit that no computation can overlook, and the signal to stop.

Computations ask for the time between their steps and end with all they know. Reading a large file or one step of a
large network does not ask: there an alarm interrupts whatever Python code runs. Both ends are exceptions that are no
`Exception`, as `KeyboardInterrupt` is none, so that nothing on their way takes them for a failure of its own.
"""

from __future__ import annotations

import _thread
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

INTERRUPTED = 130
TERMINATED = 143
"""Exit codes of programs that were ended by SIGINT and SIGTERM: 128 and the signal's number."""

AGAIN = 0.25
"""Seconds until an alarm rings again, in case that it rang where exceptions are dropped (in a destructor)."""


LONGEST = 1e9
"""Seconds of a time limit, thirty years: the timers of systems end somewhere beyond."""


class Seconds(click.FloatRange):
    """A time limit. For click alone, `nan` lies in any range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail("nan is no number of seconds", param, ctx)
        return seconds


SECONDS = Seconds(min=0, min_open=True, max=LONGEST)
"""The type of options that limit time."""


class TimeUp(BaseException):
    """The time is over."""


class Terminated(BaseException):
    """The process is asked to end."""


def stopped(code: int, reason: str = "stopped: not decided") -> int:
    """Say that the command was asked to end before it had a verdict.

    Returns:
        `code`: `INTERRUPTED` or `TERMINATED`.
    """
    click.echo(reason, err=True)
    click.echo("unknown")
    return code


@contextmanager
def alarm(at: float | None) -> Iterator[None]:
    """Raise `TimeUp` inside when `time.monotonic()` reaches `at`; None for never.

    A single operation on tensors is not interrupted, only what comes after it. Without effect outside of the main
    thread, and on systems without interval timers (Windows).
    """
    if at is None or not hasattr(signal, "setitimer") or not _is_main():
        yield
        return
    left = at - time.monotonic()
    if left <= 0:
        raise TimeUp
    before, hook = signal.signal(signal.SIGALRM, _ring), sys.unraisablehook

    def unless_dropped(raised: sys.UnraisableHookArgs) -> None:
        # A ring that a destructor drops is heard again; nobody needs a traceback of it.
        if not isinstance(raised.exc_value, TimeUp):
            hook(raised)

    sys.unraisablehook = unless_dropped
    try:
        signal.setitimer(signal.ITIMER_REAL, left, AGAIN)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.unraisablehook = hook


@contextmanager
def termination() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that files that are being written are removed on the way out."""
    if not _is_main():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def noted(seconds: float) -> Iterator[Callable[[], int]]:
    """Note a signal to stop instead of raising it, so that what runs inside can end with all it knows.

    It is raised after all when it comes again, or when what runs has not ended some seconds later, and then again and
    again, in case that it is raised where exceptions are dropped. Outside of the main thread nothing is noted.

    Args:
        seconds: to wait for the end.

    Yields:
        What says the exit code of a signal that came, `INTERRUPTED` or `TERMINATED`; 0 before one did.
    """
    came: list[int] = []
    ended = threading.Event()

    def remind(signum: int) -> None:
        left = seconds
        while not ended.wait(left):
            _thread.interrupt_main(signal.Signals(signum))
            left = AGAIN

    def note(signum: int, frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt if came[0] == INTERRUPTED else Terminated
        came.append(INTERRUPTED if signum == signal.SIGINT else TERMINATED)
        threading.Thread(target=remind, args=(signum,), name="reminder", daemon=True).start()

    if not _is_main():
        yield lambda: 0
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: came[0] if came else 0
    finally:
        ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _ring(signum: int, frame: FrameType | None) -> NoReturn:
    raise TimeUp


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()

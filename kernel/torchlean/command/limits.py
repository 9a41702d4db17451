"""Ends that come from outside: a time limit that no computation can overlook, and the signal to stop.

Computations ask for the time between their steps and end with all they know. Reading a large file or one step of a
large network does not ask: there an alarm interrupts whatever Python code runs. Both ends are exceptions that are no
`Exception`, as `KeyboardInterrupt` is none, so that nothing on their way takes them for a failure of its own.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
TERMINATED = 143
"""Exit codes of programs that were ended by SIGINT and SIGTERM: 128 and the signal's number."""

AGAIN = 0.25
"""Seconds until an alarm rings again, in case that it rang where exceptions are dropped (in a destructor)."""


class TimeUp(BaseException):
    """The time is over."""


class Terminated(BaseException):
    """The process is asked to end."""


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
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, left, AGAIN)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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


def _ring(signum: int, frame: FrameType | None) -> NoReturn:
    raise TimeUp


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()

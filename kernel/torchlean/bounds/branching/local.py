"""Workers on this machine: processes that start when they are wanted and end with this one, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from torchlean.bounds.branching.workers import Workers
from torchlean.startup import keep_freed_memory

DELAY = 1.5
"""Seconds before processes are started: each spends about this long on importing torch, so that what is decided sooner
would only be slowed down, by as much as the machine's cores and memory are shared."""

MOST = 16
"""Processes that are started unasked: each holds torch, some 250 MB; this process feeds more only where boxes are
slow to bound."""

QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """How many cores this process may use: those it is bound to, and no more than its container's share."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    try:
        quota, period = QUOTA.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))


class LocalWorkers(Workers):
    """Processes on this machine.

    Args:
        count: how many; by default one for each core that this process leaves free.
        delay: seconds that a question must stay open before they are started.
    """

    def __init__(self, count: int | None = None, delay: float = DELAY) -> None:
        super().__init__(delay)
        self._count = min(usable_cores(), MOST) - 1 if count is None else count

    @property
    def count(self) -> int:
        return self._count

    def _open(self) -> Executor:
        # A fork would copy torch's threads in whatever state they are.
        return ProcessPoolExecutor(
            self._count, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
        )

    def _close(self, executor: Executor) -> None:
        assert isinstance(executor, ProcessPoolExecutor)
        # `shutdown` alone waits for what is running, and while torch is imported that is seconds. Python 3.14 has
        # `kill_workers` for this; before, an executor's processes are not public.
        for process in list((executor._processes or {}).values()):
            process.kill()
        executor.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """In a worker: keep memory for tensors, leave interrupts to the parent, and end when it ends."""
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

"""What a worker process does to stay harmless: a bound on its memory, and an end when its parent ends."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

MIB = 1024 * 1024

WATCH_INTERVAL = 0.05
"""Seconds between two looks at the memory; at the speed of page faults (a few GB/s) an overshoot of some 100 MB."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def limit_memory(mebibytes: int) -> None:
    """Let allocations beyond the limit fail with an exception, where the system can do that (Linux).

    RLIMIT_DATA counts private writable memory: what computing needs, and not the address space that libraries reserve.
    """
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        soft = mebibytes * MIB
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard < 0 else min(soft, hard), hard))


def peak_memory() -> int:
    """The largest resident size of this process so far, in MiB; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    if sys.platform == "linux":
        found = _high_water_mark()
        if found is not None:
            return found
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kibibytes on Linux and the BSDs, bytes on macOS (getrusage(2) of each).
    return peak // MIB if sys.platform == "darwin" else peak // 1024


def _high_water_mark() -> int | None:
    """`VmHWM`, which begins anew with a program; what getrusage says of a process begins with its parent's peak."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            lines = [line for line in status if line.startswith("VmHWM:")]
    except OSError:
        return None
    return int(lines[0].split()[1]) // 1024 if lines else None


class MemoryWatch:
    """Calls `exceeded` from a thread of its own when the resident size passes `limit` MiB.

    It catches what `limit_memory` does not count (shared mappings) and systems without it.
    """

    def __init__(self, exceeded: Callable[[], None]) -> None:
        self.limit = sys.maxsize
        self._exceeded = exceeded

    def start(self) -> None:
        threading.Thread(target=self._watch, name="memory watch", daemon=True).start()

    def _watch(self) -> None:
        while peak_memory() <= self.limit:
            time.sleep(WATCH_INTERVAL)
        self._exceeded()


def die_with_parent(parent: int) -> None:
    """On Linux, let the kernel kill this process when its parent ends, however it ends.

    The end of standard input tells a worker the same on every system, but only while Python gets to run; a worker
    that is stuck in native code needs this.
    """
    if sys.platform != "linux":
        return
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # the parent ended before the call

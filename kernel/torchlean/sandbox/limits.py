"""What a program of the user's may take, and what is done to the process so that it takes no more.

Resources are limits of the kernel's (setrlimit(2)) where it has them; what it counts for each process alone (memory) or
not at all (all files together, processes) is watched from outside (`running`).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from torchlean.processes import MIB

COMPILER = "torchinductor"
"""Folder of torch's compiler in the program's home; what is in it is no deed of the program's."""

OPEN_FILES = 1024
"""What programs get by default, and torch's compiler needs some hundred of."""

THREADS = 8
"""That a process may have beside one for each processor."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Attributes:
    seconds: from start to end, on the clock.
    memory: MiB that all its processes may hold together.
    files: MiB that its files may have together, and that any one may have.
    processes: how many it may have at the same time, itself included.
    output: bytes of what it prints that are kept.
    results: MiB that it may answer.
    """

    seconds: float = 60.0
    memory: int = 4096
    files: int = 1024
    processes: int = 64
    output: int = 64 * 1024
    results: int = 64

    @property
    def tasks(self) -> int:
        """Processes and threads that the kernel lets it have: room for each process to use every processor, and no
        room for forks that fork without end, which would slow down the look that ends them."""
        return self.processes * (_processors() + THREADS)


def lower(limits: Limits) -> None:
    """Let the kernel hold this process, and those that it starts, to the limits that it knows."""
    import resource

    # Private writable memory: what computing needs, and not the address space that libraries merely reserve.
    _set(resource.RLIMIT_DATA, limits.memory * MIB)
    _set(resource.RLIMIT_FSIZE, limits.files * MIB)
    _set(resource.RLIMIT_NOFILE, OPEN_FILES)
    _set(resource.RLIMIT_CORE, 0)
    # Of processor time, in case that the watch outside dies: never more than all processors give in that time.
    _set(resource.RLIMIT_CPU, int(limits.seconds * _processors()) + 1)


def _set(kind: int, wanted: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some of them; the watch remains
        resource.setrlimit(kind, (value, value))


def _processors() -> int:
    return os.cpu_count() or 1

"""Other processes as we see them: what they print, how much memory they hold, what they started."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import IO

MIB = 1024 * 1024

_PARENT = 1
"""Place of the parent's id in /proc/PID/stat, counted after the name, which is in parentheses (proc(5))."""

_ROUNDS = 200
"""How often processes are looked for that are to end: those that fork outrun a single look."""

_PAUSE = 0.005
"""Seconds for the system to end what was killed."""


class Collector:
    """Reads a pipe to its end in a thread, and keeps the first `most` bytes.

    Attributes:
        total: bytes that came.
    """

    def __init__(self, pipe: IO[bytes], most: int, name: str = "output") -> None:
        self.total = 0
        self._pipe = pipe
        self._most = most
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read, name=name, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._pipe:
            while part := os.read(self._pipe.fileno(), 65536):
                if self.total < self._most:
                    self._parts.append(part[: self._most - self.total])
                self.total += len(part)

    def whole(self) -> bytes:
        """What was kept, after the process has ended."""
        # A child that it left behind may keep the pipe open: what is there by then is all that counts.
        self._thread.join(timeout=1.0)
        return b"".join(self._parts)


def resident(pid: int) -> int:
    """The memory that a process has now, MiB; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // MIB


def proportional(pid: int) -> int:
    """The same, where pages that processes share are divided among them; slower. MiB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0
    return kibibytes // 1024


def descendants(pid: int) -> list[int]:
    """The processes below one, nearest first; nothing where the system does not tell (it has no /proc)."""
    children: dict[int, list[int]] = {}
    for entry in _numbered(Path("/proc")):
        try:
            text = (entry / "stat").read_text(encoding="ascii", errors="replace")
            parent = int(text.rpartition(")")[2].split()[_PARENT])
        except (OSError, ValueError, IndexError):
            continue  # it has just ended
        children.setdefault(parent, []).append(int(entry.name))
    found = list(children.get(pid, ()))
    for each in found:
        found.extend(children.get(each, ()))
    return found


def end_children(pid: int) -> None:
    """Kill the processes right below one, as far as the system tells them at once: looking through all processes takes
    longer than a program that forks without end takes to make more of them."""
    with contextlib.suppress(OSError, ValueError):
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        for each in map(int, listed.split()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)


def end_below(pid: int) -> None:
    """Kill the processes below one. It should adopt orphans, for those whose parents have ended are not found."""
    for _ in range(_ROUNDS):
        left = descendants(pid)
        if not left:
            return
        for each in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)
        if pid == os.getpid():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, 0)
        else:
            time.sleep(_PAUSE)


def _numbered(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.name.isdigit()]
    except OSError:
        return []

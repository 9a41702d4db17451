"""One Lean process: started, given its input, watched, and killed when it must be.

A process is used once. What it writes is collected by threads of its own, so that it never waits for us; what it did is
judged in `judge.py`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torchlean.lean.toolchain import Toolchain
from torchlean.processes import Collector, resident

LOOK_SECONDS = 0.05
"""Between two looks at the clock, the memory and the wish to cancel: not felt by people, and costs nothing."""

OUTPUT_BYTES = 32 * 1024 * 1024
"""Most of an output that is kept. No sensible file prints as much; a loop that prints must not fill our memory."""

IDLE = 19
"""The lowest priority of nice(2): for checks in the background."""

Ending = Literal["ended", "timed out", "cancelled", "out of memory"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Attributes:
    memory: MiB that the process may have in memory.
    priority: as nice(2) counts, from 0 (as we) to `IDLE`.
    """

    memory: int = 4096
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """How a process ended.

    Attributes:
        code: exit status; negative: the signal that ended it.
        seconds: from the end of its input.
        peak: the largest resident size that was seen, MiB.
    """

    ending: Ending
    code: int
    output: bytes
    errors: bytes
    seconds: float
    peak: int


class LeanProcess:
    """A Lean that waits on its standard input, or works on files named in its arguments.

    Raises (from the constructor):
        OSError: the program cannot be started.
    """

    def __init__(
        self,
        toolchain: Toolchain,
        arguments: Sequence[str],
        libraries: Sequence[Path],
        folder: Path,
        limits: Limits | None = None,
    ) -> None:
        self.limits = Limits() if limits is None else limits
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            _command(toolchain, arguments, self.limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=toolchain.environment(libraries, [folder]),
            start_new_session=True,  # Ctrl+C in the terminal is ours to handle
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._output = Collector(self._process.stdout, OUTPUT_BYTES, "Lean output")
        self._errors = Collector(self._process.stderr, OUTPUT_BYTES, "Lean output")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def finish(self, text: str, timeout: float, cancel: threading.Event | None = None) -> Run:
        """Give it its input and wait for its end, or bring that about.

        Args:
            timeout: seconds from now.
            cancel: may be set by any thread.
        """
        began = time.monotonic()
        # In a thread: a process that does not read would block us here.
        feeder = threading.Thread(target=self._feed, args=(text.encode(),), name="Lean input", daemon=True)
        feeder.start()
        try:
            ending, peak = self._watch(began + timeout, cancel)
        finally:
            self.kill()
        feeder.join()
        return Run(
            ending,
            self._process.returncode,
            self._output.whole(),
            self._errors.whole(),
            time.monotonic() - began,
            peak,
        )

    def kill(self) -> None:
        """End it at once, and what it started; nothing happens where it has ended."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _feed(self, data: bytes) -> None:
        sink = self._process.stdin
        assert sink is not None
        # It may end before it has read everything, which its exit status tells better than we could here.
        with contextlib.suppress(OSError, ValueError):
            sink.write(data)
            sink.close()

    def _watch(self, deadline: float, cancel: threading.Event | None) -> tuple[Ending, int]:
        peak = 0
        while True:
            try:
                self._process.wait(LOOK_SECONDS)
                return "ended", peak
            except subprocess.TimeoutExpired:
                pass
            peak = max(peak, resident(self._process.pid))
            if cancel is not None and cancel.is_set():
                return "cancelled", peak
            if time.monotonic() >= deadline:
                return "timed out", peak
            if peak > self.limits.memory:
                return "out of memory", peak


def _command(toolchain: Toolchain, arguments: Sequence[str], limits: Limits) -> list[str]:
    command = [*toolchain.command, *arguments]
    if sys.platform == "win32":
        return command
    launcher = str(Path(__file__).with_name("launch.py"))
    # There is no limit on memory here: Node.js reserves several times what it touches, and a limit on that would stop
    # checks that are well below the bound. What is touched is watched from outside.
    fixed = [sys.executable, "-I", "-S", launcher, str(os.getpid()), str(limits.priority)]
    return [*fixed, *command]

"""Running a job of ours that runs the user's code: in a process that is held, watched, and killed when it must be."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import site
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torchlean.processes import MIB, Collector, descendants, end_below, end_children, proportional, resident
from torchlean.sandbox.limits import COMPILER, Limits
from torchlean.sandbox.report import Deed, Ending, Report, Walls
from torchlean.startup import module_command

LOOK_SECONDS = 0.05
"""Between two looks at the clock and the wish to cancel: not felt by people, and costs nothing."""

COUNT_SECONDS = 0.2
"""Between two counts of processes, memory and files, which take a millisecond or more."""


class SandboxError(RuntimeError):
    """Programs cannot be run here. The message says why, for people."""


def run(
    job: str,
    argument: Any,
    limits: Limits | None = None,
    *,
    roots: Sequence[str | os.PathLike[str]] = (),
    place: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    cancel: threading.Event | None = None,
) -> Report:
    """Call a function of ours, which may import and run the user's code, in a process of its own.

    Args:
        job: `package.module:function`, called with `argument` and a `Channel`; what it returns must be JSON.
        argument: JSON.
        roots: folders with the user's code: what it does is told apart from what libraries do.
        place: the current folder of the process; `folder` where None.
        folder: the only folder where it may write, and which is also its home; one that is removed where None.
        cancel: may be set by any thread.

    Raises:
        SandboxError: on systems without fork(2), or when no process can be started.
    """
    if not hasattr(os, "fork"):
        raise SandboxError(
            "running a program under limits needs a POSIX system (Linux, macOS); on Windows use WSL"
        )
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="torchlean-", ignore_cleanup_errors=True) as own:
            return run(job, argument, limits, roots=roots, place=place, folder=own, cancel=cancel)
    inside = os.path.realpath(folder)
    order = {
        "job": job,
        "argument": argument,
        "limits": asdict(limits or Limits()),
        "roots": [os.path.realpath(root) for root in roots],
        "place": os.path.realpath(place or inside),
        "folder": inside,
    }
    return _Run(order, limits or Limits(), cancel).report()


class _Run:
    """One process from its start to its report."""

    def __init__(self, order: Mapping[str, Any], limits: Limits, cancel: threading.Event | None) -> None:
        self._limits = limits
        self._cancel = cancel
        self._folder = Path(order["folder"])
        self._began = time.monotonic()
        self._peak = 0
        ours, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                [*module_command("torchlean.sandbox.keeper"), str(theirs), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs],
                env=_environment(self._folder),
            )
        except OSError as error:
            os.close(ours)
            raise SandboxError(f"no process can be started: {error}") from error
        finally:
            os.close(theirs)
        assert self._process.stdout is not None and self._process.stdin is not None
        self._printed = Collector(self._process.stdout, limits.output)
        self._answers = Collector(os.fdopen(ours, "rb", buffering=0), limits.results * MIB)
        with contextlib.suppress(BrokenPipeError), self._process.stdin as sink:
            sink.write(json.dumps(order).encode())

    def report(self) -> Report:
        try:
            killed, limit = self._watch()
        finally:
            self._end()
        seconds = time.monotonic() - self._began
        told = _Told(self._answers.whole())
        ending = killed or told.ending
        return Report(
            ending=ending,
            result=told.result if ending == "finished" else None,
            parts=tuple(told.parts),
            phase=told.phase,
            error=told.error,
            traceback=told.traceback,
            code=told.code if told.code is not None else self._process.returncode,
            printed=self._printed.whole().decode(errors="replace"),
            printed_bytes=self._printed.total,
            deeds=tuple(told.deeds),
            walls=told.walls,
            seconds=seconds,
            peak=self._peak,
            limit=limit or (f"{self._limits.memory} MiB" if ending == "out of memory" else ""),
        )

    def _watch(self) -> tuple[Ending | None, str]:
        """Wait for the end, or the reason to bring it about, with the limit that was passed."""
        counted = time.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LOOK_SECONDS)
                return None, ""
            now = time.monotonic()
            if self._cancel is not None and self._cancel.is_set():
                return "cancelled", ""
            if now - self._began >= self._limits.seconds:
                return "timed out", f"{self._limits.seconds:g} s"
            if now - counted >= COUNT_SECONDS:
                found = self._counted()
                if found is not None:
                    return found
                counted = time.monotonic()

    def _counted(self) -> tuple[Ending, str] | None:
        limits = self._limits
        below = descendants(self._process.pid)
        if len(below) > limits.processes + 1:  # the first process of a namespace is ours
            return "too many processes", f"{limits.processes}"
        memory = sum(map(resident, below))
        if memory > limits.memory:  # forks share pages, which were counted several times
            memory = sum(map(proportional, below))
        self._peak = max(self._peak, memory)
        if memory > limits.memory:
            return "out of memory", f"{limits.memory} MiB"
        if _size(self._folder) > limits.files * MIB:
            return "too many files", f"{limits.files} MiB"
        return None

    def _end(self) -> None:
        """End everything, those that it started first: without their parent they could not be found."""
        if self._process.poll() is None:
            end_children(self._process.pid)  # where there are namespaces, all end with the first process
            end_below(self._process.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
        self._process.wait()


class _Told:
    """What came through the channel."""

    def __init__(self, text: bytes) -> None:
        self.result: Any = None
        self.parts: list[Any] = []
        self.phase = self.error = self.traceback = ""
        self.code: int | None = None
        self.deeds: list[Deed] = []
        self._finished = self._memory = self._separate = self._fenced = False
        for line in text.splitlines():
            # The last line may be cut off by the death of who wrote it.
            with contextlib.suppress(ValueError):
                self._take(json.loads(line))

    def _take(self, message: dict[str, Any]) -> None:
        if "result" in message:
            self.result, self._finished = message["result"], True
        elif "part" in message:
            self.parts.append(message["part"])
        elif "deed" in message:
            self.deeds.append(Deed(*message["deed"]))
        elif "error" in message:
            self.error, self.traceback = message["error"], message["traceback"]
            self._memory = message["memory"]
        self.phase = message.get("phase", self.phase)
        self.code = message.get("ended", self.code)
        self._separate = message.get("separate", self._separate)
        self._fenced = message.get("fenced", self._fenced)

    @property
    def ending(self) -> Ending:
        if self.code is not None and self.code < 0:
            return "crashed"
        if self._finished:
            return "finished"
        if self._memory:
            return "out of memory"
        return "failed" if self.error else "exited"

    @property
    def walls(self) -> Walls:
        return Walls(
            network="kernel" if self._separate else "python",
            files="kernel" if self._fenced else "python",
            processes=self._separate,
        )


def _environment(folder: Path) -> dict[str, str]:
    """Ours, with every place where programs leave files inside of the folder."""
    places = {
        name: str(folder) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    }
    # Packages that were installed for the user alone are found by the home folder, which is another one here.
    packages = {"PYTHONUSERBASE": site.getuserbase()}
    places["TORCHINDUCTOR_CACHE_DIR"] = str(folder / COMPILER)
    return {**os.environ, **places, **packages, "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}


def _size(folder: Path) -> int:
    total = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(inner, name)).st_size
    return total

"""Checks, one process each, with a warm spare that hides how long Lean takes to start.

A spare has started and waits on its standard input. A check takes it, and the next spare starts at once; so there are
at most two processes. A process is never used again: killing it is how a check is cancelled, and nothing that a check
did can reach the next one.
"""

from __future__ import annotations

import concurrent.futures
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from torchlean.lean.errors import LibraryError
from torchlean.lean.judge import judged, sealed
from torchlean.lean.library import Library
from torchlean.lean.olean import OleanError, foundations
from torchlean.lean.outcomes import Accepted, Cancelled, Crashed, Garbage, Message, Outcome, Rejected
from torchlean.lean.process import LeanProcess, Limits
from torchlean.lean.toolchain import Toolchain

DEFAULT_SECONDS = 120.0
"""For one check, from the end of its input."""

_COMPILED = "Checked.olean"


@dataclass(frozen=True, slots=True)
class _Ready:
    """A process that waits for its input, and the folder where it will write the compiled form."""

    process: LeanProcess
    folder: Path

    def discard(self) -> None:
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Runner:
    """Runs checks against a compiled library. Its methods may be called from any thread, `check` from several at once.

    Args:
        library: must be complete (`Library.build`).
        timeout: seconds that a check may take where `check` is not told otherwise.
        limits: of each process: memory and priority.
        spare: keep a warm spare; without, each check starts its own process.

    Raises:
        LibraryError: the library is not complete.
    """

    def __init__(
        self,
        toolchain: Toolchain,
        library: Library,
        timeout: float = DEFAULT_SECONDS,
        limits: Limits | None = None,
        spare: bool = True,
    ) -> None:
        if not library.complete:
            raise LibraryError(
                f"{library.built} of {len(library.modules)} modules of the Lean library are compiled: run "
                "`torchlean lean setup`"
            )
        self.toolchain = toolchain
        self.library = library
        self.timeout = timeout
        self.limits = Limits() if limits is None else limits
        self._keeps_spare = spare
        self._lock = threading.Lock()
        self._spare: concurrent.futures.Future[_Ready] | None = None
        self._closed = False
        # One thread starts all processes and lives as long as we do: they end with the thread that started them.
        self._starter = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="Lean starter")

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prepare(self) -> None:
        """See to it that a spare starts. Returns at once; a failure shows in the next check."""
        with self._lock:
            if self._keeps_spare and self._spare is None and not self._closed:
                self._spare = self._starter.submit(self._start)

    def close(self) -> None:
        """End the spare; checks that run are not touched (cancel them by their event)."""
        with self._lock:
            self._closed = True
            spare, self._spare = self._spare, None
        if spare is not None:
            _discard(spare)
        self._starter.shutdown(wait=False)

    def check(
        self, source: str, timeout: float | None = None, cancel: threading.Event | None = None
    ) -> Outcome:
        """Let Lean check a file of the library's language.

        Args:
            timeout: seconds, `self.timeout` where None.
            cancel: may be set by any thread; the process is killed.
        """
        began = time.monotonic()
        if cancel is not None and cancel.is_set():
            return Cancelled(0.0)
        try:
            ready = self._take()
        except (OSError, RuntimeError) as error:
            return Crashed(time.monotonic() - began, f"it cannot be started: {error}")
        self.prepare()
        try:
            entry = sealed(source)
            run = ready.process.finish(entry.text, self.timeout if timeout is None else timeout, cancel)
            outcome = _founded(judged(run, entry.seal), ready.folder / _COMPILED)
        finally:
            ready.discard()
        if isinstance(outcome, Rejected) and not self.library.complete:
            # What Lean rejected may be the import of a module that somebody removed; no word about the proof.
            return Crashed(outcome.seconds, "its compiled library is gone")
        return outcome

    def _take(self) -> _Ready:
        """The spare where it lives, else a new process.

        Raises:
            OSError: it cannot be started.
            RuntimeError: this runner is closed.
        """
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None:
            ready = spare.result()
            if ready.process.alive:
                return ready
            ready.discard()  # it died while it waited: short of memory, or killed by somebody
        return self._starter.submit(self._start).result()

    def _start(self) -> _Ready:
        folder = Path(tempfile.mkdtemp(prefix="torchlean-check-")).resolve()
        # Theorems one after the other: what the kernel keeps of several at once is too much for the embedded build.
        arguments = ["--stdin", "--json", "-DElab.async=false", "-o", str(folder / _COMPILED)]
        try:
            process = LeanProcess(self.toolchain, arguments, [self.library.folder], folder, self.limits)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return _Ready(process, folder)


def _discard(spare: concurrent.futures.Future[_Ready]) -> None:
    """End a spare, or the one that is being started, when it has."""

    def end(done: concurrent.futures.Future[_Ready]) -> None:
        if not done.cancelled() and done.exception() is None:
            done.result().discard()

    if not spare.cancel():
        spare.add_done_callback(end)


def _founded(outcome: Outcome, compiled: Path) -> Outcome:
    """An accepted file whose compiled form rests on the standard axioms alone, or what speaks against it."""
    if not isinstance(outcome, Accepted):
        return outcome
    began = time.monotonic()
    try:
        faults = foundations(compiled).faults
    except (OleanError, OSError) as error:
        return Garbage(outcome.seconds, f"its compiled form cannot be examined: {error}")
    seconds = outcome.seconds + time.monotonic() - began
    if faults:
        messages = tuple(Message("error", 1, 0, f"this is no proof: {fault}") for fault in faults)
        return Rejected(seconds, (*outcome.messages, *messages))
    return Accepted(seconds, outcome.messages)

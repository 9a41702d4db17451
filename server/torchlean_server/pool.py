"""A few workers, and which of them analyses which document.

Results are decoded in a thread, since those of long files are megabytes.

A document stays with the worker that has its bounds cached, unless that one is busy with something else: then any
idle worker takes it, so a heavy analysis of one file never holds up another. No state lives only in a worker: a
request that loses its process is asked again once, and after that reported.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from torchlean.analysis import wire
from torchlean.analysis.result import FileAnalysis, Plan
from torchlean.analysis.views import View, Viewed
from torchlean.edits import Fix
from torchlean.startup import module_command
from torchlean_server import messages
from torchlean_server.messages import Message
from torchlean_server.process import Worker, WorkerDied
from torchlean_server.worker import DEFAULT_ANALYSIS

SIZE = 2
"""Workers: one for the file being edited, one so that another file need not wait. Each costs torch's 250 MB."""

LOYALTY = 0.05
"""Seconds a document waits for its own worker, whose cache is warm, before it goes to another that is idle."""

GRACE = 2.0
"""Seconds a worker may take to drop a cancelled analysis before it is killed: longer than any single torch call."""

ATTEMPTS = 2
"""A process may die of what it did before (memory, a cache); an analysis that dies in two is itself the cause."""

STUDY = 10
"""Times the seconds of an analysis that a study may take, which a person asked for and waits for."""

BROKEN_STARTS = 3
"""Starts in a row that fail before the installation is called broken."""

Outcome = TypeVar("Outcome")


class AnalysisStopped(Exception):
    """No answer is to be had. `reason` says why in a clause for people ("it ran out of memory")."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """Wall-clock seconds and memory in MiB that one analysis may take."""

    seconds: float = 30.0
    memory: int = 4096


@dataclass(frozen=True, slots=True)
class Request:
    """One analysis. `overlays` maps the paths of open documents to (stamp, text); a stamp changes with the text.

    `text_alone`: of a property file only what its text says, without the verdict. Not the analysis is wanted with
    `lines` but quick fixes for the hazards on these lines (first and last, zero-based), with `claims` but certificates
    of the claims with these names, with `study` but a `picture` or the largest `level` of the Lyapunov function of the
    name beside it, with `view` but the bounds that it describes.
    """

    key: str
    path: str
    text: str
    overlays: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    text_alone: bool = False
    lines: tuple[int, int] | None = None
    claims: tuple[str, ...] | None = None
    study: tuple[str, str] | None = None
    view: View | None = None


@dataclass(slots=True)
class Counts:
    """What happened so far, in analyses."""

    started: int = 0
    completed: int = 0
    cancelled: int = 0
    retried: int = 0
    stopped: int = 0


class Pool:
    """Runs analyses in worker processes.

    Attributes:
        limits: of analyses that start from now on.
        roots: the workspace's folders, where imports are looked for.
    """

    def __init__(
        self,
        analysis: str = DEFAULT_ANALYSIS,
        size: int = SIZE,
        grace: float = GRACE,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        command = [*module_command("torchlean_server.worker"), "--analysis", analysis]
        self.limits = Limits()
        self.method = "crown"
        self.roots: tuple[str, ...] = ()
        self.counts = Counts()
        self.workers = [Worker(command, self._idle_again, log) for _ in range(size)]
        self._grace = grace
        self._own: dict[str, Worker] = {}
        self._changed = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._others_started = False

    def start(self) -> None:
        """Start the first worker; the others follow when it is ready, so that they do not slow it down."""
        self.workers[0].start()

    async def stop(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    async def analyse(self, request: Request, publish: Callable[[FileAnalysis], None]) -> FileAnalysis:
        """The analysis of one file; `publish` receives early layers. Cancel the task to have it dropped.

        Raises:
            AnalysisStopped: it took too long, or its process died twice.
        """
        message = await self._answer(request, publish)
        return await asyncio.to_thread(_decoded, message)

    async def fixes(self, request: Request) -> tuple[Fix, ...]:
        """Quick fixes for the hazards on the request's `lines`. Cancel the task to have it dropped.

        Raises:
            AnalysisStopped: it took too long, or its process died twice.
        """
        message = await self._answer(request, lambda _: None)
        return wire.decode_as(tuple[Fix, ...], message["fixes"])

    async def plans(self, request: Request) -> tuple[Plan, ...]:
        """Certificates of the request's `claims`, or why there are none. Cancel the task to have it dropped.

        Raises:
            AnalysisStopped: it took too long, or its process died twice.
        """
        message = await self._answer(request, lambda _: None)
        return await asyncio.to_thread(wire.decode_as, tuple[Plan, ...], message["plans"])

    async def study(self, request: Request) -> tuple[str, tuple[Fix, ...]]:
        """The picture that the request's `study` asks for, or a sentence and an edit. Cancel the task to drop it.

        Raises:
            AnalysisStopped: it took too long, or its process died twice.
        """
        message = await self._answer(request, lambda _: None)
        return str(message["text"]), wire.decode_as(tuple[Fix, ...], message["fixes"])

    async def view(self, request: Request) -> Viewed:
        """What the request's `view` describes. Cancel the task to have it dropped.

        Raises:
            AnalysisStopped: it took too long, or its process died twice.
        """
        message = await self._answer(request, lambda _: None)
        return await asyncio.to_thread(wire.decode_as, Viewed, message["viewed"])

    async def _answer(self, request: Request, publish: Callable[[FileAnalysis], None]) -> Message:
        """The result's message of whichever worker gives one."""
        reason = ""
        for attempt in range(ATTEMPTS):
            worker = await self._acquire(request.key)
            self.counts.retried += attempt > 0
            try:
                return await self._ask(worker, request, publish)
            except WorkerDied as death:
                reason = str(death)
        self.counts.stopped += 1
        raise AnalysisStopped(reason)

    def forget(self, key: str) -> None:
        """The document is closed."""
        self._own.pop(key, None)

    async def _ask(
        self, worker: Worker, request: Request, publish: Callable[[FileAnalysis], None]
    ) -> Message:
        self.counts.started += 1
        # Planning a certificate has a limit of its own, and may have to decide the claim first; a study decides many.
        seconds = self.limits.seconds if request.claims is None else 2 * self.limits.seconds
        seconds = seconds if request.study is None else STUDY * self.limits.seconds
        asked = worker.ask(self._content(worker, request), lambda layer: self._decode_early(layer, publish))
        try:
            message = await _within(seconds, asked)
        except asyncio.TimeoutError:
            # Once more would take as long again. The process is asked to drop it, and keeps the bounds it has found.
            self.counts.stopped += 1
            raise AnalysisStopped(f"it took longer than {seconds:g} s") from None
        except asyncio.CancelledError:
            self.counts.cancelled += 1
            raise
        finally:
            self._settle(worker)
        if message["type"] == "cancelled":
            raise WorkerDied("it was cancelled by no one")
        self.counts.completed += 1
        return message

    def _decode_early(self, layer: Message, publish: Callable[[FileAnalysis], None]) -> None:
        """Hand on an early layer. It may come after the whole answer, which the document then sees to."""

        async def decode() -> None:
            publish(await asyncio.to_thread(_decoded, layer))

        self._in_background(decode())

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _content(self, worker: Worker, request: Request) -> Message:
        """The request's message for this worker, with the unsaved texts that it does not know yet."""
        if worker.roots != self.roots:
            worker.known, worker.roots = {}, self.roots
        changed: dict[str, str | None] = {}
        for path, (stamp, text) in request.overlays.items():
            if path != request.path and worker.known.get(path) != stamp:
                worker.known[path] = stamp
                changed[path] = text
        for path in [path for path in worker.known if path not in request.overlays]:
            del worker.known[path]
            changed[path] = None
        return {
            "path": request.path,
            "text": request.text,
            "roots": list(self.roots),
            "overlays": changed,
            "memory": self.limits.memory,
            "method": self.method,
            "seconds": self.limits.seconds,
            "text_alone": request.text_alone,
            "lines": None if request.lines is None else list(request.lines),
            "claims": None if request.claims is None else list(request.claims),
            "study": None if request.study is None else list(request.study),
            "view": None if request.view is None else wire.encode(request.view),
        }

    def _settle(self, worker: Worker) -> None:
        """Give the worker back once it is done, in the background: whoever cancelled must not wait for it."""
        if worker.answered:
            worker.release()
            return

        async def settle() -> None:
            await worker.settled(self._grace)
            worker.release()

        self._in_background(settle())

    async def _acquire(self, key: str) -> Worker:
        """An idle worker, reserved: the document's own, or after a short wait for it any other.

        Raises:
            AnalysisStopped: no worker can be started.
        """
        loyal_until = time.monotonic() + LOYALTY
        while True:
            own = self._own.get(key)
            waiting = own is not None and own.state == "busy" and time.monotonic() < loyal_until
            idle = [worker for worker in self.workers if worker.idle]
            chosen = own if own in idle else idle[0] if idle and not waiting else None
            if chosen is not None:
                chosen.reserve()
                self._own[key] = chosen
                return chosen
            self._check_startable()
            await self._change(max(0.0, loyal_until - time.monotonic()) if waiting else None)

    def _check_startable(self) -> None:
        first = self.workers[0]
        if all(worker.state == "starting" for worker in self.workers) and first.failures >= BROKEN_STARTS:
            raise AnalysisStopped(f"the analysis process does not start: {_explained(first.last_lines)}")

    async def _change(self, timeout: float | None) -> None:
        """Wait until some worker's state may have changed."""
        self._changed.clear()
        # Also look now and then: a start that fails changes no worker to idle.
        with contextlib.suppress(asyncio.TimeoutError):
            await _within(timeout or 1.0, self._changed.wait())

    def _idle_again(self) -> None:
        self._changed.set()
        if not self._others_started:
            self._others_started = True
            for worker in self.workers[1:]:
                worker.start()


def _decoded(message: Message) -> FileAnalysis:
    return wire.decode(messages.united(message["analysis"], message["parts"]))


async def _within(seconds: float, work: Coroutine[None, None, Outcome]) -> Outcome:
    """As `asyncio.wait_for`, which loses a cancellation that comes with the result (before Python 3.12): whoever
    gave up then keeps a worker busy.

    Raises:
        TimeoutError: of asyncio; the work is cancelled.
    """
    task = asyncio.ensure_future(work)
    # Where nobody waits any more nobody needs to hear how it failed.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        task.cancel()
    if not task.done():
        raise asyncio.TimeoutError
    return task.result()


def _explained(lines: str) -> str:
    """The last words of a process, or what to do about them where that is known."""
    missing = re.search(r"^ModuleNotFoundError: No module named '(\w+)'", lines, re.MULTILINE)
    if missing is None:
        return lines
    return f"its Python has no module `{missing[1]}`, which `{sys.executable} -m pip install {missing[1]}` installs"

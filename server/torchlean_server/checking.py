"""Keeps every open document checked: starts analyses when it is time, drops overtaken ones, hands on what they say.

The rules: at most one analysis of a document runs, the newest text wins, and whatever happens to an analysis
(overtaken, stopped, cancelled by the person) is written into the document, so that what is shown never looks fresher
than it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from torchlean.analysis.result import FileAnalysis
from torchlean_server.documents import Documents
from torchlean_server.pool import AnalysisStopped, Request
from torchlean_server.scheduling import Pacer
from torchlean_server.state import Anchor, Document, Trouble, file_trouble

DOUBT = 3.0
"""Seconds after a dependency changed during which an unreadable one is taken for half-written."""

SECOND_LOOK = 0.5
"""Seconds until a half-written dependency is read again, if no further change is seen before."""

MAX_CHARACTERS = 2_000_000
"""Longer files are not analysed: generated data, not models; and every keystroke would move megabytes."""


class Analyses(Protocol):
    """What is needed of the pool."""

    async def analyse(self, request: Request, publish: Callable[[FileAnalysis], None]) -> FileAnalysis: ...

    def forget(self, key: str) -> None: ...


@dataclass(slots=True)
class _Job:
    """The checking of one document."""

    pacer: Pacer = field(default_factory=Pacer)
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None
    doubtful_until: float = 0.0
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class Checker:
    """Checks documents as they change.

    Args:
        shown: called after every change of what may be shown of a document.
        running: called with True when an analysis of a document starts and with False when it ends.
        due: called when a document has to be analysed anew, before anything is done about it.
    """

    def __init__(
        self,
        documents: Documents,
        analyses: Analyses,
        shown: Callable[[Document], None],
        running: Callable[[Document, bool], None] = lambda *_: None,
        due: Callable[[Document], None] = lambda _: None,
    ) -> None:
        self._documents = documents
        self._analyses = analyses
        self._shown = shown
        self._running = running
        self._due = due
        self._jobs: dict[str, _Job] = {}

    def text_changed(self, document: Document) -> None:
        """The text is new. Documents that import it are checked too."""
        self._changed(document)
        for dependant in self._documents.dependants(document.path):
            self.dependency_changed(dependant, document.path, saved=False)

    def dependency_changed(self, document: Document, path: str, saved: bool = True) -> None:
        """A file that the document depends on is new. When it was `saved` it may still be being written."""
        if saved:
            self._job(document).doubtful_until = time.monotonic() + DOUBT
        document.changed(why=f"from before {path} changed")
        self._changed(document)

    def recheck(self, document: Document, why: str) -> None:
        """Check again, for another reason."""
        document.changed(why=why)
        self._changed(document)

    def close(self, document: Document) -> None:
        """The document is closed: nothing more is to be done for it."""
        job = self._jobs.pop(document.uri, None)
        if job is not None:
            _drop(job)
            job.settled.set()
        self._analyses.forget(document.uri)

    def cancel(self, document: Document) -> None:
        """The person does not want to wait for the running analysis. The next change starts another."""
        _drop(self._job(document))
        self._stop(document, "TL105", "the check was cancelled; edit the file to start it again")

    async def settled(self, document: Document, timeout: float | None) -> bool:
        """Wait until the current revision is answered, or the time is over."""
        job = self._job(document)
        if not document.checking:
            return True
        try:
            await asyncio.wait_for(job.settled.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True

    def stop(self) -> None:
        for job in self._jobs.values():
            _drop(job)

    def _job(self, document: Document) -> _Job:
        return self._jobs.setdefault(document.uri, _Job())

    def _changed(self, document: Document) -> None:
        job = self._job(document)
        document.checking = True
        job.settled.clear()
        job.pacer.edited(time.monotonic())
        self._due(document)
        if len(document.text.string) > MAX_CHARACTERS:
            _drop(job)
            size = len(document.text.string) / 1e6
            self._stop(
                document,
                "TL105",
                f"the file has {size:.1f} million characters; files above {MAX_CHARACTERS / 1e6:g} are not analysed",
            )
            return
        self._wait_or_start(document, job)

    def _wait_or_start(self, document: Document, job: _Job) -> None:
        if job.timer is not None:
            job.timer.cancel()
            job.timer = None
        wait = job.pacer.wait(time.monotonic(), running=job.task is not None)
        if wait > 0:
            loop = asyncio.get_running_loop()
            job.timer = loop.call_later(wait, self._wait_or_start, document, job)
            return
        if job.task is not None:
            job.task.cancel()
        job.pacer.started()
        job.task = asyncio.get_running_loop().create_task(self._check(document, job))
        job.task.add_done_callback(lambda task: self._ended(document, task))

    def _ended(self, document: Document, task: asyncio.Task[None]) -> None:
        """A mistake of our own must not look like a check that is still running."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._stop(document, "TL502", f"internal error in the server: {type(error).__name__}: {error}")

    async def _check(self, document: Document, job: _Job) -> None:
        """One analysis of the document as it is now."""
        anchor = document.anchor()
        task = asyncio.current_task()
        started = time.monotonic()
        document.started += 1
        request = Request(document.uri, document.path, anchor.text.string, self._documents.overlays())
        self._running(document, True)
        try:
            # An early layer is decoded beside the analysis: that may be over by then, and its document closed.
            analysis = await self._analyses.analyse(
                request, lambda early: self._take(document, early, anchor) if job.task is task else None
            )
        except AnalysisStopped as stop:
            if document.revision == anchor.revision:
                self._stop(document, "TL502", stop.reason)
        else:
            job.pacer.finished(time.monotonic() - started)
            document.last_seconds = time.monotonic() - started
            if self._half_written(document, job, analysis):
                loop = asyncio.get_running_loop()
                job.timer = loop.call_later(SECOND_LOOK, self._wait_or_start, document, job)
            else:
                self._take(document, analysis, anchor)
        finally:
            if job.task is task:
                job.task = None
            self._running(document, False)

    def _half_written(self, document: Document, job: _Job, analysis: FileAnalysis) -> bool:
        """Whether the last good result is to be kept a little longer, because a file may be half written."""
        if job.timer is not None or document.complete is None or time.monotonic() > job.doubtful_until:
            return False
        return bool(file_trouble(analysis) - file_trouble(document.complete.analysis))

    def _take(self, document: Document, analysis: FileAnalysis, anchor: Anchor) -> None:
        if document.accept(analysis, anchor):
            self._finish(document)

    def _stop(self, document: Document, code: str, reason: str) -> None:
        document.stopped(Trouble(document.revision, code, reason))
        self._finish(document)

    def _finish(self, document: Document) -> None:
        """Something new may be shown."""
        if document.answered():
            document.checking = False
            self._job(document).settled.set()
        self._shown(document)


def _drop(job: _Job) -> None:
    if job.timer is not None:
        job.timer.cancel()
        job.timer = None
    if job.task is not None:
        job.task.cancel()
        job.task = None

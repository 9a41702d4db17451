"""The queue: every proved claim of every open document gets a certificate, and Lean's word on it.

One certificate is written at a time (by an analysis worker, which edits may want back), and one is checked at a time
(Lean takes 1 to 2 GB). Nothing here changes a verdict, and nothing waits for anything here. Whatever ends without an
answer is tried again only when the claim changes or a person asks.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from torchlean.analysis.result import Certificate, NotCheckable, Plan
from torchlean_server.documents import Documents
from torchlean_server.lean import order
from torchlean_server.lean.service import Report, Unavailable, answered
from torchlean_server.lean.threads import LeanThreads
from torchlean_server.pool import AnalysisStopped, Request
from torchlean_server.proofs import Key, Proof, Standing
from torchlean_server.state import Document

REST = 300.0
"""Seconds without a check after which Lean gives its memory back: its next answer then takes some seconds longer."""

HELD = 64_000_000
"""Characters of certificates that may wait for Lean before more are written: a large network has 10 million, and a data
set's worth of claims one each."""


class Planning(Protocol):
    """What is needed of the workers."""

    async def plans(self, request: Request) -> tuple[Plan, ...]: ...


@dataclass(frozen=True, slots=True)
class Preferences:
    """Attributes:
    enabled: whether Lean is asked at all.
    path: of a Lean of the person's own choice.
    timeout: seconds for one certificate.
    """

    enabled: bool = True
    path: str | None = None
    timeout: float = 120.0


@dataclass(slots=True)
class _Job:
    """What runs: for a claim of a document, or for everybody whose certificate has the digest."""

    task: asyncio.Task[None]
    document: Document | None = None
    digest: str = ""


class Prover:
    """Keeps the proofs of documents up to date.

    Args:
        changed: called with every document of which something new may be shown.
        preparing: told how far Lean is with making itself ready, the first time; with 0 of 0 at the end.
    """

    def __init__(
        self,
        documents: Documents,
        planning: Planning,
        lean: LeanThreads,
        changed: Callable[[Document], None],
        preparing: Report = lambda *_: None,
    ) -> None:
        self.preferences = Preferences()
        self._documents = documents
        self._planning = planning
        self._lean = lean
        self._changed = changed
        self._preparing = preparing
        self._clock = itertools.count(1)
        self._ready = False
        self._unavailable: Unavailable | None = None
        self._opening: _Job | None = None
        self._plan: _Job | None = None
        self._check: _Job | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._stopped = False

    # What happens in the editor

    def attend(self, document: Document, view: tuple[int, int] | None = None) -> None:
        """A person works with this document, or sees these lines of it.

        Clients ask for the lines on the screen also when nobody touched anything; then they are the same lines.
        """
        if view is None or view != document.view:
            document.attention = next(self._clock)
        document.view = view or document.view

    def edited(self, document: Document) -> None:
        """The text is another one: the worker that writes a certificate for it is wanted for the analysis."""
        if self._plan is not None and self._plan.document is document:
            self._plan.task.cancel()

    def follow(self, document: Document) -> None:
        """Something new is known of the document: ask about the claims that are new, drop those that are gone."""
        now = next(self._clock)
        for name, key in document.provable():
            if (name, key) not in document.proofs:
                document.stand(self._new(name, key, now))
        document.forget_proofs()
        self._turn()

    def closed(self, document: Document) -> None:
        """The document is closed, and is not among the open ones any more."""
        self.edited(document)
        self._turn()

    def retry(self, document: Document | None = None, claim: str | None = None) -> None:
        """A person asks again, about one claim or about everything that has no answer."""
        self._unavailable = None
        for each in [document] if document is not None else self._documents:
            for key in each.provable():
                proof = each.proofs.get(key)
                if (
                    proof is not None
                    and not proof.accepted
                    and not proof.pending
                    and claim in (None, proof.claim)
                ):
                    each.stand(self._new(*key, next(self._clock)))
            self._changed(each)
        self._turn()

    def look_again(self) -> None:
        """There may be a Lean now, if none was found before."""
        if self._unavailable is not None and self._unavailable.code == "TL400":
            self.retry()

    def give_up_preparing(self) -> None:
        """A person does not want Lean to be made ready now; until they ask for it."""
        if self._opening is not None:
            self._opening.task.cancel()
            self._lost(Unavailable("TL403", "making it ready was cancelled"))

    def give_up(self, document: Document | None = None, claim: str | None = None) -> None:
        """A person does not want to wait for Lean now: for one claim, a document's claims, or any."""
        if self._plan is not None:
            self._plan.task.cancel()
        self._replace(
            lambda proof: proof.pending and claim in (None, proof.claim),
            lambda proof: proof.now(Standing.UNANSWERED, "the check was cancelled"),
            self._documents if document is None else [document],
        )
        self._turn()

    def prefer(self, preferences: Preferences) -> None:
        """The settings changed."""
        before, self.preferences = self.preferences, preferences
        if preferences == before:
            return
        if preferences.path != before.path:
            # What an earlier Lean accepted stays accepted.
            self._ready, self._unavailable = False, None
            for job in (self._opening, self._check):
                if job is not None:
                    job.task.cancel()
        if before.enabled and not preferences.enabled:
            if self._opening is not None:
                self._opening.task.cancel()
            self._everywhere(lambda proof: not proof.accepted, Standing.OFF)
        elif preferences.enabled:
            self.retry()

    async def stop(self) -> None:
        """End everything, Lean's process too."""
        self._stopped = True
        self._wake()
        for job in (self._opening, self._plan, self._check):
            if job is not None:
                job.task.cancel()
        await self._lean.close()
        self._lean.end()

    # The queue

    def _new(self, name: str, key: str, now: int) -> Proof:
        proof = Proof(name, key, Standing.PLANNED, wanted=now)
        if not self.preferences.enabled:
            return proof.now(Standing.OFF)
        if self._unavailable is not None:
            return self._without(proof, self._unavailable)
        return proof

    def _turn(self) -> None:
        """Drop what nobody wants any more, and begin what is next."""
        if self._stopped:
            return
        if self._check is not None and not any(self._waiting_for(self._check.digest)):
            self._check.task.cancel()
        planned = order.first(self._documents, Standing.PLANNED)
        waiting = order.first(self._documents, Standing.WAITING)
        if not self._ready:
            if (planned or waiting) and self._opening is None:
                self._opening = self._begin(self._open())
            return
        if planned is not None and self._plan is None and self._held() < HELD:
            self._plan = self._begin(self._write(*planned))
            self._plan.document = planned[0]
        if waiting is not None and self._check is None:
            certificate = waiting[0].proofs[waiting[1]].certificate
            assert certificate is not None, "what waits has one"
            self._check = self._begin(self._ask(certificate))
            self._check.digest = certificate.digest
            self._wake()
        elif not (planned or waiting or self._check or self._resting):
            self._resting = asyncio.get_running_loop().call_later(REST, self._lean.rest)

    def _wake(self) -> None:
        """Lean is at work."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    def _begin(self, work: Coroutine[None, None, None]) -> _Job:
        job = _Job(asyncio.get_running_loop().create_task(work))
        job.task.add_done_callback(lambda task: self._ended(job, task))
        return job

    def _ended(self, job: _Job, task: asyncio.Task[None]) -> None:
        if job is self._opening:
            self._opening = None
            self._preparing(0, 0, "")
        elif job is self._plan:
            self._plan = None
        elif job is self._check:
            self._check = None
            for document, proof in list(self._waiting_for(job.digest)):
                # Cancelled, and yet wanted: another Lean is to be asked.
                self._stand(document, (proof.claim, proof.key), Standing.WAITING)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # A mistake of our own must not look like a check that still runs, nor be made again and again.
            reason = f"internal error in the server: {type(error).__name__}: {error}"
            self._everywhere(lambda proof: proof.pending, Standing.UNANSWERED, reason, "TL401")
        self._turn()

    async def _open(self) -> None:
        """Make Lean ready."""
        await self._lean.close()
        try:
            await self._lean.open(self.preferences.path, self._preparing)
        except Unavailable as reason:
            self._lost(reason)
        else:
            self._ready = True

    async def _write(self, document: Document, key: Key) -> None:
        """Have the certificate of one claim written, and look whether Lean has seen it before."""
        request = Request(
            document.uri, document.path, document.text.string, self._documents.overlays(), claims=(key[0],)
        )
        try:
            plans = await self._planning.plans(request)
        except AnalysisStopped as stop:
            reason = f"its certificate could not be made: {stop.reason}"
            self._stand(document, key, Standing.UNANSWERED, reason, "TL401")
            return
        plan = next((plan.plan for plan in plans if (plan.claim, plan.key) == key), None)
        if plan is None:
            # Nobody makes certificates of such claims, or a file that it depends on has just changed.
            self._stand(document, key, Standing.OFF)
        elif isinstance(plan, NotCheckable):
            self._stand(document, key, Standing.UNCHECKABLE, plan.reason)
        else:
            certificate = replace(plan, digest=hashlib.sha256(plan.source.encode()).hexdigest())
            answer = await self._lean.known(certificate.source)
            proof = document.proofs.get(key)
            if proof is not None and proof.pending:
                proof = replace(proof.now(Standing.WAITING), certificate=certificate)
                document.stand(proof if answer is None else answered(proof, answer))
                self._changed(document)

    async def _ask(self, certificate: Certificate) -> None:
        """Have one certificate checked."""
        for document, proof in list(self._waiting_for(certificate.digest)):
            self._stand(document, (proof.claim, proof.key), Standing.CHECKING)
        try:
            answer = await self._lean.check(certificate.source, self.preferences.timeout)
        except Unavailable as reason:
            self._ready = False
            self._lost(reason)
            return
        for document, proof in list(self._waiting_for(certificate.digest)):
            document.stand(answered(proof, answer))
            self._changed(document)

    # Proofs

    def _waiting_for(self, digest: str) -> Iterator[tuple[Document, Proof]]:
        """Every open document's claims that wait for Lean's word on this certificate."""
        for document in self._documents:
            for proof in document.proofs.values():
                if proof.pending and proof.certificate is not None and proof.certificate.digest == digest:
                    yield document, proof

    def _held(self) -> int:
        """Characters of all certificates that wait."""
        proofs = [
            proof for document in self._documents for proof in document.proofs.values() if proof.pending
        ]
        return sum(len(proof.certificate.source) for proof in proofs if proof.certificate is not None)

    def _stand(
        self, document: Document, key: Key, standing: Standing, detail: str = "", code: str = ""
    ) -> None:
        # While something was awaited, the claim may have changed, Lean may be lost, or a person may have given up.
        proof = document.proofs.get(key)
        if proof is not None and proof.pending:
            document.stand(proof.now(standing, detail, code))
            self._changed(document)

    def _everywhere(
        self, which: Callable[[Proof], bool], standing: Standing, detail: str = "", code: str = ""
    ) -> None:
        self._replace(which, lambda proof: proof.now(standing, detail, code), self._documents)
        self._turn()

    def _replace(
        self, which: Callable[[Proof], bool], new: Callable[[Proof], Proof], documents: Iterable[Document]
    ) -> None:
        for document in documents:
            chosen = [proof for proof in document.proofs.values() if which(proof)]
            for proof in chosen:
                document.stand(new(proof))
            if chosen:
                self._changed(document)

    def _lost(self, reason: Unavailable) -> None:
        """There is no Lean."""
        self._unavailable = reason
        self._replace(
            lambda proof: proof.pending, lambda proof: self._without(proof, reason), self._documents
        )

    def _without(self, proof: Proof, reason: Unavailable) -> Proof:
        """A claim without Lean. The first one tells people; the others would only repeat it."""
        told = any(proof.announced for document in self._documents for proof in document.proofs.values())
        found = proof.now(Standing.UNAVAILABLE, reason.reason, reason.code)
        return replace(found, announced=not told)

"""The queue by itself: whose turn it is, what an edit ends, and what becomes of claims when something fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests.server import toy
from tests.server.environment import until

from torchlean.analysis.result import Certificate, Plan
from torchlean_server.documents import Documents
from torchlean_server.lean import order, prover, service
from torchlean_server.lean.prover import Preferences, Prover
from torchlean_server.lean.report import unchecked
from torchlean_server.lean.service import Answer, Report, Unavailable
from torchlean_server.lean.threads import LeanThreads
from torchlean_server.pool import AnalysisStopped, Request
from torchlean_server.proofs import Proof, Standing
from torchlean_server.state import Document

ACCEPTED = Answer(True, "", 2.0)


class Lean:
    """Answers as told; a source with `wait` in it when `release` is called, or cancelled."""

    def __init__(self) -> None:
        self.opened: list[str | None] = []
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.rested = 0
        self.opening = False
        self.missing: Unavailable | None = None
        self.error: Exception | None = None
        self.memory: dict[str, Answer] = {}
        self._released = threading.Event()

    def release(self) -> None:
        self._released.set()

    def open(self, path: str | None, report: Report, cancel: threading.Event) -> None:
        self.opened.append(path)
        if self.missing is not None:
            raise self.missing
        while self.opening:
            if cancel.wait(0.005):
                self.cancelled.append("open")
                raise Unavailable("TL403", "building its library was cancelled")

    def known(self, source: str) -> Answer | None:
        return self.memory.get(source)

    def check(self, source: str, timeout: float, cancel: threading.Event) -> Answer:
        name = source.split()[1]
        self.asked.append(name)
        while "wait" in source and not self._released.wait(0.005):
            if cancel.is_set():
                self.cancelled.append(name)
                return Answer(None, "the check was cancelled", 0.0)
        if self.error is not None:
            raise self.error
        return ACCEPTED

    def rest(self) -> None:
        self.rested += 1

    def close(self) -> None:
        pass


class Planner:
    """The worker's side, at once, unless `slow` holds it up; `change` may change what it answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.slow: dict[str, asyncio.Event] = {}
        self.change: Callable[[tuple[Plan, ...]], tuple[Plan, ...]] = lambda plans: plans

    async def plans(self, request: Request) -> tuple[Plan, ...]:
        assert request.claims is not None
        self.asked += request.claims
        for claim in request.claims:
            if claim in self.slow:
                await self.slow[claim].wait()
        found = toy.certificates(request.path, request.text, request.claims, toy.Session(), lambda: False)
        return self.change(found)


class Desk:
    """Documents of one person, with a prover for them."""

    def __init__(self) -> None:
        self.lean = Lean()
        self.planner = Planner()
        self.documents = Documents()
        self.changes = 0
        self.prover = Prover(self.documents, self.planner, LeanThreads(self.lean), self._changed)

    def _changed(self, document: Document) -> None:
        self.changes += 1

    def open(self, name: str, *claims: tuple[str, str], view: tuple[int, int] | None = None) -> Document:
        text = "".join(f'def {claim}():\n    "{orders}"\n    x = [0, 1]\n' for claim, orders in claims)
        document = Document(f"file:///{name}.py", f"/{name}.py", 1, text)
        self.documents.open(document)
        self.prover.attend(document, view)
        self.analyse(document)
        return document

    def edit(self, document: Document, old: str, new: str) -> None:
        start = document.text.string.index(old)
        document.edit(start, start + len(old), new)
        document.changed(document.version + 1)
        document.checking = True
        self.documents.text_changed(document)
        self.prover.attend(document)
        self.prover.edited(document)

    def analyse(self, document: Document) -> None:
        result = toy._result(document.path, document.text.string, toy.Session(), complete=True)
        document.accept(result, document.anchor())
        document.checking = False
        self.prover.follow(document)

    def standings(self, document: Document) -> dict[str, str]:
        return {proof.claim: proof.standing.value for proof in document.proofs.values()}

    async def settled(self) -> None:
        await until(lambda: not any(p.pending for d in self.documents for p in d.proofs.values()))


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    found = Desk()
    try:
        yield found
    finally:
        await found.prover.stop()


async def test_every_proved_claim_gets_an_answer_and_lean_is_opened_once() -> None:
    async with desk() as at:
        first = at.open("a", ("f", ""), ("g", ""))
        second = at.open("b", ("h", ""))
        await at.settled()
        assert at.standings(first) == {"f": "accepted", "g": "accepted"}
        assert at.standings(second) == {"h": "accepted"}
        assert at.lean.opened == [None]
        assert unchecked(first) == unchecked(second) == []


async def test_the_document_a_person_turns_to_goes_first_and_in_it_what_is_on_the_screen() -> None:
    async with desk() as at:
        old = at.open("a", ("held", "wait"), ("a_first", ""), ("a_second", ""))
        await until(lambda: at.lean.asked == ["held"])
        new = at.open("b", ("b_first", ""), ("b_second", ""), ("b_third", ""), view=(6, 8))
        both = [old, new]
        await until(lambda: all(Standing.PLANNED.value not in at.standings(d).values() for d in both))
        at.lean.release()
        await at.settled()
        assert at.lean.asked == ["held", "b_third", "b_first", "b_second", "a_first", "a_second"]


async def test_a_claim_that_changed_last_goes_before_its_neighbours() -> None:
    async with desk() as at:
        document = at.open("a", ("held", "wait"), ("f", ""), ("g", ""))

        def planned() -> bool:
            return Standing.PLANNED.value not in at.standings(document).values()

        await until(lambda: at.lean.asked == ["held"] and planned())
        at.edit(document, "def g():", "def g(y):")
        at.analyse(document)
        await until(lambda: at.planner.asked.count("g") == 2 and planned())
        at.lean.release()
        await at.settled()
        assert at.lean.asked == ["held", "g", "f"]


async def test_nothing_of_a_document_that_is_being_analysed_is_begun() -> None:
    async with desk() as at:
        document = at.open("a", ("f", ""))
        await at.settled()
        at.edit(document, "[0, 1]", "[0, 2]")
        at.prover.follow(document)
        assert order.first(at.documents, Standing.PLANNED) is None
        at.analyse(document)
        assert order.first(at.documents, Standing.PLANNED) is not None
        await at.settled()
        assert at.lean.asked == ["f", "f"]


async def test_an_edit_beside_a_claim_leaves_its_check_alone_and_one_in_it_ends_it() -> None:
    async with desk() as at:
        document = at.open("a", ("f", "wait"))
        await until(lambda: at.lean.asked == ["f"])
        at.edit(document, "def f", "# remark\ndef f")
        at.analyse(document)
        assert at.standings(document) == {"f": "checking"} and at.lean.cancelled == []
        at.edit(document, '"wait"', '"now"')
        at.analyse(document)
        await at.settled()
        assert at.lean.cancelled == ["f"] and at.lean.asked == ["f", "f"]
        assert at.standings(document) == {"f": "accepted"}


async def test_closing_a_document_ends_its_check() -> None:
    async with desk() as at:
        document = at.open("a", ("f", "wait"))
        await until(lambda: at.lean.asked == ["f"])
        at.documents.close(document.uri)
        at.prover.closed(document)
        await until(lambda: at.lean.cancelled == ["f"])


async def test_a_check_that_another_document_wants_too_goes_on_for_that_one() -> None:
    async with desk() as at:
        first = at.open("a", ("f", "wait"))
        second = at.open("b", ("f", "wait"))
        await until(lambda: {*at.standings(first).values(), *at.standings(second).values()} >= {"waiting"})
        checked, other = (first, second) if at.standings(second) == {"f": "waiting"} else (second, first)
        at.documents.close(checked.uri)
        at.prover.closed(checked)
        at.lean.release()
        await at.settled()
        assert at.lean.cancelled == [] and at.lean.asked == ["f"]
        assert at.standings(other) == {"f": "accepted"}


async def test_what_lean_answered_before_is_there_without_asking_also_while_it_is_busy() -> None:
    async with desk() as at:
        at.lean.memory["theorem g \n"] = Answer(False, "1:0: false", 5.0)
        held = at.open("a", ("held", "wait"))
        await until(lambda: at.lean.asked == ["held"])
        known = at.open("b", ("g", ""))
        await until(lambda: at.standings(known) == {"g": "rejected"})
        (proof,) = known.proofs.values()
        assert (proof.code, proof.detail, proof.seconds) == ("TL402", "1:0: false", 5.0)
        assert at.standings(held) == {"held": "checking"} and at.lean.asked == ["held"]


async def test_a_plan_for_another_content_than_the_claims_proves_nothing() -> None:
    async with desk() as at:
        at.planner.change = lambda plans: tuple(Plan(p.claim, "other", p.plan) for p in plans)
        document = at.open("a", ("f", ""))
        await at.settled()
        assert at.standings(document) == {"f": "off"} and at.lean.asked == []


async def test_the_hash_of_a_certificate_is_computed_and_not_believed() -> None:
    async with desk() as at:

        def lying(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
            return tuple(Plan(p.claim, p.key, Certificate("same", f"theorem {p.claim} ", "t")) for p in plans)

        at.planner.change = lying
        document = at.open("a", ("f", ""), ("g", ""))
        await at.settled()
        assert sorted(at.lean.asked) == ["f", "g"]
        digests = {p.certificate.digest for p in document.proofs.values() if p.certificate is not None}
        assert len(digests) == 2


async def test_a_planner_that_stops_leaves_the_claim_without_an_answer() -> None:
    async with desk() as at:

        def stops(plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
            raise AnalysisStopped("it ran out of memory")

        at.planner.change = stops
        document = at.open("a", ("f", ""))
        await at.settled()
        (proof,) = document.proofs.values()
        assert (proof.standing, proof.code) == (Standing.UNANSWERED, "TL401")
        assert "it ran out of memory" in proof.detail


@pytest.mark.parametrize("moment", ["open", "check"])
async def test_without_lean_one_claim_tells_and_asking_again_finds_a_new_one(moment: str) -> None:
    async with desk() as at:
        reason = Unavailable("TL400", "no Lean was found")
        if moment == "open":
            at.lean.missing = reason
        else:
            at.lean.error = reason
        first = at.open("a", ("f", ""), ("g", ""))
        await at.settled()
        second = at.open("b", ("h", ""))
        await at.settled()
        proofs: list[Proof] = [*first.proofs.values(), *second.proofs.values()]
        assert {proof.standing for proof in proofs} == {Standing.UNAVAILABLE}
        assert [proof.announced for proof in proofs].count(True) == 1
        assert len(at.lean.opened) == 1
        at.lean.missing = at.lean.error = None
        at.prover.retry()
        await at.settled()
        assert at.standings(first) == {"f": "accepted", "g": "accepted"}
        assert at.standings(second) == {"h": "accepted"}
        assert not any(proof.announced for proof in first.proofs.values())


@pytest.mark.parametrize("event", ["lost", "off"])
async def test_a_certificate_that_is_ready_only_after_the_end_of_lean_waits_for_nobody(event: str) -> None:
    async with desk() as at:
        ready = at.planner.slow["g"] = asyncio.Event()
        document = at.open("a", ("f", "wait"), ("g", ""))
        await until(lambda: at.lean.asked == ["f"] and at.planner.asked == ["f", "g"])
        if event == "lost":
            at.lean.error = Unavailable("TL400", "no Lean was found")
            at.lean.release()
        else:
            at.prover.prefer(Preferences(enabled=False))
        await at.settled()
        before = at.standings(document)
        ready.set()
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
        assert at.standings(document) == before
        assert at.lean.opened == [None] and at.lean.asked == ["f"]


async def test_a_mistake_of_our_own_is_not_shown_as_a_check_that_still_runs() -> None:
    async with desk() as at:
        at.lean.error = ValueError("unforeseen")
        document = at.open("a", ("f", ""))
        await at.settled()
        (proof,) = document.proofs.values()
        assert proof.standing is Standing.UNANSWERED and "ValueError: unforeseen" in proof.detail
        assert at.lean.asked == ["f"]


async def test_a_person_who_does_not_want_to_wait_gets_rid_of_everything_that_runs() -> None:
    async with desk() as at:
        document = at.open("a", ("f", "wait"), ("g", ""))
        await until(lambda: at.lean.asked == ["f"])
        at.prover.give_up()
        assert set(at.standings(document).values()) == {"unanswered"}
        await until(lambda: at.lean.cancelled == ["f"])
        assert unchecked(document) == []
        at.prover.retry(document, "g")
        await at.settled()
        assert at.standings(document) == {"f": "unanswered", "g": "accepted"}


async def test_making_lean_ready_can_be_cancelled_and_is_not_begun_again_unasked() -> None:
    async with desk() as at:
        at.lean.opening = True
        document = at.open("a", ("f", ""))
        await until(lambda: at.lean.opened == [None])
        at.prover.give_up_preparing()
        await until(lambda: at.lean.cancelled == ["open"])
        at.lean.opening = False
        second = at.open("b", ("g", ""))
        at.prover.look_again()
        assert at.standings(document) == {"f": "unavailable"} and at.standings(second) == {"g": "unavailable"}
        assert [proof.code for proof in document.proofs.values()] == ["TL403"]
        assert at.lean.opened == [None]
        at.prover.retry()
        await at.settled()
        assert at.standings(document) == {"f": "accepted"}


async def test_a_lean_that_was_installed_meanwhile_is_found_when_a_document_is_opened() -> None:
    async with desk() as at:
        at.lean.missing = Unavailable("TL400", "no Lean was found")
        document = at.open("a", ("f", ""))
        await at.settled()
        at.lean.missing = None
        at.prover.look_again()
        await at.settled()
        assert at.standings(document) == {"f": "accepted"}


async def test_lines_that_are_asked_for_again_are_no_news() -> None:
    async with desk() as at:
        first = at.open("a", view=(0, 9))
        second = at.open("b", view=(0, 9))
        at.prover.attend(first, (0, 9))
        assert first.attention < second.attention
        at.prover.attend(first, (10, 19))
        assert first.attention > second.attention


async def test_another_lean_takes_over_what_the_first_has_not_answered() -> None:
    async with desk() as at:
        document = at.open("a", ("done", ""), ("f", "wait"))
        await until(lambda: at.lean.asked == ["done", "f"])
        at.prover.prefer(Preferences(path="/another/lean"))
        await until(lambda: at.lean.cancelled == ["f"])
        at.lean.release()
        await at.settled()
        assert at.lean.opened == [None, "/another/lean"] and at.lean.asked == ["done", "f", "f"]
        assert at.standings(document) == {"done": "accepted", "f": "accepted"}


async def test_turning_lean_off_ends_what_runs_and_turning_it_on_begins_again() -> None:
    async with desk() as at:
        document = at.open("a", ("f", "wait"))
        await until(lambda: at.lean.asked == ["f"])
        at.prover.prefer(Preferences(enabled=False))
        await until(lambda: at.lean.cancelled == ["f"])
        assert at.standings(document) == {"f": "off"}
        at.lean.release()
        at.prover.prefer(Preferences())
        await at.settled()
        assert at.standings(document) == {"f": "accepted"}


async def test_stopping_during_a_check_waits_until_lean_has_ended() -> None:
    async with desk() as at:
        at.open("a", ("f", "wait"), ("g", ""))
        await until(lambda: at.lean.asked == ["f"])
    assert at.lean.cancelled == ["f"] and at.lean.asked == ["f"]


async def test_many_documents_are_served_one_check_at_a_time() -> None:
    async with desk() as at:
        busy = 0
        most = 0
        plain = at.lean.check

        def counted(source: str, timeout: float, cancel: threading.Event) -> Answer:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            answer = plain(source, timeout, cancel)
            busy -= 1
            return answer

        at.lean.check = counted  # type: ignore[method-assign]
        documents = [at.open(f"d{index}", (f"f{index}", ""), (f"g{index}", "")) for index in range(20)]
        await at.settled()
        assert most == 1 and len(at.lean.asked) == 40
        assert all(set(at.standings(document).values()) == {"accepted"} for document in documents)


async def test_lean_gives_its_memory_back_when_nothing_is_asked_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prover, "REST", 0.0)
    async with desk() as at:
        first = at.open("a", ("f", ""))
        await at.settled()
        await until(lambda: at.lean.rested == 1)
        second = at.open("b", ("g", ""))
        await at.settled()
        assert at.standings(first) == {"f": "accepted"} and at.standings(second) == {"g": "accepted"}
        await until(lambda: at.lean.rested == 2)


async def test_certificates_are_not_hoarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prover, "HELD", 1)
    monkeypatch.setattr(service, "KEPT", 20)
    async with desk() as at:
        document = at.open("a", ("f", "wait"), ("g", "something much longer than that"), ("h", ""))
        await until(lambda: at.lean.asked == ["f"])
        assert at.planner.asked == ["f"], "the others are written when there is room"
        at.lean.release()
        await at.settled()
        kept = {p.claim: p.certificate.source for p in document.proofs.values() if p.certificate is not None}
        assert kept == {"f": "theorem f wait\n", "g": "", "h": "theorem h \n"}
        assert set(at.standings(document).values()) == {"accepted"}


async def test_unchecked_parts_name_what_they_wait_for() -> None:
    async with desk() as at:
        document = at.open("a", ("f", "wait"))
        assert [
            (part.stage, document.text.string[part.start : part.end]) for part in unchecked(document)
        ] == [("certificate", "f")]
        await until(lambda: at.lean.asked == ["f"])
        assert [part.stage for part in unchecked(document)] == ["lean"]
        at.edit(document, "[0, 1]", "[0, 2]")
        assert [(part.stage, part.start, part.end) for part in unchecked(document)] == [
            ("analysis", 0, len(document.text.string))
        ]

"""What happens between two steps of something: a document is closed, trust withdrawn, a newer answer already there.

Every wait here is for a gate that the test opens itself, so that each order of events comes about exactly.
"""

from __future__ import annotations

import asyncio
import io
import pathlib
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from lsprotocol import types
from tests.server import toy
from tests.server.environment import until
from tests.server.test_exports import Office
from tests.server.test_exports import document as wanting

from torchlean.analysis.result import FileAnalysis
from torchlean.edits import Fix
from torchlean.source import Span
from torchlean_server import handlers, lean_handlers
from torchlean_server.checking import Checker
from torchlean_server.client import Client
from torchlean_server.configuration import Configuration
from torchlean_server.convert import Converter
from torchlean_server.documents import Documents
from torchlean_server.features.certificates import Offer
from torchlean_server.fixer import Fixer
from torchlean_server.lean.report import Reporter
from torchlean_server.lean.service import Answer, Report
from torchlean_server.lean.threads import LeanThreads
from torchlean_server.pool import Pool, Request
from torchlean_server.process import Worker
from torchlean_server.progress import Progress
from torchlean_server.settings import Settings
from torchlean_server.state import Document

TEXT = "def f():\n    x = [0, 1]\n"


def opened(documents: Documents, text: str = TEXT) -> Document:
    document = Document("file:///m.py", "/m.py", 1, text)
    documents.open(document)
    return document


class Analyses:
    """Each analysis answers when its gate is opened; whoever wants may publish an early layer for it at any time."""

    def __init__(self) -> None:
        self.publish: list[Callable[[FileAnalysis], None]] = []
        self.gates: list[asyncio.Event] = []

    async def analyse(self, request: Request, publish: Callable[[FileAnalysis], None]) -> FileAnalysis:
        self.publish.append(publish)
        gate = asyncio.Event()
        self.gates.append(gate)
        await gate.wait()
        return result(request.text)

    def forget(self, key: str) -> None: ...


def result(text: str, complete: bool = True) -> FileAnalysis:
    return toy._result("/m.py", text, toy.Session(), complete)


@pytest.mark.parametrize("event", ["closed", "cancelled", "answered"])
async def test_an_early_layer_that_is_decoded_too_late_is_not_shown(event: str) -> None:
    documents, analyses, shown = Documents(), Analyses(), list[Document]()
    checker = Checker(documents, analyses, shown.append)
    document = opened(documents)
    checker.text_changed(document)
    await until(lambda: analyses.publish)
    if event == "closed":
        documents.close(document.uri)
        checker.close(document)
    elif event == "cancelled":
        checker.cancel(document)
    else:
        analyses.gates[0].set()
        await until(lambda: not document.checking)
    before = list(shown)
    analyses.publish[0](result(TEXT, complete=False))
    assert shown == before and document.early is None


@pytest.mark.parametrize("steps", range(6))
async def test_whoever_gives_up_at_the_moment_a_worker_is_free_does_not_keep_it(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(size=1)
    (worker,) = pool.workers

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(worker, "ask", never)
    asked = asyncio.create_task(pool.analyse(Request("a", "/a.py", ""), lambda _: None))
    for _ in range(5):
        await asyncio.sleep(0)
    worker._take({"type": "ready"})
    for _ in range(steps):
        await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked], timeout=5)
    assert asked.cancelled() and worker.idle


async def test_trust_that_is_withdrawn_ends_what_runs_and_what_waits(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, "import time; time.sleep(600)")
    office.exporter.allow(True)
    first, second = wanting(tmp_path, wanted="a"), wanting(tmp_path, wanted="b")
    office.documents.open(first)
    office.exporter.follow(first)
    office.exporter.follow(second)
    await until(lambda: office.begun())
    office.exporter.allow(False)
    await until(lambda: not office.exporter._tasks)
    assert len(office.begun()) == 1 and not office.rechecked
    office.exporter.allow(True)
    office.exporter.follow(first)
    await until(lambda: len(office.begun()) == 2)
    office.exporter.stop()
    await until(lambda: not office.exporter._tasks)


class Settling:
    """A client that answers requests for settings in any order."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[list[object]]] = []

    async def workspace_configuration_async(self, params: types.ConfigurationParams) -> list[object]:
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    async def client_register_capability_async(self, params: types.RegistrationParams) -> None: ...

    def window_show_message(self, params: types.ShowMessageParams) -> None: ...


async def test_settings_of_before_that_come_last_do_not_count() -> None:
    client, adopted = Settling(), list[bool]()

    def adopt(_: Settings, new: Settings) -> None:
        adopted.append(new.export)

    configuration = Configuration(client, Client(configuration=True), adopt)
    configuration.take({"export.enabled": True})
    asked = [asyncio.create_task(configuration.fetch()) for _ in range(2)]
    await until(lambda: len(client.answers) == 2)
    client.answers[1].set_result([{"export.enabled": False}])
    await asked[1]
    client.answers[0].set_result([{"export.enabled": True}])
    await asked[0]
    assert adopted == [True, False] and not configuration.settings.export


async def test_whoever_waits_for_a_document_that_was_opened_anew_hears_that_it_was_closed() -> None:
    documents = Documents()
    reporter = Reporter(documents, lambda *_: None)
    document = opened(documents)
    waiting = asyncio.create_task(reporter.wait(document.uri, 5))
    await asyncio.sleep(0)
    documents.close(document.uri)
    reporter.closed(document)
    opened(documents)
    assert (await waiting)["status"] == "closed"


class Slow:
    """A Lean that is made ready until it is let go, and goes on to talk when it is cancelled."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self.let_go = threading.Event()

    def open(self, path: str | None, report: Report, cancel: threading.Event) -> None:
        report(0, 2, "compiling one")
        self.told.set()
        self.let_go.wait()
        report(1, 2, "compiling two")

    def known(self, source: str) -> Answer | None: ...

    def check(self, source: str, timeout: float, cancel: threading.Event) -> Answer:
        raise AssertionError("nothing is asked")

    def rest(self) -> None: ...

    def close(self) -> None: ...


async def test_what_lean_says_after_its_preparation_was_cancelled_is_no_news() -> None:
    lean, heard = Slow(), list[str]()
    threads = LeanThreads(lean)
    opening = asyncio.create_task(threads.open(None, lambda done, total, what: heard.append(what)))
    await until(lambda: lean.told.is_set())
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    before = list(heard)
    lean.let_go.set()
    await threads.close()
    threads.end()
    await asyncio.sleep(0)
    assert heard == before


class Bars:
    """A client's progress bars."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    async def create_async(self, token: str) -> None: ...

    def begin(self, token: str, value: types.WorkDoneProgressBegin) -> None:
        self.begun.append(token)

    def report(self, token: str, value: types.WorkDoneProgressReport) -> None: ...

    def end(self, token: str, value: types.WorkDoneProgressEnd) -> None: ...


async def test_a_document_that_is_opened_anew_has_a_bar_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchlean_server.progress.PATIENCE", 0.0)
    bars = Bars()
    progress = Progress(bars)
    old, new = (Document("file:///m.py", "/m.py", 1, TEXT) for _ in range(2))
    progress.running(old, True)
    progress.running(new, True)  # the analysis of the old one has not heard yet that it is cancelled
    progress.running(old, False)
    await until(lambda: bars.begun)
    assert new in [progress.document(token) for token in bars.begun]
    progress.running(new, False)


async def test_a_set_up_ends_with_the_command_that_asked_for_it() -> None:
    said: list[str | None] = []
    server: Any = SimpleNamespace(
        setting_up=None,
        set_up_command=[sys.executable, "-c", "import time; time.sleep(600)"],
        set_up_bar=SimpleNamespace(say=lambda text, percentage=None: said.append(text)),
    )
    asked = asyncio.create_task(lean_handlers.set_up_lean(server))
    await until(lambda: server.setting_up is not None)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert said == ["starting", None]
    await until(lambda: server.setting_up.cancelled())


async def test_fixes_for_a_text_that_is_gone_are_no_fixes() -> None:
    gate = asyncio.Event()
    fix = Fix("a fix", "TL211", Span("/m.py", 0, 0, 0, 1), ())

    class Workers:
        async def fixes(self, request: Request) -> tuple[Fix, ...]:
            await gate.wait()
            return (fix,)

    documents = Documents()
    document = opened(documents)
    fixer = Fixer(Workers(), documents)
    asked = [asyncio.create_task(fixer.fixes(document, (0, line))) for line in range(2)]
    await asyncio.sleep(0)
    document.changed()  # a file that it depends on is new: nobody drops what runs
    gate.set()
    assert await asyncio.gather(*asked) == [(), ()]
    fixer.drop(document)
    assert await fixer.fixes(document, (0, 1)) == (fix,)


@pytest.mark.parametrize("event", ["nothing", "edited", "closed"])
async def test_actions_for_a_text_that_is_gone_are_not_offered(
    event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.actions, "lines", lambda *_: (0, 1))
    monkeypatch.setattr(handlers.certificates, "offers", lambda *_: [Offer("a command", "x", ())])
    gate = asyncio.Event()

    class Workers:
        async def fixes(self, request: Request) -> tuple[Fix, ...]:
            await gate.wait()
            return ()

    documents = Documents()
    document = opened(documents)
    server: Any = SimpleNamespace(
        documents=documents,
        client=Client(code_actions=True),
        converter=Converter("utf-16", lambda _: None),
        exporter=SimpleNamespace(allowed=False),
        fixer=Fixer(Workers(), documents),
    )
    start = types.Position(0, 0)
    identifier = types.TextDocumentIdentifier(document.uri)
    params = types.CodeActionParams(identifier, types.Range(start, start), types.CodeActionContext([]))
    asked = asyncio.create_task(handlers.code_actions(server, params))
    await asyncio.sleep(0)
    if event == "edited":
        document.edit(0, 0, "# new\n")
        document.changed(2)
    elif event == "closed":
        documents.close(document.uri)
    gate.set()
    answer = await asked
    assert (answer is None) == (event != "nothing")


@pytest.mark.parametrize("stderr", ["none", "closed", "broken"])
async def test_a_worker_whose_words_nobody_can_read_goes_on(
    stderr: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", {"none": None, "closed": closed, "broken": Broken()}[stderr])
    words = asyncio.StreamReader()
    words.feed_data(b"one\ntwo\n")
    words.feed_eof()
    worker = Worker([], lambda: None, lambda _: None)
    await worker._forward(words)
    assert worker.last_lines == "one\ntwo"

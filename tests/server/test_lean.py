"""Lean beside the editor, over a real connection. The analysis and Lean are toys that do what claims tell them."""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from lsprotocol import types
from tests.server.editor import TOY, TOY_LEAN, Editor, editing
from tests.server.environment import ENVIRONMENT, until
from tests.server.fake_lean import log
from tests.server.raw import start
from tests.server.test_lifecycle import assert_gone, initialized


def claim(name: str, orders: str) -> str:
    return f'def {name}():\n    "{orders}"\n    x = [0, 1]\n\n\n'


@asynccontextmanager
async def editor_with_lean(
    folder: pathlib.Path, profile: str = "modern", **lean: object
) -> AsyncIterator[Editor]:
    settings = {"lean": {"path": str(folder), **lean}}
    async with editing(profile, *TOY_LEAN, configuration=settings, lean=True) as editor:
        yield editor


async def test_a_claim_that_lean_accepts_says_so_everywhere(tmp_path: pathlib.Path) -> None:
    async with editor_with_lean(tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "accept") + "def unasked(): pass\n")
        answer = await editor.wait_until_checked(uri)
        assert answer["status"] == "checked"
        assert [(c["name"], c["evidence"], c["lean"]) for c in answer["claims"]] == [
            ("f", "kernel", "accepted"),
            ("unasked", "engine", None),
        ]
        assert await editor.titles(uri) == [
            "proved (Lean kernel, 3.1 s) · margin ≥ 1",
            "proved (engine) · margin ≥ 1",
        ]
        hover = await editor.hover_text(uri, "f():")
        assert "evidence: kernel (accepted by the Lean kernel in 3.1 s); it says: toy arithmetic" in hover
        messages = [problem.message for problem in await editor.problems(uri)]
        assert messages == [
            "f: toy proof; the Lean kernel accepted the theorem Toy.f in 3.1 s",
            "unasked: toy proof",
        ]
        await until(lambda: editor.stages(uri) == [])


async def test_while_lean_is_at_work_the_claim_is_proved_by_bounds_and_listed_as_unchecked(
    tmp_path: pathlib.Path,
) -> None:
    async with editor_with_lean(tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "hold on"))
        await until(lambda: editor.stages(uri) == ["lean"])
        assert await editor.titles(uri) == ["proved by bounds, Lean checking... · margin ≥ 1"]
        assert await editor.codes(uri) == ["TL300"]
        await until(lambda: log(tmp_path) == ["open", "check f"])
        # What does not change the claim leaves the check alone; what is shown moves with the text.
        editor.edit(uri, "def f", "# a remark\ndef f")
        await until(lambda: editor.stages(uri) == ["lean"])
        (tmp_path / "on").touch()
        assert (await editor.wait_until_checked(uri))["claims"][0]["evidence"] == "kernel"
        assert log(tmp_path) == ["open", "check f", "answered f"]


async def test_an_edit_that_changes_the_claim_ends_its_check_and_begins_another(
    tmp_path: pathlib.Path,
) -> None:
    async with editor_with_lean(tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "hold on"))
        await until(lambda: log(tmp_path) == ["open", "check f"])
        waiting = asyncio.ensure_future(editor.wait_until_checked(uri, 1))
        editor.edit(uri, "hold on", "accept")
        assert (await waiting)["status"] == "superseded"
        assert (await editor.wait_until_checked(uri))["claims"][0]["lean"] == "accepted"
        assert log(tmp_path) == ["open", "check f", "cancelled f", "check f", "answered f"]


async def test_the_check_of_one_claim_is_cancelled_and_the_others_go_on(tmp_path: pathlib.Path) -> None:
    async with editor_with_lean(tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "hold on") + claim("g", "accept"))
        await until(lambda: log(tmp_path) == ["open", "check f"])
        await editor.command("torchlean.cancelCheck", uri, "f")
        answer = await editor.wait_until_checked(uri)
        assert [(c["name"], c["lean"]) for c in answer["claims"]] == [("f", "unanswered"), ("g", "accepted")]
        assert "cancelled" in answer["claims"][0]["detail"]
        assert log(tmp_path)[:4] == ["open", "check f", "cancelled f", "check g"]


async def test_what_lean_rejects_or_cannot_answer_stays_proved_by_bounds_with_a_diagnostic(
    tmp_path: pathlib.Path,
) -> None:
    async with editor_with_lean(tmp_path) as editor:
        text = claim("r", "reject") + claim("c", "crash") + claim("u", "uncheckable")
        uri = editor.open(tmp_path / "m.py", text)
        answer = await editor.wait_until_checked(uri)
        assert [(c["verdict"], c["evidence"], c["lean"]) for c in answer["claims"]] == [
            ("proved", "engine", "rejected"),
            ("proved", "engine", "unanswered"),
            ("proved", "engine", "uncheckable"),
        ]
        assert await editor.titles(uri) == [
            "proved by bounds, rejected by Lean · margin ≥ 1",
            "proved by bounds, not checked by Lean: Lean ended without an answer: signal 11 · margin ≥ 1",
            "proved by bounds, not checked by Lean: op tanh is outside the checker · margin ≥ 1",
        ]
        problems = {str(problem.code): problem for problem in await editor.problems(uri)}
        assert sorted(problems) == ["TL300", "TL401", "TL402"]
        assert "1:0: false" in problems["TL402"].message
        assert problems["TL402"].severity == types.DiagnosticSeverity.Warning
        assert "signal 11" in problems["TL401"].message
        # Another remark is no reason to ask again; a person is.
        editor.edit(uri, "def r", "# a remark\ndef r")
        await editor.wait_until_checked(uri)
        assert log(tmp_path).count("check c") == 1
        assert list(await editor.offers(uri, "c():")) == [
            "Open the Lean certificate of c",
            "Check c with Lean again",
        ]
        await editor.command("torchlean.checkWithLean", uri, "c")
        await editor.wait_until_checked(uri)
        assert log(tmp_path).count("check c") == 2


async def test_without_lean_everything_else_works_and_one_hint_says_how_to_get_it(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / "missing").touch()
    async with editor_with_lean(tmp_path) as editor:
        first = editor.open(tmp_path / "a.py", claim("f", "accept") + claim("g", "accept"))
        assert (await editor.wait_until_checked(first))["claims"][0]["lean"] == "unavailable"
        second = editor.open(tmp_path / "b.py", claim("h", "accept"))
        await editor.wait_until_checked(second)
        assert await editor.codes(first) == ["TL300", "TL300", "TL400"]
        assert await editor.codes(second) == ["TL300"]
        (hint,) = [p for p in await editor.problems(first) if p.code == "TL400"]
        assert "torchlean lean setup" in hint.message and hint.severity == types.DiagnosticSeverity.Hint
        assert (await editor.titles(second)) == [
            "proved by bounds, not checked by Lean: Lean is not set up · margin ≥ 1"
        ]
        assert "Set up Lean for TorchLean" in await editor.offers(first, "f():")
        (tmp_path / "missing").unlink()
        await editor.command("torchlean.checkWithLean")
        for uri in (first, second):
            answer = await editor.wait_until_checked(uri)
            assert {claim["lean"] for claim in answer["claims"]} == {"accepted"}
        assert await editor.codes(first) == ["TL300", "TL300"]


async def test_a_lean_that_cannot_be_run_is_no_lean(tmp_path: pathlib.Path) -> None:
    settings = {"lean": {"path": str(tmp_path / "no_such_lean")}}
    async with editing("modern", *TOY, configuration=settings, lean=True) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "accept"))
        assert (await editor.wait_until_checked(uri))["claims"][0]["lean"] == "unavailable"
        (hint,) = [problem for problem in await editor.problems(uri) if problem.code == "TL400"]
        assert "no_such_lean" in hint.message
        assert "[0, 1]" in (await editor.hover_text(uri, "x ="))


async def test_a_bar_shows_what_lean_checks_and_cancelling_it_ends_that(tmp_path: pathlib.Path) -> None:
    async with editor_with_lean(tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "hold on") + claim("g", "accept"))

        def bars() -> list[tuple[str, list[types.WorkDoneProgressBegin]]]:
            reports = editor.client.progress_reports.items()
            return [
                (str(token), list(all)) for token, all in reports if str(token).startswith("torchlean-lean")
            ]

        await until(lambda: any(report.message == "f, 1 more" for _, all in bars() for report in all))
        ((token, reports),) = bars()
        assert reports[0].title == "TorchLean: Lean is checking"
        editor.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        answer = await editor.wait_until_checked(uri)
        assert [(c["lean"], c["detail"]) for c in answer["claims"]] == [
            ("unanswered", "the check was cancelled")
        ] * 2
        await until(lambda: bars()[0][1][-1].kind == "end")
        await until(lambda: log(tmp_path) == ["open", "check f", "cancelled f"])


async def test_a_certificate_is_opened_as_a_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "TORCHLEAN_CACHE", str(tmp_path / "cache"))
    async with editor_with_lean(tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "accept"))
        await editor.wait_until_checked(uri)
        ((command, arguments),) = (await editor.offers(uri, "f():")).values()
        answer = await editor.command(command, *arguments)
        path = pathlib.Path(answer["path"])
        assert path.read_text(encoding="utf-8") == "theorem f accept\n"
        assert path.name == "f.lean" and editor.shown == [path.as_uri()]
        assert path.is_relative_to(tmp_path / "cache")


async def test_lean_is_not_asked_where_it_is_turned_off(tmp_path: pathlib.Path) -> None:
    async with editor_with_lean(tmp_path, enabled=False) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "accept"))
        await editor.wait_until_checked(uri)
        assert await editor.titles(uri) == ["proved (engine) · margin ≥ 1"]
        assert log(tmp_path) == []


async def test_nothing_is_checked_of_a_document_whose_analysis_stopped(tmp_path: pathlib.Path) -> None:
    async with editor_with_lean(tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", claim("f", "accept") + "# crash")
        assert (await editor.wait_until_checked(uri))["status"] == "stopped"
        assert editor.stages(uri) == ["stopped"]
        editor.close(uri)
        assert (await editor.wait_until_checked(uri))["status"] == "closed"


@pytest.mark.parametrize("ending", ["shutdown", "vanish"])
def test_no_process_of_lean_outlives_a_server_that_ends_during_a_check(
    tmp_path: pathlib.Path, ending: str
) -> None:
    server: subprocess.Popen[bytes] = start(*TOY_LEAN)
    try:
        raw = initialized(server)
        raw.send("workspace/didChangeConfiguration", {"settings": {"lean": {"path": str(tmp_path)}}})
        raw.open("file:///m.py", claim("f", "hold on"))
        asyncio.run(until(lambda: "check f" in log(tmp_path) and "pid" in (tmp_path / "log").read_text()))
        lines = (tmp_path / "log").read_text().splitlines()
        pids = [int(line.split()[1]) for line in lines if line.startswith("pid")]
        if ending == "shutdown":
            raw.ask("shutdown")
            raw.send("exit")
        else:
            assert server.stdin is not None
            server.stdin.close()
            server.stdin = None
        assert server.wait(60) == (0 if ending == "shutdown" else 1)
        assert_gone(pids)
    finally:
        server.kill()
        server.communicate()

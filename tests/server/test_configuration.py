"""Settings over the wire, and what the limits do."""

from __future__ import annotations

import os
import pathlib
import signal

import pytest
from lsprotocol import types
from tests.server.editor import TOY, Editor, editing
from tests.server.environment import until

TEXT = "def f():\n    x = [0, 1]\n"


def warnings(editor: Editor) -> list[str]:
    return [message.message for message in editor.client.messages]


async def test_settings_are_asked_for_and_asked_for_again(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY, configuration={"inlayHints": {"enabled": False}}) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.problems(uri)
        assert await editor.hints(uri) == []
        editor.client.set_configuration({"inlayHints": {"enabled": True}}, section="torchlean")
        editor.refreshed.clear()
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
        await until(lambda: "inlay hints" in editor.refreshed)
        assert await editor.hints(uri) == ["1: ∈ [0, 1]"]
        assert warnings(editor) == []


async def test_a_bad_setting_is_said_once_and_its_default_used(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY, configuration={"analysis": {"timeout": "soon"}}) as editor:
        await until(lambda: warnings(editor))
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
        uri = editor.open(tmp_path / "m.py", TEXT)
        assert await editor.codes(uri) == ["TL300"]
        (message,) = warnings(editor)
        assert message.startswith("TL501: `torchlean.analysis.timeout` should be seconds above 0, got 'soon'")


@pytest.mark.parametrize("options", [{"torchlean": {"analysis": {"timeout": 1}}}, {"analysis.timeout": 1}])
async def test_clients_without_configuration_requests_set_the_timeout_at_the_start(
    tmp_path: pathlib.Path, options: object
) -> None:
    async with editing("neovim@0.7.0", *TOY, options=options) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.problems(uri)
        editor.edit(uri, "def f", "# stubborn 60\ndef f")
        problems = {str(problem.code): problem.message for problem in await editor.problems(uri)}
        assert "took longer than 1 s" in problems["TL502"]
        assert "stale" in problems["TL300"]
        assert (
            "stale: for the text before your last edit; it took longer than 1 s"
            in await editor.hover_text(uri, "x =")
        )
        editor.edit(uri, "# stubborn 60\n", "")
        assert await editor.codes(uri) == ["TL300"]


async def test_settings_that_are_pushed_are_adopted(tmp_path: pathlib.Path) -> None:
    async with editing("neovim@0.7.0", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        assert await editor.hints(uri) == ["1: ∈ [0, 1]"]
        section = {"torchlean": {"inlayHints": {"enabled": False}, "analysis": {"memory": 5}}}
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=section))
        await until(lambda: warnings(editor))
        assert await editor.hints(uri) == []
        assert "at least 512" in warnings(editor)[0]


async def test_an_analysis_that_takes_too_much_memory_is_reported(tmp_path: pathlib.Path) -> None:
    async with editing("neovim@0.7.0", *TOY, options={"analysis": {"memory": 512}}) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT + "# memory\n")
        (problem,) = await editor.problems(uri)
        assert problem.code == "TL502" and "out of memory" in problem.message
        assert problem.range.start == types.Position(0, 0)


async def test_a_crash_is_reported_on_its_document_only(tmp_path: pathlib.Path) -> None:
    async with editing("neovim@0.7.0", *TOY) as editor:
        bad = editor.open(tmp_path / "bad.py", "# crash\n")
        good = editor.open(tmp_path / "good.py", TEXT)
        assert await editor.codes(good) == ["TL300"]
        (problem,) = await editor.problems(bad)
        assert problem.code == "TL502" and "RuntimeError: told to crash" in problem.message


async def test_a_worker_killed_in_mid_analysis_costs_nothing_but_time(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        over = tmp_path / "over"
        uri = editor.open(tmp_path / "m.py", TEXT + f"# sleep 60 unless {over}\n")
        await until_busy(editor)
        (pid,) = [w["pid"] for w in (await editor.statistics())["workers"] if w["state"] == "busy"]
        os.kill(pid, signal.SIGKILL)
        over.touch()
        await editor.checked(uri)
        assert await editor.codes(uri) == ["TL300"]
        assert (await editor.statistics())["analyses"]["retried"] == 1


async def until_busy(editor: Editor) -> None:
    async def busy() -> bool:
        return any(worker["state"] == "busy" for worker in (await editor.statistics())["workers"])

    await until(busy)


async def test_imports_are_looked_for_in_the_workspaces_folders_of_now(tmp_path: pathlib.Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    async with editing("modern", *TOY, root=first) as editor:
        uri = editor.open(first / "m.py", "# roots\n")
        assert [problem.message for problem in await editor.problems(uri)] == [str(first)]
        added = types.WorkspaceFoldersChangeEvent([types.WorkspaceFolder(second.as_uri(), "second")], [])
        editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(added))
        assert [problem.message for problem in await editor.problems(uri)] == [f"{first} {second}"]

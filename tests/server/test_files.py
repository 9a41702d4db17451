"""Files that a document depends on: changed, half written, missing, and reported by the client."""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsprotocol import types
from tests.server.editor import TOY, Editor, editing
from tests.server.environment import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim@0.7.0", "modern"])
async def editor(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    async with editing(request.param, *TOY) as editor:
        yield editor


def needing(path: pathlib.Path) -> str:
    return f"# needs {path}\ndef f():\n    x = [0, 1]\n"


async def codes_become(editor: Editor, uri: str, wanted: list[str]) -> None:
    """Wait until the client would show these, without an edit. Pushes must come by themselves."""

    def now() -> list[str]:
        push = editor.last_push(uri)
        return sorted(str(problem.code) for problem in push.diagnostics) if push else []

    if not editor.pulls:
        await until(lambda: now() == wanted)
        return
    await until(lambda: "diagnostics" in editor.refreshed)
    editor.refreshed.clear()

    async def answered() -> bool:
        return await editor.codes(uri) == wanted

    await until(answered)


async def test_a_weight_file_that_appears_is_noticed(editor: Editor, tmp_path: pathlib.Path) -> None:
    weights = tmp_path / "weights"
    uri = editor.open(tmp_path / "m.py", needing(weights))
    assert await editor.codes(uri) == ["TL110", "TL300"]
    weights.write_text("1.5")
    await codes_become(editor, uri, ["TL300"])


async def test_a_replaced_weight_file_is_read_again(editor: Editor, tmp_path: pathlib.Path) -> None:
    weights = tmp_path / "weights"
    weights.write_text("1.5")
    uri = editor.open(tmp_path / "m.py", needing(weights))
    assert await editor.codes(uri) == ["TL300"]
    before = (await editor.statistics())["analyses"]["completed"]
    (tmp_path / "new").write_text("2.5")
    os.replace(tmp_path / "new", weights)
    await _until_completed(editor, before + 1)
    assert await editor.codes(uri) == ["TL300"]


async def test_a_folder_that_is_removed_and_made_anew_is_still_watched(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    weights = tmp_path / "runs" / "last" / "weights"
    uri = editor.open(tmp_path / "m.py", needing(weights))
    assert await editor.codes(uri) == ["TL110", "TL300"]
    for _ in range(2):
        editor.refreshed.clear()
        weights.parent.mkdir(parents=True)
        weights.write_text("1.5")
        await codes_become(editor, uri, ["TL300"])
        editor.refreshed.clear()
        shutil.rmtree(tmp_path / "runs")
        await codes_become(editor, uri, ["TL110", "TL300"])


async def _until_completed(editor: Editor, count: int) -> None:
    async def completed() -> bool:
        return bool((await editor.statistics())["analyses"]["completed"] >= count)

    await until(completed)


async def test_a_half_written_file_keeps_the_last_good_result_as_stale(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    weights = tmp_path / "weights"
    weights.write_text("1.5")
    uri = editor.open(tmp_path / "m.py", needing(weights))
    assert await editor.codes(uri) == ["TL300"]
    before = (await editor.statistics())["analyses"]["completed"]
    weights.write_text("half wri")
    await _until_completed(editor, before + 1)
    text = await editor.hover_text(uri, "x =")
    assert "[0, 1]" in text and f"stale: from before {weights} changed, being checked" in text
    weights.write_text("2.5")
    await editor.checked(uri)
    assert await editor.codes(uri) == ["TL300"]
    assert "stale" not in await editor.hover_text(uri, "x =")


async def test_a_file_that_stays_unreadable_is_an_error_in_the_end(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    weights = tmp_path / "weights"
    weights.write_text("1.5")
    uri = editor.open(tmp_path / "m.py", needing(weights))
    assert await editor.codes(uri) == ["TL300"]
    editor.refreshed.clear()
    weights.unlink()
    await _until_checking(editor, uri)
    await editor.checked(uri)
    assert await editor.codes(uri) == ["TL110", "TL300"]


async def _until_checking(editor: Editor, uri: str) -> None:
    async def checking() -> bool:
        return bool((await editor.figures(uri))["checking"])

    await until(checking)


async def test_changes_that_only_the_client_sees_count_too(editor: Editor, tmp_path: pathlib.Path) -> None:
    weights = tmp_path / "missing" / "weights"
    uri = editor.open(tmp_path / "m.py", needing(weights))
    # No folder, so nothing can be watched here.
    assert await editor.codes(uri) == ["TL110", "TL300"]
    before = (await editor.statistics())["analyses"]["completed"]
    change = types.FileEvent(weights.as_uri(), types.FileChangeType.Created)
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
    await _until_completed(editor, before + 1)


async def test_a_client_that_can_watch_files_is_asked_to(editor: Editor) -> None:
    assert editor.client.capabilities is not None and editor.client.capabilities.workspace is not None
    watched = editor.client.capabilities.workspace.did_change_watched_files
    able = bool(watched and watched.dynamic_registration)
    await editor.statistics()
    assert ("workspace/didChangeWatchedFiles" in editor.registered) == able

"""The server over real standard streams, as four kinds of clients see it. The analysis is the toy."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from tests.server.editor import PROFILES, TOY, Editor, editing
from tests.server.environment import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = """\
def small():
    x = [0, 1]


def 値段():
    s = '😀'; y = [-2, 3.33333333]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=PROFILES)
async def editor(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    async with editing(request.param, *TOY) as editor:
        yield editor


async def test_the_client_is_offered_what_it_can_use(editor: Editor) -> None:
    assert editor.result is not None
    offered = editor.result.capabilities
    sync = offered.text_document_sync
    assert isinstance(sync, types.TextDocumentSyncOptions)
    assert sync.change == types.TextDocumentSyncKind.Incremental
    assert offered.hover_provider and offered.inlay_hint_provider and offered.code_lens_provider
    assert offered.document_symbol_provider
    assert (offered.diagnostic_provider is not None) == editor.pulls
    assert offered.execute_command_provider is not None
    assert set(offered.execute_command_provider.commands) == {
        "torchlean.selectDomain",
        "torchlean.checkFile",
        "torchlean.cancelCheck",
        "torchlean.openCertificate",
        "torchlean.checkWithLean",
        "torchlean.setUpLean",
        "torchlean.drawLyapunov",
        "torchlean.largestLevel",
        "torchlean.captureByExport",
    }


async def test_diagnostics_come_for_the_version_they_speak_about(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    problems = await editor.problems(uri)
    assert [problem.message for problem in problems] == ["small: toy proof", "値段: toy proof"]
    start = TEXT.index("値段")
    assert problems[1].range == types.Range(editor.position(uri, start), editor.position(uri, start + 2))
    assert problems[1].source == "torchlean" and problems[1].code == "TL300"
    editor.edit(uri, "def small", "def tiny")
    assert [problem.message for problem in await editor.problems(uri)] == [
        "tiny: toy proof",
        "値段: toy proof",
    ]


async def test_edits_beside_wide_characters_reach_the_right_place(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    editor.edit(uri, "'😀'; y", "'😀値😀'; wide")
    editor.edit(uri, "3.33333333", "7")
    await editor.problems(uri)
    found = await editor.hover(uri, "wide")
    assert found is not None and found.range is not None
    start = editor.texts[uri].index("wide")
    assert found.range.start == editor.position(uri, start)
    assert found.range.end == editor.position(uri, start + len("wide = [-2, 7]"))
    assert "[-2, 7]" in await editor.hover_text(uri, "wide")


async def test_a_whole_text_may_be_sent_instead_of_an_edit(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    await editor.problems(uri)
    editor.replace(uri, TEXT.replace("[0, 1]", "[0, 9]"))
    await editor.problems(uri)
    assert "[0, 9]" in await editor.hover_text(uri, "x =")


async def test_hover_hints_lenses_and_outline_agree(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    assert await editor.hints(uri) == ["1: ∈ [0, 1]", "5: ∈ [-2, 3.3334]"]
    assert await editor.titles(uri) == ["proved (engine) · margin ≥ 1"] * 2
    assert "[-2, 3.3334]" in await editor.hover_text(uri, "y =")
    outline = await editor.client.text_document_document_symbol_async(
        types.DocumentSymbolParams(editor.document(uri))
    )
    assert [symbol.name for symbol in outline or []] == ["small", "値段"]


async def test_broken_code_keeps_what_was_known_as_stale_until_it_is_repaired(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    await editor.problems(uri)
    editor.edit(uri, "[0, 1]", "[0, 1")
    problems = {str(problem.code): problem.message for problem in await editor.problems(uri)}
    assert problems["TL100"] == "toy syntax error"
    assert "(stale: from before the syntax error)" in problems["TL300"]
    assert "stale: from before the syntax error" in await editor.hover_text(uri, "y =")
    assert await editor.hints(uri) == ["5: ∈ [-2, 3.3334] (stale)"]
    editor.edit(uri, "[0, 1", "[0, 4]")
    assert await editor.codes(uri) == ["TL300", "TL300"]
    assert await editor.hints(uri) == ["1: ∈ [0, 4]", "5: ∈ [-2, 3.3334]"]


async def test_a_hover_during_a_check_shows_the_moved_result_as_stale(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    await editor.problems(uri)
    over = tmp_path / "over"
    editor.edit(uri, "def small", f"# early 60 unless {over}\n\ndef small")
    assert "stale: for the text before your last edit, being checked" in await editor.hover_text(uri, "y =")
    assert all("stale" in hint for hint in await editor.hints(uri))
    assert all(title.endswith("stale, being checked") for title in await editor.titles(uri))
    over.touch()
    await editor.checked(uri)
    assert "stale" not in await editor.hover_text(uri, "y =")
    assert await editor.hints(uri) == ["3: ∈ [0, 1]", "7: ∈ [-2, 3.3334]"]


async def test_a_hundred_edits_are_few_analyses_and_the_last_one_counts(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    await editor.problems(uri)
    before = (await editor.statistics())["analyses"]["started"]
    for index in range(100):
        editor.edit(uri, f"[{index}, " if index else "[0, ", f"[{index + 1}, ")
        await asyncio.sleep(0.02)
    await editor.problems(uri)
    after = (await editor.statistics())["analyses"]["started"]
    # Three on a quiet machine; on a loaded one pauses of the test itself look like pauses of a person.
    # How many they are for which edits is tested without a clock (test_scheduling).
    assert after - before < 100
    assert "[100, 1]" in (await editor.hover_text(uri, "x =")).replace("[1, 100]", "[100, 1]")


async def test_pushed_versions_never_go_back(editor: Editor, tmp_path: pathlib.Path) -> None:
    if editor.pulls:
        pytest.skip("this client pulls")
    uri = editor.open(tmp_path / "m.py", TEXT + "# early 0.1\n")
    for index in range(20):
        editor.edit(uri, "def small", f"# {index}\ndef small")
        await asyncio.sleep(0.02 if index % 5 else 0.3)
    await editor.problems(uri)
    versions = [push.version for push in editor.pushed if push.uri == uri]
    assert versions == sorted(versions, key=lambda version: version or 0)
    assert versions[-1] == 21


async def test_shape_problems_of_a_slow_check_are_pushed_ahead(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    if editor.pulls:
        pytest.skip("this client pulls")
    over = tmp_path / "over"
    uri = editor.open(tmp_path / "m.py", TEXT + f"# needs {tmp_path}/missing\n# early 60 unless {over}\n")
    await until(lambda: editor.last_push(uri))
    first = editor.last_push(uri)
    assert first is not None and [problem.code for problem in first.diagnostics] == ["TL110"]
    over.touch()
    await editor.checked(uri)
    assert await editor.codes(uri) == ["TL110", "TL300", "TL300"]


async def test_a_pull_that_finds_nothing_new_says_so(editor: Editor, tmp_path: pathlib.Path) -> None:
    if not editor.pulls:
        pytest.skip("this client is pushed to")
    uri = editor.open(tmp_path / "m.py", TEXT)
    await editor.checked(uri)
    first = await editor.client.text_document_diagnostic_async(
        types.DocumentDiagnosticParams(editor.document(uri))
    )
    editor.edit(uri, "[0, 1]", "[0, 2]")
    await editor.checked(uri)
    again = types.DocumentDiagnosticParams(editor.document(uri), previous_result_id=first.result_id)
    assert (await editor.client.text_document_diagnostic_async(again)).kind == "unchanged"
    editor.edit(uri, "def small", "def smaller")
    await editor.checked(uri)
    assert (await editor.client.text_document_diagnostic_async(again)).kind == "full"


async def test_a_client_that_can_be_told_to_ask_again_is_told(editor: Editor, tmp_path: pathlib.Path) -> None:
    able = set(editor_refreshes(editor))
    over = tmp_path / "over"
    uri = editor.open(tmp_path / "m.py", TEXT + f"# sleep 60 unless {over}\n")
    editor.refreshed.clear()
    await asyncio.gather(editor.hints(uri), editor.titles(uri))
    if "diagnostics" in able:
        assert await editor.pull(uri) == []
    over.touch()
    await editor.checked(uri)
    if able:
        await until(lambda: able <= set(editor.refreshed))
    assert set(editor.refreshed) == able
    assert len(await editor.problems(uri)) == 2


def editor_refreshes(editor: Editor) -> list[str]:
    workspace = editor.client.capabilities.workspace if editor.client.capabilities else None
    assert workspace is not None
    parts = {
        "diagnostics": workspace.diagnostics,
        "inlay hints": workspace.inlay_hint,
        "code lenses": workspace.code_lens,
    }
    return [name for name, part in parts.items() if part and part.refresh_support]


async def test_the_domain_shown_can_be_selected(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    await editor.problems(uri)
    lens = (await editor.lenses(uri))[1]
    assert lens.command is not None and list(lens.command.arguments or []) == [uri, "claim:値段"]
    assert await editor.command(lens.command.command, *list(lens.command.arguments or [])) == {
        "selected": "claim:値段"
    }
    assert [title.endswith("domain shown") for title in await editor.titles(uri)] == [False, True]
    editor.answer_to_question = "claim:small"
    assert await editor.command("torchlean.selectDomain", uri) == {"selected": "claim:small"}
    assert await editor.command("torchlean.selectDomain", uri, None) == {"selected": None}


@pytest.mark.parametrize("arguments", [[], ["file:///not/open.py"], [7], ["URI", "nobody"], ["URI", 3]])
async def test_a_command_with_bad_arguments_is_an_error_that_explains(
    editor: Editor, tmp_path: pathlib.Path, arguments: list[object]
) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    await editor.problems(uri)
    with pytest.raises(JsonRpcException, match=r"torchlean\.selectDomain"):
        await editor.command("torchlean.selectDomain", *[uri if a == "URI" else a for a in arguments])


async def test_documents_of_other_kinds_are_left_alone(editor: Editor, tmp_path: pathlib.Path) -> None:
    before = (await editor.statistics())["analyses"]["started"]
    other = editor.open(tmp_path / "a.txt", TEXT, language="plaintext")
    declined = editor.open("git:/m.py?HEAD", TEXT)
    for uri in (other, declined):
        assert await editor.hover(uri, "x =") is None
        editor.edit(uri, "def small", "def s")
    assert (await editor.statistics())["analyses"]["started"] == before
    assert any("git" in message.message for message in editor.client.log_messages)


async def test_an_unsaved_new_document_is_analysed(editor: Editor) -> None:
    uri = editor.open("untitled:Untitled-1", TEXT)
    assert await editor.codes(uri) == ["TL300", "TL300"]
    editor.close(uri)


async def test_a_huge_file_is_declined_with_a_reason(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = editor.open(tmp_path / "m.py", "# " + "x" * 2_100_000)
    (problem,) = await editor.problems(uri)
    assert problem.code == "TL105" and "2.1 million characters" in problem.message
    editor.replace(uri, TEXT)
    assert await editor.codes(uri) == ["TL300", "TL300"]


async def test_two_names_of_one_file_are_two_documents(editor: Editor, tmp_path: pathlib.Path) -> None:
    plain = editor.open(tmp_path / "m.py", TEXT)
    dotted = editor.open(f"{tmp_path.as_uri()}/./m.py", "def other():\n    z = [5, 6]\n")
    assert "[0, 1]" in (await editor.problems(plain), await editor.hover_text(plain, "x ="))[1]
    assert "[5, 6]" in (await editor.problems(dotted), await editor.hover_text(dotted, "z ="))[1]


async def test_an_edit_of_an_open_import_is_seen_by_its_importer(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    library = editor.open(tmp_path / "library.py", "first = 1\n")
    uri = editor.open(tmp_path / "m.py", "# shows library.py\n")

    async def message() -> str:
        await editor.checked(uri)
        if editor.pulls:
            return (await editor.problems(uri))[0].message
        push = editor.last_push(uri)
        return push.diagnostics[0].message if push and push.diagnostics else ""

    assert await message() == "library.py starts with first = 1"
    editor.edit(library, "first", "second")
    await editor.problems(library)
    assert await message() == "library.py starts with second = 1"


async def test_progress_is_shown_for_long_checks_and_can_be_cancelled(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    reports = editor.client.progress_reports
    reports.clear()
    uri = editor.open(tmp_path / "m.py", TEXT + "# sleep 60\n")
    await until(lambda: any(values for values in reports.values()))
    (token,) = reports
    editor.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
    (problem,) = await editor.problems(uri)
    assert problem.code == "TL105" and "cancelled" in problem.message
    await until(lambda: len(reports[token]) == 2)
    assert [report.kind for report in reports[token]] == ["begin", "end"]
    assert "m.py" in reports[token][0].title


async def test_a_check_that_was_cancelled_by_command_is_started_again_by_command(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT + f"# sleep 60 unless {tmp_path / 'now'}\n")
    await until(lambda: editor.stages(uri) == ["analysis"])
    await editor.command("torchlean.cancelCheck", uri)
    assert await editor.codes(uri) == ["TL105"]
    (tmp_path / "now").touch()
    await editor.command("torchlean.checkFile", uri)
    await until(lambda: editor.stages(uri) == [])
    assert await editor.codes(uri) == ["TL300", "TL300"]


async def test_closing_takes_the_problems_back(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = editor.open(tmp_path / "m.py", TEXT)
    await editor.problems(uri)
    editor.close(uri)
    if editor.pulls:
        assert await editor.pull(uri) == []
    else:
        await until(lambda: not [p for p in editor.pushed if p.uri == uri][-1].diagnostics)
    assert await editor.hover(uri, "x =") is None

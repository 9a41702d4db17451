"""Quick fixes over the wire: what the menu offers, and what the text is after the edit was applied."""

from __future__ import annotations

import asyncio

import pytest
from lsprotocol import types
from tests.server.editor import Editor, editing

from torchlean.edits import Edit, applied
from torchlean.source import Span

TEXT = """\
import torch

import torchlean as tl

β = "😀"; x = torch.rand(4)


def loss(logits):
    '''😀'''; p = torch.softmax(logits, dim=0); return -torch.log(p).mean()


@tl.claim(logits=tl.box([-300.0, -300.0], [300.0, 300.0]))
def is_positive(logits):
    return loss(logits) >= -1.0
"""


async def actions(
    editor: Editor, uri: str, words: str, only: list[types.CodeActionKind | str] | None = None
) -> list[types.CodeAction]:
    at = editor.texts[uri].index(words)
    place = types.Range(editor.position(uri, at), editor.position(uri, at + len(words)))
    found = await editor.client.text_document_code_action_async(
        types.CodeActionParams(
            editor.document(uri), place, types.CodeActionContext(diagnostics=[], only=only)
        )
    )
    return [action for action in found or [] if isinstance(action, types.CodeAction)]


def text_edits(editor: Editor, uri: str, action: types.CodeAction) -> list[types.TextEdit]:
    assert action.edit is not None
    if action.edit.document_changes is None:
        assert action.edit.changes is not None
        return list(action.edit.changes[uri])
    (change,) = action.edit.document_changes
    assert isinstance(change, types.TextDocumentEdit)
    assert (change.text_document.uri, change.text_document.version) == (uri, editor.versions[uri])
    return [edit for edit in change.edits if isinstance(edit, types.TextEdit)]


def after(editor: Editor, uri: str, action: types.CodeAction) -> str:
    """The text when the edit is applied as the client's columns mean it."""
    text = editor.texts[uri]
    offsets = {
        (p.line, p.character): offset
        for offset in range(len(text), -1, -1)
        for p in [editor.position(uri, offset)]
    }

    def point(position: types.Position) -> tuple[int, int]:
        offset = offsets[position.line, position.character]
        return text[:offset].count("\n"), len(text[:offset].rpartition("\n")[2])

    return applied(
        text,
        [
            Edit(Span("m.py", *point(edit.range.start), *point(edit.range.end)), edit.new_text)
            for edit in text_edits(editor, uri, action)
        ],
    )


@pytest.mark.parametrize("profile", ["neovim@0.11.0", "visual_studio_code"])
async def test_a_fix_turns_the_hazard_into_its_stable_form_and_the_next_check_agrees(
    tmp_path, profile
) -> None:
    async with editing(profile, root=tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        assert "TL211" in await editor.codes(uri)
        found = await actions(editor, uri, "torch.log(p)")
        first = found[0]
        assert first.title.startswith("Use log_softmax: values in [-")
        assert "TL211 is gone" in first.title
        assert (first.kind, first.is_preferred) == (types.CodeActionKind.QuickFix, True)
        assert [problem.code for problem in first.diagnostics or []] == ["TL211"]
        fixed = after(editor, uri, first)
        assert fixed == TEXT.replace("torch.log(p)", "F.log_softmax(logits, dim=0)").replace(
            "import torch\n", "import torch\nimport torch.nn.functional as F\n", 1
        )
        editor.replace(uri, fixed)
        await editor.checked(uri)
        assert not [code for code in await editor.codes(uri) if code.startswith("TL2")]
        assert await actions(editor, uri, "F.log_softmax(logits, dim=0)") == []


async def test_other_places_and_other_kinds_have_no_fixes(tmp_path) -> None:
    async with editing("visual_studio_code", root=tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        assert await actions(editor, uri, "import torch") == []
        assert await actions(editor, uri, "torch.log(p)", [types.CodeActionKind.Refactor]) == []
        assert await actions(editor, uri, "torch.log(p)", [types.CodeActionKind.QuickFix]) != []


async def test_a_fix_after_an_edit_is_for_the_text_of_now(tmp_path) -> None:
    async with editing("visual_studio_code", root=tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        asked = asyncio.ensure_future(actions(editor, uri, "torch.log(p)"))
        await asyncio.sleep(0)  # the request is on its way
        editor.edit(uri, "import torch\n", "import torch  # edited\n")
        await asked  # what it gets where the edit overtakes the answer: test_races
        await editor.checked(uri)
        (first, *_) = await actions(editor, uri, "torch.log(p)")
        assert "import torch  # edited\nimport torch.nn" in after(editor, uri, first)

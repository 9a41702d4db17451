"""Lyapunov functions over the wire: verdicts and counts at the name, the picture, and the level that is offered."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator
from xml.etree import ElementTree

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from tests.server.editor import Editor, editing

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = """\
import torch
import torchlean as tl

β = "😀"


def V(x):
    return x[0] ** 2 + x[0] * x[1] + x[1] ** 2


def step(x):
    return 0.7 * torch.stack([x[0] - 0.2 * x[1], x[1] + 0.2 * x[0]])


"😀"; stable = tl.lyapunov(V, step, region=tl.box([-1.5, -1.5], [1.5, 1.5]), level=(0.3, 1.3), decrease=0.05)
"""

DRAW, LEVEL = "torchlean.drawLyapunov", "torchlean.largestLevel"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor() -> AsyncIterator[Editor]:
    async with editing("neovim@0.11.0") as editor:
        yield editor


async def opened(editor: Editor, folder: pathlib.Path) -> str:
    uri = editor.open(folder / "model.py", MODEL)
    await editor.checked(uri)
    return uri


async def test_the_name_carries_three_verdicts_one_lens_and_two_commands(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path)
    proved = [d for d in await editor.problems(uri) if d.code == "TL300"]
    assert [d.message.partition(":")[0] for d in proved] == [
        "stable.inside",
        "stable.decreases",
        "stable.inner",
    ]
    at = MODEL.index("stable =")
    place = types.Range(editor.position(uri, at), editor.position(uri, at + len("stable")))
    assert {d.range == place for d in proved} == {True}
    (title,) = [title for title in await editor.titles(uri) if "inside" in title]
    assert "decreases proved" in title
    offered = await editor.offers(uri, "stable =")
    assert offered["Draw what is shown of stable"] == (DRAW, [uri, "stable"])
    assert offered["Find the largest level of stable"] == (LEVEL, [uri, "stable"])
    assert not await editor.offers(uri, "def step")


async def test_the_picture_is_a_file_of_its_own(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = await opened(editor, tmp_path)
    found = await editor.command(DRAW, uri, "stable")
    drawing = ElementTree.parse(found["path"]).getroot()
    assert drawing.tag.endswith("svg")
    assert [text.text for text in drawing.iter() if text.text and text.text.startswith("stable.")] == [
        "stable.inside: proved",
        "stable.decreases: proved",
        "stable.inner: proved",
    ]
    assert editor.shown[-1].endswith("stable.svg")


async def test_the_largest_level_is_offered_and_written_when_it_is_taken(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path)
    refused = await editor.command(LEVEL, uri, "stable")
    assert not refused["applied"]
    assert not editor.applied
    level = refused["found"].partition("rho = ")[2].partition(";")[0]
    editor.answer_to_question = f"Set the level of `stable` to {level}, the largest that was proved"
    taken = await editor.command(LEVEL, uri, "stable")
    editor.answer_to_question = None
    assert taken["applied"]
    (applied,) = editor.applied
    assert applied.label == f"Set the level of `stable` to {level}, the largest that was proved"
    assert applied.edit.changes is not None, "this client takes edits without versions"
    (edit,) = applied.edit.changes[uri]
    at = MODEL.index("(0.3, 1.3)")
    assert edit.range == types.Range(editor.position(uri, at), editor.position(uri, at + len("(0.3, 1.3)")))
    assert edit.new_text == f"(0.3, {float(level)!r})"
    # V is 0.75 x[0]^2 and more, so at least 1.6875 on the border, and the level set is whole below that.
    assert 1.3 < float(level) < 1.70


async def test_unknown_names_and_documents_are_refused(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = await opened(editor, tmp_path)
    for arguments in ((uri, "unstable"), (uri,), ("file:///nowhere.py", "stable"), (3,), ()):
        with pytest.raises(JsonRpcException, match=r"is no Lyapunov function|expected the URI"):
            await editor.command(DRAW, *arguments)

"""Messages lead to the page of their code, and names of weights to their files."""

from __future__ import annotations

import pathlib
from urllib.parse import unquote, urlsplit

import pytest
import torch
from lsprotocol import types
from tests.server.editor import Editor, editing

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = """\
import torch
from torch import nn
import torchlean as tl

net = tl.load(nn.Linear(2, 1), "weights/nét.pt")
note = "nét.pt", "other.py", "weights/missing.pt", 'weights/nét.pt'


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def nothing(x):
    return tl.implies(x.sum() > 5, net(x).abs() <= 0)
"""


async def opened(editor: Editor, folder: pathlib.Path) -> str:
    (folder / "weights").mkdir()
    torch.save(nn_weights(), folder / "weights" / "nét.pt")
    uri = editor.open(folder / "model.py", MODEL)
    await editor.checked(uri)
    return uri


def nn_weights() -> dict[str, torch.Tensor]:
    return {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}


async def links(editor: Editor, uri: str) -> list[types.DocumentLink]:
    params = types.DocumentLinkParams(types.TextDocumentIdentifier(uri))
    return list(await editor.client.text_document_document_link_async(params) or [])


async def test_names_of_files_that_were_read_lead_to_them_and_no_others(tmp_path: pathlib.Path) -> None:
    async with editing("neovim@0.11.0") as editor:
        uri = await opened(editor, tmp_path)
        found = await links(editor, uri)
        name = "weights/nét.pt"
        places = [MODEL.index(name), MODEL.rindex(name)]
        assert [link.range for link in found] == [
            types.Range(editor.position(uri, at), editor.position(uri, at + len(name))) for at in places
        ]
        assert {unquote(urlsplit(link.target or "").path) for link in found} == {str(tmp_path / name)}
        editor.edit(uri, "import torch\n", "import torch  # 😀\n\n")
        assert [link.range.start.line for link in await links(editor, uri)] == [5, 6]
        assert await links(editor, "file:///nowhere.py") == []


async def empty_claim(profile: str, folder: pathlib.Path) -> types.Diagnostic:
    async with editing(profile) as editor:
        uri = await opened(editor, folder)
        (found,) = [problem for problem in await editor.problems(uri) if problem.code == "TL308"]
        return found


async def test_a_message_leads_to_its_page_and_a_claim_that_says_nothing_is_faded(
    tmp_path: pathlib.Path,
) -> None:
    found = await empty_claim("visual_studio_code", tmp_path)
    assert found.code_description is not None
    page = pathlib.Path(unquote(urlsplit(found.code_description.href).path))
    assert page.read_text(encoding="utf-8").startswith("# TL308")
    assert list(found.tags or []) == [types.DiagnosticTag.Unnecessary]


async def test_a_client_that_shows_no_pages_is_sent_none(tmp_path: pathlib.Path) -> None:
    assert (await empty_claim("neovim@0.7.0", tmp_path)).code_description is None

"""The commands of code actions about Lyapunov functions: a picture, and the largest level that can be proved.

Both decide facts anew, many times for a level: a worker does it, and the answer is for the text that was asked about.
docs/protocol.md describes them for clients.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.uris import from_fs_path

from torchlean.edits import Fix
from torchlean_server.features.actions import Action, Change
from torchlean_server.features.lyapunov import DRAW, LARGEST_LEVEL, functions
from torchlean_server.lean.files import DIGITS, kept
from torchlean_server.pool import AnalysisStopped, Request
from torchlean_server.server import Server
from torchlean_server.state import Document

KEEP = "Leave it"


def register(server: Server) -> None:
    """Tell the server which message leads where."""
    server.command(DRAW)(draw)
    server.command(LARGEST_LEVEL)(largest_level)


async def draw(ls: Server, *arguments: Any) -> dict[str, object]:
    """`[uri, name]`: write the picture into a file and show it; the answer has its path."""
    document, name = _function(ls, DRAW, arguments)
    svg, _ = await _studied(ls, DRAW, document, "picture", name)
    digest = hashlib.sha256(svg.encode()).hexdigest()[:DIGITS]
    try:
        path = await asyncio.to_thread(kept, Path("pictures", digest, f"{name}.svg"), svg)
    except OSError as error:
        raise JsonRpcInvalidParams(f"{DRAW}: the file cannot be written: {error}") from error
    uri, shown = from_fs_path(path), False
    if ls.client.show_document and uri is not None:
        # Outside: an editor would show the source of a picture.
        answer = await ls.window_show_document_async(types.ShowDocumentParams(uri, external=True))
        shown = answer.success
    if not shown:
        _say(ls, f"The picture of {name} is in {path}")
    return {"path": path, "shown": shown}


async def largest_level(ls: Server, *arguments: Any) -> dict[str, object]:
    """`[uri, name]`: search, tell what was found, and ask whether to write it; the answer has the sentence."""
    document, name = _function(ls, LARGEST_LEVEL, arguments)
    revision = document.revision
    told, fixes = await _studied(ls, LARGEST_LEVEL, document, "level", name)
    if not fixes or not ls.client.apply_edit:
        _say(ls, told)
        return {"found": told, "applied": False}
    (fix,) = fixes
    items = [types.MessageActionItem(fix.title), types.MessageActionItem(KEEP)]
    question = types.ShowMessageRequestParams(types.MessageType.Info, told, items)
    answer = await ls.window_show_message_request_async(question)
    if answer is None or answer.title != fix.title:
        return {"found": told, "applied": False}
    if document.revision != revision or not ls.documents.has(document):
        _say(ls, f"{told}. The text has changed since: nothing was written")
        return {"found": told, "applied": False}
    applied = await ls.workspace_apply_edit_async(_edit(ls, document, fix))
    return {"found": told, "applied": applied.applied}


def _edit(ls: Server, document: Document, fix: Fix) -> types.ApplyWorkspaceEditParams:
    changes = tuple(Change(*document.text.offsets(edit.span), edit.text) for edit in fix.edits)
    action = ls.converter.action(
        document, Action(fix.title, changes, (), preferred=False), ls.client.versioned_edits, related=False
    )
    assert action.edit is not None, "an action with changes has an edit"
    return types.ApplyWorkspaceEditParams(action.edit, label=fix.title)


async def _studied(
    ls: Server, command: str, document: Document, what: str, name: str
) -> tuple[str, tuple[Fix, ...]]:
    request = Request(
        document.uri, document.path, document.text.string, ls.documents.overlays(), study=(what, name)
    )
    try:
        told, fixes = await ls.lanes.study(request)
    except AnalysisStopped as stop:
        raise JsonRpcInvalidParams(f"{command}: there is no answer: {stop.reason}") from stop
    if what == "picture" and not told.startswith("<svg"):
        raise JsonRpcInvalidParams(f"{command}: {told}")
    return told, fixes


def _function(ls: Server, command: str, arguments: tuple[Any, ...]) -> tuple[Document, str]:
    document = ls.opened(command, next(iter(arguments), None), arguments)
    name = arguments[1] if len(arguments) > 1 else None
    if name not in [family.name for family in functions(document)]:
        raise JsonRpcInvalidParams(f"{command}: {name!r} is no Lyapunov function of the text as it is now")
    return document, str(name)


def _say(ls: Server, text: str) -> None:
    ls.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))

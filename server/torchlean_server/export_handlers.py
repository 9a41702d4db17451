"""The command that asks for exported programs.

docs/protocol.md describes it for clients.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types

from torchlean.configuration import ask_for_export
from torchlean_server.features.exports import COMMAND
from torchlean_server.server import Server


def register(server: Server) -> None:
    """Tell the server which message leads where."""
    server.command(COMMAND)(capture_by_export)


async def capture_by_export(ls: Server, *arguments: Any) -> dict[str, object]:
    """`[uri]`: write `capture = "export"` into the document's `torchlean.toml`; `{written}` is its path, or null."""
    document = ls.opened(COMMAND, next(iter(arguments), None), arguments)
    track = document.complete
    place = track.analysis.offer if track is not None else ""
    if not ls.exporter.allowed:
        return _refused(ls, "the workspace is not trusted with running its code (`torchlean.export.enabled`)")
    if not place:
        return _refused(ls, "nothing in this file needs it, or its torchlean.toml says otherwise already")
    try:
        await asyncio.to_thread(ask_for_export, place)
    except OSError as error:
        return _refused(ls, f"{place} cannot be written: {error.strerror}")
    if ls.documents.has(document):
        ls.checker.dependency_changed(document, place)
    return {"written": place}


def _refused(ls: Server, reason: str) -> dict[str, object]:
    message = f"TorchLean: models are not taken from torch.export: {reason}."
    ls.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))
    return {"written": None}

"""The protocol between the server and its workers: JSON objects, each behind its length in four bytes.

Server to worker:
    {"type": "analyse", "id", "path", "text", "roots", "overlays": {path: text or null}, "memory": MiB,
     "method": "ibp" or "crown",
     "lines": [first, last] or null,            with lines: quick fixes, not the analysis
     "claims": [name] or null,                  with claims: their certificates, not the analysis
     "study": [what, name] or null,             with study: of a Lyapunov function, `picture` or `level`
     "view": View or null}                      with view: bounds of one unit by a method, for a domain
    {"type": "cancel", "id"}
Worker to server:
    {"type": "ready"}                           torch is imported and warm
    {"type": "layer", "id", "analysis"}         an early layer of the answer
    {"type": "result", "id", "analysis"}        the whole answer, or
    {"type": "result", "id", "fixes"}           what helps against the hazards on the lines
    {"type": "result", "id", "plans"}           certificates of the claims, or why there are none
    {"type": "result", "id", "text", "fixes"}   the picture (SVG), or a sentence about the level and its edit, if any
    {"type": "result", "id", "viewed"}          what is to be seen
    {"type": "cancelled", "id"}
    {"type": "crashed", "id", "error"}          the last words of a dying worker

A length first, because a result can be large and a line reader has limits.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

Message = dict[str, Any]

_LENGTH = struct.Struct(">I")


def frame(message: Mapping[str, Any]) -> bytes:
    """A message as bytes for the wire."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> Message | None:
    """The next message, waiting for it; None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return None if len(body) < length else _parsed(body)


async def receive(stream: asyncio.StreamReader) -> Message | None:
    """The next message of an asyncio stream; None at its end, also when it ends within a message."""
    try:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        return _parsed(await stream.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def _parsed(body: bytes) -> Message:
    message: Message = json.loads(body)
    return message

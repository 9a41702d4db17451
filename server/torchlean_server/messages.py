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
    {"type": "part", "id", "unit", "facts"}     some facts of a unit of the analysis that follows, which is without them
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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

Message = dict[str, Any]

_LENGTH = struct.Struct(">I")

FACTS = 200
"""Facts in one message, about 80 kB: parsed in three milliseconds, when the server does nothing else. Long loops
and recurrent networks have tens of thousands, and whoever moves the mouse waits for no more than one message."""


def frame(message: Mapping[str, Any]) -> bytes:
    """A message as bytes for the wire."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def divided(message: Message) -> Iterator[Message]:
    """A message with an analysis as messages of bounded length: parts with the facts of its units, then the rest."""
    analysis = message.get("analysis")
    if analysis is None:
        yield message
        return
    units = []
    for place, unit in enumerate(analysis["units"]):
        facts = unit["facts"]
        for start in range(0, len(facts), FACTS):
            yield {"type": "part", "id": message["id"], "unit": place, "facts": facts[start : start + FACTS]}
        units.append({**unit, "facts": []})
    yield {**message, "analysis": {**analysis, "units": units}}


def united(analysis: Any, parts: Sequence[Message]) -> Any:
    """The analysis of the last message of `divided` with the facts of the parts before it."""
    for part in parts:
        analysis["units"][part["unit"]]["facts"].extend(part["facts"])
    return analysis


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

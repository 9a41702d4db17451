"""The client's end of the line: bytes in, bytes out, and neither waits for the other.

pygls' own loop is not used: it writes on the event loop, so that a client that does not read for a while stops
everything (an analysis that is done meanwhile seems to take too long), and it ends with, or for ever loses, a client
whose headers are wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import queue
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import BinaryIO

from torchlean_server.framing import Frames
from torchlean_server.protocol import Protocol

logger = logging.getLogger("torchlean")

CHUNK = 1 << 16
"""Bytes read at a time."""

FLUSH = 2.0
"""Seconds that the last messages may take at the end: a client that is gone or does not read gets no more."""

Read = Callable[[], Awaitable[bytes]]
"""Some bytes of the client as soon as there are any; none at the end."""


async def talk(read: Read, protocol: Protocol) -> None:
    """Handle messages until the client is gone.

    Raises:
        SystemExit: it said `exit`, which is how pygls ends.
    """
    frames = Frames()
    while data := await read():
        frames.feed(data)
        while (body := frames.next()) is not None:
            _handle(body, protocol)
            # What a message has begun goes first: answers come in the order of the questions where they can.
            await asyncio.sleep(0)


def _handle(body: bytes, protocol: Protocol) -> None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        logger.error("a message of %d bytes is no JSON: %s", len(body), error)
        return
    try:
        protocol.receive(data)
    except Exception:
        # The outermost place: a mistake of ours, or of pygls, about one message must not end all other work.
        logger.exception("a message could not be handled")


def stdin_reader(stdin: BinaryIO, executor: Executor) -> Read:
    """Standard input, read by a thread."""
    read1: Callable[[int], bytes] = stdin.read1  # type: ignore[attr-defined]  # of buffered streams
    return lambda: asyncio.get_running_loop().run_in_executor(executor, read1, CHUNK)


def socket_reader(stream: asyncio.StreamReader) -> Read:
    return lambda: stream.read(CHUNK)


class Outbox:
    """What is to be sent, written to a file descriptor by a thread of its own in the order in which it came."""

    def __init__(self, sink: int) -> None:
        self._sink = sink
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # A daemon, and without Python's buffer: while a client does not read, neither may hold up the end.
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        self._waiting.put(data)

    def close(self) -> None:
        """Nothing more is to be written."""
        self._waiting.put(None)

    async def flushed(self) -> None:
        """Close, and wait until everything is written, or cannot be."""
        self.close()
        await asyncio.to_thread(self._thread.join, FLUSH)

    def _work(self) -> None:
        # Nobody reads any more: what is still sent is not even kept.
        with contextlib.suppress(OSError):
            while (data := self._waiting.get()) is not None:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._sink, rest) :]
            return
        while self._waiting.get() is not None:
            pass

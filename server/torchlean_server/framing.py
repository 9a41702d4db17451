"""Where one message of a client ends and the next begins: `Content-Length: N`, an empty line, N bytes.

A client that counts wrong must not be lost for ever, so that headers are looked for where they may not be. They can be
told from messages: JSON has no line's end in a string, and no such word outside of one.
"""

from __future__ import annotations

import logging
import re

logger = logging.getLogger("torchlean")

LARGEST = 1 << 28
"""Bytes of a message. A length above that (a hundred times a very long file) is a mistake: nothing to wait for."""

LONGEST_LINE = 1 << 16
"""Bytes without a line's end after which they are no header."""

_LENGTH = re.compile(rb"Content-Length:[ \t]*(\d{1,19})[ \t]*\r?\n", re.IGNORECASE)
"""Not only at a line's beginning: the rest of a message whose length was too small ends without a line's end."""

_NAME = b"content-length:"

_HEADER = 64
"""Bytes that the header of a length may have: so much of what has no line's end may be its beginning."""


class Frames:
    """The bytes of a client as messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None
        self._in_body = False
        self._seen = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> bytes | None:
        """The next whole message; None until there are more bytes."""
        while not self._in_body:
            end = self._buffer.find(b"\n") + 1
            if not end:
                if len(self._buffer) > LONGEST_LINE:
                    del self._buffer[:-_HEADER]
                return None
            self._header(self._taken(end))
        whole = self._end()
        if whole is None:
            return None
        self._length, self._in_body, self._seen = None, False, 0
        return self._taken(whole)

    def _header(self, line: bytes) -> None:
        given = _LENGTH.search(line)
        if given is not None and int(given[1]) <= LARGEST:
            self._length = int(given[1])
        elif not line.strip():
            self._in_body = self._length is not None
        elif b":" not in line or b"content-length" in line.lower():
            logger.error("what is no header of a message is passed over: %.80r", line)

    def _end(self) -> int | None:
        """Where the message ends that the buffer begins with: as its length says, but before the next header."""
        assert self._length is not None, "a body has a length"
        next_one = _LENGTH.search(self._buffer, self._seen, self._length + _HEADER)
        if next_one is not None and next_one.start() < self._length:
            logger.error("a message has %d bytes, and not %d", next_one.start(), self._length)
            return next_one.start()
        self._seen = max(0, len(self._buffer) - _HEADER)
        rest = len(self._buffer) - self._length
        if rest < 0 or (rest < _HEADER and _begins_header(self._buffer[: self._length][-_HEADER:])):
            return None
        return self._length

    def _taken(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def _begins_header(tail: bytes | bytearray) -> bool:
    """Whether the bytes end within a header, as no message does: the next one has begun, and its rest will tell."""
    start = tail.lower().rfind(b"c")
    begun = tail.lower()[start:] if start >= 0 else b""
    if len(begun) <= len(_NAME):
        return bool(begun) and _NAME.startswith(begun)
    return begun.startswith(_NAME) and not begun[len(_NAME) :].strip(b" \t0123456789\r")

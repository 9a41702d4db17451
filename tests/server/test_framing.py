"""Messages in bytes of a client that counts wrong: each is found again, or the next one at the latest."""

from __future__ import annotations

import json
import random

import pytest

from torchlean_server.framing import LARGEST, LONGEST_LINE, Frames

ONE, TWO, THREE = (
    json.dumps({"method": name, "text": "\r\nContent-Length: 5\r\n\r\n"}).encode() for name in "abc"
)


def framed(body: bytes, error: int = 0) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % (len(body) + error) + body


def read(data: bytes, pieces: int | None = None) -> list[bytes]:
    """All messages, of data that comes at once or in pieces of this size."""
    frames, found = Frames(), []
    size = pieces or max(1, len(data))
    for start in range(0, len(data), size):
        frames.feed(data[start : start + size])
        while (body := frames.next()) is not None:
            found.append(body)
    return found


@pytest.mark.parametrize("pieces", [None, 1, 7])
@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: %d\r\n\r\n",
        b"content-length:%d\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b"CONTENT-LENGTH: \t%d\n\n",
    ],
)
def test_headers_are_read_as_people_write_them(header: bytes, pieces: int | None) -> None:
    assert read(b"".join(header % len(body) + body for body in (ONE, TWO)), pieces) == [ONE, TWO]


@pytest.mark.parametrize("pieces", [None, 1, 7])
@pytest.mark.parametrize("error", [*range(1, 30), 1000, LARGEST - 1000])
def test_a_length_that_is_too_large_costs_no_message(error: int, pieces: int | None) -> None:
    data = framed(ONE) + framed(TWO, error) + framed(THREE)
    assert read(data, pieces) == [ONE, TWO, THREE]


@pytest.mark.parametrize("pieces", [None, 1, 7])
@pytest.mark.parametrize("error", [-1, -5, -40])
def test_a_length_that_is_too_small_costs_its_own_message_only(error: int, pieces: int | None) -> None:
    data = framed(ONE) + framed(TWO, error) + framed(THREE)
    assert read(data, pieces) == [ONE, TWO[:error], THREE]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\r\n\r\nhello\r\n\r\n",
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: nine\r\n\r\n",
        b"Content-Length: 99999999999999\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"Content-Length: 1.5\r\n\r\n",
        bytes(range(256)) * 10,
        b"x" * (3 * LONGEST_LINE),
    ],
)
def test_what_is_no_message_is_passed_over(rubbish: bytes) -> None:
    assert read(framed(ONE) + rubbish + framed(TWO), 1000) == [ONE, TWO]


def test_a_message_without_bytes_is_one() -> None:
    assert read(framed(b"") + framed(ONE)) == [b"", ONE]


def test_what_is_no_line_is_not_kept() -> None:
    frames = Frames()
    for _ in range(100):
        frames.feed(b"x" * LONGEST_LINE)
        assert frames.next() is None
    assert len(frames._buffer) <= 2 * LONGEST_LINE


@pytest.mark.parametrize("seed", range(50))
def test_two_messages_after_any_damage_the_stream_is_read_again(seed: int) -> None:
    draw = random.Random(seed)
    damaged = bytearray(framed(ONE) + framed(TWO))
    for _ in range(draw.randrange(1, 4)):
        place = draw.randrange(len(damaged))
        damaged[place : place + draw.randrange(30)] = draw.randbytes(draw.randrange(30))
    assert read(bytes(damaged) + framed(TWO) + framed(THREE), 11)[-1] == THREE

"""Starting and ending the server.

The workers are started before anything else is imported or answered, so that torch is ready in them as early as can
be; the language server itself never imports it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NoReturn

from torchlean_server.lean.service import DEFAULT_LEAN, Lean, named
from torchlean_server.pool import Pool
from torchlean_server.worker import DEFAULT_ANALYSIS

if TYPE_CHECKING:
    from torchlean_server.connection import Read
    from torchlean_server.server import Server

HOST = "127.0.0.1"
"""TCP is for debugging and containers; nobody else on the network gets to talk to the server."""

TURN = 0.0005
"""Seconds that a thread may compute while the event loop waits. Python's 5 ms add up: a request passes the loop several
times before it is answered."""

YOUNG_OBJECTS = 20_000
"""New objects after which the garbage collector looks at them, which takes a millisecond. Cycles are rare here."""


def run(tcp_port: int | None) -> NoReturn:
    """Serve one client on stdin and stdout, or on a TCP port of this machine (0: any free one), and exit.

    The exit code is 0 after a `shutdown` request and 1 otherwise, as LSP wants it.
    """
    sys.exit(serve(tcp_port))


def command_line(arguments: list[str]) -> int:
    """`python -m torchlean_server`."""
    parser = argparse.ArgumentParser(prog="torchlean_server", description="The TorchLean language server.")
    parser.add_argument(
        "--tcp", type=int, metavar="PORT", help="listen on this port instead of using stdin and stdout"
    )
    parser.add_argument("--stdio", action="store_true", help="use stdin and stdout (the default)")
    parser.add_argument("--analysis", default=DEFAULT_ANALYSIS, help=argparse.SUPPRESS)
    parser.add_argument("--grace", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--lean", default=DEFAULT_LEAN, help=argparse.SUPPRESS)
    parser.add_argument("--verbose", action="store_true", help="log to stderr what the server does")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, stream=sys.stderr)
    # pygls logs every message it sends; that is more than anyone wants to read.
    logging.getLogger("pygls").setLevel(logging.ERROR)
    extra = {} if options.grace is None else {"grace": options.grace}
    pool = Pool(options.analysis, log=logging.getLogger("torchlean").info, **extra)
    return serve(options.tcp, pool, lambda: named(options.lean))


def serve(
    tcp_port: int | None, pool: Pool | None = None, lean: Callable[[], Lean] = lambda: named(DEFAULT_LEAN)
) -> int:
    """Serve one client; the exit code."""
    try:
        return asyncio.run(_serve(tcp_port, pool or Pool(), lean))
    except KeyboardInterrupt:
        os._exit(130)  # 128 + SIGINT, as shells have it; at once, since a thread still waits for input


async def _serve(tcp_port: int | None, pool: Pool, lean: Callable[[], Lean]) -> int:
    pool.start()
    # The worker's start needs the event loop once; then it imports torch while this process imports pygls.
    await asyncio.sleep(0)
    server = None
    try:
        from torchlean_server import handlers
        from torchlean_server.server import Server

        server = Server(pool, _version(), lean)
        handlers.register(server)
        _answer_promptly()
        if tcp_port is None:
            await _talk_on_stdio(server)
        else:
            await _talk_on_tcp(server, tcp_port)
    finally:
        if server is not None:
            await server.close()
        await pool.stop()
    return 0 if server.said_goodbye else 1


def _answer_promptly() -> None:
    """Let nothing hold up the event loop for long: neither threads that decode results nor the garbage collector.

    Results of long files are a hundred thousand objects without cycles, and full collections went through all of them
    after every few thousand new ones, for 60 to 220 ms each.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    sys.setswitchinterval(TURN)


async def _talk_on_stdio(server: Server) -> None:
    from torchlean_server.connection import Outbox, stdin_reader

    outbox = Outbox(sys.stdout.fileno())
    server.protocol.set_writer(outbox)
    try:
        await _talk(server, stdin_reader(sys.stdin.buffer, server.thread_pool))
    finally:
        await outbox.flushed()


async def _talk_on_tcp(server: Server, port: int) -> None:
    """Take the first connection, then stop listening: one server, one client."""
    connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    connected = asyncio.get_running_loop().create_future()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if connected.done():
            writer.close()
        else:
            connected.set_result((reader, writer))

    from torchlean_server.connection import socket_reader

    listener = await asyncio.start_server(accept, HOST, port)
    print(
        f"torchlean: listening on {HOST}:{listener.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True
    )
    reader, writer = await connected
    listener.close()
    server.protocol.set_writer(writer)
    await _talk(server, socket_reader(reader))
    writer.close()


async def _talk(server: Server, read: Read) -> None:
    """Handle messages until the client says `exit` or is gone."""
    from torchlean_server.connection import talk

    try:
        await talk(read, server.wire)
    except SystemExit:
        pass  # how pygls ends on `exit`; its code is decided here, after the workers have ended
    except ConnectionError:
        pass  # the client is gone


def _version() -> str:
    try:
        return version("torchlean")
    except PackageNotFoundError:
        return "0"  # run from a checkout

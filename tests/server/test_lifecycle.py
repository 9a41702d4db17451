"""Beginning and end: start-up, exit codes, a vanished client, TCP, and messages that make no sense."""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.server.environment import ENVIRONMENT, until
from tests.server.raw import TOY, Raw, start, streams

TEXT = "def f():\n    x = [0, 1]\n"


@pytest.fixture
def server() -> Iterator[subprocess.Popen[bytes]]:
    process = start(*TOY)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def initialized(process: subprocess.Popen[bytes]) -> Raw:
    raw = streams(process)
    assert "capabilities" in raw.ask("initialize", {"capabilities": {}})["result"]
    raw.send("initialized", {})
    return raw


def workers(raw: Raw) -> list[int]:
    """The processes of the workers, once the first one has begun: the server talks before that."""
    while True:
        told = raw.ask("torchlean/statistics")["result"]["workers"]
        if found := [worker["pid"] for worker in told if worker["pid"]]:
            return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = pathlib.Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def assert_gone(pids: list[int]) -> None:
    assert pids
    asyncio.run(until(lambda: not any(alive(pid) for pid in pids)))


def test_shutdown_and_exit_end_with_code_0_and_leave_no_process(server: subprocess.Popen[bytes]) -> None:
    raw = initialized(server)
    pids = workers(raw)
    assert raw.ask("shutdown")["result"] is None
    raw.send("exit")
    assert server.wait(30) == 0
    assert_gone(pids)


def test_exit_without_shutdown_ends_with_code_1(server: subprocess.Popen[bytes]) -> None:
    raw = initialized(server)
    raw.send("exit")
    assert server.wait(30) == 1


def test_a_client_that_goes_away_ends_the_server_and_its_workers(server: subprocess.Popen[bytes]) -> None:
    raw = initialized(server)
    raw.open("file:///m.py", "# sleep 60")
    pids = workers(raw)
    assert server.stdin is not None
    server.stdin.close()
    assert server.wait(30) == 1
    server.stdin = None
    assert_gone(pids)


@pytest.mark.parametrize("order", ["# sleep 60", "# stubborn 60"])
def test_workers_do_not_outlive_a_killed_server(server: subprocess.Popen[bytes], order: str) -> None:
    raw = initialized(server)
    raw.open("file:///m.py", order)
    pids = workers(raw)
    server.send_signal(signal.SIGKILL)
    assert_gone(pids)


def test_the_language_server_itself_never_imports_torch() -> None:
    code = (
        "import sys\n"
        "from torchlean_server import handlers, main, server\n"
        "heavy = {'torch', 'numpy', 'safetensors', 'torchlean.lean', 'sqlite3'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not pathlib.Path("/proc/self/maps").exists(), reason="needs /proc")
def test_no_library_of_torch_is_mapped_by_a_server_at_work(server: subprocess.Popen[bytes]) -> None:
    raw = initialized(server)
    raw.open("file:///m.py", TEXT)
    assert raw.pushed()["diagnostics"]
    assert "libtorch" not in pathlib.Path(f"/proc/{server.pid}/maps").read_text()


def test_a_malformed_request_is_answered_with_an_error(server: subprocess.Popen[bytes]) -> None:
    raw = initialized(server)
    assert raw.ask("textDocument/hover", {"textDocument": 3})["error"]["code"] == -32602
    assert raw.ask("textDocument/inlayHint", {})["error"]["code"] == -32602
    assert raw.ask("no/such/method", {})["error"]["code"] == -32601


def test_nonsense_does_not_end_the_server(server: subprocess.Popen[bytes]) -> None:
    raw = initialized(server)
    raw.send_bytes(b"{ this is no JSON")
    raw.send_bytes(b"[]")
    raw.send("textDocument/didOpen", {"textDocument": {"uri": 7}})
    raw.send("textDocument/didChange", {"textDocument": {"uri": "file:///never_opened.py", "version": 9}})
    change = {
        "range": {"start": {"line": 9, "character": 9}, "end": {"line": 1, "character": 1}},
        "text": "x",
    }
    raw.open("file:///m.py", TEXT)
    document = {"uri": "file:///m.py", "version": 2}
    raw.send("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
    raw.send("textDocument/didClose", {"textDocument": {"uri": "file:///never_opened.py"}})
    assert raw.ask("torchlean/statistics")["result"]["documents"][0]["version"] == 2


def test_requests_after_shutdown_change_nothing(server: subprocess.Popen[bytes]) -> None:
    raw = initialized(server)
    raw.ask("shutdown")
    raw.open("file:///m.py", TEXT)
    raw.send("exit")
    assert server.wait(30) == 0


def test_one_client_is_served_over_tcp() -> None:
    process = start("--tcp", "0", *TOY)
    assert process.stderr is not None
    try:
        address = re.search(rb"127\.0\.0\.1:(\d+)", process.stderr.readline())
        assert address is not None
        with socket.create_connection(("127.0.0.1", int(address[1]))) as connection:
            stream = connection.makefile("rwb")
            raw = Raw(stream, stream)
            raw.ask("initialize", {"capabilities": {}})
            raw.send("initialized", {})
            raw.open("file:///m.py", TEXT)
            assert [problem["code"] for problem in raw.pushed()["diagnostics"]] == ["TL300"]
            raw.ask("shutdown")
            raw.send("exit")
            assert process.wait(30) == 0
            stream.close()
    finally:
        process.kill()
        process.communicate()


def test_the_command_line_starts_the_same_server() -> None:
    process = start("lsp", module="torchlean.cli")
    try:
        raw = initialized(process)
        raw.ask("shutdown")
        raw.send("exit")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()

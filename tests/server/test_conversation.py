"""A client that does everything wrong, in bytes: what is answered, and that the server goes on."""

from __future__ import annotations

import asyncio
import json
import pathlib
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.server.environment import until
from tests.server.raw import Raw, streams
from tests.server.test_lifecycle import TEXT, initialized, server, workers

__all__ = ["server"]  # the fixture

URI = "file:///m.py"

DOCUMENT = {"textDocument": {"uri": URI}}

EVERYTHING = {"start": {"line": 0, "character": 0}, "end": {"line": 2**31 - 1, "character": 0}}

REQUESTS = [
    "textDocument/hover",
    "textDocument/inlayHint",
    "textDocument/codeLens",
    "textDocument/documentSymbol",
    "textDocument/documentLink",
    "textDocument/codeAction",
    "textDocument/diagnostic",
    "torchlean/statistics",
    "torchlean/graph",
    "torchlean/setDomain",
    "torchlean/claims",
    "torchlean/waitUntilChecked",
    "workspace/executeCommand",
    "no/such/method",
]

NOTIFICATIONS = [
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didClose",
    "textDocument/didSave",
    "notebookDocument/didOpen",
    "notebookDocument/didChange",
    "notebookDocument/didClose",
    "workspace/didChangeConfiguration",
    "workspace/didChangeWatchedFiles",
    "workspace/didChangeWorkspaceFolders",
    "window/workDoneProgress/cancel",
    "$/cancelRequest",
    "$/setTrace",
    "no/such/method",
]

NONSENSE: list[object] = [
    None,
    [],
    {},
    3,
    "x",
    {"textDocument": None},
    {"textDocument": {"uri": None}},
    {"textDocument": {"uri": "file://["}},
    {"textDocument": {"uri": "\ud800"}},
    {**DOCUMENT, "position": None, "range": None},
    {**DOCUMENT, "position": {"line": -1, "character": 10**12}},
    {**DOCUMENT, "unit": [], "method": {}, "domain": [{"input": []}], "elements": 3},
    {**DOCUMENT, "domain": [{"input": "x", "lower": 10**400, "upper": []}]},
    {"jsonrpc": "2.0"},
    {"jsonrpc": "2.0", "id": 1, "method": "shutdown"},
    {"": 1, "1a": 2, "class": 3, "_x": 4, "a b": {"x": [{}]}},
    {"settings": {"torchlean": {"analysis": {"timeout": 10**400, "memory": 1e300}}}},
    {"id": {}, "token": [], "value": 7, "changes": [{"uri": "file://[", "type": 9}]},
    {"command": "torchlean.selectDomain", "arguments": [[], {"jsonrpc": "2.0"}]},
    {"command": "torchlean.checkFile", "arguments": {}},
    {"command": ["torchlean.checkFile"]},
]


@pytest.fixture
def raw(server: subprocess.Popen[bytes]) -> Iterator[Raw]:
    assert server.stderr is not None
    # What is wrong is logged, at length; a pipe that is full of it would hold the server up.
    threading.Thread(target=server.stderr.read, daemon=True).start()
    yield initialized(server)


def healthy(raw: Raw, uri: str = URI) -> None:
    """A document is opened and explained as ever."""
    raw.open(uri, TEXT)
    status = raw.ask("torchlean/waitUntilChecked", {"textDocument": {"uri": uri}})["result"]["status"]
    assert status == "checked"
    assert "[0, 1]" in explained(raw, uri)


def explained(raw: Raw, uri: str = URI) -> str:
    position = {"line": 1, "character": 4}
    answer = raw.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})["result"]
    return json.dumps(answer)


# Order


def test_the_first_request_is_initialize(server: subprocess.Popen[bytes]) -> None:
    raw = streams(server)
    raw.open(URI, TEXT)
    raw.send("initialized", {})
    for method in REQUESTS:
        assert raw.ask(method, DOCUMENT)["error"]["code"] == -32002
    assert "capabilities" in raw.ask("initialize", {"capabilities": {}})["result"]
    raw.send("initialized", {})
    assert raw.ask("torchlean/statistics")["result"]["documents"] == [], "what came too early was not taken"
    healthy(raw)


def test_an_initialize_that_makes_no_sense_may_be_followed_by_a_better_one(
    server: subprocess.Popen[bytes],
) -> None:
    raw = streams(server)
    assert raw.ask("initialize", {"capabilities": 3})["error"]["code"] == -32602
    assert raw.ask("initialize", {})["error"]["code"] == -32602
    parameters = {"capabilities": {}, "rootUri": "file://[", "initializationOptions": [7]}
    assert "capabilities" in raw.ask("initialize", parameters)["result"]
    healthy(raw)


def test_a_second_initialize_is_refused_and_changes_nothing(raw: Raw) -> None:
    healthy(raw)
    before = workers(raw)
    assert raw.ask("initialize", {"capabilities": {}})["error"]["code"] == -32600
    assert workers(raw)[: len(before)] == before
    assert "[0, 1]" in explained(raw)


def test_after_shutdown_every_request_is_refused_and_notifications_do_nothing(
    server: subprocess.Popen[bytes], raw: Raw
) -> None:
    healthy(raw)
    raw.ask("shutdown")
    raw.send("textDocument/didClose", DOCUMENT)
    for method in [*REQUESTS, "initialize", "shutdown"]:
        assert raw.ask(method, DOCUMENT)["error"]["code"] == -32600
    raw.send("exit")
    assert server.wait(30) == 0


# Form


@pytest.mark.parametrize(
    "data",
    [
        b'Content-Length: 5\r\n\r\n{"jsonrpc":"2.0","method":"x"}',
        b'Content-Length: 90\r\n\r\n{"jsonrpc":"2.0","method":"x"}',
        b"Content-Length: -5\r\n\r\n{}",
        b"Content-Length: 100000000000000\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b'Content-Length: 4\r\n\r\n\xff\xfe"\x00',
        b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000,
        b"Content-Length: 3\r\n\r\nNaN",
        b"\x00\r\n\r\n",
    ],
)
def test_bytes_that_are_no_message_do_not_lose_the_next_one(
    server: subprocess.Popen[bytes], raw: Raw, data: bytes
) -> None:
    assert server.stdin is not None
    server.stdin.write(data)
    healthy(raw)


@pytest.mark.parametrize(
    "message",
    [
        [],
        [{"jsonrpc": "2.0", "id": 7, "method": "shutdown"}],
        None,
        {},
        {"jsonrpc": "2.0"},
        {"jsonrpc": "2.0", "id": None, "method": "shutdown"},
        {"jsonrpc": "2.0", "id": [], "method": "shutdown"},
        {"jsonrpc": "2.0", "method": 3},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": [], "result": None},
        {"jsonrpc": "2.0", "id": "never asked", "result": None},
        {"jsonrpc": "2.0", "id": "never asked", "error": 7},
        {"jsonrpc": "2.0", "id": "never asked", "error": {"code": "x", "message": None}},
    ],
)
def test_json_that_is_no_message_is_passed_over(raw: Raw, message: object) -> None:
    raw.send_bytes(json.dumps(message).encode())
    healthy(raw)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"method": "shutdown"}, -32600),
        ({"jsonrpc": "1.0", "method": "shutdown"}, -32600),
        ({"jsonrpc": "2.0", "method": 3}, -32600),
        ({"jsonrpc": "2.0", "method": "textDocument/hover"}, -32602),
        ({"jsonrpc": "2.0", "method": "no/such/method"}, -32601),
    ],
)
def test_a_request_that_makes_no_sense_is_answered(raw: Raw, message: dict[str, object], code: int) -> None:
    raw.send_bytes(json.dumps({"id": "mine", **message}).encode())
    while (answer := raw.receive()).get("id") != "mine":
        pass
    assert answer["error"]["code"] == code
    healthy(raw)


@pytest.mark.parametrize("id", [0, -1, 2**60, "", "x" * 100_000, "\ud800", 1.5])
def test_ids_come_back_as_they_were_sent(raw: Raw, id: object) -> None:
    raw.send("torchlean/statistics", id=id)
    while "id" not in (answer := raw.receive()) or "method" in answer:
        pass
    assert answer["id"] == id and ("error" in answer) == isinstance(id, float)


# Content


@pytest.mark.parametrize("method", REQUESTS)
def test_every_request_is_answered_whatever_its_parameters_are(raw: Raw, method: str) -> None:
    healthy(raw)
    for parameters in NONSENSE:
        answer = raw.ask(method, parameters)
        assert answer.get("error", {}).get("code") != -32603, f"not our mistake: {parameters}"
    assert "[0, 1]" in explained(raw)


def test_after_notifications_that_make_no_sense_all_is_well(raw: Raw) -> None:
    healthy(raw)
    for method in NOTIFICATIONS:
        for parameters in NONSENSE:
            raw.send(method, parameters)
            raw.send(method, parameters, id="not a request")
    healthy(raw)


@pytest.mark.parametrize(
    "uri",
    ["file://[", "file:///a%00b.py", "file:///\ud800.py", "untitled:a%00b", "untitled:\ud800", "", "x.py"],
)
def test_a_uri_that_names_nothing_is_declined(raw: Raw, uri: str) -> None:
    raw.open(uri, TEXT)
    assert raw.ask("torchlean/statistics")["result"]["documents"] == []
    healthy(raw)


@pytest.mark.parametrize("name", ["a\0b", "\0", "a\ud800b", "a" * 5000])
def test_a_file_that_cannot_be_is_no_reason_to_show_nothing(raw: Raw, name: str) -> None:
    raw.open("file:///strange.py", f"# needs {name}\n{TEXT}")
    pushed = raw.pushed()
    assert pushed["diagnostics"] and pushed["uri"] == "file:///strange.py"
    healthy(raw)


def test_one_bad_uri_among_changed_files_does_not_hide_the_others(raw: Raw, tmp_path: pathlib.Path) -> None:
    """The folder is watched too; only the client sees a file that changes there without an event."""
    weights = tmp_path / "weights"
    weights.write_text("1")
    raw.open(URI, f"# needs {weights}\n{TEXT}")
    raw.ask("torchlean/waitUntilChecked", DOCUMENT)
    before = started(raw)
    changes = [{"uri": uri, "type": 2} for uri in ("file://[", "\ud800", weights.as_uri())]
    raw.send("workspace/didChangeWatchedFiles", {"changes": changes})
    asyncio.run(until(lambda: started(raw) > before))


def started(raw: Raw) -> int:
    (document,) = raw.ask("torchlean/statistics")["result"]["documents"]
    return int(document["started"])


def test_edits_that_lie_outside_or_run_backwards_are_made_one_after_the_other(raw: Raw) -> None:
    healthy(raw)
    far = {"line": 2**31 - 1, "character": 2**31 - 1}
    changes = [
        {"range": {"start": far, "end": far}, "text": "def g():\n"},
        {"range": {"start": far, "end": far}, "text": "    y = [2, 3]\n"},
        {"range": {"start": {"line": 1, "character": 12}, "end": {"line": 1, "character": 2}}, "text": "7"},
    ]
    document = {"uri": URI, "version": -3}
    raw.send("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
    answer = raw.ask("torchlean/waitUntilChecked", DOCUMENT)["result"]
    assert answer["textDocument"]["version"] == -3, "what the client calls the text"
    assert sorted(claim["name"] for claim in answer["claims"]) == ["f", "g"]


# Pace


def test_a_client_that_does_not_read_holds_up_nothing(raw: Raw, tmp_path: pathlib.Path) -> None:
    flood(raw)
    sign = tmp_path / "analysed"
    raw.open("file:///later.py", f"# crash once {sign}\n{TEXT}")
    asyncio.run(until(sign.exists))
    assert "[0, 0]" in explained(raw)


@pytest.mark.parametrize("end", ["exit", "closed"])
def test_a_client_that_does_not_read_does_not_keep_the_server(
    server: subprocess.Popen[bytes], raw: Raw, end: str
) -> None:
    flood(raw)
    if end == "exit":
        raw.send("exit")
    else:
        assert server.stdin is not None
        server.stdin.close()
        server.stdin = None
    assert server.wait(60) == 1


def flood(raw: Raw) -> None:
    """Ask for more than a pipe holds (64 KiB, of answers; the questions are less), and read nothing."""
    text = "".join(f"def f{number}():\n    x = [0, {number}]\n" for number in range(100))
    raw.open(URI, text)
    raw.ask("torchlean/waitUntilChecked", DOCUMENT)
    for number in range(40):
        raw.send("textDocument/inlayHint", {**DOCUMENT, "range": EVERYTHING}, id=f"flood {number}")


def test_a_thousand_edits_end_with_the_last(raw: Raw) -> None:
    healthy(raw)
    for version in range(2, 1002):
        change: Any = {
            "range": {"start": {"line": 1, "character": 12}, "end": {"line": 1, "character": 99}},
            "text": f"{version}]",
        }
        document = {"uri": URI, "version": version}
        raw.send("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
    raw.ask("torchlean/waitUntilChecked", {"textDocument": {"uri": URI, "version": 1001}})
    assert "[0, 1001]" in explained(raw)


def test_fifty_documents_are_all_checked(raw: Raw) -> None:
    uris = [f"file:///many/{number}.py" for number in range(50)]
    for number, uri in enumerate(uris):
        raw.open(uri, f"def f():\n    x = [0, {number}]\n")
    for number, uri in enumerate(uris):
        raw.ask("torchlean/waitUntilChecked", {"textDocument": {"uri": uri}})
        assert f"[0, {number}]" in explained(raw, uri)


def test_cancelling_what_is_done_or_was_never_asked_does_nothing(raw: Raw) -> None:
    healthy(raw)
    for id in (1, 2, 10**9, "never"):
        raw.send("$/cancelRequest", {"id": id})
    assert "[0, 1]" in explained(raw)

"""The server spoken to in bytes: for what a well-behaved client library never sends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, BinaryIO

from tests.server.environment import ENVIRONMENT

TOY = ("--analysis", "tests.server.toy:analyse")


class Raw:
    """JSON-RPC messages over two streams."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._number = 0

    def send(self, method: str, params: object = None, **more: object) -> None:
        self.send_bytes(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode())

    def send_bytes(self, body: bytes) -> None:
        self._sink.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._sink.flush()

    def receive(self) -> dict[str, Any]:
        length = 0
        while header := self._source.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self._source.read(length))
        return message

    def ask(self, method: str, params: object = None) -> dict[str, Any]:
        """The response to a request, passing over notifications."""
        self._number += 1
        self.send(method, params, id=self._number)
        while (message := self.receive()).get("id") != self._number or "method" in message:
            pass
        return message

    def open(self, uri: str, text: str) -> None:
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.send("textDocument/didOpen", {"textDocument": item})

    def pushed(self) -> dict[str, Any]:
        while (message := self.receive()).get("method") != "textDocument/publishDiagnostics":
            pass
        params: dict[str, Any] = message["params"]
        return params


def start(*arguments: str, module: str = "torchlean_server") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **ENVIRONMENT},
    )


def streams(process: subprocess.Popen[bytes]) -> Raw:
    assert process.stdin is not None and process.stdout is not None
    return Raw(process.stdout, process.stdin)  # type: ignore[arg-type]  # Popen's pipes are binary files

"""One worker process as the server sees it: starting, asking, cancelling, killing, starting again.

A worker has one request at a time. Whatever ends the process ends the request with `WorkerDied`; the worker then
starts again by itself, with a growing pause when it keeps dying.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from torchlean_server import messages
from torchlean_server.messages import Message

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 10.0
"""Seconds before a restart: short, since one death says little, then doubling; a broken installation must not spin."""

REMEMBERED_LINES = 5
"""Lines of a worker's stderr that an error message can quote."""


CHUNK = 65536
"""Bytes of stderr passed on at a time."""


class WorkerDied(Exception):
    """The process ended before it answered. The message says why, for people."""


class Worker:
    """A process that restarts itself until `stop`.

    Attributes:
        idle: ready and without a request.
        starts: how often the process was started.
        failures: starts in a row that never got ready.
        known, roots: overlay stamps by path, and workspace folders, that this process was told.
    """

    def __init__(
        self, command: list[str], idle_again: Callable[[], None], log: Callable[[str], None]
    ) -> None:
        self._command = command
        self._idle_again = idle_again
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._life: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[Message] | None = None
        self._layer: Callable[[Message], None] | None = None
        self._request = 0
        self._parts: list[Message] = []
        self._ready = False
        self._reserved = False
        self._why: str | None = None
        self._tail: deque[str] = deque(maxlen=REMEMBERED_LINES)
        self.starts = 0
        self.failures = 0
        self.known: dict[str, int] = {}
        self.roots: tuple[str, ...] = ()

    @property
    def idle(self) -> bool:
        return self._ready and not self._reserved

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def state(self) -> str:
        return "starting" if not self._ready else "busy" if self._reserved else "idle"

    @property
    def last_lines(self) -> str:
        """The end of what the process wrote to its stderr."""
        return "\n".join(self._tail)

    def start(self) -> None:
        self._life = asyncio.get_running_loop().create_task(self._live())

    async def stop(self) -> None:
        """End the process for good."""
        if self._life is not None:
            self._life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._life

    def reserve(self) -> None:
        self._reserved = True

    def release(self) -> None:
        self._reserved = False
        if self._ready:
            self._idle_again()

    @property
    def answered(self) -> bool:
        """Nothing that was asked is still open."""
        return self._answer is None or self._answer.done()

    async def ask(self, request: Mapping[str, Any], layer: Callable[[Message], None]) -> Message:
        """Send a request and wait for its `result` or `cancelled`; `layer` receives early layers. The `parts` that came
        before a message are in it.

        Raises:
            WorkerDied: the process ended instead.
        """
        process = self._process
        if not self._ready or process is None or process.stdin is None:
            raise WorkerDied(self._why or "the analysis process is not running")
        self._request += 1
        self._answer = asyncio.get_running_loop().create_future()
        self._layer = layer
        process.stdin.write(messages.frame({"type": "analyse", "id": self._request, **request}))
        try:
            # Shielded, so that whoever waits can give up and a later `settled` still sees the answer.
            return await asyncio.shield(self._answer)
        finally:
            self._layer = None

    async def settled(self, grace: float) -> None:
        """Ask the process to drop its request and wait until it did; kill it when `grace` seconds were not enough."""
        if self._answer is None or self.answered:
            return
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(messages.frame({"type": "cancel", "id": self._request}))
        done, _ = await asyncio.wait([self._answer], timeout=grace)
        if not done:
            self.kill("it did not react to a cancellation")
            await asyncio.wait([self._answer])

    def kill(self, why: str) -> None:
        """End the process now; its request fails with `why`."""
        self._why = why
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _live(self) -> None:
        """Start the process again and again."""
        pause = FIRST_PAUSE
        while True:
            self._process = None
            try:
                await self._run_once()
            except OSError as error:
                self._why = f"it could not be started: {error}"
                self._tail.append(self._why)
            finally:
                await self._buried()
            pause = min(2 * pause, LONGEST_PAUSE) if self.failures else FIRST_PAUSE
            await asyncio.sleep(pause)

    async def _run_once(self) -> None:
        self._why = None
        self._parts = []
        self.known, self.roots = {}, ()
        self.starts += 1
        process = self._process = await self._spawned()
        assert process.stdout is not None and process.stderr is not None
        listening = asyncio.get_running_loop().create_task(self._forward(process.stderr))
        try:
            while (message := await messages.receive(process.stdout)) is not None:
                self._take(message)
                # What has arrived already is read without a pause: others have their turn between two messages.
                await asyncio.sleep(0)
            await process.wait()
            await listening
        finally:
            listening.cancel()

    async def _spawned(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *self._command, "--parent", str(os.getpid()), stdin=pipe, stdout=pipe, stderr=pipe
        )

    def _take(self, message: Message) -> None:
        kind = message["type"]
        if kind == "ready":
            self._ready = True
            self.failures = 0
            if not self._reserved:
                self._idle_again()
        elif kind == "crashed":
            self._why = message["error"]
        elif kind == "part":
            self._parts.append(message)
        else:
            message["parts"], self._parts = self._parts, []
            if message["id"] != self._request or self._answer is None or self._answer.done():
                return
            if kind == "layer":
                if self._layer is not None:
                    self._layer(message)
            else:
                self._answer.set_result(message)

    async def _buried(self) -> None:
        """The process has ended, or must: account for it, and tell whoever waits for its answer."""
        process = self._process
        if process is not None and process.returncode is None:
            self.kill(self._why or "the server stops")
            await process.wait()
        if not self._ready:
            self.failures += 1
        self._ready = False
        self._why = self._why or _ending(process.returncode if process else None)
        self._log(f"analysis process {self.pid} ended: {self._why}")
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WorkerDied(self._why))
            # It may be that nobody waits any more; then nobody needs to hear of it.
            self._answer.exception()

    async def _forward(self, stream: asyncio.StreamReader) -> None:
        """Pass the worker's stderr on to ours, remembering its end."""
        while chunk := await stream.read(CHUNK):
            text = chunk.decode(errors="replace")
            self._tail.extend(text.splitlines())
            # Nobody may read ours any more, or there is none (a program without a console); the end is remembered.
            if sys.stderr is not None:
                with contextlib.suppress(OSError, ValueError):
                    print(text, end="", file=sys.stderr, flush=True)


def _ending(returncode: int | None) -> str:
    if returncode is None:
        return "it did not start"
    if returncode < 0:
        return f"it was killed by signal {-returncode}"
    return f"it ended with exit code {returncode}"

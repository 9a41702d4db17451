"""Has programs exported in the background, for documents whose analysis says that it lacks one.

This is the one thing by which an editor runs the user's code, so it happens only where the client says that it may
(`export.enabled`: VS Code does so in trusted workspaces) and where `torchlean.toml` asks for it; in a process of its
own that runs the code in the sandbox. An export is of saved text, never of a keystroke; each is tried once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from torchlean.startup import module_command
from torchlean_server.documents import Documents
from torchlean_server.state import Document

COMMAND = module_command("torchlean.exported.background")

WHY = "from before its program was exported"


class Exporter:
    """One export at a time.

    Args:
        roots: gives the workspace's folders.
        recheck: called when one has ended, to analyse the document again.
        say: what is being done, for a progress bar; None at the end.

    Attributes:
        allowed: whether the user's code may be run.
    """

    def __init__(
        self,
        documents: Documents,
        roots: Callable[[], Sequence[str]],
        recheck: Callable[[Document, str], None],
        say: Callable[[str | None], None],
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.allowed = False
        self._documents = documents
        self._roots = roots
        self._recheck = recheck
        self._say = say
        self._command = command
        self._tried: set[str] = set()
        self._one = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def allow(self, allowed: bool) -> None:
        """The workspace is trusted with running its code, or not any more: then nothing of it goes on or waits."""
        if self.allowed and not allowed:
            self.stop()
            self._tried.clear()
        self.allowed = allowed

    def follow(self, document: Document) -> None:
        """A document has a new result: if it lacks an export, one is begun."""
        track = document.complete
        if not self.allowed or track is None or track.anchor.revision != document.revision:
            return
        key = track.analysis.wanted
        if key and key not in self._tried:
            self._tried.add(key)
            task = asyncio.get_running_loop().create_task(self._export(document))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """End what is being done."""
        for task in self._tasks:
            task.cancel()

    async def _export(self, document: Document) -> None:
        async with self._one:
            self._say(document.path)
            try:
                await self._run(document.path)
            finally:
                self._say(None)
        if self._documents.has(document):
            self._recheck(document, WHY)

    async def _run(self, path: str) -> None:
        nothing = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *self._command,
            path,
            *self._roots(),
            stdin=asyncio.subprocess.PIPE,
            stdout=nothing,
            stderr=nothing,
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

"""A Lean that does what certificates tell it, for tests of the queue. The setting `lean.path` names a folder: there it
writes what it was asked (`log`), and there lies what it waits for.

Orders in a certificate:

    accept, reject, crash      how it answers; `accept` without any
    hold NAME                  it answers when the folder has a file of this name, and runs a process meanwhile

While the folder has a file `missing` there is no Lean.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

from torchlean_server.lean.service import Answer, Report, Unavailable

SECONDS = 3.14
"""What every check is said to have taken."""


class FakeLean:
    def __init__(self) -> None:
        self._folder: Path | None = None
        self._known: dict[str, Answer] = {}

    def open(self, path: str | None, report: Report, cancel: threading.Event) -> None:
        self._folder = Path(path) if path else None
        self._log("open")
        if self._folder is not None and (self._folder / "missing").exists():
            raise Unavailable("TL400", "no Lean was found: run `torchlean lean setup`")

    def known(self, source: str) -> Answer | None:
        return self._known.get(source)

    def check(self, source: str, timeout: float, cancel: threading.Event) -> Answer:
        name = source.split()[1]
        self._log(f"check {name}")
        held = re.search(r"hold (\w+)", source)
        if held is not None and not self._held(held[1], cancel):
            self._log(f"cancelled {name}")
            return Answer(None, "the check was cancelled", 0.0)
        if "crash" in source:
            return Answer(None, "Lean ended without an answer: signal 11", SECONDS)
        answer = Answer("reject" not in source, "" if "reject" not in source else "1:0: false", SECONDS)
        self._known[source] = answer
        self._log(f"answered {name}")
        return answer

    def rest(self) -> None:
        self._log("rest")

    def close(self) -> None:
        pass

    def _held(self, name: str, cancel: threading.Event) -> bool:
        """Wait for the file, with a process as Lean would have one; False when cancelled."""
        assert self._folder is not None
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self._log(f"pid {process.pid}")
        try:
            while not (self._folder / name).exists():
                if cancel.wait(0.01):
                    return False
        finally:
            process.kill()
            process.wait()
        return True

    def _log(self, line: str) -> None:
        if self._folder is not None:
            with (self._folder / "log").open("a", encoding="utf-8") as log:
                log.write(f"{line}\n")


def log(folder: Path) -> list[str]:
    """What Lean was asked, without the numbers of processes."""
    file = folder / "log"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [line for line in lines if not line.startswith("pid")]

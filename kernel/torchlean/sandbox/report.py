"""What came of a program of the user's that was run, and what it did on the way."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any, Literal

Ending = Literal[
    "finished",
    "failed",
    "exited",
    "crashed",
    "timed out",
    "out of memory",
    "too many files",
    "too many processes",
    "cancelled",
]

SHOWN = 3
"""Deeds of one kind that a sentence names."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something beyond computing that the program did or tried.

    Attributes:
        kind: `process`, `file` or `network`.
        what: which one, for people.
        refused: it was not let.
        own: the user's code asked for it; otherwise a library did.
    """

    kind: Literal["process", "file", "network"]
    what: str
    refused: bool
    own: bool


@dataclass(frozen=True, slots=True)
class Walls:
    """What held the program, beside limits: `kernel` (the system's own), or only `python`, which native code passes.

    Attributes:
        processes: whether the end of one is the end of all; otherwise those that left their group were looked for.
    """

    network: Literal["kernel", "python"] = "python"
    files: Literal["kernel", "python"] = "python"
    processes: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Attributes:
    ending: `finished`: the job returned; `failed`: it raised; `exited`: the process ended without an answer;
        `crashed`: by a signal of its own making; the rest: it was killed for it.
    result: what the job returned, when it finished.
    parts: what it sent before, in order, however it ended.
    phase: what it was doing at the end, as the job told.
    error: the exception, as Python prints it in one line; empty without one.
    traceback: with all lines.
    code: exit status; negative: the signal that ended it.
    printed: the beginning of what it printed; `printed_bytes` is all of it.
    deeds: each once.
    seconds: on the clock; `peak` the most memory seen, MiB.
    limit: the limit that it passed, for people (`60 s`); empty where it passed none.
    """

    ending: Ending
    result: Any
    parts: tuple[Any, ...]
    phase: str
    error: str
    traceback: str
    code: int
    printed: str
    printed_bytes: int
    deeds: tuple[Deed, ...]
    walls: Walls
    seconds: float
    peak: int
    limit: str = ""

    @property
    def what_happened(self) -> str:
        """One clause about the end: "it ran out of time (60 s) while importing model.py"."""
        clauses = {
            "finished": "it finished",
            "failed": f"it raised {self.error}",
            "exited": f"it ended the process with exit code {self.code}",
            "crashed": f"it crashed with {_signal_name(-self.code)}",
            "timed out": f"it ran out of time ({self.limit})",
            "out of memory": f"it ran out of memory ({self.limit})",
            "too many files": f"it wrote too much ({self.limit})",
            "too many processes": f"it started too many processes ({self.limit})",
            "cancelled": "it was cancelled",
        }
        where = f" while {self.phase}" if self.phase and self.ending != "finished" else ""
        return clauses[self.ending] + where

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else there is to say of the user's code, a sentence each: it printed, wrote, started, connected."""
        found = []
        if self.printed_bytes:
            first = next((line for line in self.printed.splitlines() if line.strip()), "")
            found.append(f"it printed {self.printed_bytes} bytes, first {first[:80]!r}")
        for kind, done, refused in (
            ("file", "wrote", "was refused to write"),
            ("process", "started", "was refused to start"),
            ("network", "reached", "was refused the network"),
        ):
            for deeds, word in ((self._own(kind, False), done), (self._own(kind, True), refused)):
                if deeds:
                    more = f" and {len(deeds) - SHOWN} more" if len(deeds) > SHOWN else ""
                    found.append(f"it {word}: {', '.join(deeds[:SHOWN])}{more}")
        return tuple(found)

    def _own(self, kind: str, refused: bool) -> list[str]:
        return [
            deed.what for deed in self.deeds if deed.kind == kind and deed.own and deed.refused is refused
        ]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

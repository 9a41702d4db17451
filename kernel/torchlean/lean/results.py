"""Results of checks on disk, so that what Lean has judged once is not judged again (`torchlean.remembering`).

Only what another run would repeat is kept: acceptances and rejections, never time-outs or crashes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from torchlean.lean.library import Library
from torchlean.lean.outcomes import Accepted, Message, Outcome, Rejected
from torchlean.lean.places import lean_folder
from torchlean.lean.toolchain import Toolchain
from torchlean.remembering import Rows

NAME = "results-1.sqlite"
"""The number changes with the columns: an older TorchLean beside this one keeps its own file."""


def result_key(source: str, library: Library, toolchain: Toolchain) -> str:
    """What a result is stored under: the text that is checked, what it is checked against, and by whom."""
    certificate = hashlib.sha256(source.encode()).hexdigest()
    return hashlib.sha256(f"{certificate}\n{library.identity}\n{toolchain.identity}".encode()).hexdigest()


class ResultCache(Rows):
    """The results in one file."""

    subject = "results of Lean"

    @classmethod
    def open(cls, file: Path | None = None) -> ResultCache:
        """The cache in `file`, by default the user's."""
        return cls(lean_folder() / NAME if file is None else file)

    def get(self, key: str) -> Accepted | Rejected | None:
        """The result under a key; None where there is none, or none that can be trusted."""
        row = self.row(key)
        return None if row is None else _outcome(*row)

    def put(self, key: str, outcome: Outcome) -> None:
        """Remember a result; those that another run might not repeat are passed over."""
        if isinstance(outcome, (Accepted, Rejected)):
            self.write(key, *_row(outcome))


def _row(outcome: Accepted | Rejected) -> tuple[str, str]:
    messages = [
        [message.severity, message.line, message.column, message.text] for message in outcome.messages
    ]
    content = json.dumps({"seconds": outcome.seconds, "messages": messages}, sort_keys=True)
    return ("accepted" if isinstance(outcome, Accepted) else "rejected"), content


def _outcome(verdict: str, content: str) -> Accepted | Rejected | None:
    try:
        entry = json.loads(content)
        messages = tuple(Message(*fields) for fields in entry["messages"])
        seconds = float(entry["seconds"])
    except (ValueError, KeyError, TypeError):
        return None
    if verdict == "accepted":
        return Accepted(seconds, messages)
    return Rejected(seconds, messages) if verdict == "rejected" else None

"""Following something on trial or in isolation: afterwards the interpreter's state is as before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchlean.capture.emitter import Mark
from torchlean.capture.journal import Journal

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter
    from torchlean.diagnostics import Diagnostic


@contextmanager
def isolated(run: Interpreter) -> Iterator[None]:
    """Whatever the program changes inside is undone: claims and modules do not see each other's effects.

    Nodes, diagnostics and observations stay.
    """
    journal = run.journal = Journal(run.journal)
    tainted, run.tainted = run.tainted, dict(run.tainted)
    frame, node = run.frame, run.node
    try:
        yield
    finally:
        run.journal = journal.outer
        journal.undo()
        run.tainted = tainted
        run.frame, run.node = frame, node


@dataclass(eq=False, slots=True)
class Checkpoint:
    """What a failed trial must not leave behind: nodes, diagnostics, and what counts as reported."""

    run: Interpreter
    mark: Mark
    diagnostics: dict[tuple[object, ...], Diagnostic]
    reported: int

    def roll_back(self) -> list[Diagnostic]:
        """Forget what happened since; returns the diagnostics that were made."""
        made = [value for key, value in self.run.diagnostics.items() if key not in self.diagnostics]
        self.run.emitter.forget_from(self.mark)
        self.run.diagnostics = self.diagnostics
        for unknown in self.run.reported[self.reported :]:
            unknown.reported = False
        del self.run.reported[self.reported :]
        return made


def checkpoint(run: Interpreter) -> Checkpoint:
    return Checkpoint(run, run.emitter.mark(), dict(run.diagnostics), len(run.reported))

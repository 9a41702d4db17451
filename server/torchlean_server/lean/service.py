"""Lean as the server uses it: found, made ready, asked about sources. Every call may block; `threads` runs them.

`torchlean.lean` is imported when Lean is first needed: a session without proved claims never loads it.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from torchlean_server.proofs import Proof, Standing

if TYPE_CHECKING:
    from torchlean.lean import Outcome, ResultCache, Runner

DEFAULT_LEAN = "torchlean_server.lean.service:LeanService"

KEPT = 250_000
"""Characters of a certificate that is kept after its check, to be shown; a longer one is written again for that."""

Report = Callable[[int, int, str], None]
"""Told (done, of how many, what) while something takes long."""


class Unavailable(Exception):
    """There is no Lean that works. `code` is the diagnostic's, the message says why and what to do."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one source.

    Attributes:
        accepted: by the kernel; None where Lean gave no answer.
        detail: Lean's words where it did not accept, in one clause.
        seconds: that Lean took when it gave the answer, possibly at another time.
    """

    accepted: bool | None
    detail: str
    seconds: float


def answered(proof: Proof, answer: Answer) -> Proof:
    """What an answer makes of a claim that waited for it."""
    if proof.certificate is not None and len(proof.certificate.source) > KEPT:
        proof = replace(proof, certificate=replace(proof.certificate, source=""))
    if answer.accepted is None:
        return proof.now(Standing.UNANSWERED, answer.detail, "TL401", answer.seconds)
    if answer.accepted:
        return proof.now(Standing.ACCEPTED, seconds=answer.seconds)
    return proof.now(Standing.REJECTED, answer.detail, "TL402", answer.seconds)


class Lean(Protocol):
    """What the rest of the server needs of Lean; tests have their own."""

    def open(self, path: str | None, report: Report, cancel: threading.Event) -> None:
        """Make ready, which may take minutes the first time.

        Raises:
            Unavailable: it cannot be made ready.
        """

    def known(self, source: str) -> Answer | None:
        """A decisive answer of before. Called in another thread than the rest, after `open`."""

    def check(self, source: str, timeout: float, cancel: threading.Event) -> Answer:
        """Ask. `cancel` may be set by any thread and ends it soon.

        Raises:
            Unavailable: Lean has gone.
        """

    def rest(self) -> None:
        """Nothing is to be asked for a while: give back what a process that waits holds of the memory."""

    def close(self) -> None:
        """End what runs. Nothing is asked afterwards but to open it again."""


def named(name: str) -> Lean:
    """The Lean that is called `module:class`."""
    module, _, kind = name.partition(":")
    lean: Lean = getattr(importlib.import_module(module), kind)()
    return lean


class LeanService:
    """The Lean of `torchlean.lean`.

    Args:
        sources: of the library; None for the one of this installation.
    """

    def __init__(self, sources: Path | None = None) -> None:
        self._sources = sources
        self._runner: Runner | None = None
        self._cache: ResultCache | None = None

    def open(self, path: str | None, report: Report, cancel: threading.Event) -> None:
        from torchlean.lean import (
            LeanMissingError,
            Library,
            LibraryCancelled,
            LibraryError,
            ResultCache,
            Runner,
            find_toolchain,
        )

        try:
            toolchain = find_toolchain(path)
        except LeanMissingError as error:
            raise Unavailable("TL400", str(error)) from error
        try:
            library = Library.of(toolchain, self._sources)
            library.build(report, cancel)
            self._runner = Runner(toolchain, library)
        except LibraryCancelled as error:
            raise Unavailable("TL403", "building its library was cancelled") from error
        except LibraryError as error:
            raise Unavailable("TL403", str(error)) from error
        except OSError as error:
            raise Unavailable("TL403", f"compiled modules of its library cannot be kept: {error}") from error
        self._cache = ResultCache.open()

    def known(self, source: str) -> Answer | None:
        from torchlean.lean import result_key

        runner, cache = self._runner, self._cache
        if runner is None or cache is None:
            return None  # closed meanwhile
        outcome = cache.get(result_key(source, runner.library, runner.toolchain))
        if outcome is None:
            # It will be asked: the spare starts while the certificate waits.
            runner.prepare()
            return None
        return _answer(outcome)

    def check(self, source: str, timeout: float, cancel: threading.Event) -> Answer:
        from torchlean.lean import Crashed, checked

        runner = self._runner
        assert runner is not None, "opened first"
        outcome = checked(source, runner, self._cache, timeout, cancel)
        if isinstance(outcome, Crashed) and not runner.library.complete:
            raise Unavailable(
                "TL403", "its compiled library is gone from the cache; checking again compiles it anew"
            )
        return _answer(outcome)

    def rest(self) -> None:
        from torchlean.lean import Runner

        if self._runner is not None:
            resting, self._runner = self._runner, Runner(self._runner.toolchain, self._runner.library)
            resting.close()

    def close(self) -> None:
        runner, cache = self._runner, self._cache
        self._runner = self._cache = None
        if runner is not None:
            runner.close()
        if cache is not None:
            cache.close()


def _answer(outcome: Outcome) -> Answer:
    from torchlean.lean import Accepted, Rejected

    if isinstance(outcome, Accepted):
        return Answer(True, "", outcome.seconds)
    return Answer(False if isinstance(outcome, Rejected) else None, outcome.describe(), outcome.seconds)

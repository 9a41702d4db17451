"""`torchlean check` and Lean: certificates of proved claims, what the kernel says of them, and writing them down.

A verdict gets the evidence `kernel` only from an answer of the kernel to the theorem that was made from this model, box
and property just now (or from the memory of such an answer to the very same text). Whatever stands in the way is said,
and the verdict keeps its evidence.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torchlean.analysis.certifying import certified
from torchlean.analysis.result import Certificate, ClaimResult, Evidence, FileAnalysis, NotCheckable, Plan
from torchlean.analysis.session import Session
from torchlean.certificate import Certified, write
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.lean import (
    Accepted,
    LeanError,
    LeanMissingError,
    Library,
    Outcome,
    Rejected,
    ResultCache,
    Runner,
    checked,
    find_toolchain,
)
from torchlean.source import Span
from torchlean.writing import write_whole


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why no Lean is asked: a code and a clause."""

    code: str
    reason: str


class Kernel:
    """Lean, started when the first certificate needs it. A context manager: Lean ends with it.

    Args:
        wanted: False: nothing is asked, and nothing said about it.
    """

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self._stack = contextlib.ExitStack()
        self._runner: Runner | Unavailable | None = None
        self._cache: ResultCache | None = None

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, source: str) -> Outcome | Unavailable:
        """What the kernel says of a certificate."""
        if self._runner is None:
            self._runner = self._start()
        if isinstance(self._runner, Unavailable):
            return self._runner
        return checked(source, self._runner, self._cache)

    def _start(self) -> Runner | Unavailable:
        try:
            toolchain = find_toolchain()
            runner = self._stack.enter_context(Runner(toolchain, Library.of(toolchain)))
        except LeanMissingError:
            return Unavailable("TL400", "there is no Lean: run `torchlean lean setup`")
        except LeanError as error:
            return Unavailable("TL403", str(error).splitlines()[0])
        self._cache = self._stack.enter_context(ResultCache.open())
        return runner


def with_certificates(
    analysis: FileAnalysis,
    text: str,
    session: Session,
    kernel: Kernel,
    folder: Path | None,
    cancelled: Callable[[], bool],
) -> FileAnalysis:
    """The analysis with what Lean says of its proved claims; certificates written into `folder` where there is one.

    Raises:
        Cancelled: by the caller.
        OSError: a certificate cannot be written.
    """
    if not kernel.wanted and folder is None:
        return analysis
    answers: dict[str, tuple[Plan, Certified | None]] = {}
    for plan, found in certified(analysis.path, text, None, session, cancelled):
        answers[plan.claim] = (plan, found)
        if found is not None and folder is not None:
            write_certificate(found, Path(analysis.path).stem, folder)
    units, diagnostics = [], list(analysis.diagnostics)
    for unit in analysis.units:
        if unit.claim is None or unit.name not in answers:
            units.append(unit)
            continue
        plan, _ = answers[unit.name]
        claim, remark = _judged(unit.claim, plan, kernel, unit.name, unit.span)
        units.append(replace(unit, claim=claim))
        diagnostics += remark
    return replace(analysis, units=tuple(units), diagnostics=tuple(diagnostics))


def _judged(
    claim: ClaimResult, plan: Plan, kernel: Kernel, name: str, span: Span
) -> tuple[ClaimResult, list[Diagnostic]]:
    """The claim with the kernel's answer, and a diagnostic where it is no yes."""
    if plan.key != claim.key:
        # Only a plan for the very content that was decided counts.
        return _unchecked(claim, "the claim changed while it was checked"), []
    if isinstance(plan.plan, NotCheckable):
        return _unchecked(claim, plan.plan.reason), []
    if not kernel.wanted:
        return claim, []
    outcome = kernel.ask(plan.plan.source)
    if isinstance(outcome, Unavailable):
        return _unchecked(claim, outcome.reason), []
    if isinstance(outcome, Accepted):
        return _accepted(claim, plan.plan, outcome), []
    code = "TL402" if isinstance(outcome, Rejected) else "TL401"
    remark = diagnostic(code, span, f"{name}: proved by bounds, but {outcome.describe()}")
    return _unchecked(claim, outcome.describe()), [remark]


def _accepted(claim: ClaimResult, certificate: Certificate, outcome: Accepted) -> ClaimResult:
    detail = f"{claim.detail}; accepted by the Lean kernel in {outcome.seconds:.1f} s, {certificate.states}"
    return replace(claim, evidence=Evidence.KERNEL, detail=detail)


def _unchecked(claim: ClaimResult, reason: str) -> ClaimResult:
    return replace(claim, detail=f"{claim.detail}; not checked by Lean: {reason}")


def write_certificate(found: Certified, stem: str, folder: Path) -> tuple[Path, Path]:
    """Write both forms of a certificate, whole or not at all.

    Args:
        stem: of the file that states the claim.

    Returns:
        The JSON and the Lean file.

    Raises:
        OSError: one of them cannot be written; neither is there then, or both are as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{stem}.{re.sub(r'[^A-Za-z0-9_]', '_', found.document.title.claim)}"
    # Names that differ in other characters only are told apart by the theorem's, which is unique.
    if name != f"{stem}.{found.document.title.claim}":
        name = f"{stem}.{found.document.theorem.rpartition('.')[2]}"
    lean, plain = folder / f"{name}.lean", folder / f"{name}.json"
    before = lean.read_text(encoding="utf-8") if lean.exists() else None
    write_whole(lean, found.document.lean)
    try:
        write_whole(plain, write(found.document))
    except OSError:
        if before is None:
            os.remove(lean)
        else:
            write_whole(lean, before)
        raise
    return plain, lean

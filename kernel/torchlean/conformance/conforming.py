"""One file: its units, run in every mode in the sandbox, compared with its graph, and located where they part."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from torchlean.analysis.agreement import program_digest
from torchlean.analysis.session import Session
from torchlean.capture import capture_file
from torchlean.capture.result import Capture
from torchlean.conformance.comparing import Comparison
from torchlean.conformance.in_lean import Ask
from torchlean.conformance.remembering import remember
from torchlean.conformance.result import UnitAgreement
from torchlean.conformance.subjects import Subject, chosen, request, subject_of
from torchlean.conformance.tasks import Asking
from torchlean.sandbox import Limits

SAMPLES = 1000

MODE_SECONDS = 20.0
"""For the inputs of one unit in one mode: fewer are run where a call takes long."""

SECONDS = 300.0
"""For one process of the sandbox: `torch.compile` takes some ten seconds for each unit."""

CERTAIN = ("eager", "threads", "compiled", "exported", "onnx", "channels last", "float64")
AUTOCAST = ("autocast bfloat16", "autocast float16")


@dataclass(frozen=True, slots=True)
class Options:
    """Attributes:
    claim: of this name alone (or the module of this name).
    samples: inputs of each unit.
    limits: of the process that runs the program.
    points: inputs to run instead of drawn ones, (inputs, *shape) by name.
    modes: only these of the program's; None for all.
    remember: keep what is found as evidence for the analysis.
    lean: asks the Lean kernel about a file; None: it is not asked.
    """

    claim: str | None = None
    samples: int = SAMPLES
    limits: Limits = field(default_factory=lambda: Limits(seconds=SECONDS))
    points: Mapping[str, Tensor] | None = None
    modes: tuple[str, ...] | None = None
    remember: bool = False
    lean: Ask | None = None


def conform(
    path: str, text: str, session: Session, options: Options, told: Callable[[str], None] = lambda text: None
) -> list[UnitAgreement]:
    """Compare every unit of a file, in the order of the file.

    Args:
        path: absolute; the file itself is imported, so `text` is to be what is on disk.
        told: what is being done, for a progress bar.

    Raises:
        NothingToCompare: see there.
        SandboxError: no program can be run on this machine.
    """
    capture = capture_file(path, text, session.workspace)
    program = program_digest(text, capture.dependencies, session.workspace)
    units = chosen(capture, options.claim)
    subjects = [subject_of(capture, unit, options.samples, options.points) for unit in units]
    runnable = [subject for subject in subjects if isinstance(subject, Subject)]
    modes = CERTAIN + (AUTOCAST if "autocast" in _sources(capture, text) else ())
    modes = modes if options.modes is None else options.modes
    asking = Asking(
        path,
        [os.path.dirname(path)],
        [request(subject) for subject in runnable],
        [subject.inputs for subject in runnable],
        options.limits,
        MODE_SECONDS,
    )
    asking.run([(place, mode) for mode in modes for place in range(len(runnable))], told)
    remarks = tuple(dict.fromkeys(remark for report in asking.reports for remark in report.remarks))
    results = []
    kept = []
    place = 0
    for subject in subjects:
        if isinstance(subject, UnitAgreement):
            results.append(subject)
            continue
        told(f"{subject.unit.name}, comparing")
        results.append(Comparison(subject, place, asking, remarks, options.lean).result(modes))
        kept.append((subject.part, results[-1]))
        place += 1
    # What was run is what is on disk: a program that changed meanwhile was perhaps another one.
    if options.remember and program is not None and program == _on_disk(path, capture, session):
        remember(kept, program)
    return results


def _on_disk(path: str, capture: Capture, session: Session) -> str | None:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return program_digest(text, capture.dependencies, session.workspace)


def _sources(capture: Capture, text: str) -> str:
    """The file's text with that of the files that it imports."""
    texts = [text]
    for path in capture.dependencies:
        file = Path(path)
        if file.suffix == ".py" and file.is_file():
            texts.append(file.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(texts)

"""One mode at one input: what a test repeats that was written for a disagreement."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from torchlean.analysis.session import Session
from torchlean.conformance.conforming import Options, conform
from torchlean.conformance.result import OWN
from torchlean.conformance.subjects import NothingToCompare
from torchlean.conformance.telling import parting_message


def partings_at(file: Path, name: str, inputs: Mapping[str, Tensor], mode: str) -> list[str]:
    """Run a claim or module on one input, in the sandbox, and say where it leaves its graph.

    Args:
        file: the program; it is imported.
        inputs: by name.
        mode: `eager`, `compiled`, ... (docs/conformance.md).

    Raises:
        NothingToCompare: the file has nothing of that name, or it could not be run.
        SandboxError: no program can be run on this machine.
    """
    path = file.resolve()
    points = {name: value[None] for name, value in inputs.items()}
    options = Options(claim=name, samples=1, points=points, modes=() if mode in OWN else (mode,))
    found = conform(str(path), path.read_text(encoding="utf-8"), Session((str(path.parent),)), options)
    for unit in found:
        failed = unit.failure or next(
            (row.reason for row in unit.modes if row.mode == mode and not row.inputs), ""
        )
        if failed:
            raise NothingToCompare(f"`{unit.name}` was not run: {failed}")
    return [
        parting_message(unit, parting) for unit in found for parting in unit.partings if parting.mode == mode
    ]

"""Results of comparisons as evidence for the analysis, under the content that they rest on (`analysis.agreement`)."""

from __future__ import annotations

from collections.abc import Sequence

from torchlean.analysis.agreement import AgreementRows, FileAgreements
from torchlean.analysis.result import Agreement
from torchlean.analysis.units import UnitGraph
from torchlean.conformance.result import Outcome, UnitAgreement
from torchlean.conformance.telling import parting_message

WAYS = {
    "eager": "eager",
    "threads": "on several threads",
    "compiled": "compiled",
    "exported": "exported",
    "onnx": "as ONNX",
    "channels last": "with channels last",
    "float64": "in float64",
    "autocast bfloat16": "under autocast to bfloat16",
    "autocast float16": "under autocast to float16",
}
"""Modes in a list of them."""


def remember(found: Sequence[tuple[UnitGraph, UnitAgreement]], program: str) -> None:
    """Keep what was found of each unit. Those that were not run, or of which no bound is known, leave no row.

    Args:
        program: the digest of what was run.
    """
    with AgreementRows.here() as rows:
        kept = FileAgreements(rows, program)
        for part, unit in found:
            agreement = _agreement(unit)
            if agreement is not None:
                kept.put(part, agreement)


def _agreement(unit: UnitAgreement) -> Agreement | None:
    if unit.partings:
        first = unit.partings[0]
        return Agreement(False, parting_message(unit, first), unit.torch, (first.mode,), 1, first.node)
    agreeing = [row for row in unit.executed if row.outcome is Outcome.AGREES]
    if not agreeing:
        return None
    modes, inputs = tuple(row.mode for row in agreeing), min(row.inputs for row in agreeing)
    ways = _listed([WAYS[mode] for mode in modes])
    text = f"agrees with torch {unit.torch} {ways}, on {inputs:,} input{'' if inputs == 1 else 's'}"
    return Agreement(True, text, unit.torch, modes, inputs)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

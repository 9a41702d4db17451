"""What `torchlean bounds` says about rounding errors besides the column of its table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import click

from torchlean.analysis.result import TensorFact
from torchlean.analysis.units import UnitBounds, blamed_lines, result_error

SMALLEST_SHOWN = 0.001
"""Lines with less than a tenth of a percent are not listed."""


def first_causes(facts: Sequence[TensorFact]) -> list[str]:
    """Why errors are infinite, each reason at the first node that has it."""
    found: dict[str, TensorFact] = {}
    for fact in facts:
        if fact.rounding is not None and fact.rounding.reason is not None:
            found.setdefault(fact.rounding.reason, fact)
    return [f"%{fact.node} {fact.op}: no error bound: {reason}" for reason, fact in found.items()]


def print_lines(bounded: UnitBounds, path: str, lines: Sequence[str]) -> None:
    """The lines that the rounding error of the result comes from, largest share first; nothing is said of a result that
    was not captured."""
    if bounded.part.unit.failure is not None:
        return
    ranked = [(line, share) for line, share in blamed_lines(bounded, path) if share >= SMALLEST_SHOWN]
    if not ranked:
        click.echo("the result has no rounding error")
        return
    if result_error(bounded) == math.inf:
        click.echo("the rounding error of the result has no bound, which begins at:")
    else:
        click.echo("the rounding error of the result comes from:")
    for line, share in ranked:
        known = line is not None and line < len(lines)
        source = f"{line + 1}: {lines[line].strip()[:80]}" if line is not None and known else "other files"
        click.echo(f"  {share:6.1%}  {source}")

"""`torchlean conform`: the program of a file run in every way that torch has, beside its graph."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from torchlean.analysis.panel import finite
from torchlean.analysis.session import Session
from torchlean.command.kernel import Kernel, Unavailable
from torchlean.command.progress import bar
from torchlean.command.report import diagnostic_object, utf16_range
from torchlean.command.threads import one_thread
from torchlean.conformance import ModeResult, NothingToCompare, Options, Outcome, UnitAgreement, conform
from torchlean.conformance.in_lean import Ask
from torchlean.conformance.telling import as_test, diagnostics, parting_message
from torchlean.lean import Outcome as LeanOutcome
from torchlean.numbers import upper_text
from torchlean.sandbox import SandboxError

PIPE_WIDTH = 160
"""Columns of a table that goes into a file or a pipe."""

_STYLES = {
    Outcome.AGREES: "green",
    Outcome.PARTS: "bold red",
    Outcome.UNBOUNDED: "yellow",
    Outcome.SKIPPED: "dim",
    Outcome.FAILED: "yellow",
}


def run(file: Path, options: Options, as_json: bool, *, lean: bool) -> int:
    """Compare, print, and return the exit code: 0 where every unit was run and nothing parts, 1 otherwise.

    Args:
        lean: ask the Lean kernel for the numbers of claims' networks, where there is one.
    """
    one_thread()
    path = file.resolve()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from error
    session = Session((str(path.parent),))
    try:
        with bar(0, lambda share, text: None) as shown, Kernel(lean) as kernel:
            options = replace(options, lean=asking(kernel)) if lean else options
            found = conform(str(path), text, session, options, lambda doing: shown(0.0, doing))
    except (NothingToCompare, SandboxError) as error:
        raise click.ClickException(f"{file}: {error}") from error
    if as_json:
        print(json.dumps(document(path, text, found), indent=2))
    else:
        _print(found, path, text.splitlines())
    return 0 if all(unit.sound for unit in found) else 1


def asking(kernel: Kernel) -> Ask:
    """The kernel as a comparison asks it."""

    def ask(source: str) -> LeanOutcome | str:
        found = kernel.ask(source)
        return found.reason if isinstance(found, Unavailable) else found

    return ask


def document(path: Path, text: str, found: Sequence[UnitAgreement]) -> dict[str, Any]:
    """The JSON object."""
    lines = text.splitlines()
    return {
        "path": str(path),
        "units": [_unit(unit, path, lines) for unit in found],
        "diagnostics": [diagnostic_object(each, lines) for unit in found for each in diagnostics(unit)],
    }


def _unit(unit: UnitAgreement, path: Path, lines: list[str]) -> dict[str, Any]:
    return {
        "kind": unit.kind,
        "name": unit.name,
        "range": utf16_range(unit.span, lines),
        "agrees": unit.agrees,
        "failure": unit.failure or None,
        "drawn": unit.drawn,
        "torch": unit.torch,
        "remarks": list(unit.remarks),
        "modes": [
            {
                "mode": row.mode,
                "outcome": row.outcome.value,
                "inputs": row.inputs,
                "difference": finite(row.difference),
                "ulps": finite(row.ulps),
                "fraction": finite(row.fraction),
                "reason": row.reason or None,
            }
            for row in unit.modes
        ],
        "partings": [
            {
                "mode": each.mode,
                "node": each.node,
                "op": each.op,
                "located": each.located,
                "line": each.span.line if each.span else None,
                "inputs": each.inputs,
                "executed": finite(each.executed),
                "expected": finite(each.expected),
                "bound": finite(each.bound),
                "test": as_test(unit, each, path),
            }
            for each in unit.partings
        ],
    }


def _print(found: Sequence[UnitAgreement], path: Path, lines: list[str]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    for unit in found:
        title = f"{unit.kind} {unit.name}" + (f": {unit.drawn}" if unit.drawn else "")
        if unit.failure:
            console.print(Text(title))
            console.print(Text(f"  not compared: {unit.failure}", style="yellow"))
        else:
            console.print(_table(unit, title))
        for remark in unit.remarks:
            console.print(Text(f"  while it was run, {remark}", style="dim"))
        for place, each in enumerate(unit.partings):
            line = each.span.line if each.span else unit.span.line
            console.print(Text(f"{path.name}:{line + 1}: {parting_message(unit, each)}", style="bold red"))
            if place == 0:
                console.print(Text(f"    {lines[line].strip() if line < len(lines) else ''}\n"))
                console.print(Text(as_test(unit, each, path)))


def _table(unit: UnitAgreement, title: str) -> Table:
    table = Table(title=f"{title}, torch {unit.torch}", title_justify="left")
    for heading in ("mode", "inputs", "largest difference", "ulps", "of the proved bound", "outcome"):
        table.add_column(heading, justify="left" if heading in ("mode", "outcome") else "right")
    for row in unit.modes:
        table.add_row(*_cells(row))
    return table


def _cells(row: ModeResult) -> list[Text]:
    outcome = Text(f"{row.outcome.value}{': ' if row.reason else ''}{row.reason}", style=_STYLES[row.outcome])
    if not row.inputs:
        return [Text(row.mode), *[Text("")] * 4, outcome]
    share = "" if math.isnan(row.fraction) else f"{100 * row.fraction:.3g} %"
    numbers = [f"{row.inputs:,}", upper_text(row.difference, 3), upper_text(row.ulps, 3), share]
    return [Text(row.mode), *map(Text, numbers), outcome]

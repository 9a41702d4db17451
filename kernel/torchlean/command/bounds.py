"""`torchlean bounds`: one row per node of a model's graph."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from torchlean.analysis.facts import is_row
from torchlean.analysis.panel import finite
from torchlean.analysis.result import Extent, TensorFact
from torchlean.analysis.session import Session
from torchlean.analysis.units import (
    UnitBounds,
    blamed_lines,
    bound_unit,
    sharpen_unit,
    unit_facts,
    unit_graph,
    with_errors,
)
from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Unit, UnitKind
from torchlean.claims.decide import CROWN_WORK, too_much_work
from torchlean.command.errors import first_causes, print_lines
from torchlean.command.threads import one_thread
from torchlean.diagnostics import Severity
from torchlean.numbers import interval_text, lower_text, upper_text
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic

PIPE_WIDTH = 160
"""Columns of a table that goes into a file or a pipe, where nobody's window cuts it."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What to print: one JSON object instead of a table, every element, weights too, lines ranked by error."""

    as_json: bool = False
    elements: bool = False
    everything: bool = False
    errors: bool = False


def arithmetic(*, flush_to_zero: bool, tf32: bool, autocast: str | None, compiled: bool) -> Arithmetic:
    """The machine that the options describe."""
    dtype = {"bfloat16": torch.bfloat16, "float16": torch.float16, None: None}[autocast]
    return Arithmetic(flush_to_zero=flush_to_zero, tf32=tf32, autocast=dtype, compiled=compiled)


def run(path: Path, name: str | None, method: str, showing: Showing, machine: Arithmetic = DEFAULT) -> int:
    """Bound the chosen unit's graph and print it. Exit code 1 when the file gives no unit to show."""
    one_thread()
    absolute = str(path.resolve())
    text = path.read_text(encoding="utf-8")
    session = Session((str(path.resolve().parent),), exports=True)
    capture = capture_file(absolute, text, session.workspace)
    unit = _choose(capture, name)
    if unit is None:
        return _nothing_to_show(capture, path)
    bounded = bound_unit(unit_graph(capture, unit), session.bounds, lambda: False)
    if method != "ibp":
        if bounded.question is not None and too_much_work(bounded.question.margin.graph):
            click.echo(
                f"intervals only: linear bounds of {unit.name} take more than {CROWN_WORK:.0e} multiplications",
                err=True,
            )
        bounded = sharpen_unit(bounded, session.bounds, lambda: False, method)
    bounded = with_errors(bounded, session.errors, lambda: False, machine)
    if showing.as_json:
        print(json.dumps(_document(bounded, absolute, showing), indent=2))
        return 0
    _print(bounded, absolute, text.splitlines(), showing.everything)
    if showing.errors:
        print_lines(bounded, absolute, text.splitlines())
    others = [other.name for other in capture.units if other is not unit]
    if others and name is None:
        click.echo(f"also in this file, with --claim: {', '.join(others)}")
    return 0


def _choose(capture: Capture, name: str | None) -> Unit | None:
    """The named unit; without a name the first claim, else the first module, else the script."""
    if name is not None:
        named = [unit for unit in capture.units if unit.name == name]
        if not named:
            known = ", ".join(unit.name for unit in capture.units) or "none"
            raise click.UsageError(f"no claim or module `{name}` in this file; there is: {known}")
        return named[0]
    order = [UnitKind.CLAIM, UnitKind.MODULE, UnitKind.SCRIPT]
    ranked = sorted(capture.units, key=lambda unit: (not unit.outputs, order.index(unit.kind)))
    return ranked[0] if ranked else None


def _nothing_to_show(capture: Capture, path: Path) -> int:
    click.echo(f"{path}: no claim, module or tensor computation to bound", err=True)
    for found in capture.diagnostics:
        if found.severity is Severity.ERROR:
            click.echo(
                f"  {found.span.line + 1}:{found.span.column + 1} {found.code} {found.message}", err=True
            )
    return 1


def _document(bounded: UnitBounds, path: str, showing: Showing) -> dict[str, Any]:
    document: dict[str, Any] = {
        "nodes": _nodes(bounded, path, showing.elements),
        "capture": bounded.part.unit.front_end,
    }
    if showing.errors:
        document["lines"] = [
            {"line": line, "share": share} for line, share in blamed_lines(bounded, path) if line is not None
        ]
    return document


def _nodes(bounded: UnitBounds, path: str, elements: bool) -> list[dict[str, Any]]:
    rows = []
    for fact in unit_facts(bounded, path):
        bound, alone = bounded.bounds.bounds[fact.node], fact.alone or fact
        row: dict[str, Any] = {
            "id": fact.node,
            "op": fact.op,
            "shape": list(fact.shape),
            "lower": finite(fact.lower),
            "upper": finite(fact.upper),
            "error": finite(fact.error),
            "ulps": finite(fact.rounding.ulps) if fact.rounding else None,
            "line": fact.line,
            "method": fact.method,
            "interval": {"lower": finite(alone.lower), "upper": finite(alone.upper)},
        }
        if elements:
            row["elements"] = {
                "lower": [finite(value) for value in bound.interval.lower.flatten().tolist()],
                "upper": [finite(value) for value in bound.interval.upper.flatten().tolist()],
                "error": _element_errors(bounded, fact),
            }
        rows.append(row)
    return rows


def _element_errors(bounded: UnitBounds, fact: TensorFact) -> list[float | None]:
    assert bounded.errors is not None, "errors are found before anything is printed"
    error = bounded.errors[fact.node].error
    if error is None:
        return [0.0] * math.prod(fact.shape)
    return [finite(value) for value in error.flatten().tolist()]


def _print(bounded: UnitBounds, path: str, lines: list[str], everything: bool) -> None:
    unit = bounded.part.unit
    title = f"{unit.kind.value} {unit.name}"
    if unit.front_end == "export":
        title += ", from the exported program"
    domain = ", ".join(f"{name} in {box.text}" for name, box in unit.domains.items())
    table = Table(
        title=f"{title}: {domain}" if domain else f"{title}: no domain stated", title_justify="left"
    )
    facts = unit_facts(bounded, path)
    shown = [fact for fact, node in zip(facts, bounded.part.graph, strict=True) if everything or is_row(node)]
    compared = any(fact.much_tighter for fact in shown)
    headings = ["node", "op", "shape", "lower", "upper", "width", "error", "method", "source"]
    if compared:
        headings.insert(-1, "intervals alone")
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in ("node", "lower", "upper", "width", "error") else "left",
            no_wrap=True,
        )
    for fact in shown:
        table.add_row(*_cells(fact, lines, compared))
    reasons = [
        f"%{fact.node} {fact.op}: {fact.reason}" for fact in facts if fact.reason and fact.op != "input"
    ]
    reasons += first_causes(facts)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    console.print(table)
    for reason in reasons:
        console.print(Text(reason, style="yellow"))
    if unit.failure:
        console.print(Text(f"not captured wholly: {unit.failure}", style="yellow"))


def _cells(fact: TensorFact, lines: list[str], compared: bool) -> list[Text]:
    """A row of the table; `compared` adds what intervals alone give, where that is much less."""
    source = ""
    if fact.line is not None and fact.line < len(lines):
        source = f"{fact.line + 1}: {lines[fact.line].strip()}"
    known = fact.lower is not None and fact.upper is not None and fact.width is not None
    lower = lower_text(fact.lower) if known and fact.lower is not None else "?"
    upper = upper_text(fact.upper) if known and fact.upper is not None else "?"
    width = upper_text(fact.width, 3) if known and fact.width is not None else "?"
    name = f"{fact.op} {fact.label}".strip()
    shape = "×".join(map(str, fact.shape)) or "scalar"
    mark = " NaN?" if fact.undefined else ""
    error = upper_text(fact.error, 3) if fact.error is not None else "?"
    # `--method ibp` gives other bounds where its operands' are linear ones.
    method = "ibp on linear" if fact.from_linear_bounds else fact.method
    cells = [f"%{fact.node}", name, shape, lower, upper + mark, width, error, method]
    if compared:
        cells.append(_alone(fact.alone) if fact.alone and fact.much_tighter else "")
    return [Text(cell) for cell in [*cells, source[:60]]]


def _alone(extent: Extent) -> str:
    return interval_text(extent.lower, extent.upper) + (" NaN?" if extent.undefined else "")

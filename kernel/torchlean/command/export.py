"""`torchlean export`: the program that `torch.export` records, compared with the graph that static capture reads."""

from __future__ import annotations

import json
import linecache
from pathlib import Path
from typing import Any

import click

from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Unit, UnitKind
from torchlean.capture.workspace import Workspace
from torchlean.command.threads import one_thread
from torchlean.exported import ExportError, Outcome, export, exportable, job, outcomes
from torchlean.graph import to_text
from torchlean.sandbox import Limits, Report, SandboxError
from torchlean.source import Span

EXIT = {"same": 0, "exported": 1, "different": 1, "refused": 1}


def run(
    path: Path, name: str | None, kind: UnitKind | None, *, as_json: bool, graph: bool, seconds: float
) -> int:
    """Export units of a file and print what comparing them comes to. Exit code 0 when all are the same.

    Args:
        name, kind: one unit alone; None for all.
        graph: print the exported graphs, too.
        seconds: after which the process that runs the user's code is ended.
    """
    one_thread()
    absolute, folder = str(path.resolve()), str(path.resolve().parent)
    capture = capture_file(absolute, path.read_text(encoding="utf-8-sig"), Workspace((folder,)))
    units = _units(capture, name, kind)
    if not units:
        click.echo(f"{path}: no claim or module to export", err=True)
        return 1
    try:
        reply, report = export(job(capture, units, (folder,)), Limits(seconds=seconds))
    except (ExportError, SandboxError) as error:
        return _failed(path, error, as_json)
    found = outcomes(capture, units, reply)
    if as_json:
        parts = [_document(outcome) for outcome in found]
        document = {"path": absolute, "torch": reply.torch, "units": parts, "remarks": list(_remarks(report))}
        print(json.dumps(document, indent=2))
    else:
        for outcome in found:
            _print(outcome, graph)
        for remark in _remarks(report):
            click.echo(f"while it was exported, {remark}", err=True)
    return max(EXIT[outcome.verdict] for outcome in found)


def _units(capture: Capture, name: str | None, kind: UnitKind | None) -> list[Unit]:
    """Those asked for.

    Raises:
        click.UsageError: there is no such unit, or it cannot be exported.
    """
    known = [unit for unit in capture.units if exportable(unit)]
    if name is None:
        return known
    named = [unit for unit in capture.units if unit.name == name and kind in (None, unit.kind)]
    if not named:
        listed = ", ".join(unit.name for unit in known if kind in (None, unit.kind)) or "none"
        raise click.UsageError(
            f"no {kind.value if kind else 'unit'} `{name}` in this file; there is: {listed}"
        )
    if not exportable(named[0]):
        raise click.UsageError(f"`{name}` is a fact of a family: export the module that it speaks of")
    return named[:1]


def _failed(path: Path, error: ExportError | SandboxError, as_json: bool) -> int:
    remarks = _remarks(error.report) if isinstance(error, ExportError) else ()
    if as_json:
        print(
            json.dumps({"path": str(path.resolve()), "error": str(error), "remarks": list(remarks)}, indent=2)
        )
        return 1
    click.echo(f"{path}: nothing was exported: {error}", err=True)
    for remark in remarks:
        click.echo(f"  {remark}", err=True)
    return 1


def _remarks(report: Report) -> tuple[str, ...]:
    """What the code did besides. Files that it could write are left out: they lie in a folder that is gone."""
    return tuple(remark for remark in report.remarks if not remark.startswith("it wrote"))


def _print(outcome: Outcome, graph: bool) -> None:
    click.echo(f"{outcome.unit.name}: {sentence(outcome)}")
    difference = None if outcome.comparison is None else outcome.comparison.difference
    if difference is not None:
        _line("captured", difference.captured)
        _line("exported", difference.exported)
    _line("there", outcome.place)
    if graph and outcome.exported is not None:
        exported = outcome.exported
        click.echo(to_text(exported.graph.cone(dict.fromkeys(exported.outputs), exported.outputs)[0]))


def sentence(outcome: Outcome) -> str:
    """What came of a unit."""
    comparison = outcome.comparison
    if comparison is None:
        captured = (
            f" (static capture does not follow it: {outcome.unit.failure})" if outcome.unit.failure else ""
        )
        if outcome.refusal is not None:
            return f"{outcome.refusal}{captured}"
        assert outcome.exported is not None
        cone, _ = outcome.exported.graph.cone(dict.fromkeys(outcome.exported.outputs))
        return f"exported, {len(cone)} nodes; nothing to compare with{captured}"
    if comparison.difference is not None:
        return f"they differ ({comparison.difference.kind}): {comparison.difference.message}"
    drawn = ""
    if comparison.drawn:
        drawn = f"; {comparison.drawn} weights come from no file: compared by their range"
    return f"the exported program and the captured graph are the same ({comparison.nodes} nodes{drawn})"


def _line(title: str, span: Span | None) -> None:
    if span is not None:
        text = linecache.getline(span.path, span.line + 1).strip()
        click.echo(f"  {title}: {span.path}:{span.line + 1}: {text}")


def _document(outcome: Outcome) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": outcome.unit.kind.value,
        "name": outcome.unit.name,
        "result": outcome.verdict,
        "captured": outcome.unit.failure is None,
    }
    if outcome.comparison is not None:
        document |= {"nodes": outcome.comparison.nodes, "drawn": outcome.comparison.drawn}
        difference = outcome.comparison.difference
        if difference is not None:
            document["difference"] = {
                "kind": difference.kind,
                "message": difference.message,
                "captured": _place(difference.captured),
                "exported": _place(difference.exported),
            }
    if outcome.refusal is not None:
        document |= {"reason": outcome.refusal, "place": _place(outcome.place)}
    elif outcome.unit.failure is not None:
        document["reason"] = outcome.unit.failure
    return document


def _place(span: Span | None) -> dict[str, Any] | None:
    """Lines from zero, as everywhere in JSON."""
    return None if span is None else {"path": span.path, "line": span.line}

"""A capture whose missing units come from the exported program, where the configuration says so.

Only what static capture does not follow is replaced: where it does, nothing needs to be run. The graph of an exported
unit is appended to the file's, so that everything that reads a capture (bounds, claims, certificates, hover) takes it
as it is; `Unit.front_end` tells where it came from.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from torchlean.capture.result import Capture, Observation, Role, Unit, UnitKind
from torchlean.configuration import capture_setting
from torchlean.exported.outcome import STAGES, exportable, job
from torchlean.exported.program import Job, Program, Refusal, Reply
from torchlean.exported.running import ExportError, export_settled
from torchlean.exported.store import Store, Stored, key
from torchlean.exported.walk import Exported, walk
from torchlean.graph import Graph
from torchlean.sandbox import SandboxError

WAITING = "its exported program is not there yet: `torchlean check` makes it, and an editor that may (`export.enabled`)"
UNSAVED = "save the file: an export is of what is saved"


class Completion:
    """Fills captures from the store. It runs the user's code only where `runs` is set: on the command line."""

    def __init__(self, store: Store | None = None, *, runs: bool = False) -> None:
        self.store = Store() if store is None else store
        self.runs = runs

    def __call__(self, capture: Capture, text: str, roots: Sequence[str]) -> Capture:
        """The capture with the exported units, where the configuration asks for them."""
        wanted = capture_setting(capture.path)
        capture = replace(
            capture,
            diagnostics=(*capture.diagnostics, *wanted.diagnostics),
            dependencies=tuple(dict.fromkeys((*capture.dependencies, *wanted.files))),
        )
        units = open_units(capture)
        if not units or not wanted.export:
            return replace(capture, offer=wanted.place) if units and wanted.open else capture
        asked = job(capture, units, roots)
        # Editors and `open` part about the ends of lines.
        text = text.replace("\r\n", "\n")
        name = key(asked, text)
        stored = self.store.get(name)
        if stored is None and _saved(capture.path) != text:
            return _waiting(capture, units, UNSAVED, "")
        if self.runs and (stored is None or stored.passing):
            stored = exported(asked, capture, self.store, name)
        if stored is None:
            return _waiting(capture, units, WAITING, name)
        return _completed(capture, units, stored)


def open_units(capture: Capture) -> tuple[Unit, ...]:
    """What an export could give: units that static capture does not follow to the end, whose input is known."""
    return tuple(
        unit for unit in capture.units if exportable(unit) and unit.failure is not None and unit.inputs
    )


def exported(asked: Job, capture: Capture, store: Store, name: str) -> Stored:
    """Run the user's code, and keep what comes of it."""
    try:
        stored = Stored(*export_settled(asked))
    except (ExportError, SandboxError) as error:
        refusal = Refusal("run", str(error))
        stored = Stored(Reply("", tuple(refusal for _ in asked.requests)), passing=True)
    store.put(name, stored, (path for path in capture.dependencies if os.path.isfile(path)))
    return stored


def _saved(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None


def _waiting(capture: Capture, units: Sequence[Unit], reason: str, wanted: str) -> Capture:
    """The units as they are, which say that more is to come."""
    told = {id(unit): replace(unit, failure=f"{unit.failure} ({reason})") for unit in units}
    return replace(capture, units=tuple(told.get(id(unit), unit) for unit in capture.units), wanted=wanted)


def _completed(capture: Capture, units: Sequence[Unit], stored: Stored) -> Capture:
    graph, new = capture.graph, {}
    for unit, part in zip(units, stored.reply.units, strict=True):
        graph, new[id(unit)] = _unit(graph, unit, part, stored, capture.path)
    result = tuple(new.get(id(unit), unit) for unit in capture.units)
    settled = {unit.failure for unit in units if new[id(unit)].failure is None}
    settled -= {unit.failure for unit in capture.units if id(unit) not in new}
    # A border of static capture is none any more where everything behind it came from the export.
    diagnostics = tuple(
        d
        for d in capture.diagnostics
        if not (d.code == "TL102" and any(reason is not None and reason in d.message for reason in settled))
    )
    dependencies = tuple(dict.fromkeys((*capture.dependencies, *stored.reply.files)))
    return replace(capture, graph=graph, units=result, diagnostics=diagnostics, dependencies=dependencies)


def _unit(graph: Graph, unit: Unit, part: Program | Refusal, stored: Stored, path: str) -> tuple[Graph, Unit]:
    """The file's graph with the unit's nodes, and the unit on them; its failure says why there are none."""
    if isinstance(part, Refusal):
        return graph, _refused(unit, f"{STAGES[part.stage]}{part.message}")
    names = [str(graph[id].attributes["name"]) for id in unit.inputs]
    found = walk(part, stored.reply.tensors, names, graph.nodes)
    if found.failure is not None:
        where = "" if found.place is None else f" (line {found.place.line + 1})"
        return graph, _refused(unit, f"{found.failure}{where}")
    name = _drawn(found, stored)
    if name is not None:
        advice = "load trained weights, or call `torch.manual_seed` before it is made"
        return graph, _refused(unit, f"`{name}` is drawn anew whenever the file is imported: {advice}")
    if unit.kind is UnitKind.CLAIM and not _is_truth(found):
        return graph, _refused(unit, "it returns no comparison")
    observations = _observations(found, path)
    summary = f"{unit.name}, from the exported program" if unit.kind is UnitKind.MODULE else unit.summary
    return found.graph, replace(
        unit,
        inputs=found.inputs,
        outputs=found.outputs,
        observations=observations,
        failure=None,
        summary=summary,
        parameters=part.parameters if unit.kind is UnitKind.MODULE else unit.parameters,
        trained=True,
        front_end="export",
    )


def _refused(unit: Unit, reason: str) -> Unit:
    return replace(unit, failure=f"{unit.failure}; the exported program does not help: {reason}")


def _is_truth(found: Exported) -> bool:
    return len(found.outputs) == 1 and str(found.graph[found.outputs[0]].type.dtype) == "torch.bool"


def _drawn(found: Exported, stored: Stored) -> str | None:
    """A weight of the unit that is another one in another run, if there is one."""
    cone, _ = found.graph.cone(dict.fromkeys(found.outputs))
    others = {id(stored.reply.tensors[key]) for key in stored.drawn if key in stored.reply.tensors}
    return next((node.label or "a tensor" for node in cone if id(node.data) in others), None)


def _observations(found: Exported, path: str) -> tuple[Observation, ...]:
    """At each line of the file the last tensor that it made: places of exported programs are whole lines."""
    _, needed = found.graph.cone(dict.fromkeys(found.outputs))
    last: dict[int, Observation] = {}
    for node in found.graph:
        if node.id in needed and node.inputs:
            span = next((span for span in node.spans if span.path == path), None)
            if span is not None:
                label = f"the last `{node.op}` of this line"
                last[span.line] = Observation(span, node.id, Role.EXPRESSION, label)
    return tuple(last.values())

"""A file's units, captured and exported: which requests they are, and what comparing each comes to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from torchlean.capture.result import Capture, Unit, UnitKind
from torchlean.exported.comparison import Comparison, compare
from torchlean.exported.program import Job, Program, Refusal, Reply, Request
from torchlean.exported.walk import Exported, line_span, walk
from torchlean.source import Span


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one unit.

    Attributes:
        exported: the program's graph, where there is a program.
        comparison: of both graphs, where both are whole.
        refusal: why there is no (whole) exported graph; `place` is where.
    """

    unit: Unit
    exported: Exported | None = None
    comparison: Comparison | None = None
    refusal: str | None = None
    place: Span | None = None

    @property
    def verdict(self) -> str:
        """`same`, `different`, `exported` (static capture does not follow it) or `refused`."""
        if self.comparison is not None:
            return "same" if self.comparison.equal else "different"
        return "refused" if self.refusal is not None else "exported"


def exportable(unit: Unit) -> bool:
    """Whether a unit has an object of its own in the file: facts of families and the script have none."""
    return unit.kind is UnitKind.MODULE or (unit.kind is UnitKind.CLAIM and unit.family is None)


def job(capture: Capture, units: Sequence[Unit], roots: Sequence[str] = ()) -> Job:
    """What to ask for: shapes and dtypes are those of the claims' domains and of the modules' inputs."""
    return Job(
        capture.path, tuple(map(os.path.abspath, roots)), tuple(request(capture, unit) for unit in units)
    )


def request(capture: Capture, unit: Unit) -> Request:
    inputs = tuple((_name(capture, id), capture.graph[id].type) for id in unit.inputs)
    return Request(unit.kind.value, unit.name, inputs, unit.assumed_input)


def _name(capture: Capture, id: int) -> str:
    return str(capture.graph[id].attributes["name"])


def outcomes(capture: Capture, units: Sequence[Unit], reply: Reply) -> list[Outcome]:
    """The units, in the order in which they were asked for."""
    return [_outcome(capture, unit, part, reply) for unit, part in zip(units, reply.units, strict=True)]


def _outcome(capture: Capture, unit: Unit, part: Program | Refusal, reply: Reply) -> Outcome:
    if isinstance(part, Refusal):
        place = None if part.place is None else next(iter(line_span(*part.place)), None)
        return Outcome(unit, refusal=f"{STAGES[part.stage]}{part.message}", place=place)
    names = [_name(capture, id) for id in unit.inputs]
    exported = walk(part, reply.tensors, names)
    if exported.failure is not None:
        return Outcome(unit, exported, refusal=exported.failure, place=exported.place)
    if unit.failure is not None or not unit.outputs:
        return Outcome(unit, exported)
    captured, _ = capture.graph.cone(dict.fromkeys(unit.outputs), unit.outputs)
    return Outcome(unit, exported, compare(captured, exported.graph))


STAGES = {
    "run": "running it gives no answer: ",
    "load": "importing the file fails: ",
    "find": "",
    "make": "making the module fails: ",
    "export": "torch.export refuses it: ",
    "record": "the exported program is not followed: ",
}
"""How the reason of a refusal begins, by the stage that it comes from."""

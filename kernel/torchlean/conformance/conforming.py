"""One file: its units, run in every mode in the sandbox, compared with its graph, and located where they part."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from torchlean.analysis.agreement import program_digest
from torchlean.analysis.session import Session
from torchlean.analysis.units import UnitGraph, unit_graph
from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Unit, UnitKind
from torchlean.claims.domain import Box
from torchlean.conformance.judging import Judgement, judged
from torchlean.conformance.locating import first_difference
from torchlean.conformance.own import Outside, by_kernels, by_patterns
from torchlean.conformance.points import NoPoint, points
from torchlean.conformance.reference import Reference, decided
from torchlean.conformance.remembering import remember
from torchlean.conformance.result import OWN, ModeResult, Outcome, Parting, UnitAgreement
from torchlean.conformance.tasks import Asking, Done, Task
from torchlean.conformance.weights import Unknown, with_weights
from torchlean.graph import Graph
from torchlean.ops import OPS, dtype_name
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic
from torchlean.sandbox import Limits

SAMPLES = 1000

MODE_SECONDS = 20.0
"""For the inputs of one unit in one mode: fewer are run where a call takes long."""

SECONDS = 300.0
"""For one process of the sandbox: `torch.compile` takes some ten seconds for each unit."""

RADIUS = 3.0
"""Where no range of an input is stated: what normalised data mostly keeps to."""

CERTAIN = ("eager", "threads", "compiled", "exported", "onnx", "channels last", "float64")
AUTOCAST = ("autocast bfloat16", "autocast float16")

_ARITHMETIC = {
    "compiled": Arithmetic(compiled=True),
    "autocast bfloat16": Arithmetic(autocast=torch.bfloat16),
    "autocast float16": Arithmetic(autocast=torch.float16),
}
"""How modes compute that compute otherwise than torch's own kernels in the program's types."""


@dataclass(frozen=True, slots=True)
class Options:
    """Attributes:
    claim: of this name alone (or the module of this name).
    samples: inputs of each unit.
    limits: of the process that runs the program.
    points: inputs to run instead of drawn ones, (inputs, *shape) by name.
    modes: only these of the program's; None for all.
    remember: keep what is found as evidence for the analysis.
    """

    claim: str | None = None
    samples: int = SAMPLES
    limits: Limits = field(default_factory=lambda: Limits(seconds=SECONDS))
    points: Mapping[str, Tensor] | None = None
    modes: tuple[str, ...] | None = None
    remember: bool = False


@dataclass(slots=True)
class _Subject:
    """A unit that can be run: its part of the graph, the box of each input, and inputs."""

    unit: Unit
    part: UnitGraph
    domains: dict[str, Box]
    inputs: dict[str, Tensor]
    drawn: str


class NothingToCompare(Exception):
    """The file has no unit that could be run, or none of the name that is asked for; the message says it."""


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
    chosen = _chosen(capture, options.claim)
    subjects = [_subject(capture, unit, options) for unit in chosen]
    runnable = [subject for subject in subjects if isinstance(subject, _Subject)]
    modes = CERTAIN + (AUTOCAST if "autocast" in _sources(capture, text) else ())
    modes = modes if options.modes is None else options.modes
    asking = Asking(
        path,
        [os.path.dirname(path)],
        [_request(subject) for subject in runnable],
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
        results.append(_Comparison(subject, place, asking, remarks).result(modes))
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


def _chosen(capture: Capture, name: str | None) -> list[Unit]:
    """Units that a program can be asked for; facts and claims before modules."""
    units = [unit for unit in capture.units if unit.kind is not UnitKind.SCRIPT]
    if name is not None:
        named = [unit for unit in units if unit.name == name or (unit.family and unit.family.name == name)]
        if not named:
            has = ", ".join(f"`{unit.name}`" for unit in units) or "none"
            raise NothingToCompare(f"there is no claim or module `{name}`; the file has {has}")
        return named
    claims = [unit for unit in units if unit.kind is not UnitKind.MODULE]
    if not units:
        raise NothingToCompare("the file states no claim and has no module that could be followed")
    return claims or units


def _subject(capture: Capture, unit: Unit, options: Options) -> _Subject | UnitAgreement:
    """The unit with inputs, or its result where it cannot be run."""
    part = unit_graph(capture, unit)
    if unit.failure is not None or not part.outputs:
        return UnitAgreement(
            unit.kind.value,
            unit.name,
            unit.span,
            failure=f"it is not captured: {unit.failure or 'it has no result'}",
        )
    inputs = part.graph.inputs
    stated = {str(node.attributes["name"]): node for node in inputs}
    domains, assumed = dict(unit.domains), []
    for name, node in stated.items():
        if name not in domains:
            radius = torch.full(node.type.shape, RADIUS, dtype=torch.float64)
            domains[name] = Box(-radius, radius, f"[-{RADIUS:g}, {RADIUS:g}]")
            assumed.append(name)
    drawn = ", ".join(f"{name} in {domains[name].text}" for name in stated)
    if assumed:
        drawn += f" (no range is stated for {', '.join(assumed)})"
    try:
        found = (
            dict(options.points)
            if options.points is not None
            else points(inputs, unit, domains, options.samples)
        )
    except NoPoint as error:
        return UnitAgreement(unit.kind.value, unit.name, unit.span, failure=str(error))
    return _Subject(unit, part, {name: domains[name] for name in stated}, found, drawn)


def _sources(capture: Capture, text: str) -> str:
    """The file's text with that of the files that it imports."""
    texts = [text]
    for path in capture.dependencies:
        file = Path(path)
        if file.suffix == ".py" and file.is_file():
            texts.append(file.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(texts)


def _request(subject: _Subject) -> dict[str, object]:
    inputs = [
        [str(node.attributes["name"]), list(node.type.shape), dtype_name(node.type.dtype)]
        for node in sorted(subject.part.graph.inputs, key=lambda node: int(str(node.attributes["position"])))
    ]
    unit = subject.unit
    return {"kind": unit.kind.value, "name": unit.name, "inputs": inputs, "assumed": unit.assumed_input}


class _Comparison:
    """One unit whose modes have been run."""

    def __init__(self, subject: _Subject, place: int, asking: Asking, remarks: tuple[str, ...]) -> None:
        self._subject = subject
        self._place = place
        self._asking = asking
        self._remarks = remarks
        self._partings: list[Parting] = []

    def result(self, modes: Sequence[str]) -> UnitAgreement:
        unit = self._subject.unit
        known = UnitAgreement(
            unit.kind.value,
            unit.name,
            unit.span,
            drawn=self._subject.drawn,
            torch=torch.__version__.partition("+")[0],
            remarks=self._remarks,
        )
        if self._asking.failed:
            return replace(known, failure=self._asking.failed)
        try:
            graph = with_weights(self._subject.part.graph, self._asking.weights)
        except Unknown as error:
            return replace(known, failure=str(error))
        reference = Reference(graph, self._subject.domains)
        rows = [self._mode(reference, mode) for mode in modes]
        rows += self._own(reference, graph)
        return replace(known, modes=tuple(rows), partings=tuple(self._partings))

    def _mode(self, reference: Reference, mode: str) -> ModeResult:
        done = self._asking.done.get((self._place, mode), Done(reason="it was not come to", broken=True))
        if done.reason:
            return ModeResult(mode, Outcome.FAILED if done.broken else Outcome.SKIPPED, reason=done.reason)
        tensors = done.tensors[:-1] if reference.compares else done.tensors
        nodes = reference.observed(len(tensors))
        if nodes is None:
            what = "compares" if reference.compares else "returns"
            return ModeResult(
                mode,
                Outcome.FAILED,
                reason=f"the program {what} {len(tensors)} tensors, its graph other ones",
            )
        wrong = _other_shapes(reference.graph, nodes, tensors)
        if wrong:
            return ModeResult(mode, Outcome.FAILED, reason=wrong)
        row = self._judged(reference, mode, nodes, tensors)
        return row if row.outcome is Outcome.PARTS else self._with_result(reference, row, nodes, done)

    def _with_result(
        self, reference: Reference, row: ModeResult, nodes: Sequence[int], done: Done
    ) -> ModeResult:
        """Of a claim, whether its result follows from what it compared as in the graph."""
        if not reference.compares:
            return row
        place = _other_result(reference, nodes, done.tensors)
        if place is None:
            return row
        point = {name: value[place] for name, value in self._subject.inputs.items()}
        last = reference.graph.outputs[0]
        got = float(done.tensors[-1][place].all())
        self._part(reference, row.mode, (last, last, False), point, (got, 1.0 - got, 0.0))
        return replace(row, outcome=Outcome.PARTS, reason="the claim's result differs")

    def _own(self, reference: Reference, graph: Graph) -> list[ModeResult]:
        """Our own executions of the graph."""
        nodes = (
            [id for node in reference.logic for id in graph[node].inputs]
            if reference.compares
            else list(graph.outputs)
        )
        rows = [self._judged(reference, "graph", nodes, by_kernels(graph, nodes, self._subject.inputs))]
        try:
            rows.append(
                self._judged(reference, "binary32", nodes, by_patterns(graph, nodes, self._subject.inputs))
            )
        except Outside as error:
            rows.append(ModeResult("binary32", Outcome.SKIPPED, reason=str(error)))
        return rows

    def _judged(
        self, reference: Reference, mode: str, nodes: Sequence[int], tensors: Sequence[Tensor]
    ) -> ModeResult:
        if not tensors:
            return ModeResult(mode, Outcome.SKIPPED, reason="it compares no tensors")
        arithmetic, double = _ARITHMETIC.get(mode, DEFAULT), mode == "float64"
        found = judged(reference, nodes, self._subject.inputs, tensors, arithmetic, double)
        count = len(tensors[0])
        outcome, reason = _outcome(found, count)
        if found.outside is not None:
            self._locate(reference, mode, nodes, tensors, found.outside, arithmetic, double)
        return ModeResult(mode, outcome, count, found.difference, found.ulps, found.fraction, reason)

    def _locate(
        self,
        reference: Reference,
        mode: str,
        nodes: Sequence[int],
        tensors: Sequence[Tensor],
        place: int,
        arithmetic: Arithmetic,
        double: bool,
    ) -> None:
        """Find the first node that differs, and remember the parting."""
        point = {name: value[place] for name, value in self._subject.inputs.items()}
        allowed = reference.at_point(point, arithmetic, double)
        executed = [values[place] for values in tensors]
        last, numbers = _furthest(nodes, executed, allowed.values, allowed.errors)
        # The first mode that parts is looked into: where others part at the same end, the same is to be mended first.
        known = next(
            (parting for parting in self._partings if parting.last == last and parting.located), None
        )
        if known is not None:
            self._part(reference, mode, (known.node, last, True), point, numbers)
            return
        task: Task = (self._place, mode)
        records = [] if mode in OWN else self._asking.trace(task, point)
        node = first_difference(reference.graph, last, allowed, records) if records else last
        self._part(reference, mode, (node, last, bool(records)), point, numbers)

    def _part(
        self,
        reference: Reference,
        mode: str,
        found: tuple[int, int, bool],
        point: Mapping[str, Tensor],
        numbers: tuple[float, float, float],
    ) -> None:
        """Remember where: the first node, the one that was compared, and whether the steps were seen."""
        node, last, located = found
        at = reference.graph[node]
        path = self._asking.path
        span = next((span for span in at.spans if span.path == path), at.span)
        self._partings.append(
            Parting(
                mode,
                node,
                at.op,
                last,
                located,
                span,
                {name: value.tolist() for name, value in point.items()},
                {name: dtype_name(value.dtype) for name, value in point.items()},
                *numbers,
            )
        )


def _outcome(found: Judgement, count: int) -> tuple[Outcome, str]:
    if found.outside is not None:
        return Outcome.PARTS, ""
    if not found.judged:
        return Outcome.UNBOUNDED, "no rounding error is known"
    return (
        Outcome.AGREES,
        "" if found.judged == count else f"a bound is known at {found.judged} of the inputs",
    )


def _furthest(
    nodes: Sequence[int], executed: Sequence[Tensor], values: Sequence[Tensor], errors: Sequence[Tensor]
) -> tuple[int, tuple[float, float, float]]:
    """The observed node that is most outside of its bound, with (executed, expected, bound) at its worst element."""
    worst, best = -1.0, (nodes[0], (0.0, 0.0, 0.0))
    for id, found in zip(nodes, executed, strict=True):
        if not found.numel():
            continue
        off = torch.nan_to_num((found.double() - values[id].double()).abs(), nan=torch.inf)
        share = torch.where(off == 0, off, off / errors[id].expand(off.shape)).flatten()
        share = torch.nan_to_num(share, nan=torch.inf)
        place = int(share.argmax())
        if float(share[place]) > worst:
            worst = float(share[place])
            best = (
                id,
                (
                    float(found.flatten()[place]),
                    float(values[id].flatten()[place]),
                    float(errors[id].expand(off.shape).flatten()[place]),
                ),
            )
    return best


def _other_shapes(graph: Graph, nodes: Sequence[int], tensors: Sequence[Tensor]) -> str:
    """A clause where the program's tensors have other shapes than the graph's; empty where they have the same."""
    for id, found in zip(nodes, tensors, strict=True):
        shape = tuple(found.shape[1:])
        if shape != graph[id].type.shape:
            return f"the program has a tensor of shape {shape} where its graph has {graph[id].type.shape}"
    return ""


def _other_result(reference: Reference, nodes: Sequence[int], tensors: Sequence[Tensor]) -> int | None:
    """The first input on which the claim's result is not what its graph makes of the same comparisons."""
    graph = reference.graph
    for place in range(len(tensors[-1])):
        known = {id: values[place] for id, values in zip(nodes, tensors[:-1], strict=True)}
        known |= {node.id: node.data for node in graph if node.data is not None and node.id not in known}
        compared = [
            OPS[graph[id].op].evaluate([known[operand] for operand in graph[id].inputs], graph[id].attributes)
            for id in reference.logic
        ]
        expected = decided(reference, compared)
        if expected is None:
            return None  # it computes with more than truth values
        if bool(expected.all()) != bool(tensors[-1][place].all()):
            return place
    return None

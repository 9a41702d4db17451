"""One unit that was run: each mode beside the graph, with the place where they part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from torchlean.conformance.in_lean import Ask, Denied, Evaluation, evaluation
from torchlean.conformance.judging import Judgement, judged
from torchlean.conformance.locating import first_difference
from torchlean.conformance.own import by_kernels, by_patterns
from torchlean.conformance.patterns import Outside
from torchlean.conformance.reference import Reference, decided
from torchlean.conformance.result import LEAN, LEAN_BINARY32, OWN, ModeResult, Outcome, Parting, UnitAgreement
from torchlean.conformance.subjects import Subject
from torchlean.conformance.tasks import Asking, Done, Task
from torchlean.conformance.weights import Unknown, with_weights
from torchlean.graph import Graph
from torchlean.ops import OPS, dtype_name
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic

_ARITHMETIC: dict[str, Arithmetic | None] = {
    "compiled": Arithmetic(compiled=True),
    "autocast bfloat16": Arithmetic(autocast=torch.bfloat16),
    "autocast float16": Arithmetic(autocast=torch.float16),
    LEAN: None,
}
"""How modes compute that compute otherwise than torch's own kernels in the program's types; None: exactly."""


class Comparison:
    """One unit whose modes have been run."""

    def __init__(
        self, subject: Subject, place: int, asking: Asking, remarks: tuple[str, ...], lean: Ask | None
    ) -> None:
        self._lean = lean
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
        inputs = self._subject.inputs
        ways: list[tuple[str, Callable[[], list[Tensor]]]] = [
            ("graph", lambda: by_kernels(graph, nodes, inputs)),
            ("binary32", lambda: by_patterns(graph, nodes, inputs)),
        ]
        if self._lean is not None and reference.compares:
            ways += self._in_lean(graph, nodes, self._lean)
        return [self._ours(reference, mode, nodes, execute) for mode, execute in ways]

    def _in_lean(
        self, graph: Graph, nodes: Sequence[int], ask: Ask
    ) -> list[tuple[str, Callable[[], list[Tensor]]]]:
        @cache
        def network() -> Evaluation:
            return evaluation(graph, nodes, self._subject.domains)

        inputs = self._subject.inputs
        return [
            (LEAN, lambda: network().exact(inputs, ask)),
            (LEAN_BINARY32, lambda: network().rounded(inputs, ask)),
        ]

    def _ours(
        self, reference: Reference, mode: str, nodes: Sequence[int], execute: Callable[[], list[Tensor]]
    ) -> ModeResult:
        try:
            return self._judged(reference, mode, nodes, execute())
        except Outside as error:
            return ModeResult(mode, Outcome.SKIPPED, reason=str(error))
        except Denied as error:
            return ModeResult(mode, Outcome.PARTS if error.rejected else Outcome.FAILED, reason=str(error))

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
        arithmetic: Arithmetic | None,
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

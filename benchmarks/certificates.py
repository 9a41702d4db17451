"""Certificates and the Lean kernel: where the time goes, what a certificate weighs, and how both grow.

Every check takes a process that has started (the warm spare), as in an editor. Its time is told apart by checking
four files: an empty one, one that only imports the library, one with the certificate's definitions and no theorem, and
the certificate. Parts are told in CPU seconds of the process, which other work on the machine disturbs least; how long
one waits, from the end of the input to the answer, stands beside them.

The networks are random ones of the stated shape with weights of 24 bits, and a property that the bounds
show at the first attempt; trees are cut evenly, each leaf with the output bounded backward. So the figures are those
of the checker, not of how hard a claim is. The network of the pendulum example is the trained one, with its noise.
"""

from __future__ import annotations

import itertools
import random
import resource
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from benchmarks.table import Table
from torchlean.analysis.certifying import certified
from torchlean.analysis.session import Session
from torchlean.certificate import Document, Title, write
from torchlean.certificate.checker import Checker, Known
from torchlean.certificate.convolution import Convolution, laid_out
from torchlean.certificate.lean_source import CONVOLUTIONS, EXECUTIONS, MODULES, PROOFS
from torchlean.certificate.lean_terms import field_width
from torchlean.certificate.network import (
    Bound,
    Done,
    Hinge,
    Linear,
    Literal,
    Network,
    Node,
    Plan,
    Proof,
    Split,
    Statement,
)
from torchlean.certificate.parts import checking
from torchlean.certificate.planning import PARAMS
from torchlean.certificate.replay import cut, leaves
from torchlean.lean import Accepted, LeanError, Library, Runner, find_toolchain

PENDULUM = Path(__file__).parents[1] / "examples" / "pendulum" / "controller.py"

GRID = 36
WEIGHT_BITS = 24
RUNS = 1
"""Of each file: CPU seconds vary little from run to run."""
SECONDS = 600.0

SHAPES = {
    "width": [(2, width, width, 1) for width in (16, 32, 64, 128)],
    "depth": [(2, *[16] * depth, 1) for depth in (1, 2, 4, 6)],
    "leaves": [(2, 16, 16, 1)] * 4,
}
CUTS = {"width": [0] * 4, "depth": [0] * 4, "leaves": [0, 2, 4, 6]}
"""How often the box is halved."""

GOALS = {"one box": "<= 15 s", "64 leaves": "<= 120 s", "import": "<= 3 s"}


def run() -> list[Table]:
    try:
        toolchain = find_toolchain()
        library = Library.of(toolchain)
        with Runner(toolchain, library, timeout=SECONDS) as runner:
            clocks = (_Clock(runner) for _ in itertools.count())
            growth = [_growth(next(clocks), name) for name in SHAPES]
            return [_examples(next(clocks)), *growth, _convolutions(next(clocks))]
    except LeanError as error:
        return [Table("Certificates", ["not measured"], note=str(error))]


@dataclass(frozen=True, order=True)
class _Seconds:
    """Of one check: CPU time of the process from its start on, and what one waits for the answer."""

    cpu: float
    waited: float


@dataclass(frozen=True)
class _Times:
    """CPU seconds of the parts of a check, and what it takes in all."""

    elaboration: float
    kernel: float
    whole: _Seconds


class _Clock:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        lines = ["module", "prelude"]
        self.start = self._least("\n".join(lines)).cpu
        lines += [f"public import {name}" for name in (*MODULES, CONVOLUTIONS, EXECUTIONS)]
        self._imported = self._least("\n".join(lines)).cpu

    @property
    def imports(self) -> float:
        return self._imported - self.start

    def times(self, document: Document) -> _Times:
        source = document.lean
        head, _, rest = source.partition(PROOFS)
        definitions = self._least(head + rest[rest.index("\nend ") :]).cpu
        whole = self._least(source)
        return _Times(definitions - self._imported, whole.cpu - definitions, whole)

    def _least(self, source: str) -> _Seconds:
        """Of some runs: what disturbs a run makes it longer."""
        found = []
        for _ in range(RUNS):
            before = _spent()
            outcome = self._runner.check(source + "\n")
            if not isinstance(outcome, Accepted):
                raise LeanError(outcome.describe())
            found.append(_Seconds(_spent() - before, outcome.seconds))
        return min(found)


def _spent() -> float:
    """CPU seconds of all processes of ours that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _examples(clock: _Clock) -> Table:
    """The trained controller: one box, and the same property on an even tree of 64 leaves."""
    names = ["stays_in_actuator_range"]
    ((_, found),) = certified(str(PENDULUM), PENDULUM.read_text(encoding="utf-8"), names, Session(()))
    assert found is not None, "the example's claim is proved and checkable"
    table = Table(
        "Certificates of the pendulum's controller (2, 32, 32, 1)",
        ["", "start", "import", "elaboration", "kernel", "waited", "goal", "Lean file", "JSON"],
        note=f"Claim {names[0]}, of executions; import: goal {GOALS['import']}. Each leaf is bounded anew. Parts in "
        "CPU seconds; waited: from the end of the input, with a warm spare.",
    )
    for name, document in (
        ("one box", found.document),
        ("64 leaves", _cut(found.document, 6)),
    ):
        times = clock.times(document)
        parts = (clock.start, clock.imports, times.elaboration, times.kernel, times.whole.waited)
        sizes = (_kilobytes(document.lean), _kilobytes(write(document)))
        table.add(name, *(f"{seconds:.1f} s" for seconds in parts), GOALS[name], *sizes)
    return table


def _growth(clock: _Clock, name: str) -> Table:
    table = Table(
        f"Certificates: growth with {name}",
        [
            "network",
            "leaves",
            "weights",
            "elaboration",
            "kernel",
            "estimate",
            "bytes",
            "per weight",
            "per leaf",
        ],
        note="CPU seconds; estimate: what the planner expects of the kernel; bytes are those of the Lean file.",
    )
    alone: int | None = None
    for shape, cuts in zip(SHAPES[name], CUTS[name], strict=True):
        document = _cut(_random(shape), cuts)
        times, size = clock.times(document), len(document.lean.encode())
        weights, count = document.statement.network.weights, leaves(document.proof.plan)
        alone = size if alone is None or name != "leaves" else alone
        per_leaf = f"{(size - alone) / (count - 1):.0f}" if count > 1 else ""
        table.add(
            ", ".join(map(str, shape)),
            str(count),
            str(weights),
            f"{times.elaboration:.1f} s",
            f"{times.kernel:.1f} s",
            f"{checking(document.statement.network, document.proof.plan).seconds:.1f} s",
            str(size),
            f"{size / weights:.0f}",
            per_leaf,
        )
    return table


def _convolutions(clock: _Clock) -> Table:
    table = Table(
        "Certificates of convolutions (1x8x8, kernels of 3x3, stride 2, padding 1, relu, one output)",
        ["kernels", "stated as", "weights", "elaboration", "kernel", "bytes"],
        note="CPU seconds; bytes are those of the Lean file. The matrix of the convolution is what certificates stated "
        "before.",
    )
    for channels in (4, 8):
        for structured in (False, True):
            document = _convolved(channels, structured=structured)
            times = clock.times(document)
            table.add(
                str(channels),
                "kernels" if structured else "matrix",
                str(document.statement.network.weights),
                f"{times.elaboration:.1f} s",
                f"{times.kernel:.1f} s",
                str(len(document.lean.encode())),
            )
    return table


def _random(shape: tuple[int, ...]) -> Document:
    """A relu network with random weights, whose output is raised until its interval is positive."""
    draw = random.Random(0)
    return _rectified(
        [_dense(draw, number, *sizes) for number, sizes in enumerate(pairwise(shape))], shape[0]
    )


def _dense(draw: random.Random, number: int, columns: int, rows: int) -> Linear:
    """The affine layer with this number in a network with relu between its layers."""
    weight = tuple(_drawn(draw, columns) for _ in range(rows))
    return Linear(2 * number, WEIGHT_BITS + columns.bit_length() // 2, weight, _drawn(draw, rows))


def _drawn(draw: random.Random, count: int) -> tuple[int, ...]:
    limit = 1 << WEIGHT_BITS
    return tuple(draw.randrange(-limit, limit) for _ in range(count))


def _convolved(channels: int, *, structured: bool) -> Document:
    """A picture of 8x8, `channels` kernels of 3x3 with stride 2 and padding 1, relu, and one affine output."""
    draw = random.Random(0)
    layout = laid_out((1, 8, 8), (channels, 4, 4), (3, 3), (2, 2), (1, 1), (1, 1), kernels=channels, groups=1)
    convolution = Convolution(layout, tuple(_drawn(draw, layout.taps) for _ in layout.firsts))
    bias = _drawn(draw, layout.results)
    first = Linear(0, WEIGHT_BITS + 2, convolution.rows(), bias, convolution if structured else None)
    return _rectified([first, _dense(draw, 1, layout.results, 1)], layout.columns)


def _rectified(layers: list[Linear], inputs: int) -> Document:
    """The layers with relu between them; the output is raised until its interval is positive."""
    last = layers[-1]
    layers = [*layers[:-1], replace(last, bias=tuple(b + (1 << last.scale + 6) for b in last.bias))]
    nodes: list[Node] = []
    sizes = [inputs]
    for number, layer in enumerate(layers):
        nodes += [*([Hinge(len(nodes), 0, 0, 0, 0, 1)] if number else []), layer]
        sizes += [*([sizes[-1]] if number else []), len(layer.bias)]
    noise = tuple((0,) * size for size in sizes[1:])
    network = Network(GRID, tuple(nodes), noise, tuple(sizes))
    statement = Statement(network, ((-1 << GRID, 1 << GRID),) * inputs, Literal(0, True))
    title = Title("random", "0" * 64, "0" * 64, noisy=False)
    return _cut(Document(title, statement, Proof(PARAMS, (), (), Done()), "0" * 64), 0)


def _cut(document: Document, cuts: int) -> Document:
    """The same statement, proved on an even tree: the whole box bounded once, each leaf again."""
    statement = document.statement
    count = len(statement.network.nodes)
    bits = tuple(node.bits if isinstance(node, Linear) else 0 for node in statement.network.nodes)
    checker = Checker(statement.network, PARAMS, bits)
    output = tuple(index == count - 1 for index in range(count))
    known = [entry.box for entry in checker.build(output, checker.start(statement.box))]
    plan = Bound(output, _halved(checker, output, list(known), cuts) if cuts else Done())
    widths = tuple(field_width(n) if b else 0 for n, b in zip(checker.needed, bits, strict=True))
    return replace(document, proof=Proof(PARAMS, bits, widths, plan))


def _halved(checker: Checker, output: tuple[bool, ...], known: Known, cuts: int) -> Plan:
    if cuts == 0:
        checker.build(output, known)
        return Bound(output, Done())
    element, box = cuts % 2, known[0]
    assert box is not None, "the input's box is known from the start"
    at = (box.lower[element] + box.upper[element]) // 2
    low, high = cut(known, 0, element, at)
    halves = (_halved(checker, output, part, cuts - 1) for part in (low, high))
    return Split(0, element, int(at), *halves)


def _kilobytes(text: str) -> str:
    return f"{len(text.encode()) / 1000:.0f} kB"

"""Deciding whether a network has a property: attack, bounds, branch and bound, region by region.

The verdict's words are the competition's: `unsat` when no input of any region is a counterexample, in exact arithmetic
with the weights of the file; `sat` with an input whose execution, in the network's own number type, satisfies the
property's condition exactly; `unknown` when nothing is left to try; `timeout`.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial

import torch

from torchlean.bounds import BoundsCache
from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.explore import BATCH, Exploration
from torchlean.bounds.branching.parallel import SharedExploration
from torchlean.bounds.branching.tree import LEAF, SplitTree
from torchlean.bounds.branching.workers import Workers
from torchlean.bounds.device import PROCESSOR
from torchlean.cancellation import Cancelled
from torchlean.capture.onnx import OnnxModel, load_onnx
from torchlean.claims.decide import work
from torchlean.graph import evaluate
from torchlean.numbers import share_below
from torchlean.verification.attack import Attack, Inputs
from torchlean.verification.execution import Executions, executions
from torchlean.verification.posing import PosingError, Query, pose
from torchlean.verification.reading import exact, points_read_as
from torchlean.verification.result import Counterexample, Progress, Report, Verification
from torchlean.verification.together import shown_together
from torchlean.verification.undefined import undefined
from torchlean.vnnlib import Property, Region, parse

ATTACK_SHARE = 0.15
"""Of the time that goes into looking for a counterexample, while boxes are open."""

QUICK_ATTACK = 0.1
"""Seconds, about, of the attack before anything is bounded."""

FIRST_ATTACKS = 2.0
"""Seconds for all these attacks, where there are many regions."""

PROBES = 32
"""Of the worst boxes, whose least points are executed after each step."""

BANKS_WORK = 10**7
"""Multiplications of a network beyond which nothing is said of its rounding where minima and maxima stand for its
banks: intervals of the relus' sums double from bank to bank, and so do their errors."""

SAME_BOXES = 256
"""Boxes after which a region is given up all of whose inputs are read as the same one."""

ALL_READ_ALIKE = (
    "every input of the region is read as the same one, whose execution is no counterexample, while bounds of real "
    "numbers exclude none"
)

FIRST_BATCH = 2
"""Boxes split in the first step; it doubles up to `BATCH`, so that an easy property is split no more than it needs."""

DEVICE_BATCH = 2**14
"""Boxes split in one step on another device than the processor, which takes hardly longer for them than for `BATCH`."""


def verify(
    model: OnnxModel,
    property: Property,
    seconds: float | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    report: Report = lambda progress: None,
    workers: Workers | None = None,
    device: torch.device = PROCESSOR,
    earlier: Sequence[SplitTree] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> Verification:
    """Decide a property of a network.

    Args:
        seconds: wall time; None for as long as it takes.
        cancelled: asked often.
        report: told how far it is.
        workers: explore boxes beside this process; theirs to end is the caller's.
        device: where this process computes bounds (`torchlean.bounds.device`); inputs are executed on the processor.
        earlier: how an earlier run cut the first regions; these begin with the parts that it ended with, and prove
            whatever was proved of them again.
        stopped: asked often: whether to end with what is known by then. The verdict is `unknown` where that decides
            nothing.

    Raises:
        Cancelled: `cancelled()` became true.
        PosingError: network and property do not fit together, or `earlier` not to them.
    """
    run = _Run(model, property, seconds, cancelled, report, workers, device, earlier, stopped)
    return run.run(pose(model, property))


class _Late(Exception):
    """The time is over, or the search is to end."""


class _Run:
    def __init__(
        self,
        model: OnnxModel,
        property: Property,
        seconds: float | None,
        cancelled: Callable[[], bool],
        report: Report,
        workers: Workers | None,
        device: torch.device,
        earlier: Sequence[SplitTree],
        stopped: Callable[[], bool],
    ) -> None:
        self.earlier = earlier
        self.stopped = stopped
        self.model = model
        self.property = property
        self.started = time.monotonic()
        self.deadline = None if seconds is None else self.started + seconds
        self.cancelled = cancelled
        self.report = report
        self.workers = workers
        self.device = device
        self.boxes = 0
        self.tried = 0
        self.shares: list[float] = []
        self.trees: dict[int, SplitTree] = {}
        self.attacks: dict[int, Attack] = {}
        self.hardest = ""
        self.reason = ""
        self.found: Counterexample | None = None
        self.rounded = False
        self.kinds = "linear"

    def run(self, queries: Sequence[Query]) -> Verification:
        """All regions, the quick attack on each before any is bounded, and all that ask the same before one alone."""
        self.shares = [0.0] * len(queries)
        if len(self.earlier) > len(queries):
            raise PosingError(f"{len(self.earlier)} trees of splits, where this property has {len(queries)}")
        if self.workers is not None:
            self.workers.begin()
        try:
            for attack in self._first(queries):
                if attack.wide() is not None:
                    return self._sat()
            self._together(queries)
            open = 0
            for index, query in enumerate(queries):
                if index not in self.trees and not self._decided(index, query):
                    if self.found is not None:
                        return self._sat()
                    open += 1
        except _Late:
            self._check_cancelled()
            if self.stopped():
                return self._end("unknown", f"stopped: not decided, {self._progress()}")
            return self._end("timeout", f"not decided in time: {self._progress()}")
        if self.found is not None:
            return self._sat()
        if open:
            reason = self.reason or "nothing is left to split"
            return self._end("unknown", f"not decided, and {reason}: {self._progress()}")
        if not queries:
            return self._end("unsat", "holds of nothing: no input satisfies the property's bounds")
        return self._end("unsat", self._holds(queries))

    def _first(self, queries: Sequence[Query]) -> Iterator[Attack]:
        """Attacks on those regions for which there is time before anything is bounded."""
        since = time.monotonic()
        for index, query in enumerate(queries):
            yield self._attack(index, query)
            if time.monotonic() - since > FIRST_ATTACKS:
                return

    def _attack(self, index: int, query: Query) -> Attack:
        if index not in self.attacks:
            accepts = partial(self._accepts, query.region)
            self.attacks[index] = Attack(query.bounded, accepts, self._over)
        return self.attacks[index]

    def _together(self, queries: Sequence[Query]) -> None:
        """Bound regions that ask the same in common passes."""
        for shown in shown_together([query.bounded for query in queries], self._check, self.device):
            self.trees |= shown
            self.boxes += len(shown)
            for index in shown:
                self.shares[index] = 1.0
            self.report(
                Progress(self._share, f"{len(self.trees):,} of {len(queries):,} questions shown at once")
            )

    def _holds(self, queries: Sequence[Query]) -> str:
        boxes = f" on {self.boxes:,} boxes" if self.boxes > 1 else ""
        shown = [(query.goal, self.trees[index].least) for index, query in enumerate(queries)]
        if work(self.model.graph) > BANKS_WORK and any(query.bounded is not query.goal for query in queries):
            found = Executions(min(margin for _, margin in shown), math.inf)
        else:
            found = executions(self.model.graph, shown, self.cancelled)
        return f"holds: proved by {self.kinds} bounds{boxes} in exact arithmetic{found.note}"

    def _sat(self) -> Verification:
        message = "violated by an input that was executed"
        if self.rounded:
            message += "; numbers of it that the network's type does not hold were read as the nearest ones"
        return self._end("sat", message)

    def _end(self, verdict: str, message: str) -> Verification:
        # A region that nothing is known of, before one of which something is, is one leaf.
        trees = tuple(
            self.trees.get(index) or SplitTree() for index in range(max(self.trees, default=-1) + 1)
        )
        return Verification(
            verdict,
            message,
            time.monotonic() - self.started,
            self.found,
            self.boxes,
            self._share if self.shares else 1.0,
            sum(attack.tried for attack in self.attacks.values()),
            trees,
        )

    @property
    def _share(self) -> float:
        return sum(self.shares) / len(self.shares)

    def _progress(self) -> str:
        hardest = f", the hardest left: {self.hardest}" if self.hardest else ""
        return f"shown on {share_below(self._share)} with {_boxes(self.boxes)}{hardest}"

    def _decided(self, index: int, query: Query) -> bool:
        """Branch and bound for one region."""
        bounder = Bounder(query.bounded, BoundsCache(), self._check, self.device)
        if bounder.curvature is not None:
            self.kinds = "linear and quadratic"
        elif bounder.extrema is not None:
            self.kinds = "interval" if len(self.shares) == 1 else "linear and interval"
        exploration = Exploration.begin(bounder)
        self.trees[index] = exploration.tree
        if index < len(self.earlier):
            self._replay(index, exploration, self.earlier[index])
        with SharedExploration(exploration, self.workers) as shared:
            return self._explored(index, query.number, shared, self._attack(index, query))

    def _replay(self, index: int, exploration: Exploration, earlier: SplitTree) -> None:
        """Cut a region as an earlier run did."""
        variables = exploration.bounder.variables
        known = variables.count if exploration.bounder.phased else variables.inputs
        cut = [
            variable for first, variable in zip(earlier.first, earlier.variable, strict=True) if first != LEAF
        ]
        if cut and not 0 <= min(cut) <= max(cut) < known:
            raise PosingError(f"a tree of splits has variables beyond the {known:,} of this network")

        def told() -> None:
            self.shares[index] = exploration.tree.verified
            done, whole = exploration.tree.leaves, earlier.leaves
            self.report(Progress(self._share, f"{done:,} of {whole:,} boxes of the earlier run"))

        exploration.replay(earlier, told)

    def _explored(self, index: int, region: int, shared: SharedExploration, attack: Attack) -> bool:
        exploration = shared.exploration
        before = self.boxes
        batch = FIRST_BATCH
        # The quick attack on the whole region counts, made or not.
        began, attacking = time.monotonic(), QUICK_ATTACK
        while True:
            self.boxes = before + exploration.tree.leaves
            self.shares[index] = exploration.tree.verified
            self.hardest = self._hardest(region, shared)
            self.report(Progress(self._share, f"{_boxes(self.boxes)}, {shared.open:,} open", self.hardest))
            if exploration.proved:
                return True
            self._check()
            since = time.monotonic()
            if self._hit(attack, exploration, attacking < ATTACK_SHARE * (since - began)):
                return False
            attacking += time.monotonic() - since
            if exploration.tree.leaves > SAME_BOXES and attack.single:
                self.reason = ALL_READ_ALIKE
                return False
            if not shared.step(batch):
                self.reason = self.reason or undefined(exploration.bounder.goal, self.cancelled)
                return False
            batch = min(2 * batch, BATCH if self.device == PROCESSOR else DEVICE_BATCH)

    def _hardest(self, region: int, shared: SharedExploration) -> str:
        found = shared.hardest(self.property.input_name)
        if found is None:
            return ""
        count = len(self.property.regions)
        return found.text if count == 1 else f"{found.text}, region {region + 1:,} of {count:,}"

    def _hit(self, attack: Attack, exploration: Exploration, thorough: bool) -> bool:
        """Execute the inputs where the worst boxes' bounds are least; with time for it, descend from there and from
        anywhere."""
        boxes = exploration.open
        if len(boxes):
            worst = boxes.of(boxes.worst.argsort()[:PROBES])
            points = exploration.bounder.goal.named(worst.points)
            if (attack.descend(points) if thorough else attack.near(points)) is not None:
                return True
        return thorough and (attack.wide() is not None or attack.deep() is not None)

    def _accepts(self, region: Region, inputs: Inputs) -> bool:
        """Whether this execution of an input of the region, alone, satisfies the property's condition exactly."""
        values = evaluate(self.model.graph, inputs)
        outputs = [values[id] for id in self.model.graph.outputs]
        if not all(bool(torch.isfinite(output).all()) for output in outputs):
            return False
        y = tuple(value for output in outputs for value in exact(output))
        if not all(bool(torch.isfinite(values).all()) for values in inputs.values()):
            return False
        given = torch.cat([inputs[value.name].flatten() for value in self.model.inputs])
        for x in points_read_as(given, region.lower, region.upper):
            if self._reads_as(x, inputs) and self.property.holds_at(x, y) is not None:
                self.found, self.rounded = Counterexample(x, y), list(x) != exact(given)
                return True
        return False

    def _reads_as(self, x: Sequence[Fraction], inputs: Inputs) -> bool:
        """Whether the numbers nearest to `x` are the inputs that were executed."""
        nearest = torch.tensor([float(value) for value in x], dtype=torch.float64)
        sizes = [math.prod(given.shape) for given in self.model.inputs]
        return all(
            torch.equal(numbers.to(given.dtype), inputs[given.name].flatten())
            for given, numbers in zip(self.model.inputs, nearest.split(sizes), strict=True)
        )

    def _over(self) -> bool:
        """Whether to end, for whatever reason."""
        late = self.deadline is not None and time.monotonic() > self.deadline
        return late or self.cancelled() or self.stopped()

    def _check_cancelled(self) -> None:
        if self.cancelled():
            raise Cancelled

    def _check(self) -> None:
        self._check_cancelled()
        if self._over():
            raise _Late


def _boxes(count: int) -> str:
    return "1 box" if count == 1 else f"{count:,} boxes"


def verify_files(
    model_path: str | os.PathLike[str],
    property_text: str,
    property_path: str,
    seconds: float | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    report: Report = lambda progress: None,
) -> Verification:
    """`verify` for a model file and the text of a property file.

    Raises:
        OnnxError, VnnlibError, PosingError: what is wrong with the files.
        Cancelled: `cancelled()` became true.
    """
    property = parse(property_text, property_path).required()
    return verify(load_onnx(model_path), property, seconds, cancelled, report)

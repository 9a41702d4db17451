"""Finding a plan that the kernel will accept, by following the checker in Python.

The cheapest way is tried first: intervals alone, then backward bounds of the output, then of every matrix. Where none
of them shows the property on the whole box, it is split: few inputs are halved, of many inputs the kink of a hinge is
cut that costs the output's bound most. Known boxes are found once, at the root, and all parts inherit them; inner
nodes of the tree are not bounded in the plan at all, since what is found there is found again, better, in the leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy

from torchlean.certificate import lean_terms as terms
from torchlean.certificate.checker import Checker, Known, State
from torchlean.certificate.cost import Effort, convolved, effort, reading
from torchlean.certificate.network import (
    Bound,
    Done,
    Hinge,
    Linear,
    Network,
    Params,
    Plan,
    Proof,
    Split,
    Statement,
)
from torchlean.certificate.parts import LARGEST_SECONDS, checking
from torchlean.certificate.replay import cut, replay, settled

PARAMS = Params(slopes=16, places=24)
"""Slopes off by `2^-16` and coefficients by `2^-24` lose less than a ten-thousandth of a bound, and numbers of this
size cost the kernel the same as shorter ones."""

FEW_INPUTS = 8
"""Inputs up to which halves are taken rather than phases; as in branch and bound."""

CHECK_SECONDS = 100.0
"""Estimated time of a check beyond which no plan is offered: it has 120 s, of which starting takes a part."""

MOST_LEAVES = 512
"""Parts after which the search gives up, whatever their cost."""


class NotPlannableError(Exception):
    """No plan was found. The message is a clause for people.

    Attributes:
        passing: more time might find one.
    """

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Planned:
    """A proof that the replay accepts, and what the kernel needs to check it."""

    proof: Proof
    leaves: int
    effort: Effort


def plan(
    statement: Statement,
    seconds: float = 20.0,
    cancelled: Callable[[], None] = lambda: None,
) -> Planned:
    """A proof of the statement.

    Args:
        seconds: of search.
        cancelled: called often; raises to stop.

    Raises:
        NotPlannableError: none was found.
    """
    bits = tuple(node.bits if isinstance(node, Linear) else 0 for node in statement.network.nodes)
    checker = Checker(statement.network, PARAMS, bits)
    deadline = time.monotonic() + seconds
    found = _cheapest(statement, checker, deadline, cancelled)
    if statement.network.roles:
        # `executionFits` propagates intervals only, which are wider than what a plan may know.
        checker.build([False] * len(statement.network.nodes), checker.start(statement.box))
    linear = [isinstance(node, Linear) for node in statement.network.nodes]
    widths = tuple(
        terms.field_width(needed) if is_linear else 0
        for needed, is_linear in zip(checker.needed, linear, strict=True)
    )
    proof = Proof(PARAMS, bits, widths, found.plan)
    replay(statement, proof, cancelled)
    return Planned(proof, found.leaves, found.effort)


@dataclass(frozen=True, slots=True)
class _Found:
    plan: Plan
    leaves: int
    effort: Effort

    @classmethod
    def of(cls, network: Network, plan: Plan, leaves: int) -> _Found:
        return cls(plan, leaves, checking(network, plan))


def _cheapest(
    statement: Statement, checker: Checker, deadline: float, cancelled: Callable[[], None]
) -> _Found:
    """On the whole box, if that is possible; else the cheaper of few leaves that are bounded well and many that are
    bounded quickly.

    Raises:
        NotPlannableError: nothing was found.
    """
    network = statement.network
    methods = _methods(network)
    limit = CHECK_SECONDS - reading(network).seconds
    rows = convolved(network)
    for method in methods:
        cancelled()
        state = checker.build(method, checker.start(statement.box))
        if settled(statement.goal, [entry.box for entry in state]):
            found = _Found.of(network, Bound(method, Done()), 1)
            alone = rows + effort(network, method)
            if alone.seconds <= LARGEST_SECONDS and found.effort.seconds <= limit:
                return found
    # A part is bounded twice: with all that stands above it, and alone.
    most = (LARGEST_SECONDS - rows.seconds) / 2
    methods = [method for method in methods if effort(network, method).seconds <= most]
    best: _Found | None = None
    failures = []
    for leaf_methods, root in _ways(methods):
        cheaper = limit if best is None else best.effort.seconds
        search = _Search(statement, checker, leaf_methods, cheaper, deadline, cancelled)
        try:
            best = search.run(root)
        except NotPlannableError as error:
            failures.append(error)
    if best is None:
        failures = failures or [_too_long(limit)]
        raise next((error for error in failures if error.passing), failures[0])
    return best


def _too_long(seconds: float) -> NotPlannableError:
    return NotPlannableError(
        f"the kernel would need more than {seconds:.0f} s for it, by estimate", passing=False
    )


class _Search:
    """One way to split.

    Args:
        methods: tried in each part, one after the other.
        limit: estimated seconds in the kernel, for the whole certificate.
    """

    def __init__(
        self,
        statement: Statement,
        checker: Checker,
        methods: Sequence[tuple[bool, ...]],
        limit: float,
        deadline: float,
        cancelled: Callable[[], None],
    ) -> None:
        self.statement = statement
        self.checker = checker
        self.methods = methods
        self.limit = limit
        self.deadline = deadline
        self.cancelled = cancelled
        self.leaves = 0
        self.spent = checking(statement.network, Done())

    def run(self, root: tuple[bool, ...]) -> _Found:
        """Bound the whole box, then split."""
        self._spend(root)
        state = self.checker.build(root, self.checker.start(self.statement.box))
        plan = Bound(root, self._split([entry.box for entry in state], state))
        found = _Found.of(self.statement.network, plan, self.leaves)
        if found.effort.seconds > self.limit:
            raise _too_long(self.limit)
        return found

    def _part(self, known: Known) -> Plan:
        """A plan for a part of the box."""
        self._check_budget()
        if settled(self.statement.goal, known):
            self.leaves += 1
            return Done()
        for method in self.methods:
            self.cancelled()
            state = self.checker.build(method, known)
            if settled(self.statement.goal, [entry.box for entry in state]):
                self.leaves += 1
                self._spend(method)
                return Bound(method, Done())
        return self._split(known, state)

    def _split(self, known: Known, state: State) -> Plan:
        value, element, at = self._choice(known, state)
        low, high = cut(known, value, element, at)
        return Split(value, element, at, self._part(low), self._part(high))

    def _choice(self, known: Known, state: State) -> tuple[int, int, int]:
        """Where to cut: value, element and place."""
        inputs = state[0].box
        width = inputs.upper - inputs.lower
        weights = self._weights(state)
        if len(width) > FEW_INPUTS:
            hinge = self._kink(state, weights)
            if hinge is not None:
                return hinge
        scores = weights[0] * width if 0 in weights else width
        element = int(numpy.argmax(scores))
        if width[element] < 2:
            raise NotPlannableError("the checker's bounds do not show it on a single point", passing=False)
        return 0, element, int(inputs.lower[element] + inputs.upper[element]) // 2

    def _kink(self, state: State, weights: dict[int, numpy.ndarray]) -> tuple[int, int, int] | None:
        """The hinge whose gap costs the output's bounds most."""
        best: tuple[float, tuple[int, int, int]] | None = None
        for index, node in enumerate(self.statement.network.nodes):
            if not isinstance(node, Hinge) or index + 1 not in weights:
                continue
            box = state[node.operand].box
            for element, (low, high) in enumerate(zip(box.lower, box.upper, strict=True)):
                if low < node.kink < high:
                    gap = (node.kink - low) * (high - node.kink) / (high - low)
                    score = float(weights[index + 1][element]) * gap
                    if best is None or score > best[0]:
                        best = (score, (node.operand, element, node.kink))
        return None if best is None else best[1]

    def _weights(self, state: State) -> dict[int, numpy.ndarray]:
        """How much the output's worst bounds depend on each element of each value: sums of the backward coefficients'
        magnitudes, over the elements of the output."""
        index = len(self.statement.network.nodes) - 1
        node = self.statement.network.nodes[index]
        assert isinstance(node, Linear), "the output of a claim is a matrix of its differences"
        self.checker.trace = {}
        try:
            self.checker.backward(index, node, state, state[-1].box)
            return {value: sum(abs(rows).astype(float)) for value, rows in self.checker.trace.items()}
        finally:
            self.checker.trace = None

    def _spend(self, method: Sequence[bool]) -> None:
        self.spent = self.spent + effort(self.statement.network, method)

    def _check_budget(self) -> None:
        self.cancelled()
        if self.leaves >= MOST_LEAVES:
            raise NotPlannableError(f"it needs more than {MOST_LEAVES} parts", passing=False)
        if self.spent.seconds > self.limit:
            raise _too_long(self.limit)
        if time.monotonic() > self.deadline:
            raise NotPlannableError("no proof for the checker was found in time", passing=True)


def _ways(
    methods: Sequence[tuple[bool, ...]],
) -> Sequence[tuple[Sequence[tuple[bool, ...]], tuple[bool, ...]]]:
    """Methods to try in each part, and how the whole box is bounded: as well as possible, or as cheaply as a part."""
    quick = tuple(methods[1:2])
    if not quick:
        return ()
    return tuple(
        dict.fromkeys(((tuple(methods[1:]), methods[-1]), (quick, methods[-1]), (quick, methods[1])))
    )


def _methods(network: Network) -> list[tuple[bool, ...]]:
    """Ways to bound all nodes, cheapest first: intervals, the output backward, all matrices backward.

    A matrix right above the input gains nothing by backward bounds, nor does one whose elements no hinge reads (only
    the output, which is the last node).
    """
    last = len(network.nodes) - 1
    hinged = {node.operand for node in network.nodes if isinstance(node, Hinge)}
    none = tuple(False for _ in network.nodes)
    output = tuple(index == last for index in range(last + 1))
    all_matrices = tuple(
        index == last or (isinstance(node, Linear) and index + 1 in hinged and node.operand != 0)
        for index, node in enumerate(network.nodes)
    )
    return list(dict.fromkeys((none, output, all_matrices)))

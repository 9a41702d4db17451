"""Bounds of the rows of a goal on many boxes, as tight as a little work makes them, and where to split what stays open.

First CROWN for all boxes, starting from what is known of the box that each came from. What that does not decide gets
slopes, phase multipliers and combinations of rows of its own by a few steps of ascent. Then every box that is still
open is told its next cuts.

Domains of few inputs are cut along inputs; then intermediate bounds get tighter from cut to cut, and are found anew.
With many inputs a cut of one of them changes next to nothing: the phases of relus are cut instead (Bunel et al. 2018,
arXiv:1711.00455), intermediate bounds stay those of the whole domain on the side of each cut, and what a cut gains
comes from the multipliers (Wang et al. 2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from torchlean.bounds.alpha.boxes import problem_of
from torchlean.bounds.alpha.descent import Multipliers, Route
from torchlean.bounds.alpha.problem import Problem
from torchlean.bounds.alpha.refine import tightened
from torchlean.bounds.branching.boxes import LEVELS, Boxes, Values
from torchlean.bounds.branching.curvature import Curvature, cut_along, sample
from torchlean.bounds.branching.extrema import Extrema
from torchlean.bounds.branching.goal import Goal
from torchlean.bounds.branching.mixture import MixedSearch
from torchlean.bounds.branching.phases import Variables
from torchlean.bounds.branching.scores import looseness
from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.crown.boxes import bound_boxes
from torchlean.bounds.crown.refine import bound_lowered
from torchlean.bounds.crown.structure import remembered
from torchlean.bounds.device import PROCESSOR, on
from torchlean.bounds.taylor import Plan
from torchlean.intervals import Interval

STEPS = 6
"""Of ascent for a box. More decide fewer further boxes than the time they take would bound."""

PHASE_STEPS = 20
"""The same where phases are cut, and nothing but the ascent makes bounds tighter."""

FEW_INPUTS = 16
"""Inputs (of more than one value) up to which they are what is cut, unless no relu leaves a choice."""

SHARPNESS = 3.0
"""Rows of a clause start with weights that fall by e for each third of the best row's distance from zero."""

MANY_ROWS = 64
"""Goals with more rows are split by what their combined rows say, not by each row."""


class Bounder:
    """Bounds parts of one goal's domain.

    Boxes come from this processor's memory and go back there, wherever they are bounded.

    Attributes:
        goal: the question, on the device.
        device: where bounds are computed.
        inputs: per input node of the lowered graph its place in flat vectors.

    Args:
        cache: what is known already, on the same device; by default nothing.
        check: called often; what it raises ends the work.
    """

    def __init__(
        self,
        goal: Goal,
        cache: BoundsCache | None = None,
        check: Callable[[], None] = lambda: None,
        device: torch.device = PROCESSOR,
    ) -> None:
        self.device = device
        self.goal = goal.to(device)
        self.cache = BoundsCache() if cache is None else cache
        self.check = check
        with on(device):
            self._prepare()

    def _prepare(self) -> None:
        goal = self.goal
        self.shape = remembered(goal.graph, self.cache)
        self.place = self.shape.lowered.places[goal.rows]
        self.members = goal.members()
        self.inputs: dict[int, slice] = {}
        start = 0
        for name in goal.names:
            (node,) = (x for x in self.shape.graph.inputs if x.attributes["name"] == name)
            self.inputs[node.id] = slice(start, start + node.type.numel)
            start += node.type.numel
        lower, upper = goal.ends()
        self.variables = Variables.of(self.shape, self.place, start)
        self.phased = int((lower < upper).sum()) > FEW_INPUTS and bool(self.variables.places)
        self.extrema = Extrema.of(goal)
        some = self.phased or self.extrema is not None
        plan = None if some else Plan.of(self.shape, self.place, self.inputs, self._intervals)
        self.curvature = None if plan is None else Curvature(goal, plan)
        foreseen = None if self.curvature is None else self.curvature.foresee()
        if self.curvature is not None and foreseen is not None:
            self.curvature.contest.trust(foreseen)

    def _intervals(self) -> list[Interval]:
        """Of all nodes over the whole domain."""
        found = bound_lowered(self.shape, self.goal.domain, self.cache, self.check, [self.place])
        return [bound.interval for bound, _, _ in found]

    def whole(self) -> Boxes:
        """The domain as one box, bounded."""
        with on(self.device):
            return self._whole().to(PROCESSOR)

    def bound(self, boxes: Boxes) -> Boxes:
        """Bound boxes whose `margins`, `low`, `high`, `weights` and choices are those of the boxes around them.

        Boxes that are shown to be empty (their phases contradict each other) get infinite margins.
        """
        with on(self.device):
            return self._bound(boxes.to(self.device)).to(PROCESSOR)

    def _whole(self) -> Boxes:
        lower, upper = (end.unsqueeze(0) for end in self.goal.ends())
        clauses = len(self.goal.clauses)
        margins = torch.full((1, clauses), -math.inf, dtype=torch.float64)
        weights = torch.zeros(1, clauses, self.goal.count)
        none = torch.full((1, LEVELS), -1)
        boxes = Boxes(
            node=torch.zeros(1, dtype=torch.int64),
            lower=lower,
            upper=upper,
            margins=margins,
            low={},
            high={},
            phases={},
            weights=weights,
            alphas={},
            betas={},
            points=((lower + upper) / 2).to(torch.float32),
            cuts=none,
        )
        found = self._bound(boxes)
        if self.phased and not bool(self.goal.shown(found.margins).all()):
            return self._climbed(self._tightened(found))
        return found

    def _tightened(self, boxes: Boxes) -> Boxes:
        """The one box that is the whole domain, with intermediate bounds for which every row had slopes of its own: all
        parts start from them."""
        tight = tightened(self.shape, self.goal.domain, self.cache, self.check, [])
        return replace(
            boxes,
            low={id: torch.maximum(low, tight[id].lower.unsqueeze(0)) for id, low in boxes.low.items()},
            high={id: torch.minimum(high, tight[id].upper.unsqueeze(0)) for id, high in boxes.high.items()},
        )

    def _bound(self, boxes: Boxes) -> Boxes:
        if self.extrema is not None:
            return self.extrema.bound(boxes)
        if self.curvature is None:
            return self._straight(boxes)
        return self._curved(self.curvature, boxes)

    def _curved(self, curvature: Curvature, boxes: Boxes) -> Boxes:
        """By second-order bounds, or by linear ones where they are better."""
        contest = curvature.contest
        due = contest.due(len(boxes))
        found = curvature.bound(boxes) if due or contest.curved else None
        if found is None:
            return self._straight(boxes)
        if due:
            some = sample(len(boxes))
            lines = self._straight(boxes.of(some))
            contest.compare(found.worst[some], lines.worst)
            if not contest.curved:
                return self._straight(replace(boxes, margins=found.margins))
            found.margins[some] = torch.maximum(found.margins[some], lines.margins)
        return replace(found, low={}, high={}, alphas={}, betas={})

    def _straight(self, boxes: Boxes) -> Boxes:
        """By linear bounds."""
        if self.phased and boxes.low:
            # Intermediate bounds are those of the box around; the cuts are in them already.
            return self._climbed(boxes)
        domains = self._domains(boxes)
        known = {id: Interval(boxes.low[id], boxes.high[id]) for id in boxes.low}
        found = bound_boxes(
            self.shape, domains, self.goal.domain, self.cache, self.check, [self.place], known
        )
        rows = found.pop(self.place)
        margins = boxes.margins
        empty = torch.zeros(len(boxes), dtype=torch.bool)
        for interval in found.values():
            empty |= (interval.lower > interval.upper).reshape(len(boxes), -1).any(1)
        if not rows.undefined:
            margins = torch.maximum(margins, self.goal.margins(rows.lower))
        margins = torch.where(empty.unsqueeze(1), math.inf, margins)
        low = {id: interval.lower for id, interval in found.items()}
        high = {id: interval.upper for id, interval in found.items()}
        boxes = replace(
            boxes, margins=margins, low=low, high=high, weights=self._weights(boxes.weights, rows.lower)
        )
        if rows.undefined:
            return replace(boxes, cuts=torch.full((len(boxes), LEVELS), -1))
        return self._climbed(boxes)

    def _domains(self, boxes: Boxes) -> dict[str, Interval]:
        lows, highs = self.goal.named(boxes.lower), self.goal.named(boxes.upper)
        return {name: Interval(lows[name], highs[name]) for name in lows}

    def _weights(self, before: Tensor, rows: Tensor) -> Tensor:
        """Those of the box around, or where there are none, by how good each row is alone."""
        if bool(before.any()):
            return before
        values = rows.to(torch.float32).nan_to_num(neginf=-1e30, posinf=1e30).unsqueeze(1)
        alien = (1 - self.members) * -1e38
        best = (values + alien).amax(2, keepdim=True)
        scale = best.abs().clamp(min=1e-9)
        return torch.softmax((values - best) * (SHARPNESS / scale) + alien, 2)

    def _climbed(self, boxes: Boxes) -> Boxes:
        """Search for what is not decided, and say where to cut what stays so."""
        open = ~self.goal.shown(boxes.margins)
        index = open.any(1).nonzero().flatten()
        cuts = torch.full((len(boxes), LEVELS), -1)
        if not len(index):
            return replace(boxes, cuts=cuts)
        few = boxes.of(index)
        signs = {id: sign.to(torch.float32).unsqueeze(1) for id, sign in few.phases.items()}
        known = {id: Interval(few.low[id], few.high[id]) for id in few.low}
        problem = problem_of(
            self.shape, self._domains(few), self.goal.domain, self.place, known, signs, self.cache, self.check
        )
        few = self._searched(few, problem, signs, int(open.sum(1).max()))
        still = ~self.goal.shown(few.margins).all(1)
        cuts[index] = torch.where(still.unsqueeze(1), self._cuts(few, problem), -1)
        return replace(_put(boxes, index, few), cuts=cuts)

    def _searched(self, boxes: Boxes, problem: Problem, signs: Mapping[int, Tensor], most: int) -> Boxes:
        """Better margins for the worst clauses of each box, `most` of them."""
        picks = boxes.margins.argsort(1)[:, :most]
        members = self.members[picks]
        flat = boxes.margins.gather(1, picks)
        route = Route.of(problem.stations, self.place, frozenset({self.place, *signs}))
        if any(id in problem.lost for id in route.down):
            return boxes
        batch = (len(boxes), most)
        alphas = {
            id: problem.kinks[id].started(_picked(boxes.alphas.get(id), picks), batch)
            for id in route.down
            if id in problem.kinks
        }
        betas = {}
        for id, sign in signs.items():
            beta = _picked(boxes.betas.get(id), picks)
            betas[id] = sign.new_zeros(*batch, *sign.shape[2:]) if beta is None else beta
        weights = _picked(boxes.weights, picks)
        assert weights is not None
        betas[self.place] = weights
        rows = torch.zeros_like(betas[self.place])
        keep = frozenset(self.inputs)
        search = MixedSearch(
            problem, route, rows, {**signs, self.place: -members}, alphas, betas, goal=self.place
        )
        found = search.run(
            PHASE_STEPS if self.phased else STEPS, lambda total: bool((total > 0).all()), self.check, keep
        )
        multipliers = {id: Multipliers(search.signs[id], beta) for id, beta in found.betas.items()}
        proved = problem.prove(self.place, rows.to(torch.float64), found.alphas, multipliers, self.check)
        proved = _of_the_best(proved, found.betas[self.place] * members)
        margins = boxes.margins.scatter(1, picks, torch.maximum(flat, proved))
        weights = found.betas.pop(self.place)

        def kept(before: Values, after: Values) -> Values:
            clauses = len(self.members)
            return {id: _put_back(before.get(id), picks, values, clauses) for id, values in after.items()}

        return replace(
            boxes,
            margins=margins,
            weights=_put_back(boxes.weights, picks, weights),
            alphas=kept(boxes.alphas, found.alphas),
            betas=kept(boxes.betas, found.betas),
            points=self._least(boxes, proved.argmin(1), found.coefficients),
        )

    def _least(self, boxes: Boxes, row: Tensor, coefficients: Mapping[int, Tensor]) -> Tensor:
        """The corner of each box where one of its rows is least, given the rows' coefficients on the inputs."""
        points = (boxes.lower + boxes.upper) / 2
        radius = (boxes.upper - boxes.lower) / 2
        for id, place in self.inputs.items():
            if id in coefficients:
                own = coefficients[id][torch.arange(len(boxes)), row].reshape(len(boxes), -1)
                points[:, place] -= radius[:, place] * own.sign()
        return points.to(torch.float32)

    def _cuts(self, boxes: Boxes, problem: Problem) -> Tensor:
        """The variables to cut, best first, (boxes, LEVELS); -1 where there are no more."""
        if self.phased:
            best = self.variables.loosest(problem, self.place, boxes)
            inputs = self._input_cuts(boxes, problem) if bool((best[:, 0] < 0).any()) else best
            return torch.where(best[:, :1] < 0, inputs, best)
        return self._input_cuts(boxes, problem)

    def _input_cuts(self, boxes: Boxes, problem: Problem) -> Tensor:
        """The inputs to halve, best first."""
        rows = boxes.weights
        if self.goal.count <= MANY_ROWS:
            open = (~self.goal.shown(boxes.margins)).to(torch.float32)
            rows = torch.diag_embed((open @ self.members).clamp(max=1.0))
        width = boxes.upper - boxes.lower
        return cut_along(boxes, looseness(problem, self.place, rows, self.inputs, width).to(torch.float64))


def _of_the_best(combined: Tensor, weights: Tensor) -> Tensor:
    """Lower bounds of the greatest row of each clause from those of its rows' combinations.

    A combination is at most the sum of its weights times the greatest row. The sum is one but for float32's rounding,
    and the result is rounded down: `n` additions in float64, which lose `n` units of 2^-53 together, and a division.

    Args:
        combined: (boxes, clauses), float64.
        weights: not negative, (boxes, clauses, rows), float32.
    """
    total = weights.to(torch.float64).sum(2)
    each = combined / total
    each = each - each.abs() * ((weights.shape[2] + 2) * 2.0**-52)
    # Without weights there is no row that the combination speaks of, and undefined ones were left out of it.
    return torch.where((total > 0) & total.isfinite() & ~each.isnan(), each, -math.inf)


def _picked(given: Tensor | None, picks: Tensor) -> Tensor | None:
    """What the chosen clauses of each box start from, (boxes, picks, *node)."""
    if given is None:
        return None
    index = picks.reshape(*picks.shape, *(1,) * (given.dim() - 2))
    return given.gather(1, index.expand(*picks.shape, *given.shape[2:]))


def _put_back(before: Tensor | None, picks: Tensor, values: Tensor, clauses: int = 0) -> Tensor:
    """The values of the chosen clauses in the place of what was there."""
    if before is None:
        before = values[:, :1].expand(values.shape[0], clauses, *values.shape[2:])
    index = picks.reshape(*picks.shape, *(1,) * (values.dim() - 2)).expand(values.shape)
    return before.scatter(1, index, values)


def _put(boxes: Boxes, index: Tensor, few: Boxes) -> Boxes:
    """The boxes with some of them replaced."""

    def values(before: Values, after: Values) -> Values:
        result = {}
        for id, tensor in after.items():
            base = before.get(id)
            base = tensor.new_zeros(len(boxes), *tensor.shape[1:]) if base is None else base
            result[id] = base.index_copy(0, index, tensor)
        return result

    return replace(
        boxes,
        margins=boxes.margins.index_copy(0, index, few.margins),
        weights=boxes.weights.index_copy(0, index, few.weights),
        points=boxes.points.index_copy(0, index, few.points),
        alphas=values(boxes.alphas, few.alphas),
        betas=values(boxes.betas, few.betas),
    )

"""Finding good slopes and multipliers for rows, each row its own, by gradient ascent in plain float32.

The bound of a row is concave in the slopes of any one node, and all of them interact. A step divides the running mean
of the derivative by the running mean of its magnitude, as Adam does with the root of the mean square (Kingma and Ba
2015, arXiv:1412.6980), but without the root, which takes longer than all the rest of the step. Steps get shorter by a
constant factor. Slopes stay in [0, 1], multipliers above zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Descent, Multipliers, Route, ascend, descend
from torchlean.bounds.alpha.problem import Problem

FIRST_STEP = 0.3
"""Of the range of a slope. Larger ones overshoot on deep networks, smaller ones leave 20 steps unfinished."""

SHRINK = 0.9
"""From step to step; after 20 steps a step is an eighth of the first, enough to settle."""

MEMORY = 0.7
"""Share of the previous mean in the mean of derivatives, which change sign where a slope has come to its best."""

SCALE_MEMORY = 0.99
"""The same for their magnitudes, which should not change much."""

TINY = 1e-30
"""Keeps the quotient of two zeros zero."""

PATIENCE = 5
STALLED = 0.02
"""A search ends when the last `PATIENCE` steps gave less than this share of what all gave."""


@dataclass(frozen=True, slots=True)
class Found:
    """Slopes and multipliers for rows, to be proved or to start another search from.

    Attributes:
        total: the plain lower bounds, (boxes, rows): close to what can be proved, and no proof.
        alphas: by node, (boxes, rows, *node).
        betas: by node with phases, (boxes, rows, *node).
        coefficients: what arrived at the nodes that `keep` named: the slopes of the bound by their values.
    """

    total: Tensor
    alphas: dict[int, Tensor]
    betas: dict[int, Tensor]
    coefficients: dict[int, Tensor]


@dataclass(slots=True)
class _Steps:
    """The running means behind one tensor of parameters."""

    mean: Tensor
    size: Tensor

    @staticmethod
    def none(like: Tensor) -> _Steps:
        return _Steps(torch.zeros_like(like), torch.full_like(like, TINY))

    def of(self, derivative: Tensor, count: int) -> tuple[Tensor, Tensor, float]:
        """The step after `count` others as numerator, denominator and factor."""
        self.mean.lerp_(derivative, 1 - MEMORY)
        self.size.lerp_(derivative.abs(), 1 - SCALE_MEMORY)
        # Both means start from zero.
        correction = (1 - SCALE_MEMORY ** (count + 1)) / (1 - MEMORY ** (count + 1))
        return self.mean, self.size, FIRST_STEP * SHRINK**count * correction


@dataclass
class Search:
    """One search.

    Attributes:
        rows: (boxes, rows, *node), float32.
        signs: phases by node, (boxes, 1, *node) of -1, 0 and 1.
        alphas, betas: where to start; owned by the search from then on. Betas for every node in `signs`.
    """

    problem: Problem
    route: Route
    rows: Tensor
    signs: Mapping[int, Tensor]
    alphas: dict[int, Tensor]
    betas: dict[int, Tensor]
    means: dict[tuple[str, int], _Steps] = field(default_factory=dict)
    units: dict[int, Tensor] = field(default_factory=dict)

    def run(
        self,
        steps: int,
        enough: Callable[[Tensor], bool] | None = None,
        check: Callable[[], None] = lambda: None,
        keep: frozenset[int] = frozenset(),
    ) -> Found:
        """Climb.

        Args:
            steps: at most so many.
            enough: given the plain bounds, whether to stop.
            check: called before every step; may raise to cancel.
            keep: see `Found.coefficients`.
        """
        first = {id: alpha.clone() for id, alpha in self.alphas.items()} if steps else {}
        firsts = {id: beta.clone() for id, beta in self.betas.items()} if steps else {}
        history: list[float] = []
        start: Tensor | None = None
        count = 0
        while True:
            check()
            run = descend(self.problem.stations, self.route, self.rows, self.alphas, self.multipliers)
            start = run.total if start is None else start
            history.append(float(run.total.sum()))
            if count == steps or (enough is not None and enough(run.total)) or _stalled(history):
                break
            self._step(run, count)
            count += 1
        worse = ~(run.total >= start)
        if count and bool(worse.any()):
            for own, before in ((self.alphas, first), (self.betas, firsts)):
                for id, values in own.items():
                    values[worse] = before[id][worse]
        total = torch.where(worse, start, run.total)
        kept = {id: rows for id, rows in run.coefficients.items() if id in keep}
        return Found(total, self.alphas, self.betas, kept)

    @property
    def multipliers(self) -> dict[int, Multipliers]:
        return {id: Multipliers(sign, self.betas[id]) for id, sign in self.signs.items()}

    def _step(self, run: Descent, count: int) -> None:
        slopes, forces = ascend(self.problem.stations, self.route, run, self.multipliers)
        self._move(slopes, forces, run, count)

    def _move(
        self, slopes: Mapping[int, Tensor], forces: Mapping[int, Tensor], run: Descent, count: int
    ) -> None:
        """One step along the derivatives by slopes and by multipliers."""
        for id, derivative in slopes.items():
            mean, size, factor = self._means("alpha", id, derivative).of(derivative, count)
            self.alphas[id].addcdiv_(mean, size, value=factor).clamp_(0.0, 1.0)
        for id, derivative in forces.items():
            mean, size, factor = self._means("beta", id, derivative).of(derivative, count)
            if id not in self.units:
                self.units[id] = self._unit(run.coefficients[id])
            self.betas[id].add_(mean / size * self.units[id], alpha=factor).clamp_(min=0.0)

    def _means(self, kind: str, id: int, like: Tensor) -> _Steps:
        found = self.means.get((kind, id))
        if found is None:
            found = self.means[kind, id] = _Steps.none(like)
        return found

    @staticmethod
    def _unit(coefficients: Tensor) -> Tensor:
        """What a multiplier is measured in: the greatest coefficient at its node, which it is there to balance."""
        dims = tuple(range(2, coefficients.dim()))
        return coefficients.abs().amax(dims, keepdim=True) if dims else coefficients.abs()


def _stalled(history: list[float]) -> bool:
    if len(history) <= PATIENCE:
        return False
    recent, all_ = history[-1] - history[-1 - PATIENCE], history[-1] - history[0]
    return 0.0 <= recent <= STALLED * all_


__all__ = ["Found", "Search"]

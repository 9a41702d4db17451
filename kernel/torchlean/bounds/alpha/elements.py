"""Lower and upper bounds of a node's elements: two rows for each, every row with choices of its own.

Rows are searched in chunks, and proved. Those of a convolution's elements see a small part of the image: neighbours are
searched together, on that part alone (`neighbourhood`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Route
from torchlean.bounds.alpha.maps import SINGLE
from torchlean.bounds.alpha.neighbourhood import Neighbourhood, neighbourhood
from torchlean.bounds.alpha.problem import Problem
from torchlean.bounds.alpha.search import Search
from torchlean.bounds.device import at_a_time
from torchlean.graph import Node
from torchlean.intervals import Interval

CHUNK_BYTES = 2**21
"""Memory for one tensor of a search: a dozen of them take part in each step, and shall stay close to the processor."""

NEIGHBOURS = 16
"""Elements searched on a part of the image: enough for matrices to be worth their making, few enough to see little."""

Decided = Callable[[Tensor, Tensor], bool]
"""Given lower and upper bounds of a wanted node, in its shape: whether the caller needs no better ones."""


class ElementRows:
    """The rows of one node.

    Args:
        problem: with the node admitted.
        interval: what is known of it already, of its shape.
        steps, check: of each search.
        decided: asked during searches and after each; None to let all of them end by themselves.
    """

    def __init__(
        self,
        problem: Problem,
        node: Node,
        interval: Interval,
        steps: int,
        check: Callable[[], None],
        decided: Decided | None,
    ) -> None:
        self.problem = problem
        self.node = node
        self.interval = interval
        self.check = check
        self.decided = decided
        self.lower, self.upper = interval.lower.flatten().clone(), interval.upper.flatten().clone()
        self.route = Route.of(problem.stations, node.id)
        self.choosing = [id for id in self.route.down if id in problem.kinks]
        self.steps = steps if any(problem.kinks[id].chooses for id in self.choosing) else 0

    def tighten(self, elements: Tensor) -> tuple[Interval, bool]:
        """Bound these elements (flat indices); also whether no search was stopped by the caller."""
        complete = True
        if not any(id in self.problem.lost for id in self.route.down):
            places = math.prod(self.node.type.shape[2:])
            # Channels last: neighbours in the image come together.
            ordered = elements[(elements % places).argsort(stable=True)]
            for chunk in ordered.split(self._at_a_time()):
                self._bound(chunk)
                if self.decided is not None and self.decided(*self._ends(self.lower, self.upper)):
                    complete = False
                    break
        lower, upper = self._ends(self.lower, self.upper)
        return Interval(lower, upper, self.interval.undefined, self.interval.infinite), complete

    def _ends(self, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        shape = self.node.type.shape
        return lower.reshape(shape), upper.reshape(shape)

    def _at_a_time(self) -> int:
        widest = max(self.problem.shape.graph[id].type.numel for id in self.route.down)
        return max(1, at_a_time(CHUNK_BYTES) // (4 * 2 * widest))

    def _bound(self, chunk: Tensor) -> None:
        count = len(chunk)
        rows = _units(chunk, self.node.type.numel).reshape(1, 2 * count, *self.node.type.shape)
        alphas = self._near(chunk) if len(self.node.type.shape) > 2 and self.steps else None
        if alphas is None:
            alphas = self._started(2 * count)
            search = Search(self.problem, self.route, rows.to(SINGLE), {}, alphas, {})
            alphas = search.run(self.steps, self._enough(chunk), self.check).alphas
        ends = self.problem.prove(self.node.id, rows, alphas, {}, self.check)
        low, high = ends[0, :count], -ends[0, count:]
        self.lower[chunk] = torch.maximum(self.lower[chunk], low)
        self.upper[chunk] = torch.minimum(self.upper[chunk], high)

    def _started(self, count: int) -> dict[int, Tensor]:
        return {id: self.problem.kinks[id].started(None, (1, count)) for id in self.choosing}

    def _near(self, chunk: Tensor) -> dict[int, Tensor] | None:
        """Slopes for all rows of the chunk, searched a few neighbours at a time; None where they see too much."""
        alphas = self._started(2 * len(chunk))
        for places in torch.arange(len(chunk)).split(NEIGHBOURS):
            part = neighbourhood(self.problem, self.route, chunk[places])
            if part is None:
                return None
            found = self._searched(part, chunk[places])
            rows = torch.cat((places, places + len(chunk)))
            for id, values in found.items():
                alphas[id].reshape(2 * len(chunk), -1)[rows.unsqueeze(1), part.places[id]] = values[0]
        return alphas

    def _searched(self, part: Neighbourhood, elements: Tensor) -> dict[int, Tensor]:
        """The slopes of the part's elements, (1, rows, elements) each."""
        mine = torch.searchsorted(part.places[self.node.id], elements)
        rows = _units(mine, len(mine)).to(SINGLE).unsqueeze(0)
        alphas = {id: kink.started(None, rows.shape[:2]) for id, kink in part.problem.kinks.items()}
        return Search(part.problem, self.route, rows, {}, alphas, {}).run(self.steps, None, self.check).alphas

    def _enough(self, chunk: Tensor) -> Callable[[Tensor], bool] | None:
        decided = self.decided
        if decided is None:
            return None

        def enough(plain: Tensor) -> bool:
            lower, upper = self.lower.clone(), self.upper.clone()
            low, high = plain[0].to(torch.float64).tensor_split(2)
            lower[chunk] = torch.maximum(lower[chunk], low)
            upper[chunk] = torch.minimum(upper[chunk], -high)
            return decided(*self._ends(lower, upper))

        return enough


def _units(elements: Tensor, count: int) -> Tensor:
    """The rows of some of `count` elements, and after them their negatives, (2 n, count), float64."""
    rows = torch.zeros(2 * len(elements), count, dtype=torch.float64)
    place = torch.arange(len(elements))
    rows[place, elements] = 1.0
    rows[place + len(elements), elements] = -1.0
    return rows


__all__ = ["CHUNK_BYTES", "Decided", "ElementRows"]

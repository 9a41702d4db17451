"""Rows of a few neighbouring elements of a convolution, which see a small part of the image only.

Their coefficients are zero everywhere else, on every node below and whatever the slopes: only the elements that they
can reach take part in the search, as a small dense problem of its own (the affine ops between them are matrices). What
the search finds is put in its place among the slopes of the whole, and proved there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Route
from torchlean.bounds.alpha.maps import SINGLE, Back, Map
from torchlean.bounds.alpha.problem import Problem
from torchlean.bounds.alpha.stations import End, Kink, Linear
from torchlean.intervals.products import times

SMALL = 0.25
"""Share of all elements below up to which the part is searched alone: dense matrices cost more than convolutions."""


@dataclass
class Neighbourhood:
    """A part of a problem.

    Attributes:
        problem: of the same nodes, each with the elements of the part only, as a vector.
        places: which these are, by id, (elements,).
    """

    problem: Problem
    places: dict[int, Tensor] = field(default_factory=dict)


def neighbourhood(problem: Problem, route: Route, elements: Tensor) -> Neighbourhood | None:
    """What rows of these elements (flat indices, (n,)) can reach.

    Returns:
        None where that is not much less than everything, or where an op other than an affine one or a relu is below.
    """
    reached: dict[int, Tensor] = {route.down[0]: elements.sort().values}
    matrices: dict[tuple[int, int], Tensor] = {}
    whole = sum(problem.shape.graph[id].type.numel for id in route.down)
    part = 0
    for id in route.down:
        station, mine = problem.stations[id], reached[id]
        part += len(mine)
        if part > SMALL * whole or not isinstance(station, (Linear, Kink, End)):
            return None
        if isinstance(station, Kink):
            (operand,) = station.operands
            if operand in reached and not torch.equal(reached[operand], mine):
                return None
            reached[operand] = mine
        elif isinstance(station, Linear):
            for (operand, _), matrix in zip(station.map.back, _matrices(problem, id, mine), strict=True):
                present = matrices.get((id, operand))
                matrices[id, operand] = matrix if present is None else present + matrix
                columns = (matrix != 0).any(0)
                if operand in reached:
                    columns[reached[operand]] = True
                reached[operand] = columns.nonzero().flatten()
    if any(
        isinstance(problem.stations[id], Kink) and not _matches(problem, reached, id) for id in route.down
    ):
        return None
    return Neighbourhood(_restricted(problem, route, reached, matrices), reached)


def _matches(problem: Problem, reached: Mapping[int, Tensor], id: int) -> bool:
    """A relu and its operand must have the same elements: others may read the operand, too."""
    (operand,) = problem.stations[id].operands
    return bool(torch.equal(reached[operand], reached[id]))


def _matrices(problem: Problem, id: int, mine: Tensor) -> list[Tensor]:
    """The coefficients of single elements of an affine node on each operand, (elements, operand's elements)."""
    station = problem.stations[id]
    assert isinstance(station, Linear)
    shape = problem.shape.graph[id].type.shape
    units = torch.zeros(len(mine), problem.shape.graph[id].type.numel, dtype=SINGLE)
    units[torch.arange(len(mine)), mine] = 1.0
    found = [back(units.reshape(len(mine), *shape)) for _, back in station.map.back]
    return [rows.reshape(len(mine), math.prod(rows.shape[1:])) for rows in found]


def _restricted(
    problem: Problem, route: Route, reached: dict[int, Tensor], matrices: Mapping[tuple[int, int], Tensor]
) -> Problem:
    local = Problem(problem.shape)
    for id in route.down:
        station, mine = problem.stations[id], reached[id]
        if isinstance(station, Linear):
            operands = list(dict.fromkeys(station.operands))
            dense = [matrices[id, operand][:, reached[operand]] for operand in operands]
            local.stations[id] = _linear(operands, dense, station.map.offset[mine])
        elif isinstance(station, Kink):
            parts = {
                name: _of(getattr(station, name), mine) for name in ("above", "intercept", "room", "start")
            }
            local.stations[id] = local.kinks[id] = replace(station, **parts)
        elif isinstance(station, End):
            local.stations[id] = replace(
                station, centre=_of(station.centre, mine), radius=_of(station.radius, mine)
            )
    return local


def _of(values: Tensor, places: Tensor) -> Tensor:
    """(1, 1, *node) to (1, 1, elements)."""
    return values.reshape(1, 1, -1).index_select(2, places)


def _linear(operands: Sequence[int], matrices: Sequence[Tensor], offset: Tensor) -> Linear:
    transposed = [matrix.T.contiguous() for matrix in matrices]

    def forward(values: Sequence[Tensor]) -> Tensor:
        found = offset
        for value, matrix in zip(values, transposed, strict=True):
            found = found + times(value, matrix)
        return found

    back = tuple((operand, _product(matrix)) for operand, matrix in zip(operands, matrices, strict=True))
    return Linear(Map(back, forward, offset), tuple((matrix.shape[1],) for matrix in matrices))


def _product(matrix: Tensor) -> Back:
    return lambda rows: times(rows, matrix)


__all__ = ["Neighbourhood", "neighbourhood"]

"""Where to split: the input whose width makes the linear bounds loose.

A bound over a box is loose by the gaps between the planes of nonlinear ops. The gap of an element with operand `z`
weighs as much as the rows' coefficient on it, and it is there because `z` varies: with a sum of the inputs' widths,
each multiplied by how strongly `z` depends on that input. So an input's share in the looseness of the rows is

    sum over elements  |coefficient| * gap * |dz/dx_i| * width_i / width(z),

with derivatives through the mean slopes of the planes. Splitting where this is largest closes the gaps soonest. On the
networks for collision avoidance it needs a tenth of the boxes, or fewer, that the largest coefficient times width
needs: that rule looks at where the *bound* varies, not at where it is loose. A choice is a heuristic: any is sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Route
from torchlean.bounds.alpha.problem import Problem
from torchlean.bounds.alpha.stations import Between, Kink, Linear, gathered, spread

TINY = 1e-30


def looseness(
    problem: Problem, node: int, rows: Tensor, inputs: Mapping[int, slice], width: Tensor
) -> Tensor:
    """How much of the rows' looseness is due to each input.

    Args:
        problem: of some boxes, with its stations.
        node: whose rows they are.
        rows: (boxes or 1, rows, *node), float32.
        inputs: per input node its place in flat vectors.
        width: of the boxes, (boxes, inputs), float64.

    Returns:
        (boxes, inputs), not negative; where no relaxation is loose, how much the rows vary instead.
    """
    count = len(width)
    route = Route.of(problem.stations, node)
    loose_by, ends = gaps(problem, route, rows.expand(count, *rows.shape[1:]))
    single = width.to(torch.float32)
    total = torch.zeros(count, width.shape[1])
    tangents: dict[int, Tensor] = {}
    for id in reversed(route.down):
        station = problem.stations[id]
        for operand in station.operands if id in loose_by else ():
            total += _shares(loose_by[id], problem, operand, tangents[operand])
        tangents[id] = _tangent(
            problem, id, [tangents[operand] for operand in station.operands], inputs, single
        )
    varied = torch.zeros_like(total)
    for id, place in inputs.items():
        if id in ends:
            varied[:, place] = ends[id] * single[:, place]
    loose = (total.amax(1, keepdim=True) > 0).to(total.dtype)
    return total * loose + varied * (1 - loose)


def gaps(problem: Problem, route: Route, rows: Tensor) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """Rows passed down through mean slopes.

    Returns:
        Per nonlinear node its gap times the sum of the rows' coefficients, (boxes, *node); per node where rows end the
        sum of the coefficients, (boxes, elements).
    """
    waiting = {route.down[0]: rows}
    found: dict[int, Tensor] = {}
    ends: dict[int, Tensor] = {}
    for id in route.down:
        arrived = waiting.pop(id, None)
        if arrived is None:
            continue
        station = problem.stations[id]
        weight = arrived.abs().sum(1)
        onward: list[Tensor] = []
        if isinstance(station, Linear):
            flat = arrived.flatten(0, 1)
            onward = [
                back(flat).reshape(*arrived.shape[:2], *size)
                for (_, back), size in zip(station.map.back, station.shapes, strict=True)
            ]
        elif isinstance(station, Kink):
            found[id] = weight * station.intercept.squeeze(1)
            onward = [arrived * station.above]
        elif isinstance(station, Between):
            found[id] = weight * _gap(problem, station)
            slopes = [(low + high) / 2 for low, high in zip(station.lower, station.upper, strict=True)]
            onward = [
                gathered(arrived * slope, size) for slope, size in zip(slopes, station.shapes, strict=True)
            ]
        else:
            ends[id] = weight.reshape(len(weight), -1)
        for operand, coefficients in zip(station.operands, onward, strict=True):
            present = waiting.get(operand)
            waiting[operand] = coefficients if present is None else present + coefficients
    return found, ends


def _gap(problem: Problem, station: Between) -> Tensor:
    """The greatest distance between the planes, (boxes or 1, *node)."""
    gap = station.base[1] - station.base[0]
    for operand, low, high in zip(station.operands, station.lower, station.upper, strict=True):
        interval = problem.bounds[operand]
        centre = ((interval.lower + interval.upper) / 2).to(torch.float32).unsqueeze(1)
        radius = ((interval.upper - interval.lower) / 2).to(torch.float32).unsqueeze(1)
        tilt = high - low
        gap = gap + tilt * spread(centre, tilt.dim()) + tilt.abs() * spread(radius, tilt.dim())
    return gap.squeeze(1).clamp(min=0)


def _shares(gap: Tensor, problem: Problem, operand: int, tangent: Tensor) -> Tensor:
    """Each input's share in the gaps of one op, through one operand: (boxes, inputs)."""
    interval = problem.bounds[operand]
    size = (interval.upper - interval.lower).to(torch.float32).unsqueeze(1).clamp(min=TINY)
    mine = gathered(gap.unsqueeze(1), tuple(interval.shape[1:]))
    return (tangent.abs() * (mine / size)).reshape(*tangent.shape[:2], -1).sum(2)


def _tangent(
    problem: Problem, id: int, operands: Sequence[Tensor], inputs: Mapping[int, slice], width: Tensor
) -> Tensor:
    """How a node varies with each input over its whole width, (boxes, inputs, *node)."""
    station = problem.stations[id]
    count, variables = width.shape
    if isinstance(station, Linear):
        out = problem.shape.graph[id].type.shape
        found = station.map.forward(
            [tangent.flatten(0, 1) for tangent in operands]
        ) - station.map.offset.reshape(out)
        return found.unflatten(0, (count, variables))
    if isinstance(station, Kink):
        return operands[0] * station.above
    if isinstance(station, Between):
        slopes = [(low + high) / 2 for low, high in zip(station.lower, station.upper, strict=True)]
        rank = slopes[0].dim()
        parts = [spread(tangent, rank) * slope for tangent, slope in zip(operands, slopes, strict=True)]
        return sum(parts[1:], parts[0])
    size = problem.shape.graph[id].type.shape
    if id not in inputs:
        return torch.zeros(count, variables, *size)
    place = inputs[id]
    block = torch.zeros(count, variables, place.stop - place.start)
    block[:, place] = torch.diag_embed(width[:, place])
    return block.reshape(count, variables, *size)

"""One plain pass of rows down a graph, and the values back up: a lower bound and its derivatives.

The phases of branch and bound come in here. Where a sub-domain is known to have `sign * z >= 0` for an element `z` of a
relu's operand (sign 1 or -1), then for every `beta >= 0`

    row(x) >= row(x) - beta * sign * z(x)    for all inputs x of the sub-domain,

so a lower bound of the right side over *all* inputs is one of the left side over the sub-domain: beta is the Lagrange
multiplier of the constraint (Wang et al. 2021, beta-CROWN, arXiv:2103.06624). A pass subtracts `beta * sign` from the
coefficients that arrive at the operand. The derivative of the bound by beta is `-sign * z` at the least point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from torchlean.bounds.alpha.stations import Passed, Station


@dataclass(frozen=True, slots=True)
class Route:
    """The nodes that rows of one node pass.

    Attributes:
        down: ids from the node to the inputs.
        up: ids from the inputs to the highest node whose value a derivative needs.
    """

    down: tuple[int, ...]
    up: tuple[int, ...]

    @staticmethod
    def of(stations: Mapping[int, Station], node: int, phased: frozenset[int] = frozenset()) -> Route:
        """
        Args:
            phased: nodes with multipliers.
        """
        below: set[int] = {node}
        needed: set[int] = set()
        for id in range(node, -1, -1):
            if id not in below:
                continue
            below.update(stations[id].operands)
            if stations[id].free:
                needed.update(stations[id].operands)
            if id in needed or id in phased:
                needed.update({id}, stations[id].operands)
        down = tuple(sorted(below, reverse=True))
        return Route(down, tuple(id for id in reversed(down) if id in needed))


@dataclass(frozen=True, slots=True)
class Multipliers:
    """Of the phases of one node: `sign` is (boxes, 1, *node), `beta` (boxes, rows, *node) and never negative."""

    sign: Tensor
    beta: Tensor


@dataclass(slots=True)
class Descent:
    """A pass that went down.

    Attributes:
        total: the plain lower bounds, (boxes, rows).
        coefficients: what arrived at each node, multipliers included.
    """

    total: Tensor
    coefficients: dict[int, Tensor]
    passed: dict[int, Passed] = field(default_factory=dict)


def descend(
    stations: Mapping[int, Station],
    route: Route,
    rows: Tensor,
    alphas: Mapping[int, Tensor],
    multipliers: Mapping[int, Multipliers],
) -> Descent:
    """Pass rows down.

    Args:
        rows: coefficients of the route's node, (boxes, rows, *node), float32.
        alphas: for every free station, (boxes, rows, *node).
    """
    waiting: dict[int, Tensor] = {route.down[0]: rows}
    total = rows.new_zeros(rows.shape[:2])
    run = Descent(total, {})
    for id in route.down:
        arrived = waiting.pop(id, None)
        if arrived is None:
            # Rows whose coefficients never come here (an operand that an op drops).
            continue
        multiplier = multipliers.get(id)
        if multiplier is not None:
            arrived = arrived - multiplier.sign * multiplier.beta
        passed = stations[id].down(arrived, alphas.get(id))
        run.coefficients[id], run.passed[id] = arrived, passed
        run.total = run.total + passed.gain
        for operand, onward in zip(stations[id].operands, passed.onward, strict=True):
            present = waiting.get(operand)
            waiting[operand] = onward if present is None else present + onward
    return run


def ascend(
    stations: Mapping[int, Station],
    route: Route,
    run: Descent,
    multipliers: Mapping[int, Multipliers],
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """The derivatives of each row's bound by its own alphas and betas, by id of the node."""
    values: dict[int, Tensor] = {}
    slopes: dict[int, Tensor] = {}
    forces: dict[int, Tensor] = {}
    for id in (*route.up, *(id for id in reversed(route.down) if stations[id].free and id not in route.up)):
        if id not in run.passed:
            continue
        operands = [values[operand] for operand in stations[id].operands]
        values[id], slope = stations[id].up(run.passed[id].taken, operands)
        if slope is not None:
            slopes[id] = slope
        if id in multipliers:
            forces[id] = -multipliers[id].sign * values[id]
    return slopes, forces


__all__ = ["Descent", "Multipliers", "Route", "ascend", "descend"]

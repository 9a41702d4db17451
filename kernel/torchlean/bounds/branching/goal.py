"""What branch and bound is asked to show: for every input of a box and each clause, some row of the clause is positive.

A row is one real number that the graph computes, such as the difference of two scores. A claim that is a conjunction of
disjunctions of inequalities is exactly that; so is the safety of a network in a property file, where a clause is one
way to be a counterexample and its rows say by how much each of its conditions is missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from torchlean.graph import Graph
from torchlean.intervals import Interval
from torchlean.numbers import element_name


@dataclass(frozen=True, eq=False, slots=True)
class Goal:
    """A question about a graph.

    Attributes:
        graph: computes the rows.
        rows: id of the node with all rows, shape (rows,).
        clauses: per clause, the indices of its rows; none is empty.
        strict: per clause, whether a row must be above zero rather than at least zero.
        domain: per input name a bounded interval of the input's shape.
    """

    graph: Graph
    rows: int
    clauses: tuple[tuple[int, ...], ...]
    strict: tuple[bool, ...]
    domain: Mapping[str, Interval]

    def to(self, device: torch.device) -> Goal:
        """The same question with its domain there."""
        return replace(self, domain={name: box.to(device) for name, box in self.domain.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs, in the order in which flat vectors list them."""
        return tuple(str(node.attributes["name"]) for node in self.graph.inputs)

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.graph[self.rows].type.numel

    def ends(self) -> tuple[Tensor, Tensor]:
        """The domain as two flat vectors, (inputs,)."""
        boxes = [self.domain[name] for name in self.names]
        return (
            torch.cat([box.lower.flatten() for box in boxes]),
            torch.cat([box.upper.flatten() for box in boxes]),
        )

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """(boxes, inputs) as one tensor (boxes, *input) for each input."""
        result, place = {}, 0
        for name in self.names:
            shape = self.domain[name].shape
            size = math.prod(shape)
            result[name] = flat[:, place : place + size].reshape(-1, *shape)
            place += size
        return result

    def input_name(self, index: int) -> str:
        """What an input is called, by its number in flat vectors: `x[0,3]`."""
        for name in self.names:
            shape = self.domain[name].shape
            if index < math.prod(shape):
                return element_name(name, shape, index)
            index -= math.prod(shape)
        raise IndexError("no such input")

    def members(self) -> Tensor:
        """1 where a row belongs to a clause, else 0; (clauses, rows), float32."""
        found = torch.zeros(len(self.clauses), self.count)
        for index, clause in enumerate(self.clauses):
            found[index, list(clause)] = 1.0
        return found

    def margins(self, rows: Tensor) -> Tensor:
        """Per clause the greatest of its rows, (..., rows) to (..., clauses)."""
        return self._over_clauses(rows, lambda picked: picked.amax(-1))

    def hinges(self, rows: Tensor) -> Tensor:
        """Per clause the sum of what its rows have above zero, (..., rows) to (..., clauses)."""
        return self._over_clauses(rows.clamp(min=0), lambda picked: picked.sum(-1))

    def _over_clauses(self, rows: Tensor, reduce: Callable[[Tensor], Tensor]) -> Tensor:
        """A number for each clause. Clauses of one length are taken together: there may be hundreds."""
        groups = _by_length(self.clauses, rows.device)
        found = [reduce(rows[..., index]) for _, index in groups]
        if len(found) == 1:
            return found[0]
        order = torch.tensor([place for places, _ in groups for place in places])
        return torch.cat(found, -1)[..., order.argsort()]

    def shown(self, margins: Tensor) -> Tensor:
        """Which clauses these lower bounds of margins, (..., clauses), show."""
        return (margins > 0) | ((margins == 0) & ~torch.tensor(self.strict))


@lru_cache(maxsize=64)
def _by_length(clauses: tuple[tuple[int, ...], ...], device: torch.device) -> list[tuple[list[int], Tensor]]:
    """The clauses of each length: their places, and their rows, (clauses, length), on the device."""
    groups: dict[int, list[int]] = {}
    for place, clause in enumerate(clauses):
        groups.setdefault(len(clause), []).append(place)
    return [
        (places, torch.tensor([clauses[place] for place in places], device=device))
        for places in groups.values()
    ]

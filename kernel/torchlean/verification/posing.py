"""From a network and a property file to questions for branch and bound: one for each input region.

A region's counterexample satisfies all constraints of some conjunction. So the region is safe when for each of its
inputs and each conjunction some constraint `a . x + c . y <= b` fails: when a row `a . x + c . y - b` of the
conjunction is positive. Rows are exact: coefficients are multiplied by what makes them whole numbers without a common
divisor, and one that no float64 number holds is a sum of some. `b` is rounded upward, which can only make rows smaller.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from torchlean.bounds.branching import Goal
from torchlean.capture.onnx import OnnxModel, OnnxValue
from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.numbers import rounded_down, rounded_up
from torchlean.verification.lattice import without_banks
from torchlean.vnnlib import Constraint, Property, Region

PARTS = 8
"""Float64 numbers that a coefficient may be the sum of: decimals of a hundred digits need that many."""

LARGEST = 2**1000
"""Of coefficients and bounds: products with what networks compute stay far from the end of float64's range."""

ALTERNATIVES = 256
"""In one question: the search weighs each row in each alternative, and memory for that grows with the square."""


class PosingError(Exception):
    """The network and the property do not fit together, or ask for something that is not followed; for people."""


@dataclass(frozen=True, eq=False, slots=True)
class Query:
    """One region of a property, with some of its alternatives, as a question about the network.

    Attributes:
        region: as the file states it.
        number: the region's, from 0.
        goal: what is to be shown for it, of the network as the file has it.
        bounded: the same without banks of relus (`verification.lattice`); the same object where there are none.
    """

    region: Region
    number: int
    goal: Goal
    bounded: Goal


def pose(model: OnnxModel, property: Property) -> list[Query]:
    """The questions that together are the property: one for each region, and more where it has many alternatives.

    Questions with the same conditions have the same graph object, whatever their domains are.

    Raises:
        PosingError: other numbers of inputs or outputs, an unbounded input, a number out of range.
    """
    _fits(model, property)
    asked: dict[Hashable, tuple[Goal, Goal]] = {}
    plain = without_banks(model.graph)
    queries = []
    for number, region in enumerate(property.regions):
        domain = _domain(model, region, number, property)
        for part in _parted(region):
            key = _conditions(part)
            if key not in asked:
                goal = _goal(model, model.graph, part, property, domain)
                same = plain is model.graph
                asked[key] = goal, goal if same else _goal(model, plain, part, property, domain)
            goal, bounded = (replace(each, domain=domain) for each in asked[key])
            queries.append(Query(region, number, goal, bounded if bounded.graph is not goal.graph else goal))
    return queries


def _conditions(region: Region) -> Hashable:
    """Equal for regions with the same conditions, in the same order."""
    return tuple(
        tuple(
            (*sorted(row.x.items()), None, *sorted(row.y.items()), row.bound, row.strict)
            for row in each.constraints
        )
        for each in region.unsafe
    )


def _parted(region: Region) -> Iterator[Region]:
    """The region with `ALTERNATIVES` at a time."""
    for start in range(0, max(1, len(region.unsafe)), ALTERNATIVES):
        yield replace(region, unsafe=region.unsafe[start : start + ALTERNATIVES])


def _fits(model: OnnxModel, property: Property) -> None:
    for what, count, values in (
        ("input", property.inputs, model.inputs),
        ("output", property.outputs, model.outputs),
    ):
        total = sum(math.prod(value.shape) for value in values)
        if total == 0:
            raise PosingError(f"the network has no {what}s: there is nothing to be verified")
        if count != total:
            listed = ", ".join(f"`{value.name}` {list(value.shape)}" for value in values)
            raise PosingError(
                f"the property speaks of {count} {what}{'s' if count != 1 else ''}, "
                f"the network has {total}: {listed}"
            )
    _same_shapes("input", property.input_shapes, model.inputs)
    _same_shapes("output", property.output_shapes, model.outputs)
    _same_order("input", property.input_names, model.inputs)
    _same_order("output", property.output_names, model.outputs)
    for value in (*model.inputs, *model.outputs):
        if not value.dtype.is_floating_point:
            raise PosingError(f"`{value.name}` is {value.dtype}, and properties speak of real numbers")


def _same_shapes(what: str, declared: Sequence[tuple[int, ...]], values: Sequence[OnnxValue]) -> None:
    """Tensors that a file declares (version 2.0) are the network's, but for dimensions of one element, or flat.

    Raises:
        PosingError: elements would be mixed up: row by row, a matrix and its transpose are numbered differently.
    """
    if not declared:
        return
    theirs = [[size for size in value.shape if size != 1] for value in values]
    mine = [[size for size in shape if size != 1] for shape in declared]
    flat = [[math.prod(sizes)] if sizes else [] for sizes in theirs]
    if len(mine) != len(theirs) or any(
        own not in (whole, line) for own, whole, line in zip(mine, theirs, flat, strict=True)
    ):
        stated = ", ".join(str(list(shape)) for shape in declared)
        listed = ", ".join(f"`{value.name}` {list(value.shape)}" for value in values)
        raise PosingError(f"the property declares {what}s of shape {stated}, the network has {listed}")


def _same_order(what: str, declared: Sequence[str], values: Sequence[OnnxValue]) -> None:
    """Declared tensors are the network's in their order, whatever they are called.

    Raises:
        PosingError: they are called like those of the network, in another order: one of both is not meant.
    """
    names = [value.name for value in values]
    if list(declared) != names and sorted(declared) == sorted(names):
        raise PosingError(
            f"the property declares the {what}s {', '.join(declared)}, the network has them in the order "
            f"{', '.join(names)}: they are matched by order, so declare them in the network's"
        )


def _goal(
    model: OnnxModel, graph: Graph, region: Region, property: Property, domain: Mapping[str, Interval]
) -> Goal:
    """The question about a graph that computes what the model's does."""
    builder = GraphBuilder()
    builder.nodes = list(graph.nodes)
    inputs = {str(node.attributes["name"]): node for node in graph.inputs}
    x = _flat(builder, [inputs[value.name].id for value in model.inputs])
    y = _flat(builder, list(graph.outputs))
    constraints: list[Constraint] = []
    clauses: list[tuple[int, ...]] = []
    for conjunction in region.unsafe:
        # Without constraints everything is a counterexample: a row that is never positive.
        own = conjunction.constraints or (Constraint({}, {}, Fraction(1), False),)
        clauses.append(tuple(range(len(constraints), len(constraints) + len(own))))
        constraints += own
    rows = [_whole(constraint) for constraint in constraints]
    bounds = torch.tensor([rounded_down(-row.bound) for row in rows], dtype=torch.float64)
    node = _linear(builder, y, [row.y for row in rows], property.outputs, bounds)
    if any(row.x for row in rows):
        none = torch.zeros(len(rows), dtype=torch.float64)
        other = _linear(builder, x, [row.x for row in rows], property.inputs, none)
        node = builder.op("add", [node.id, other.id], {})
    strict = tuple(any(not constraints[row].strict for row in clause) for clause in clauses)
    return Goal(builder.graph([node.id]), node.id, tuple(clauses), strict, domain)


def _domain(model: OnnxModel, region: Region, number: int, property: Property) -> dict[str, Interval]:
    """The region's box in the shapes of the inputs, rounded outward."""
    lower, upper = (_ends(ends, property, number) for ends in (region.lower, region.upper))
    domain: dict[str, Interval] = {}
    start = 0
    for value in model.inputs:
        place = slice(start, start + math.prod(value.shape))
        low = torch.tensor([rounded_down(end) for end in lower[place]], dtype=torch.float64)
        high = torch.tensor([rounded_up(end) for end in upper[place]], dtype=torch.float64)
        domain[value.name] = Interval(low.reshape(value.shape), high.reshape(value.shape))
        start = place.stop
    return domain


def _flat(builder: GraphBuilder, ids: Sequence[int]) -> Node:
    """All elements of some nodes in one vector, as real numbers."""
    parts = []
    for id in ids:
        part = builder.op("reshape", [id], {"shape": (builder.nodes[id].type.numel,)})
        parts.append(builder.op("cast", [part.id], {"dtype": torch.float64}))
    return parts[0] if len(parts) == 1 else builder.op("cat", [part.id for part in parts], {"dim": 0})


def _linear(
    builder: GraphBuilder, vector: Node, coefficients: Sequence[Mapping[int, int]], size: int, bias: Tensor
) -> Node:
    entries = [
        (row, part * size + place, number)
        for row, own in enumerate(coefficients)
        for place, value in own.items()
        for part, number in enumerate(_parts(value))
    ]
    parts = 1 + max((column // size for _, column, _ in entries), default=0)
    weight = torch.zeros(len(coefficients), parts * size, dtype=torch.float64)
    if entries:
        places = torch.tensor([(row, column) for row, column, _ in entries]).unbind(1)
        weight[places] = torch.tensor([number for _, _, number in entries], dtype=torch.float64)
    operands = [
        vector.id if parts == 1 else builder.op("cat", [vector.id] * parts, {"dim": 0}).id,
        builder.parameter(weight, "the property's coefficients").id,
        builder.parameter(bias, "the property's bounds").id,
    ]
    return builder.op("linear", operands, {})


@dataclass(frozen=True, slots=True)
class _Row:
    """A constraint times the positive number that makes its coefficients whole, without a common divisor."""

    x: Mapping[int, int]
    y: Mapping[int, int]
    bound: Fraction


def _whole(constraint: Constraint) -> _Row:
    """The row of a constraint.

    Raises:
        PosingError: it cannot be computed with.
    """
    values = [*constraint.x.values(), *constraint.y.values()]
    denominator = math.lcm(*(value.denominator for value in values))
    numbers = [value.numerator * (denominator // value.denominator) for value in values]
    divisor = math.gcd(*numbers) or 1
    numbers = [number // divisor for number in numbers]
    if any(abs(number) > LARGEST or len(_parts(number)) > PARTS for number in numbers):
        raise PosingError(
            "a constraint has coefficients that are too different in size to be computed with exactly"
        )
    bound = constraint.bound
    if denominator != divisor:
        bound *= Fraction(denominator, divisor)
    if abs(bound) > LARGEST:
        raise PosingError("a constraint has a bound that is too large for its coefficients")
    inputs = len(constraint.x)
    x = dict(zip(constraint.x, numbers[:inputs], strict=True))
    return _Row(x, dict(zip(constraint.y, numbers[inputs:], strict=True)), bound)


def _parts(value: int) -> list[float]:
    """Float64 numbers whose sum is a whole number; the first is the nearest to it."""
    parts: list[float] = []
    while value and len(parts) <= PARTS:
        parts.append(float(value))
        value -= int(parts[-1])
    return parts


def _ends(ends: Sequence[Fraction | None], property: Property, region: int) -> list[Fraction]:
    found = []
    for index, end in enumerate(ends):
        if end is None:
            where = f" in region {region + 1}" if len(property.regions) > 1 else ""
            raise PosingError(
                f"{property.input_name(index)} is not bounded on both sides{where}: bounds need a bounded input"
            )
        if abs(end) > LARGEST:
            raise PosingError(
                f"{property.input_name(index)} has a bound that is too large to be computed with"
            )
        found.append(end)
    return found

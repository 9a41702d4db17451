"""Two-level lattice networks, written as dense layers the way the competition's benchmark is, and in other ways."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import onnx
from tests.verification.networks import Writer

Relu = tuple[float, float, float]
"""Of one relu the weights of both operands of a pair, and its own in the result."""

ENCODINGS: dict[str, dict[str, Sequence[Relu]]] = {
    "four": {
        "min": [(1, 1, 0.5), (-1, -1, -0.5), (1, -1, -0.5), (-1, 1, -0.5)],
        "max": [(1, 1, 0.5), (-1, -1, -0.5), (1, -1, 0.5), (-1, 1, 0.5)],
    },
    "three": {
        "min": [(0, 1, 1), (0, -1, -1), (-1, 1, -1)],
        "max": [(0, 1, 1), (0, -1, -1), (1, -1, 1)],
    },
    "scaled": {
        "min": [(4, 0, 0.25), (-4, 0, -0.25), (0.5, -0.5, -2)],
        "max": [(4, 0, 0.25), (-4, 0, -0.25), (-0.5, 0.5, 2)],
    },
}


def bank(writer: Writer, value: str, size: int, relus: Sequence[Relu]) -> tuple[str, int]:
    """Extrema of neighbours; a last one without a neighbour is compared with itself."""
    pairs = [(i, min(i + 1, size - 1)) for i in range(0, size, 2)]
    lower = np.zeros((size, len(pairs) * len(relus)))
    upper = np.zeros((len(pairs) * len(relus), len(pairs)))
    for pair, (i, j) in enumerate(pairs):
        for place, (a, b, outer) in enumerate(relus, pair * len(relus)):
            lower[i, place] += a
            lower[j, place] += b
            upper[place, pair] = outer
    value = layer(writer, value, lower)
    return layer(writer, writer.op("Relu", value), upper), len(pairs)


def layer(writer: Writer, value: str, weight: np.ndarray) -> str:
    value = writer.op("MatMul", value, writer.weight(*weight.shape, values=weight))
    return writer.op("Add", value, writer.weight(weight.shape[1], values=np.zeros(weight.shape[1])))


class Lattice:
    """`max` over `sets` of the `min` over a set's functions, each `slopes x + offset`; of quarters."""

    def __init__(self, source: random.Random, inputs: int, functions: int, sets: int) -> None:
        quarters = [Fraction(source.randint(-12, 12), 4) for _ in range(functions * (inputs + 1))]
        self.inputs = inputs
        self.functions = [quarters[i::functions] for i in range(functions)]
        self.sets = [
            sorted(source.sample(range(functions), source.randint(2, functions))) for _ in range(sets)
        ]

    def __call__(self, x: Sequence[Fraction]) -> Fraction:
        values = [sum((a * b for a, b in zip(row, x, strict=False)), row[-1]) for row in self.functions]
        return max(min(values[i] for i in chosen) for chosen in self.sets)

    def extremes(self, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
        """The least and the greatest value for one input: at an end, or where two functions cross."""
        points = {low, high}
        for (a, b), (c, d) in itertools.combinations(self.functions, 2):
            if a != c and low <= (d - b) / (a - c) <= high:
                points.add((d - b) / (a - c))
        values = [self([point]) for point in points]
        return min(values), max(values)

    def model(self, encoding: str = "four") -> onnx.ModelProto:
        """A layer of the functions, one that lists each set's, banks of minima, and banks of maxima."""
        writer = Writer(random.Random(0))
        rows = np.array(self.functions, dtype=float)
        weight = writer.weight(self.inputs, len(rows), values=rows[:, :-1].T)
        value = writer.op("MatMul", writer.input("x", 1, self.inputs), weight)
        value = writer.op("Add", value, writer.weight(len(rows), values=rows[:, -1]))
        # All sets get as many places, a power of two, so that pairs do not cross from one to the next.
        width = 1 << (max(map(len, self.sets)) - 1).bit_length()
        choice = np.zeros((len(rows), len(self.sets) * width))
        for place in range(choice.shape[1]):
            chosen = self.sets[place // width]
            choice[chosen[min(place % width, len(chosen) - 1)], place] = 1
        value, size = layer(writer, value, choice), choice.shape[1]
        while size > len(self.sets):
            value, size = bank(writer, value, size, ENCODINGS[encoding]["min"])
        while size > 1:
            value, size = bank(writer, value, size, ENCODINGS[encoding]["max"])
        return writer.model(value)

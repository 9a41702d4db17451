"""Building a network for the Lean checker: nodes are appended with their noise, and their intervals are kept along.

Whatever is lowered is a list of elements, each an element of some value of the network or a known number; so layouts
cost nothing, and matrices are written over whatever their elements happen to be elements of. The intervals, in exact
integers and widened by the noise, are what rounding errors are computed from.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from torchlean.certificate.checker import ceil_shift, floor_shift
from torchlean.certificate.convolution import MOST_CELLS, Layout, structured
from torchlean.certificate.machine import RowSize
from torchlean.certificate.network import Add, Concat, Hinge, Interval, Linear, Network, Node, Role

Place: TypeAlias = tuple[int, int]
"""A value of the network and one of its elements."""

Element: TypeAlias = Place | Fraction
"""What a tensor's element is: an element of a value, or a number."""

Row: TypeAlias = Mapping[Place, Fraction]
"""Coefficients of an affine combination."""

ErrorBound: TypeAlias = Callable[[RowSize], Fraction]
"""The rounding error of an affine combination."""

SIGNIFICAND_BITS, MOST_PLACES, MOST_BITS = 24, 149, 128
"""Binary32: significant bits, places after the binary point, bits before it."""

COEFFICIENT_BITS = 64
"""Binary places of coefficients that are no dyadic numbers, such as a mean's 1/9. What is dropped becomes noise."""


class TooLargeError(Exception):
    """The matrices have more numbers than the kernel checks in reasonable time. The message says how many."""


def exact_row(size: RowSize) -> Fraction:
    """The error of what is not executed, or executed without rounding."""
    return Fraction(0)


class Assembly:
    """A growing network. Values are numbered from 0, the input."""

    def __init__(self, grid: int, box: Sequence[Interval]) -> None:
        self.grid = grid
        self.nodes: list[Node] = []
        self.noise: list[tuple[int, ...]] = []
        self.boxes: list[list[Interval]] = [list(box)]
        self.cells = 0
        self.roles: list[Role] = []
        self.departed = False
        """A node is executed in other steps than those of its role."""
        self._joined: dict[tuple[int, int], int] = {}
        self._hinges: dict[Hinge, int] = {}

    def network(self) -> Network:
        """What was built so far."""
        sizes = tuple(len(box) for box in self.boxes)
        roles = () if self.departed else tuple(self.roles)
        return Network(self.grid, tuple(self.nodes), tuple(self.noise), sizes, roles)

    def whole(self, value: int) -> list[Element]:
        """All elements of a value."""
        return [(value, place) for place in range(len(self.boxes[value]))]

    def magnitude(self, element: Element) -> Fraction:
        """The largest magnitude of an element."""
        if isinstance(element, Fraction):
            return abs(element)
        return self._largest(self.boxes[element[0]][element[1]])

    def _largest(self, ends: Interval) -> Fraction:
        return Fraction(max(-ends[0], ends[1]), 1 << self.grid)

    def solid(self, value: int) -> bool:
        """Whether executions have numbers for it."""
        return value == 0 or self.roles[value - 1] is not Role.THOUGHT

    def linear(
        self,
        rows: Sequence[Row],
        bias: Sequence[Fraction],
        role: Role | None,
        error: ErrorBound = exact_row,
        layout: Layout | None = None,
    ) -> list[Element]:
        """Affine combinations of elements, as one node.

        Args:
            role: None: it is executed in other steps than one dot product for each row.
            layout: of the convolution that they may be, if their elements are those of one value in order.

        Raises:
            TooLargeError: beyond `MOST_CELLS`.
        """
        values = sorted({place[0] for row in rows for place in row})
        operand, starts = self._joint(values or [0])
        columns = len(self.boxes[operand])
        self.cells += len(rows) * columns
        if self.cells > MOST_CELLS:
            raise TooLargeError(
                f"its matrices have over {MOST_CELLS:,} numbers, which the kernel would take too long for"
            )
        numbers = [number for row, b in zip(rows, bias, strict=True) for number in (*row.values(), b)]
        scale = max(map(_places, numbers), default=0)
        whole = all(map(dyadic, numbers))
        sizes = [max(-low, high) for low, high in self.boxes[operand]]
        if role is Role.OPERATION and not (self.solid(operand) and all(map(single, numbers))):
            role = None
        magnitudes, dropped, weight, offsets = [], [], [], []
        for row, b in zip(rows, bias, strict=True):
            integers = [0] * columns
            lost = Fraction(0) if whole else b - Fraction(scaled(b, scale), 1 << scale)
            size = abs(scaled(b, scale)) << self.grid
            for place, coefficient in row.items():
                column, integer = starts[place[0]] + place[1], scaled(coefficient, scale)
                integers[column] = integer
                size += abs(integer) * sizes[column]
                if not whole:
                    lost += (coefficient - Fraction(integer, 1 << scale)) * self.magnitude(place)
            weight.append(tuple(integers))
            offsets.append(scaled(b, scale))
            # What was rounded down is missing from the magnitude.
            magnitudes.append(Fraction(size, 1 << (scale + self.grid)) + lost)
            dropped.append(lost)
        convolution = structured(layout, weight) if layout and layout.columns == columns else None
        node = Linear(operand, scale, tuple(weight), tuple(offsets), convolution)
        box = self._linear_box(node)
        noise = [
            self._units(lost + error(_size(node, number, magnitude, self._largest(ends) + lost)))
            for number, (magnitude, lost, ends) in enumerate(zip(magnitudes, dropped, box, strict=True))
        ]
        return self.whole(self._append(node, box, noise, role))

    def hinge(
        self,
        elements: Sequence[Element],
        shape: Callable[[int], Hinge],
        function: Callable[[Fraction], Fraction],
        error: Callable[[Fraction, Fraction], Fraction] | None = None,
    ) -> list[Element]:
        """A hinge of each element, applied to the whole values that they come from.

        Args:
            shape: the hinge on a value.
            function: the same on known numbers.
            error: from the ends of an element's interval, the rounding error; None for an exact function.
        """
        # Exact hinges of the same value are one node; those that round may round differently each time.
        made = self._hinges if error is None else {}
        found: list[Element] = []
        for element in elements:
            if isinstance(element, Fraction):
                found.append(function(element))
            else:
                node = shape(element[0])
                if node not in made:
                    made[node] = self._hinged(node, error)
                found.append((made[node], element[1]))
        return found

    def _hinged(self, node: Hinge, error: Callable[[Fraction, Fraction], Fraction] | None) -> int:
        operand = self.boxes[node.operand]
        unit = 1 << self.grid
        noise = [
            0 if error is None else self._units(error(Fraction(low, unit), Fraction(high, unit)))
            for low, high in operand
        ]
        box = []
        for low, high in operand:
            values = [node.scaled(z) for z in node.points(low, high)]
            box.append((floor_shift(min(values), node.scale), ceil_shift(max(values), node.scale)))
        exact = Role.OPERATION if self.solid(node.operand) else Role.THOUGHT
        return self._append(node, box, noise, exact if error is None else None)

    def add(self, left: int, right: int, error: Callable[[Fraction], Fraction]) -> list[Element]:
        """The sum of two values of one size; `error` from a bound of the result's magnitude."""
        pairs = zip(self.boxes[left], self.boxes[right], strict=True)
        box = [(a[0] + b[0], a[1] + b[1]) for a, b in pairs]
        noise = [self._units(error(self._largest(ends))) for ends in box]
        return self.whole(self._append(Add(left, right), box, noise, Role.OPERATION))

    def _joint(self, values: Sequence[int]) -> tuple[int, dict[int, int]]:
        """One value with the elements of all these, and where each begins in it."""
        starts, joint = {values[0]: 0}, values[0]
        for value in values[1:]:
            starts[value] = len(self.boxes[joint])
            key = (joint, value)
            if key not in self._joined:
                box = [*self.boxes[joint], *self.boxes[value]]
                solid = self.solid(joint) and self.solid(value)
                role = Role.OPERATION if solid else Role.THOUGHT
                self._joined[key] = self._append(Concat(joint, value), box, [0] * len(box), role)
            joint = self._joined[key]
        return joint, starts

    def _linear_box(self, node: Linear) -> list[Interval]:
        operand = self.boxes[node.operand]
        found = []
        for row, b in zip(node.weight, node.bias, strict=True):
            low = high = b << self.grid
            for w, (lower, upper) in zip(row, operand, strict=True):
                if w:
                    low += w * (lower if w > 0 else upper)
                    high += w * (upper if w > 0 else lower)
            found.append((floor_shift(low, node.scale), ceil_shift(high, node.scale)))
        return found

    def _append(self, node: Node, box: Sequence[Interval], noise: Sequence[int], role: Role | None) -> int:
        self.nodes.append(node)
        self.departed |= role is None
        self.roles.append(role or Role.OPERATION)
        self.noise.append(tuple(noise))
        self.boxes.append([(low - e, high + e) for (low, high), e in zip(box, noise, strict=True)])
        return len(self.nodes)

    def _units(self, error: Fraction) -> int:
        """In units of the grid, rounded up."""
        return -((-error * (1 << self.grid)) // 1)


def _size(node: Linear, row: int, magnitude: Fraction, result: Fraction) -> RowSize:
    """As `rowsFit` of Lean counts, which looks at no single weight."""
    weight, bias = node.weight[row], bool(node.bias[row])
    if node.scale == 0 and all(abs(w) <= 1 for w in itertools.chain(*node.weight)):
        return RowSize(magnitude, result, sum(map(bool, weight)) + bias, 0)
    return RowSize(magnitude, result, len(weight) + bias, len(weight))


def _places(number: Fraction) -> int:
    """Binary places of a dyadic number; `COEFFICIENT_BITS` of any other."""
    return number.denominator.bit_length() - 1 if dyadic(number) else COEFFICIENT_BITS


def dyadic(number: Fraction) -> bool:
    """Whether it is an integer over a power of two."""
    return number.denominator & (number.denominator - 1) == 0


def single(number: Fraction) -> bool:
    """Whether it is a number of binary32."""
    size = abs(number.numerator)
    significant = size.bit_length() - ((size & -size).bit_length() - 1 if size else 0)
    places = number.denominator.bit_length() - 1
    fits = significant <= SIGNIFICAND_BITS and places <= MOST_PLACES
    return dyadic(number) and fits and size < number.denominator << MOST_BITS


def scaled(number: Fraction, scale: int) -> int:
    """In units of `2^-scale`, rounded down."""
    return (number.numerator << scale) // number.denominator

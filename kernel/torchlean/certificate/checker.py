"""What the Lean checker computes, once more in Python: bounds of a network's values in integers.

Definition by definition `lean/TorchLean/Bounds.lean` and `Check.lean`, on the same integers, vectorised over the rows
of a matrix (numpy arrays of Python integers, which never overflow). Plans are followed in `replay`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy
from numpy.typing import NDArray

from torchlean.certificate.network import (
    Add,
    Hinge,
    Linear,
    Network,
    Params,
)

Array: TypeAlias = NDArray[Any]
"""Of Python integers."""


class Refusal(Exception):
    """The checker answers false; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Box:
    """Lower and upper ends of a value's elements."""

    lower: Array
    upper: Array

    def meet(self, other: Box) -> Box:
        return Box(numpy.maximum(self.lower, other.lower), numpy.minimum(self.upper, other.upper))

    @property
    def empty(self) -> bool:
        return bool((self.upper < self.lower).any())


@dataclass(frozen=True, slots=True)
class Lines:
    """Linear bounds of a hinge's elements by its operand's: `2^slopes y` against `slope z + shift / 2^grid`."""

    slope: Array
    shift: Array


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a value: its box and, for hinges, lines below and above."""

    box: Box
    below: Lines | None = None
    above: Lines | None = None


State: TypeAlias = list[Entry]
"""Of all values, the input first."""

Known: TypeAlias = list[Box | None]
"""Boxes known so far, the input first; None where nothing is known."""


def integers(values: Sequence[Any]) -> Array:
    """An array of Python integers, of one or two dimensions."""
    return numpy.array(values, dtype=object)


def floor_shift(n: Any, k: int) -> Any:
    """Quotient by `2^k`, rounded down."""
    return n >> k


def ceil_shift(n: Any, k: int) -> Any:
    """Quotient by `2^k`, rounded up."""
    return -((-n) >> k)


@dataclass(frozen=True, slots=True)
class _Matrix:
    whole: Array
    positive: Array
    negative: Array
    bias: Array
    largest: int

    @staticmethod
    def of(node: Linear, columns: int) -> _Matrix:
        whole = integers(node.weight).reshape(len(node.weight), columns)
        zero = whole * 0
        return _Matrix(
            whole,
            numpy.maximum(whole, zero),
            numpy.maximum(-whole, zero),
            integers(node.bias),
            node.largest,
        )


class Checker:
    """Bounds of one network's values, as Lean computes them.

    Attributes:
        needed: bits that the fields of each node's matrix needed in all bounds so far.
        trace: where it is a dictionary, the coefficients of the last backward pass on each value are left in it.

    Raises:
        Refusal: (all methods) where Lean's `Option` is `none`.
    """

    def __init__(
        self, network: Network, params: Params, bits: Sequence[int], widths: Sequence[int] | None = None
    ) -> None:
        """`widths`: of the fields; None while they are being chosen, see `needed`."""
        self.network = network
        self.params = params
        self.bits = bits
        self.widths = widths
        self.needed = list(bits)
        self.trace: dict[int, Array] | None = None
        self.noise = [integers(e) for e in network.noise]
        self._matrices = {
            index: _Matrix.of(node, network.sizes[node.operand])
            for index, node in enumerate(network.nodes)
            if isinstance(node, Linear)
        }

    def well_formed(self) -> None:
        """`wellFormed`: the entries of each matrix fit in the bits stated for it, and those in its fields. `layersFit`:
        the weights of each kernel add up to no more than a field holds."""
        for index, matrix in self._matrices.items():
            if matrix.largest >= 1 << self.bits[index]:
                raise Refusal(f"node {index}: an entry of the matrix needs more than {self.bits[index]} bits")
            if self.widths is not None and matrix.largest >= 1 << self.widths[index]:
                raise Refusal(f"node {index}: an entry of the matrix does not fit in a field")
            node = self.network.nodes[index]
            if self.widths is None or not isinstance(node, Linear) or node.convolution is None:
                continue
            if node.convolution.largest_sum >= 1 << self.widths[index]:
                raise Refusal(f"node {index}: the weights of a kernel add up to more than a field holds")

    def start(self, box: Sequence[tuple[int, int]]) -> Known:
        """`start`: nothing known but the input."""
        ends = Box(integers([low for low, _ in box]), integers([high for _, high in box]))
        return [ends, *[None] * len(self.network.nodes)]

    def build(self, backward: Sequence[bool], known: Known) -> State:
        """`build`: bounds of all values, from the input up."""
        assert known[0] is not None, "the input's box is known from the start"
        state: State = [Entry(known[0])]
        for index in range(len(self.network.nodes)):
            box = self._node_box(index, state, backward[index])
            had = known[index + 1]
            if had is not None:
                box = box.meet(had)
            state.append(self._with_lines(index, box, state))
        return state

    def _node_box(self, index: int, state: State, backward: bool) -> Box:
        box = self._propagated(index, state)
        noise = self.noise[index]
        if len(noise) != len(box.lower):
            raise Refusal(f"node {index}: {len(box.lower)} elements, but noise for {len(noise)}")
        box = Box(box.lower - noise, box.upper + noise)
        node = self.network.nodes[index]
        if backward and isinstance(node, Linear):
            return self.backward(index, node, state, box)
        return box

    def _propagated(self, index: int, state: State) -> Box:
        """`Node.box`: interval propagation, without noise."""
        node, grid = self.network.nodes[index], self.network.grid
        if isinstance(node, Linear):
            matrix, a = self._matrices[index], state[node.operand].box
            if matrix.whole.shape[1] != len(a.lower):
                raise Refusal(f"node {index}: {matrix.whole.shape[1]} columns for {len(a.lower)} elements")
            self._interval_fits(index, a)
            shift = matrix.bias << grid
            lower = matrix.positive @ a.lower - matrix.negative @ a.upper + shift
            upper = matrix.positive @ a.upper - matrix.negative @ a.lower + shift
            return Box(floor_shift(lower, node.scale), ceil_shift(upper, node.scale))
        if isinstance(node, Hinge):
            return self._hinged(node, state[node.operand].box)
        left, right = state[node.left].box, state[node.right].box
        if isinstance(node, Add):
            if len(left.lower) != len(right.lower):
                raise Refusal(f"node {index}: a sum of {len(left.lower)} and {len(right.lower)} elements")
            return Box(left.lower + right.lower, left.upper + right.upper)
        return Box(numpy.concatenate((left.lower, right.lower)), numpy.concatenate((left.upper, right.upper)))

    def _interval_fits(self, index: int, box: Box) -> None:
        """`packedLinear`: refused where a digit of a row's product with the box might overflow."""
        ends = int((abs(box.lower) + abs(box.upper)).sum())
        # The second is what `linearFits` counts terms with.
        self._field_fits(index, (max(ends, len(box.lower)) << self.bits[index]) + 1)

    def _field_fits(self, index: int, largest: int) -> None:
        self.needed[index] = max(self.needed[index], largest.bit_length())
        if self.widths is not None and largest >= 1 << self.widths[index]:
            raise Refusal(f"node {index}: a field of {self.widths[index]} bits may overflow")

    def _hinged(self, node: Hinge, box: Box) -> Box:
        """`hingeBox`: the hinge's values at the ends, and at the kink where it lies between them."""
        if node.is_relu:
            return Box(numpy.maximum(box.lower, 0), numpy.maximum(box.upper, 0))
        rows = list(zip(box.lower, box.upper, strict=True))
        values = [[node.scaled(z) for z in node.points(low, high)] for low, high in rows]
        return Box(
            integers([floor_shift(min(v), node.scale) for v in values]),
            integers([ceil_shift(max(v), node.scale) for v in values]),
        )

    def _with_lines(self, index: int, box: Box, state: State) -> Entry:
        node = self.network.nodes[index]
        if not isinstance(node, Hinge):
            return Entry(box)
        operand = state[node.operand].box
        noise = self.noise[index]
        below: list[tuple[int, int]] = []
        above: list[tuple[int, int]] = []
        for low, high, e in zip(operand.lower, operand.upper, noise, strict=True):
            for lines, line in zip((below, above), self._lines(node, low, high, e), strict=True):
                lines.append(line)
        return Entry(box, _gathered(below), _gathered(above))

    def _lines(self, node: Hinge, low: int, high: int, noise: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """`hingeLines` for one element: slope and shift of the line below and of that above."""
        slopes, scale = self.params.slopes, node.scale
        if node.is_relu:
            return _relu_lines(1 << slopes, low, high, noise)
        first, second = self._slopes_on(node, low, high)
        points = node.points(low, high)
        lower = min(((node.scaled(z) << slopes) >> scale) - first * z for z in points)
        upper = max(ceil_shift(node.scaled(z) << slopes, scale) - second * z for z in points)
        return (first, lower - (noise << slopes)), (second, upper + (noise << slopes))

    def _slopes_on(self, node: Hinge, low: int, high: int) -> tuple[int, int]:
        """`Hinge.slopesOn`."""
        slopes = self.params.slopes
        below, above = (node.below << slopes) >> node.scale, (node.above << slopes) >> node.scale
        if high <= node.kink:
            return below, below
        if node.kink <= low:
            return above, above
        longer = above if node.kink - low <= high - node.kink else below
        rise = (node.scaled(high) - node.scaled(low)) << slopes
        chord = rise // ((high - low) << node.scale)
        return (longer, chord) if node.below <= node.above else (chord, longer)

    def backward(self, index: int, node: Linear, state: State, box: Box) -> Box:
        """`backRows`: the box of a linear node, met with backward bounds of all its rows. Of the output only the lower
        ends are bounded, since goals read no others."""
        both = index < len(self.network.nodes) - 1
        matrix, grid = self._matrices[index], self.network.grid
        shift, noise = matrix.bias << grid, self.noise[index] << node.scale
        rows, const = matrix.whole, shift - noise
        if both:
            rows, const = numpy.concatenate((rows, -rows)), numpy.concatenate((const, -shift - noise))
        bounds = self._back(index, node.operand, rows, const, node.scale, state)
        count = len(matrix.whole)
        upper = numpy.minimum(box.upper, -bounds[count:]) if both else box.upper
        return Box(numpy.maximum(box.lower, bounds[:count]), upper)

    def _back(self, index: int, operand: int, first: Array, const: Array, scale: int, state: State) -> Array:
        """`back`, for many rows at once: lower bounds of `(first value + const / 2^grid) / 2^scale`."""
        rows: dict[int, Array] = {operand: first}
        for below in range(index - 1, -1, -1):
            if below + 1 in rows:
                const, scale = self._through(below, rows, const, scale, state)
        if self.trace is not None and 0 in rows:
            self.trace[0] = rows[0] / (1 << scale)
        box = state[0].box
        lowest = const
        if 0 in rows:
            row = rows[0]
            lowest = const + numpy.where(row >= 0, row * box.lower, row * box.upper).sum(1)
        bounds: Array = floor_shift(lowest, scale)
        return bounds

    def _through(
        self, index: int, rows: dict[int, Array], const: Array, scale: int, state: State
    ) -> tuple[Array, int]:
        """Replace the rows on a node by rows on its operands; the others are scaled along."""
        node, row = self.network.nodes[index], rows.pop(index + 1)
        entry = state[index + 1]
        if self.trace is not None:
            self.trace[index + 1] = row / (1 << scale)
        if isinstance(node, Linear):
            product = self._product(index, row)
            _scale(rows, node.scale)
            _add(rows, node.operand, product)
            own = ((row * self._matrices[index].bias).sum(1)) << self.network.grid
            const = (const << node.scale) + own - (self._absorbed_noise(index, row) << node.scale)
            return self._shortened(rows, const, scale + node.scale, state)
        if isinstance(node, Hinge):
            assert entry.below is not None and entry.above is not None
            positive = row >= 0
            passed = numpy.where(positive, row * entry.below.slope, row * entry.above.slope)
            shifts = numpy.where(positive, row * entry.below.shift, row * entry.above.shift).sum(1)
            _scale(rows, self.params.slopes)
            _add(rows, node.operand, passed)
            return (const << self.params.slopes) + shifts, scale + self.params.slopes
        const = const - self._absorbed_noise(index, row)
        if isinstance(node, Add):
            _add(rows, node.left, row)
            _add(rows, node.right, row)
        else:
            count = len(state[node.left].box.lower)
            _add(rows, node.left, row[:, :count])
            _add(rows, node.right, row[:, count:])
        return const, scale

    def _absorbed_noise(self, index: int, row: Array) -> Array:
        """`dotAbs`."""
        total: Array = (abs(row) * self.noise[index]).sum(1)
        return total

    def _product(self, index: int, row: Array) -> Array:
        """`product`: refused where a field might overflow."""
        self._field_fits(index, int(max(abs(row).sum(1), default=0)) << self.bits[index])
        product: Array = row @ self._matrices[index].whole
        return product

    def _shortened(self, rows: dict[int, Array], const: Array, scale: int, state: State) -> tuple[Array, int]:
        """`absorb`: drop digits of all rows, and pay for them with the operands' bounds."""
        places = self.params.places
        if scale <= places:
            return const, scale
        k = scale - places
        mask = (1 << k) - 1
        for value, row in rows.items():
            const = const + ((row & mask) * state[value].box.lower).sum(1)
            rows[value] = row >> k
        return floor_shift(const, k), places


def _relu_lines(one: int, low: int, high: int, noise: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """`reluLine`: slope and shift of the line below and of that above, in units of `1 / one`."""
    e = noise * one
    if low >= 0 or high < 0:
        slope = one if low >= 0 else 0
        return (slope, -e), (slope, e)
    chord = high * one // (high - low)
    return (one if -low <= high else 0, -e), (chord, high * one - high * chord + e)


def _gathered(lines: Sequence[tuple[int, int]]) -> Lines:
    return Lines(integers([slope for slope, _ in lines]), integers([shift for _, shift in lines]))


def _scale(rows: dict[int, Array], k: int) -> None:
    for value in rows:
        rows[value] = rows[value] << k


def _add(rows: dict[int, Array], value: int, row: Array) -> None:
    rows[value] = rows[value] + row if value in rows else row

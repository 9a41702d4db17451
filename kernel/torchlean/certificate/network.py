"""The networks that the Lean checker knows, as plain Python: nodes, noise, formulas, and their exact meaning.

This mirrors `lean/TorchLean/Net.lean` definition by definition, with one difference: nodes stand here in the order of
execution and name their operands by index (0 is the input, node `i` of the list is value `i + 1`), because that is how
networks are built. `Network.below` turns an index into Lean's way of counting.

All numbers are Python integers; no rounding happens anywhere in this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from torchlean.certificate.convolution import Convolution, Ints

Interval: TypeAlias = tuple[int, int]
"""Ends in units of `2^-grid`."""


@dataclass(frozen=True, slots=True)
class Linear:
    """`(W a + b) / 2^scale`.

    Attributes:
        operand: index of the value it reads.
        weight: rows of integers, one for each output.
        bias: one integer for each output.
        convolution: what certificates state instead of the rows, where they are its matrix.

    Raises:
        ValueError: the rows are not those of the convolution.
    """

    operand: int
    scale: int
    weight: tuple[Ints, ...]
    bias: Ints
    convolution: Convolution | None = None

    def __post_init__(self) -> None:
        if self.convolution is not None and self.convolution.rows() != self.weight:
            raise ValueError("the rows are not those of the convolution")

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.operand,)

    @property
    def largest(self) -> int:
        """The largest magnitude in the matrix."""
        return max((abs(w) for row in self.weight for w in row), default=0)

    @property
    def bits(self) -> int:
        """Bits that all numbers of the matrix fit in."""
        return self.largest.bit_length()

    @property
    def stated(self) -> int:
        """Numbers that a certificate states."""
        if self.convolution is None:
            return sum(len(row) + 1 for row in self.weight)
        return len(self.bias) + sum(map(len, self.convolution.weights))


@dataclass(frozen=True, slots=True)
class Hinge:
    """A piecewise linear function with one kink, applied to each element: `value + below (z - kink)` up to the kink,
    `value + above (z - kink)` beyond it.

    Attributes:
        kink, value: in units of `2^-grid`.
        below, above: slopes in units of `2^-scale`.
    """

    operand: int
    scale: int
    kink: int
    value: int
    below: int
    above: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.operand,)

    @property
    def is_relu(self) -> bool:
        """`Hinge.isRelu`."""
        return (self.scale, self.kink, self.value, self.below, self.above) == (0, 0, 0, 0, 1)

    def scaled(self, z: int) -> int:
        """`2^scale` times the function, at `z` and in units of `2^-grid`."""
        slope = self.below if z <= self.kink else self.above
        return (self.value << self.scale) + slope * (z - self.kink)

    def points(self, low: int, high: int) -> list[int]:
        """Where the least and the greatest on an interval are: its ends, and the kink where it lies between them."""
        return [low, self.kink, high] if low < self.kink < high else [low, high]


@dataclass(frozen=True, slots=True)
class Add:
    """Elementwise sum of two values."""

    left: int
    right: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Concat:
    """The elements of one value, then those of another."""

    left: int
    right: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.left, self.right)


Node: TypeAlias = Linear | Hinge | Add | Concat


class Role(Enum):
    """What a node is to a binary32 execution: `Role` of Lean."""

    OPERATION = "operation"
    """Computed by the machine's operations: a dot product with its bias, a sum, a hinge without rounding."""

    CHOICE = "choice"
    """Exact, and numbers of the machine, such as the larger one of two numbers, written as a sum."""

    THOUGHT = "thought"
    """Exact, and computed by nobody, such as the margins that a claim speaks about."""


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes in order of execution.

    Attributes:
        grid: boxes, noise and kinks count in units of `2^-grid`.
        sizes: elements of each value, the input first.
        noise: how far each element of a node may be from the node's exact result, in units of `2^-grid`.
        roles: of the nodes in binary32 executions; none where nothing is stated of executions.
    """

    grid: int
    nodes: tuple[Node, ...]
    noise: tuple[Ints, ...]
    sizes: Ints
    roles: tuple[Role, ...] = ()

    @property
    def weights(self) -> int:
        """Numbers in matrices (of convolutions: in their kernels) and biases."""
        return sum(node.stated for node in self.nodes if isinstance(node, Linear))

    @property
    def layered(self) -> bool:
        """Whether a convolution is stated by its structure."""
        return any(isinstance(node, Linear) and node.convolution is not None for node in self.nodes)

    def needed(self) -> list[int]:
        """The values that the last one depends on, in order; the input is among them."""
        needed = {0, len(self.nodes)}
        for index in range(len(self.nodes) - 1, -1, -1):
            if index + 1 in needed:
                needed.update(self.nodes[index].operands)
        return sorted(needed)

    def pruned(self) -> Network:
        """Only the nodes that the last one depends on."""
        kept = self.needed()
        number = {old: new for new, old in enumerate(kept)}
        nodes = tuple(_renumbered(self.nodes[old - 1], number) for old in kept[1:])
        noise = tuple(self.noise[old - 1] for old in kept[1:])
        roles = tuple(self.roles[old - 1] for old in kept[1:]) if self.roles else ()
        return Network(self.grid, nodes, noise, tuple(self.sizes[old] for old in kept), roles)

    @staticmethod
    def below(node: int, operand: int) -> int:
        """How Lean names the operand with this index in the node with that one (position in `nodes`)."""
        return node - operand

    def run(self, inputs: Sequence[Fraction]) -> list[list[Fraction]]:
        """The exact values of all nodes, the input first: `Run` of Lean with all noise zero."""
        values = [list(inputs)]
        for node in self.nodes:
            values.append(self.evaluate(node, values))
        return values

    def evaluate(self, node: Node, values: Sequence[Sequence[Fraction]]) -> list[Fraction]:
        """The exact result of a node on the values below it: `Node.eval` of Lean."""
        if isinstance(node, Linear):
            a = values[node.operand]
            return [
                (sum((w * x for w, x in zip(row, a, strict=True) if w), Fraction(0)) + b) / (1 << node.scale)
                for row, b in zip(node.weight, node.bias, strict=True)
            ]
        if isinstance(node, Hinge):
            return [self._hinged(node, z) for z in values[node.operand]]
        left, right = values[node.left], values[node.right]
        if isinstance(node, Add):
            return [a + b for a, b in zip(left, right, strict=True)]
        return [*left, *right]

    def _hinged(self, node: Hinge, z: Fraction) -> Fraction:
        unit = 1 << self.grid
        slope = node.below if z * unit <= node.kink else node.above
        return Fraction(node.value, unit) + Fraction(slope, 1 << node.scale) * (z - Fraction(node.kink, unit))


def _renumbered(node: Node, number: Mapping[int, int]) -> Node:
    if isinstance(node, Linear | Hinge):
        return replace(node, operand=number[node.operand])
    return replace(node, left=number[node.left], right=number[node.right])


@dataclass(frozen=True, slots=True)
class Literal:
    """Element `element` of the output is positive, or (not strict) at least zero."""

    element: int
    strict: bool


@dataclass(frozen=True, slots=True)
class Both:
    """The conjunction of two formulas."""

    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Either:
    """The disjunction of two formulas."""

    left: Formula
    right: Formula


Formula: TypeAlias = Literal | Both | Either


def holds(goal: Formula, values: Sequence[Fraction]) -> bool:
    """`Formula.Holds` of Lean: elements that do not exist satisfy nothing."""
    if isinstance(goal, Literal):
        if goal.element >= len(values):
            return False
        value = values[goal.element]
        return value > 0 if goal.strict else value >= 0
    if isinstance(goal, Both):
        return holds(goal.left, values) and holds(goal.right, values)
    return holds(goal.left, values) or holds(goal.right, values)


def conjunction(formulas: Sequence[Formula]) -> Formula:
    """All of them (at least one), as a balanced tree: deep terms cost Lean's elaborator its stack."""
    return _balanced(formulas, Both)


def disjunction(formulas: Sequence[Formula]) -> Formula:
    """One of them (at least one), as a balanced tree."""
    return _balanced(formulas, Either)


def _balanced(formulas: Sequence[Formula], join: type[Both] | type[Either]) -> Formula:
    if len(formulas) == 1:
        return formulas[0]
    half = len(formulas) // 2
    return join(_balanced(formulas[:half], join), _balanced(formulas[half:], join))


@dataclass(frozen=True, slots=True)
class Statement:
    """What a certificate proves: `Claim` of Lean.

    Attributes:
        box: of the input's elements, in units of `2^-grid`.
    """

    network: Network
    box: tuple[Interval, ...]
    goal: Formula


@dataclass(frozen=True, slots=True)
class Params:
    """Precision of a check, `Params` of Lean.

    Attributes:
        slopes: slopes of lines are multiples of `2^-slopes`.
        places: coefficients of backward bounds are shortened to this many binary places.
    """

    slopes: int
    places: int


@dataclass(frozen=True, slots=True)
class Done:
    """The bounds known prove the formula, or no value is possible."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Bound all nodes anew; `backward` says for each node, in order of execution, whether by linear bounds too."""

    backward: tuple[bool, ...]
    next: Plan


@dataclass(frozen=True, slots=True)
class Split:
    """Element `element` of value `value` (index, 0 is the input) is at most, or at least, `at`."""

    value: int
    element: int
    at: int
    low: Plan
    high: Plan


Plan: TypeAlias = Done | Bound | Split


@dataclass(frozen=True, slots=True)
class Proof:
    """What a certificate adds to its statement: where to look closer, and with what precision.

    Attributes:
        bits: for each node, in order of execution, a number of bits that its matrix' entries fit in (0 for other
            nodes).
        widths: bits of a field of each node's packed matrix (0 for other nodes).
    """

    params: Params
    bits: Ints
    widths: Ints
    plan: Plan = field(repr=False)

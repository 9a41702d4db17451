"""Lean terms for networks, boxes, formulas and plans: how they are written so that Lean elaborates them quickly.

Long lists of numbers are slow to elaborate (each literal is a type class problem), so they are packed: one hexadecimal
number with a field for each element, of a width that is a multiple of four bits, so that a person can read the fields
off. Numbers that may be negative are two such numbers, one for the positive and one for the negative elements
(`Row` of `lean/TorchLean/Net.lean`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from torchlean.certificate.convolution import Axis, Convolution
from torchlean.certificate.network import (
    Add,
    Both,
    Bound,
    Done,
    Formula,
    Hinge,
    Linear,
    Literal,
    Network,
    Node,
    Plan,
)

DIGIT_BITS = 4
"""Bits of a hexadecimal digit."""


def field_width(bits: int) -> int:
    """The least width of whole hexadecimal digits for numbers below `2^bits`; at least one digit."""
    return max(1, -(-bits // DIGIT_BITS)) * DIGIT_BITS


def bits_of(numbers: Sequence[int]) -> int:
    """The least `bits` such that all magnitudes are below `2^bits`."""
    return max((abs(number).bit_length() for number in numbers), default=0)


def packed(numbers: Sequence[int], width: int) -> int:
    """Fields of `width` bits, the first number lowest.

    Raises:
        ValueError: a number is negative or does not fit.
    """
    digits = width // DIGIT_BITS
    if any(number < 0 or number >> width for number in numbers):
        raise ValueError(f"a number does not fit in a field of {width} bits")
    return int("".join(f"{number:0{digits}x}" for number in reversed(numbers)) or "0", 16)


def row(numbers: Sequence[int], width: int) -> str:
    """A `Row`."""
    positive = packed([max(number, 0) for number in numbers], width)
    negative = packed([max(-number, 0) for number in numbers], width)
    return f"⟨{hexadecimal(positive)}, {hexadecimal(negative)}⟩"


def hexadecimal(number: int) -> str:
    """`0x2a`; small numbers in decimal digits."""
    return str(number) if number < 10 else f"{number:#x}"


def integer(number: int) -> str:
    """An `Int` as an argument."""
    return f"({number})" if number < 0 else str(number)


def ints(numbers: Sequence[int]) -> str:
    """A `List Int`."""
    width = field_width(bits_of(numbers))
    return f"Row.ints {width} {len(numbers)} {row(numbers, width)}"


def naturals(numbers: Sequence[int]) -> str:
    """A `List Nat`."""
    width = field_width(bits_of(numbers))
    return f"fields {width} {len(numbers)} {hexadecimal(packed(numbers, width))}"


def box(intervals: Sequence[tuple[int, int]]) -> str:
    """A `Box`."""
    return "[" + ", ".join(f"({low}, {high})" for low, high in intervals) + "]"


def formula(goal: Formula) -> str:
    """A `Formula` as an argument."""
    if isinstance(goal, Literal):
        return f"(.{'pos' if goal.strict else 'nonneg'} {goal.element})"
    name = "and" if isinstance(goal, Both) else "or"
    return f"(.{name} {formula(goal.left)} {formula(goal.right)})"


def convolution(found: Convolution, width: int) -> str:
    """A `Convolution`."""
    layout = found.layout
    axes = ",\n      ".join(_axis(axis) for axis in layout.axes)
    kernels = ",\n      ".join(f"⟨{kernel.first}, {row(kernel.weights, width)}⟩" for kernel in found.kernels)
    return f"⟨{width}, {layout.columns}, [\n      {axes}], [\n      {kernels}]⟩"


def _axis(axis: Axis) -> str:
    return "{ " + ", ".join(f"{name} := {number}" for name, number in asdict(axis).items()) + " }"


def layer(network: Network, index: int, width: int) -> str:
    """A `Layer`."""
    found = network.nodes[index]
    if not isinstance(found, Linear) or found.convolution is None:
        return f".node ({node(network, index, width)})"
    operand = network.below(index, found.operand)
    stated = convolution(found.convolution, width)
    return f".convolution {operand} {found.scale} {stated}\n    ({ints(found.bias)})"


def node(network: Network, index: int, width: int) -> str:
    """A `Node`; `width` is that of its packed rows."""
    found: Node = network.nodes[index]
    operands = " ".join(str(network.below(index, operand)) for operand in found.operands)
    if isinstance(found, Linear):
        rows = ",\n      ".join(row(weights, width) for weights in found.weight)
        columns = network.sizes[found.operand]
        return f".linear {operands} {found.scale} ⟨{width}, {columns}, [\n      {rows}]⟩\n    ({ints(found.bias)})"
    if isinstance(found, Hinge):
        parts = (found.kink, found.value, found.below, found.above)
        return f".hinge {operands} ⟨{found.scale}, {', '.join(map(str, parts))}⟩"
    return f".{'add' if isinstance(found, Add) else 'concat'} {operands}"


def plan(steps: Plan, network: Network) -> str:
    """A `Plan` as an argument. Methods and nodes count from the output, as Lean's do."""
    if isinstance(steps, Done):
        return ".done"
    if isinstance(steps, Bound):
        methods = ", ".join(".backward" if b else ".interval" for b in reversed(steps.backward))
        return f"(.bound [{methods}] {plan(steps.next, network)})"
    place = len(network.nodes) - steps.value
    parts = f"{plan(steps.low, network)} {plan(steps.high, network)}"
    return f"(.split {place} {steps.element} {integer(steps.at)} {parts})"

"""A property in the form that verifiers work on: input boxes, and for each the ways to be a counterexample.

Everything is an exact `Fraction` of the decimal in the file, for the element types `float32` and `float64` too: the
standard leaves open how a decimal that is no binary32 number is read there, and exact reading is the one that two
people agree on. Witnesses are checked here, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from torchlean.numbers import element_name


@dataclass(frozen=True, slots=True)
class Constraint:
    """`sum x_i X_i + sum y_j Y_j <= bound`, `<` when strict."""

    x: dict[int, Fraction]
    y: dict[int, Fraction]
    bound: Fraction
    strict: bool

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        """Exact evaluation at a point."""
        left = sum((c * x[i] for i, c in self.x.items()), Fraction(0))
        left += sum((c * y[j] for j, c in self.y.items()), Fraction(0))
        return left < self.bound if self.strict else left <= self.bound


@dataclass(frozen=True, slots=True)
class Conjunction:
    """All of these together. Without constraints: always."""

    constraints: tuple[Constraint, ...]

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        return all(constraint.holds(x, y) for constraint in self.constraints)


@dataclass(frozen=True, slots=True)
class Region:
    """One input box and what is unsafe in it.

    Attributes:
        lower, upper: exact ends per input, included; None where there is none.
        unsafe: an input of the box is a counterexample when for some conjunction all constraints hold.
    """

    lower: tuple[Fraction | None, ...]
    upper: tuple[Fraction | None, ...]
    unsafe: tuple[Conjunction, ...]

    def contains(self, x: Sequence[Fraction]) -> bool:
        return all(
            (low is None or low <= value) and (high is None or value <= high)
            for low, value, high in zip(self.lower, x, self.upper, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Property:
    """What a file asks: is there an input in some region, such that with its outputs some conjunction holds?

    Attributes:
        inputs, outputs: numbers of scalar variables; those of several tensors follow each other in the order of their
            declarations, each row-major.
        regions: non-empty boxes, no two equal.
        input_shapes, output_shapes: one shape a declared tensor (VNN-LIB 2.0); empty for version 1.0.
        input_names, output_names: the tensors' names; empty for version 1.0, whose names are `X_i` and `Y_j`.
    """

    inputs: int
    outputs: int
    regions: tuple[Region, ...]
    input_shapes: tuple[tuple[int, ...], ...] = ()
    output_shapes: tuple[tuple[int, ...], ...] = ()
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()

    def holds_at(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> Conjunction | None:
        """The conjunction that makes input `x` with output `y` a counterexample; None when it is none.

        Raises:
            ValueError: `x` or `y` have the wrong length.
        """
        if len(x) != self.inputs or len(y) != self.outputs:
            raise ValueError(
                f"expected {self.inputs} inputs and {self.outputs} outputs, got {len(x)} and {len(y)}"
            )
        for region in self.regions:
            if region.contains(x):
                for conjunction in region.unsafe:
                    if conjunction.holds(x, y):
                        return conjunction
        return None

    def input_name(self, i: int) -> str:
        """What the file calls input `i`: `X_3`, or `X[0,3]`."""
        return _name("X", i, self.input_names, self.input_shapes)

    def output_name(self, j: int) -> str:
        return _name("Y", j, self.output_names, self.output_shapes)


def _name(letter: str, index: int, names: Sequence[str], shapes: Sequence[Sequence[int]]) -> str:
    for name, shape in zip(names, shapes, strict=True):
        if index < prod(shape):
            return element_name(name, shape, index)
        index -= prod(shape)
    return f"{letter}_{index}"

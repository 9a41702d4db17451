"""One row of the table of ops that join elements of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.ops.tensor_references import Array


@dataclass(frozen=True)
class Case:
    """One op with attributes and operand shapes.

    Attributes:
        reference: the exact result from exact operands.
        known: operands that are weights, exactly known in one of the variants of each test.
        analytic: the reference needs mpmath.
        optimal: with the `known` operands known, the bounds are the exact range: no wider than that of the corners.
    """

    name: str
    op: str
    shapes: tuple[tuple[int, ...], ...]
    reference: Callable[..., Array]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    known: tuple[int, ...] = ()
    analytic: bool = False
    optimal: bool = True

    def __str__(self) -> str:
        return self.name

"""Claims over one input `x` of four numbers, written op by op."""

from __future__ import annotations

from collections.abc import Callable

import torch

from torchlean.graph import GraphBuilder
from torchlean.ops import Attribute, TensorType


class Build:
    """Writes a graph; numbers become constants."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        self.builder = GraphBuilder()
        self.x = self.builder.input("x", TensorType((4,), dtype)).id
        self.dtype = dtype

    def __call__(self, op: str, *inputs: int | float, **attributes: Attribute) -> int:
        ids = [i if isinstance(i, int) else self.number(i) for i in inputs]
        return self.builder.op(op, ids, attributes).id

    def number(self, value: float) -> int:
        return self.builder.constant(torch.tensor(value, dtype=self.dtype)).id

    def integer(self, value: int) -> int:
        return self.builder.constant(torch.tensor(value)).id

    def integers(self, values: list[int]) -> int:
        return self.builder.constant(torch.tensor(values)).id


def argmax_is(b: Build, k: int) -> int:
    return b("eq", b("argmax", b.x, dim=0, keepdim=False), b.integer(k))


def implies(b: Build, premise: int, conclusion: int) -> int:
    return b("logical_or", b("logical_not", premise), conclusion)


def between(b: Build, low: float, value: int, high: float) -> int:
    """`low <= value < high`, as Python chains comparisons."""
    return b("logical_and", b("ge", value, low), b("lt", value, high))


CLAIMS: dict[str, Callable[[Build], int]] = {
    "le": lambda b: b("le", b.x, 1.0),
    "lt": lambda b: b("lt", b.x, 1.0),
    "ge": lambda b: b("ge", b.x, -1.0),
    "gt": lambda b: b("gt", b.x, -1.0),
    "ne": lambda b: b("ne", b.x, 0.5),
    "eq": lambda b: b("eq", b("sub", b.x, b.x), 0.0),
    "and": lambda b: b("logical_and", b("le", b.x, 1.0), b("gt", b.x, -2.0)),
    "bitwise and": lambda b: b("bitwise_and", b("le", b.x, 1.0), b("gt", b.x, -2.0)),
    "or": lambda b: b("logical_or", b("le", b.x, -1.0), b("gt", b.x, 0.0)),
    "not of or": lambda b: b("logical_not", b("logical_or", b("le", b.x, -1.0), b("gt", b.x, 1.5))),
    "all": lambda b: b("all", b("le", b.x, 1.5), dim=(0,), keepdim=False),
    "any": lambda b: b("any", b("le", b.x, -1.0), dim=(0,), keepdim=False),
    "not of any": lambda b: b("logical_not", b("any", b("gt", b.x, 1.0), dim=(0,), keepdim=True)),
    "argmax": lambda b: argmax_is(b, 2),
    "argmin": lambda b: b("eq", b("argmin", b.x, dim=0, keepdim=False), b.integer(1)),
    "argmax or bound": lambda b: b("logical_or", argmax_is(b, 0), b("le", b.x, 0.5)),
    "no comparison": lambda b: b("cast", b("relu", b.x), dtype=torch.bool),
    "truth of a number": lambda b: b("logical_not", b("relu", b.x)),
    "implication": lambda b: implies(b, between(b, -2.0, b.x, 2.0), b("le", b("square", b.x), 3.0)),
    "not argmax": lambda b: b("logical_not", argmax_is(b, 1)),
    "chain": lambda b: between(b, -2.5, b("sum", b.x, dim=(0,), keepdim=False), 2.5),
    "all of a scalar": lambda b: b(
        "all", b("le", b("sum", b.x, dim=(0,), keepdim=False), 2.5), dim=(-1,), keepdim=False
    ),
    "any of rows, all of columns": lambda b: b(
        "all",
        b("any", b("le", b("reshape", b.x, shape=(2, 2)), 0.5), dim=(1,), keepdim=True),
        dim=(0, 1),
        keepdim=False,
    ),
    "stacked": lambda b: b("stack", b("le", b.x, 1.0), b("ge", b.x, -2.0), dim=0),
    "any of joined": lambda b: b(
        "any", b("cat", b("le", b.x, -2.0), b("ge", b.x, 2.0), dim=0), dim=(0,), keepdim=False
    ),
    "picked": lambda b: b("gather", b("permute", b("le", b.x, 1.0), dims=(0,)), b.integers([2, 0]), dim=0),
    "broadcast": lambda b: b(
        "logical_or",
        b("le", b("reshape", b.x, shape=(4, 1)), 0.0),
        b("ge", b("reshape", b.x, shape=(1, 4)), 0.0),
    ),
}

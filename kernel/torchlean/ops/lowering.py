"""Writing a composite op in simpler ones, for engines that know only affine maps and functions of single elements.

A softmax, a layer norm or a product of two unknown matrices has no plane that is both simple and good. Its parts have:
exponentials and roots are relaxed element by element, sums pass linear bounds exactly. `Op.lower` therefore rewrites an
op in exact arithmetic: the steps have the same real value as the op, whatever the operands. Nothing is said about
rounding in binary32, so a lowered graph serves real bounds only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.ops.op import Attribute, TensorType

EXPANDED = 2**16
"""Most elements of an intermediate that is larger than the op's operands and result: what a product of matrices or a
softmax needs for every pair. Backward bounds hold rows of as many coefficients."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value among the steps: its id in the graph being written, its type, and whether it varies with the inputs."""

    id: int
    type: TensorType
    varies: bool

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def floating(self) -> bool:
        return bool(self.type.dtype.is_floating_point)


class Steps:
    """The simpler ops that a composite op is written in; each call adds one."""

    def __init__(
        self,
        emit: Callable[[str, Sequence[Part], dict[str, Attribute]], Part],
        constant: Callable[[Tensor], Part],
    ) -> None:
        """`emit` appends an op by name, operands and attributes; `constant` a known tensor."""
        self._emit = emit
        self.constant = constant

    def op(self, name: str, *operands: Part, **attributes: Attribute) -> Part:
        return self._emit(name, operands, attributes)

    def number(self, value: float) -> Part:
        """A float64 number without dimensions."""
        return self.constant(torch.tensor(value, dtype=torch.float64))

    def sum(self, x: Part, dims: Sequence[int], keepdim: bool = False) -> Part:
        return self.op("sum", x, dim=tuple(sorted(dims)), keepdim=keepdim)

    def reshape(self, x: Part, shape: Sequence[int]) -> Part:
        return x if x.shape == tuple(shape) else self.op("reshape", x, shape=tuple(shape))

    def permute(self, x: Part, dims: Sequence[int]) -> Part:
        return x if list(dims) == list(range(len(dims))) else self.op("permute", x, dims=tuple(dims))

    def along(self, x: Part, dim: int, start: int, stop: int, step: int = 1) -> Part:
        """The elements `start:stop:step` of one dimension."""
        places: list[Attribute] = [(None, None, None)] * len(x.shape)
        places[dim] = (start, stop, step)
        return self.op("slice", x, index=tuple(places))

    def last(self, x: Part, dims: Sequence[int]) -> Part:
        """The dimensions `dims` (sorted) put together as one, and at the end."""
        kept = [d for d in range(len(x.shape)) if d not in dims]
        moved = self.permute(x, [*kept, *dims])
        return self.reshape(moved, [*(x.shape[d] for d in kept), math.prod(x.shape[d] for d in dims)])

    def centred(self, x: Part, dims: Sequence[int]) -> Part:
        """`x` less its mean over `dims`."""
        mean = self.op("mean", x, dim=tuple(sorted(dims)), keepdim=True)
        return self.op("sub", x, mean)

    def scaled(self, x: Part, factor: float) -> Part:
        return x if factor == 1.0 else self.op("mul", x, self.number(factor))

    def greatest(self, x: Part) -> Part:
        """The maximum over the last dimension, in a tournament: `max(a, b) = b + relu(a - b)`.

        The relu of a difference lets backward bounds use what `a` and `b` have in common.
        """
        dim = len(x.shape) - 1
        while (count := x.shape[dim]) > 1:
            half = count // 2
            first, second = self.along(x, dim, 0, half), self.along(x, dim, half, 2 * half)
            winners = self.op("add", second, self.op("relu", self.op("sub", first, second)))
            rest = count - 2 * half
            x = self.op("cat", winners, self.along(x, dim, 2 * half, count), dim=dim) if rest else winners
        return self.reshape(x, x.shape[:-1])


__all__ = ["EXPANDED", "Part", "Steps"]

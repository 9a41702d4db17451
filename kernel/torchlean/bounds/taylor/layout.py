"""Which symbol of a quadratic form stands for what.

A quadratic form is an affine form (`torchlean.bounds.forward.forms`) whose symbols are, in this order:

- `x_1 .. x_n`, the inputs scaled to the box, between -1 and 1;
- `h_1 .. h_k`, one for each element of a relu: where in the gap between its parallel planes the relu is, between -1
  and 1;
- the products `x_i x_j` with `i <= j`, which lie between -1 and 1, too.

Whatever holds for affine forms therefore holds for quadratic ones: passing affine ops, and planes. Only what knows that
the last symbols are products is new: multiplying forms, and finding the least value of one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Attributes:
    inputs, kinks: how many `x` and `h` there are.
    left, right: the places `i <= j` of the factors of each product, (products,).
    """

    inputs: int
    kinks: int
    left: Tensor
    right: Tensor

    @staticmethod
    def of(inputs: int, kinks: int) -> Layout:
        left, right = torch.triu_indices(inputs, inputs)
        return Layout(inputs, kinks, left, right)

    @property
    def count(self) -> int:
        """Of symbols."""
        return self.inputs + self.kinks + len(self.left)

    @property
    def linear(self) -> slice:
        return slice(0, self.inputs)

    @property
    def bent(self) -> slice:
        return slice(self.inputs, self.inputs + self.kinks)

    @property
    def quadratic(self) -> slice:
        return slice(self.inputs + self.kinks, self.count)

    @property
    def squares(self) -> Tensor:
        """The symbols `x_i x_i`."""
        return self.inputs + self.kinks + (self.left == self.right).nonzero().flatten()

    def products(self, first: Tensor, second: Tensor) -> Tensor:
        """Of two linear forms, (inputs, ...) each, the coefficients of the products, (products, ...)."""
        straight = first[self.left] * second[self.right]
        crossed = first[self.right] * second[self.left]
        mixed = (self.left != self.right).reshape(-1, *(1,) * (straight.dim() - 1))
        return torch.where(mixed, straight + crossed, straight)

    def matrices(self, coefficients: Tensor) -> Tensor:
        """The symmetric matrix of each row of coefficients of the products: (n, products) to (n, inputs, inputs).

        Exact: coefficients of mixed products are halved.
        """
        halves = torch.where(self.left == self.right, coefficients, coefficients / 2)
        found = coefficients.new_zeros(len(coefficients), self.inputs, self.inputs)
        found[:, self.left, self.right] = halves
        found[:, self.right, self.left] = halves
        return found

    def values(self, points: Tensor) -> Tensor:
        """About the values of 1 and of all symbols at some points, (n, inputs) to (n, 1 + count); 0 for the `h`."""
        one = points.new_ones(len(points), 1)
        bent = points.new_zeros(len(points), self.kinks)
        return torch.cat((one, points, bent, points[:, self.left] * points[:, self.right]), 1)


__all__ = ["Layout"]

"""How far a binary32 (or binary64) execution of one node may be from its exact result, in exact rationals.

The bounds are those of `torchlean.float32.rounding_model`: each operation returns a number within `u |s| + η` of the
exact `s`, sums of representable numbers have no `η`, and a dot product may be summed in any order with any use of fused
multiply-add. They hold as long as nothing overflows, which is checked here from the same magnitudes. `Machine.row` is
what the Lean library proves of binary32 (`lean/TorchLean/Fits.lean`); the others are TorchLean's word.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch

from torchlean.float32.formats import BINARY32, BINARY64
from torchlean.float32.rounding_model import Model, nearest

GROWTH_BITS = 200
"""`(1 + u)^n` is rounded up to a multiple of `2^-200`: beyond what any noise can tell, and short."""


class OverflowPossibleError(Exception):
    """An intermediate result may be infinite, so nothing bounds the error."""


@dataclass(frozen=True, slots=True)
class RowSize:
    """What the rounding error of an affine combination depends on.

    Attributes:
        magnitude: a bound of `Σ |c_i a_i| + |b|`.
        result: a bound of the result's magnitude.
        terms: how many summands are counted: in a matrix of 0, 1 and -1 only, those that are not zero; in others every
            column; and the bias, if it is not zero.
        products: how many products are taken to round: none in a matrix of 0, 1 and -1, else every column's.
    """

    magnitude: Fraction
    result: Fraction
    terms: int
    products: int


@dataclass(frozen=True)
class Machine:
    """Rounding to nearest in one format, or exact arithmetic (`model` None)."""

    model: Model | None

    @staticmethod
    def of(dtype: torch.dtype) -> Machine | None:
        """The machine of a dtype; None where there is no model for it."""
        format = {torch.float32: BINARY32, torch.float64: BINARY64}.get(dtype)
        return None if format is None else Machine(nearest(format))

    def row(self, size: RowSize) -> Fraction:
        """Of one row, executed in any order: `((1+u)^(k+p) - 1) M + n η (1+u)^(k+p)`, where `k + 1` terms are not zero
        and, if products round, `p = 1` and `n` is their number.

        Raises:
            OverflowPossibleError: it may be infinite.
        """
        if self.model is None:
            return Fraction(0)
        growth = _growth(self.model.u, max(size.terms - 1, 0) + (size.products > 0))
        error = growth * (size.magnitude + size.products * self.model.eta_product) - size.magnitude
        return self._finite(size.magnitude, error)

    def sum_of_products(self, magnitude: Fraction, terms: int) -> Fraction:
        """Of `Σ w_i a_i + b` with `terms` products, in any order: `((1+u)^(n+1) - 1) M + n η (1+u)^n`.

        Args:
            magnitude: a bound of `Σ |w_i a_i| + |b|`.

        Raises:
            OverflowPossibleError: it may be infinite.
        """
        if self.model is None:
            return Fraction(0)
        growth = _growth(self.model.u, terms)
        error = (growth * (1 + self.model.u) - 1) * magnitude + terms * self.model.eta_product * growth
        return self._finite(magnitude, error)

    def sum_of_terms(self, magnitude: Fraction, terms: int) -> Fraction:
        """Of a sum of `terms` representable numbers, in any order: no products, so no `η`.

        Raises:
            OverflowPossibleError: it may be infinite.
        """
        if self.model is None or terms < 2:
            return Fraction(0)
        return self._finite(magnitude, (_growth(self.model.u, terms - 1) - 1) * magnitude)

    def product(self, magnitude: Fraction) -> Fraction:
        """Of one product (or quotient) whose exact result is at most `magnitude`.

        Raises:
            OverflowPossibleError: it may be infinite.
        """
        if self.model is None:
            return Fraction(0)
        return self._finite(magnitude, self.model.u * magnitude + self.model.eta_product)

    def mean(self, magnitude: Fraction, terms: int) -> Fraction:
        """Of a sum of `terms` numbers divided by their number, or times its rounded reciprocal: two more roundings.

        Args:
            magnitude: a bound of the mean of the magnitudes.

        Raises:
            OverflowPossibleError: the sum may be infinite.
        """
        if self.model is None:
            return Fraction(0)
        growth = _growth(self.model.u, terms + 2)
        error = (growth - 1) * magnitude + (terms + 1) * self.model.eta_product
        self._finite(magnitude * terms, error * terms)
        return error

    def _finite(self, magnitude: Fraction, error: Fraction) -> Fraction:
        assert self.model is not None
        if magnitude + error >= self.model.overflow:
            raise OverflowPossibleError
        return error


_growths: dict[tuple[Fraction, int], Fraction] = {}


def _growth(u: Fraction, n: int) -> Fraction:
    """`(1 + u)^n`, rounded up."""
    key = (u, n)
    if key not in _growths:
        exact = (1 + u) ** n
        _growths[key] = Fraction(-((-exact * (1 << GROWTH_BITS)) // 1), 1 << GROWTH_BITS)
    return _growths[key]

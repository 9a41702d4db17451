"""The rounding interface R(r, s): |r - s| <= u|s| + η, and the order-independent dot product that follows
from it.

Proofs about binary32 executions use nothing of the arithmetic but this inequality between the exact result s
of an operation and what the machine returns, r. It needs no tie rule, so it covers more hardware than the
standard does. Everything here is on exact rationals; infinities and NaNs have no value, so the predicates
speak of finite results only, and `Model.may_overflow` says when a result is not certain to be finite.

What the model covers are correctly rounded operations: those of IEEE 754 on a processor. A library's
functions need not be: torch's sqrt on a CPU can be off by one unit (it satisfies `DIRECTED`), although the
processor's is not.

Sources: N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, sections 2.2 and 3.1 (the model,
gamma_n); the absence of η in addition is his problem 2.19, going back to J. Hauser, 1996.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from torchlean.float32.formats import BINARY32, Format

UNIT_ROUNDOFF = BINARY32.unit_roundoff
"""u = 2^-24: half the distance from 1 to the next number of binary32."""

SMALLEST_NORMAL = BINARY32.smallest_normal

HALF_QUANTUM = BINARY32.half_quantum
"""η = 2^-150: half the smallest positive number, the most that rounding to nearest moves a tiny product."""

OVERFLOW_THRESHOLD = BINARY32.overflow_threshold
"""The least magnitude that rounds to nearest to infinity."""


@dataclass(frozen=True)
class Model:
    """What the rounding errors of a machine's operations are bounded by.

    `u`: relative to the exact result. `eta_sum`: absolute, in sums of representable operands; `eta_product`:
    absolute, in products and fused multiply-adds. `overflow`: results that are smaller in magnitude are
    finite.
    """

    u: Fraction
    eta_sum: Fraction
    eta_product: Fraction
    overflow: Fraction

    def sum_holds(self, result: Fraction, exact: Fraction) -> bool:
        """R(result, exact) of an addition or subtraction of two representable numbers."""
        return satisfies(result, exact, self.u, self.eta_sum)

    def product_holds(self, result: Fraction, exact: Fraction) -> bool:
        """R(result, exact) of a multiplication or fused multiply-add."""
        return satisfies(result, exact, self.u, self.eta_product)

    def may_overflow(self, exact: Fraction) -> bool:
        """Whether the rounded result may be infinite, or far from exact: directed roundings stop at the
        largest number.
        """
        return abs(exact) >= self.overflow


def nearest(format: Format) -> Model:
    """Both roundings to nearest. Sums have no η: two multiples of the smallest positive number have a sum that is
    one, so a tiny sum is exact.
    """
    return Model(format.unit_roundoff, Fraction(0), format.half_quantum, format.overflow_threshold)


def directed(format: Format) -> Model:
    """All five directions. The last unit may be lost whole, and results above the largest finite number may be
    infinite.
    """
    u, eta = 2 * format.unit_roundoff, 2 * format.half_quantum
    return Model(u, Fraction(0), eta, format.largest_value)


def flushing(format: Format) -> Model:
    """Rounding to nearest with tiny results flushed to zero. It does not cover operands read as zeros: a
    subnormal factor that is read so may change a product by as much as 4, which no bound on the rounding of the
    *result* describes.
    """
    eta = format.smallest_normal
    return Model(format.unit_roundoff, eta, eta, format.overflow_threshold)


NEAREST, DIRECTED, FLUSHING = nearest(BINARY32), directed(BINARY32), flushing(BINARY32)


def satisfies(result: Fraction, exact: Fraction, u: Fraction, eta: Fraction) -> bool:
    """R(r, s): |r - s| <= u|s| + η."""
    return abs(result - exact) <= u * abs(exact) + eta


@dataclass(frozen=True)
class DotProduct:
    """The exact side of a dot product with bias: what every summation order is compared with.

    `value` is Σ x_i y_i + b, `magnitude` is Σ |x_i y_i| + |b|, `terms` is the number n of products.
    """

    value: Fraction
    magnitude: Fraction
    terms: int

    @classmethod
    def of(cls, xs: Sequence[Fraction], ys: Sequence[Fraction], bias: Fraction) -> DotProduct:
        """Raises ValueError for vectors of different length."""
        products = [x * y for x, y in zip(xs, ys, strict=True)]
        return cls(sum(products, bias), sum(map(abs, products), abs(bias)), len(products))

    def error_bound(self, model: Model = NEAREST) -> Fraction:
        """A bound of |r - value| for the result r of every summation tree and permutation, with or without
        FMA.

        ((1+u)^(n+1) - 1)(Σ|x_i y_i| + |b|) + n·η·(1+u)^n (statement 6 of the library's theory): a product is
        rounded once and then takes part in at most n additions, each of which multiplies it, and the η it
        brought along, by at most 1 + u. Holds as long as nothing overflows, see `is_finite`. With an η in
        sums as well, those n errors of n additions are added.
        """
        growth = (1 + model.u) ** self.terms
        absolute = self.terms * (model.eta_product + model.eta_sum) * growth
        return (growth * (1 + model.u) - 1) * self.magnitude + absolute

    def is_finite(self, model: Model = NEAREST) -> bool:
        """Whether no intermediate result of any summation order can overflow.

        Every intermediate result is the dot product of some of the terms, so its magnitude is below that of
        all of them plus their error bound.
        """
        return self.magnitude + self.error_bound(model) < model.overflow

    def textbook_bound(self, u: Fraction = UNIT_ROUNDOFF) -> Fraction:
        """gamma_{n+1} (Σ|x_i y_i| + |b|), gamma_k = ku / (1 - ku): Higham's (3.5), which ignores underflow.

        Raises ValueError for (n + 1)u >= 1, where it says nothing.
        """
        k = self.terms + 1
        if k * u >= 1:
            raise ValueError(f"gamma_{k} is undefined for u = {u}")
        return k * u / (1 - k * u) * self.magnitude

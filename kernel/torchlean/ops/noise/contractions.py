"""Rules for ops whose results are sums: of products (linear, matmul, convolutions) or of elements (sum, mean).

The bounds hold for every order of summation, any number of partial sums, and any use of fused multiply-add; the proof
is that of `torchlean.float32.rounding_model.DotProduct.error_bound`: each product takes part in at most n additions.
What they exclude are transformed algorithms (Strassen, Winograd, FFT), which are not sums of the products.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.intervals.rounding import gamma
from torchlean.ops.noise.arithmetic import TF32_UNIT, Precision
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise, Noisy, added, growth
from torchlean.ops.op import Attributes

Terms = Callable[[Sequence[tuple[int, ...]], Attributes], int]
"""Most products that an element of the result adds up, from the shapes of the operands."""


SHORT = 2**10
"""Terms whose float64 sum has a relative error below `2**-42`."""

SMALL_GROWTH = 2.0**-5
"""Up to here the error of a sum is well below an eighth of its magnitude."""


def sum_error(magnitude: Tensor, terms: int, precision: Precision, *, products: bool) -> Tensor:
    """`((1 + u)^(n + 1) - 1) magnitude + n η (1 + u)^n`: statement 6 of the theory, with a bias among the terms."""
    tiny = precision.tiny_sum + (precision.tiny if products else 0.0)
    return magnitude * growth(terms + 1, precision.unit) + terms * tiny * (
        1.0 + growth(terms, precision.unit)
    )


@dataclass(frozen=True)
class Contraction(Rule):
    """Multilinear in its first `factors` operands; further operands (a bias) are added.

    Attributes:
        terms: see `Terms`.
        factors: how many operands are multiplied with each other.
        apply: the op on magnitudes: of factors and addends; default: the op itself.
        extra: further roundings of every product (a scaling).
        order: which operands are the factors, then the addends; default: as they come.
        stacks: the first operand may have one more dimension in front, and addends lie along the last.
        before: the largest magnitude of what is added up of a single factor, before any product is formed.
    """

    terms: Terms
    factors: int = 2
    apply: Callable[[Call, Sequence[Tensor]], Tensor] | None = None
    extra: Callable[[Attributes], int] = lambda attributes: 0
    order: tuple[int, ...] | None = None
    stacks: bool = False
    before: Callable[[Call, Sequence[Tensor]], float] | None = None

    def noise(self, call: Call) -> Noise:
        if self.order is not None:
            call = replace(call, operands=[call.operands[place] for place in self.order])
        operands = self._read(call)
        magnitudes = [x.magnitude for x in operands]
        terms = self.terms([x.exact.shape for x in operands], call.attributes) + self.extra(call.attributes)
        # Short sums are off by less than what the engine adds to every result.
        inflate = 1.0 if terms <= SHORT else 1.0 + 2.0 * gamma(terms + 8)
        size, parts = self._applied(call, operands, magnitudes, inflate)
        passed = added(*parts)
        if self.order is not None:
            parts = [parts[self.order.index(place)] for place in range(len(parts))]
        if not call.floating:
            return Noise(passed=passed, parts=parts)
        local = sum_error(size, terms, call.precision, products=True)
        peak = size if terms * call.precision.unit < SMALL_GROWTH else size + local
        least, share = 0.0, growth(terms + 1, call.precision.unit)
        if self.extra(call.attributes):
            # A factor that is scaled first may underflow and lose what the other factor then multiplies; a product that
            # is scaled last may overflow before, or underflow and lose what the scale then multiplies.
            largest = sum(float(m.amax()) for m in magnitudes[: self.factors] if m.numel())
            largest += sum(_scales(call.attributes).values())
            local = local + terms * call.precision.tiny * (1.0 + largest)
            peak = (
                self._apply(replace(call, attributes=_unscaled(call.attributes)), magnitudes) * inflate
                + local
            )
            least, share = -math.inf, 0.0
        elif any(x.least < 0 for x in operands):
            least = -math.inf
        if self.before is not None:
            peak, share = peak.clamp(min=self.before(call, magnitudes)), 0.0
        return Noise(local, passed, parts, peak, least, share=share)

    def _applied(
        self, call: Call, operands: Sequence[Noisy], magnitudes: Sequence[Tensor], inflate: float
    ) -> tuple[Tensor, list[Tensor | None]]:
        """The op on magnitudes, and what each operand's error moves."""
        noisy = [k for k, x in enumerate(operands) if x.error is not None]
        parts: list[Tensor | None] = [None] * len(operands)
        if noisy == [0] and self.stacks and call.floating:
            # Weights are read once for both: that is most of the time.
            both = torch.stack([magnitudes[0], operands[0].errors])
            size, moved = self._apply(call, [both, magnitudes[1]]).unbind(0)
            for bias in magnitudes[self.factors :]:
                size = size + bias
            parts[0] = _raised(moved, inflate)
            return _raised(size, inflate), parts
        for k in noisy:
            parts[k] = _raised(self._moved(call, operands, magnitudes, k), inflate)
        return _raised(self._apply(call, magnitudes), inflate), parts

    def _read(self, call: Call) -> list[Noisy]:
        """The operands as the products read them."""
        if not call.arithmetic.tf32 or call.out.dtype != torch.float32:
            return list(call.operands)
        factors = [x.worse(x.magnitude * TF32_UNIT) for x in call.operands[: self.factors]]
        return [*factors, *call.operands[self.factors :]]

    def _moved(self, call: Call, operands: Sequence[Noisy], magnitudes: Sequence[Tensor], k: int) -> Tensor:
        """What the error of operand k moves: the magnitudes of the other factors are those of either value."""
        factor = k < self.factors
        values = [
            m if factor and place < self.factors else torch.zeros_like(m)
            for place, m in enumerate(magnitudes)
        ]
        values[k] = operands[k].errors
        return self._apply(call, values)

    def _apply(self, call: Call, values: Sequence[Tensor]) -> Tensor:
        if self.apply is not None:
            return self.apply(call, values)
        return call.op.evaluate(values, call.attributes)


def _raised(sums: Tensor, inflate: float) -> Tensor:
    """More than the sums, which were rounded to nearest."""
    return sums if inflate == 1.0 else sums * inflate


def _scales(attributes: Attributes) -> dict[str, float]:
    """The magnitudes of `alpha` and `beta`."""
    scales = {name: attributes[name] for name in ("alpha", "beta")}
    return {name: abs(float(scale)) for name, scale in scales.items() if isinstance(scale, int | float)}


def _unscaled(attributes: Attributes) -> Attributes:
    """Scalings below one taken as one: what is scaled is larger before."""
    return {**attributes, **{name: max(scale, 1.0) for name, scale in _scales(attributes).items()}}


@dataclass(frozen=True)
class Accumulated(Rule):
    """Linear in one operand with weights that are never negative and known exactly, or a divisor at the end: sum, mean,
    running sums, average pooling.

    Attributes:
        terms: most elements that an element of the result adds up.
        roundings: what follows the sum: a division or multiplication, and the rounding of its number.
    """

    terms: Terms
    roundings: int = 0

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        apply = call.op.evaluate
        terms = self.terms([x.exact.shape], call.attributes)
        inflate = 1.0 + 2.0 * gamma(terms + 8)
        passed = None if x.error is None else apply([x.error], self._wide(call)) * inflate
        if not call.floating:
            return Noise(passed=passed)
        size = apply([x.magnitude], self._wide(call)) * inflate
        # A sum of n terms has n - 1 additions; what follows counts as more of them.
        count = max(terms - 2, 0) + self.roundings
        local = sum_error(size, count, call.precision, products=False)
        if terms == 1 and not self.roundings:
            local = torch.zeros_like(local)
        peak = size + local
        if self.roundings:
            local = local + (terms + 1) * call.precision.tiny
            # Before the division the sum is larger by as much.
            peak = peak * float(max(terms, 1))
        turned = self._wide(call).get("divisor_override") != call.attributes.get("divisor_override")
        # A mean of numbers on one side of zero stays there, unless it is divided by a negative number.
        least = 0.0 if x.least >= 0 and not turned else -math.inf
        greatest = 0.0 if x.greatest <= 0 and not turned else math.inf
        return Noise(local, passed, peak=peak, least=least, greatest=greatest)

    @staticmethod
    def _wide(call: Call) -> Attributes:
        """The attributes for bounds: float64 whatever the dtype of the program, and magnitudes of divisors."""
        attributes = dict(call.attributes)
        if isinstance(attributes.get("dtype"), torch.dtype):
            attributes["dtype"] = torch.float64
        divisor = attributes.get("divisor_override")
        if isinstance(divisor, int):
            attributes["divisor_override"] = abs(divisor)
        return attributes


def last_dimension(shapes: Sequence[tuple[int, ...]], attributes: Attributes) -> int:
    """For `linear`: as many products as the weight has columns."""
    return shapes[1][-1]


def kernel_terms(shapes: Sequence[tuple[int, ...]], attributes: Attributes) -> int:
    """For convolutions, weight (out, in / groups, *kernel)."""
    return math.prod(shapes[1][1:])


def transposed_terms(shapes: Sequence[tuple[int, ...]], attributes: Attributes) -> int:
    """For transposed convolutions, weight (in, out / groups, *kernel)."""
    groups = attributes["groups"]
    assert isinstance(groups, int)
    return shapes[1][0] // groups * math.prod(shapes[1][2:])


def reduced(shapes: Sequence[tuple[int, ...]], attributes: Attributes) -> int:
    """For reductions over the attribute `dim`, a tuple of dimensions (none: all) or one of them."""
    dims = attributes["dim"]
    shape = shapes[0]
    if isinstance(dims, int):
        return shape[dims] if shape else 1
    assert isinstance(dims, tuple)
    places = dims or tuple(range(len(shape)))
    return math.prod(shape[d] for d in places if isinstance(d, int))

"""Measuring a kernel against its reference: the worst error in ulps per binade of the input.

Inputs are walked in blocks that share sign and exponent, so that one row of figures belongs to each of the 512
pairs of those and a sweep can stop and go on after any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from tests.float32.functions import Doubles, Function
from tests.float32.interpolation import Ramp
from tests.float32.operands import random_pairs
from torch import Tensor

BINADES = 512
"""Sign and exponent: the upper nine bits."""

PER_BINADE = 1 << 23
BLOCK = 1 << 16
"""Inputs at a time: half a megabyte in float64, which stays in the second-level cache."""

_VECTOR = 64
"""More elements than any vector register holds."""

LARGEST = 2.0**128 - 2.0**104
"""The largest number of binary32."""

Bits = npt.NDArray[np.uint32]


@dataclass
class Worst:
    """The largest figure of each binade, and the input where it was met."""

    figures: Doubles = field(default_factory=lambda: np.zeros(BINADES))
    inputs: Bits = field(default_factory=lambda: np.zeros(BINADES, dtype=np.uint32))

    def note(self, binade: int, figure: float, bits: int) -> None:
        if figure > self.figures[binade]:
            self.figures[binade], self.inputs[binade] = figure, bits

    @property
    def largest(self) -> tuple[float, int]:
        """The largest of all, and the bits of its input."""
        binade = int(self.figures.argmax())
        return float(self.figures[binade]), int(self.inputs[binade])


@dataclass
class Tally:
    """What is known of one path of a kernel.

    `ulps`: the largest errors in ulps of the exact result. Where a part of the error is stated in absolute terms,
    that `allowance` is taken off first. `early` is the smallest magnitude of an input with an infinite result
    although the exact one is a number; `invalid` counts results of which only one is NaN.
    """

    allowance: float = 0.0
    ulps: Worst = field(default_factory=Worst)
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINADES, dtype=np.int64))
    early: float = np.inf
    invalid: int = 0
    invalid_at: int = 0

    def add(self, bits: Bits, computed: npt.NDArray[np.float32], exact: Exact) -> None:
        """Note the errors of a block whose inputs all have the same upper nine bits."""
        binade = int(bits[0]) >> 23
        self.counts[binade] += bits.size
        with np.errstate(all="ignore"):
            errors = computed.astype(np.float64)
            errors -= exact.values
            np.abs(errors, out=errors)
            if not np.isfinite(errors.max()):
                errors = self._without_specials(bits, computed, exact.values, errors)
            if exact.unit is None:
                errors = np.maximum(errors - self.allowance, 0.0) / units(exact.values)
            at = int(errors.argmax())
            worst = float(errors[at])
            if exact.unit is not None:
                worst = max(worst - self.allowance, 0.0) / exact.unit
        self.ulps.note(binade, worst, int(bits[at]))

    def _without_specials(
        self, bits: Bits, computed: npt.NDArray[np.float32], exact: Doubles, errors: Doubles
    ) -> Doubles:
        """Zero where there is no error to speak of: NaN as it should be, or too large for binary32."""
        wrong = np.isnan(computed) != np.isnan(exact)
        if wrong.any():
            self.invalid += int(wrong.sum())
            self.invalid_at = int(bits[wrong][0])
        beyond = ~(np.abs(exact) <= LARGEST)
        early = np.isinf(computed) & ~beyond
        if early.any():
            self.early = min(self.early, float(np.abs(bits[early].view(np.float32)).min()))
        return np.where(beyond | early | wrong, 0.0, errors)


@dataclass
class Exact:
    """Reference values of a block, and their ulp where it is the same for all."""

    values: Doubles
    unit: float | None = field(init=False)

    def __post_init__(self) -> None:
        low, high = float(self.values.min()), float(self.values.max())
        ends = units(np.array([low, high]))
        same = ends[0] == ends[1] and (low > 0 or high < 0) and np.isfinite(ends).all()
        self.unit = float(ends[0]) if same else None


def units(exact: Doubles) -> Doubles:
    """ulp(y) of binary32 for values of binary64; 2^-149 at zero and for all subnormal numbers."""
    powers = (exact.view(np.uint64) & np.uint64(0x7FF << 52)).view(np.float64)
    return np.maximum(powers * 2.0**-23, 2.0**-149)


def contiguous(bits: Bits) -> Tensor:
    """A tensor that torch's vectorised loops take."""
    return torch.from_numpy(bits.view(np.float32))


def strided(bits: Bits) -> Tensor:
    """A tensor with gaps, which torch goes through element by element; so it does with the rest of a vector."""
    return torch.from_numpy(np.repeat(bits.view(np.float32), 2))[::2]


PATHS = {"vectorised": contiguous, "strided": strided}


def measure(function: Function, bits: Bits, tallies: Mapping[str, Tally]) -> None:
    """Add one block, whose inputs share their upper nine bits, to the tally of each path."""
    with np.errstate(all="ignore"):
        exact = Exact(function.reference(bits.view(np.float32).astype(np.float64)))
    _compare(function, bits, exact, tallies)


def measure_all(function: Function, binade: int, ramp: Ramp, tallies: Mapping[str, Tally]) -> None:
    """Add all inputs of a binade, with interpolated reference values where those are as good."""
    for start in range(binade * PER_BINADE, (binade + 1) * PER_BINADE, BLOCK):
        bits = np.arange(start, start + BLOCK, dtype=np.uint32)
        low, high = (float(x) for x in bits[[0, -1]].view(np.float32))
        with np.errstate(all="ignore"):
            values = ramp.interpolate(function.reference, low, high)
            if values is None:
                values = function.reference(bits.view(np.float32).astype(np.float64))
        _compare(function, bits, Exact(values), tallies)


def _compare(function: Function, bits: Bits, exact: Exact, tallies: Mapping[str, Tally]) -> None:
    for path, tally in tallies.items():
        tally.add(bits, function.kernel(PATHS[path](bits)).numpy(), exact)


def sample(binade: int, count: int, random: np.random.Generator) -> Bits:
    """Some inputs of a binade: both ends, their neighbours, few significant bits, and random ones."""
    trailing = random.integers(0, PER_BINADE, count, dtype=np.uint32)
    trailing[: count // 4] &= np.uint32(0x7F0000)
    trailing[:4] = (0, 1, PER_BINADE - 2, PER_BINADE - 1)
    return np.uint32(binade << 23) | trailing


def computed_at(function: Function, path: str, *inputs: int) -> int:
    """The bits of the result at one input, as that path computes it: in the midst of a vector of equal ones."""
    operands = [PATHS[path](np.full(_VECTOR, bits, dtype=np.uint32)) for bits in inputs]
    result = function.kernel(*operands).numpy().view(np.uint32)
    return int(result[0])


@dataclass
class WorstPair:
    """The worst pair of operands met, and the smallest magnitude of a first operand that overflowed early."""

    ulps: float = 0.0
    inputs: tuple[int, ...] = (0, 0)
    early: float = np.inf


def sample_pairs(function: Function, path: str, count: int, allowance: float, seed: int = 1) -> WorstPair:
    """Hold a function of two operands against its reference on pairs: from the corners of the format, and near 1."""
    random = np.random.default_rng(seed)
    worst = WorstPair()
    for _ in range(-(-count // BLOCK)):
        corners = random_pairs(BLOCK // 2, random)
        ordinary = [random.normal(scale=4.0, size=BLOCK // 2).astype(np.float32) for _ in range(2)]
        pair = [np.concatenate([c, o.view(np.uint32)]) for c, o in zip(corners, ordinary, strict=True)]
        with np.errstate(all="ignore"):
            exact = function.reference(*(bits.view(np.float32).astype(np.float64) for bits in pair))
            results = function.kernel(*(PATHS[path](bits) for bits in pair)).numpy()
            errors = np.maximum(np.abs(results.astype(np.float64) - exact) - allowance, 0.0) / units(exact)
        meaningful = (np.abs(exact) <= LARGEST) & ~np.isnan(results)
        for bits in pair:
            meaningful &= np.isfinite(bits.view(np.float32))
        early = meaningful & np.isinf(results)
        if early.any():
            worst.early = min(worst.early, float(np.abs(pair[0].view(np.float32))[early].min()))
        errors[~meaningful | early] = 0.0
        at = int(errors.argmax())
        if errors[at] > worst.ulps:
            worst.ulps, worst.inputs = float(errors[at]), tuple(int(bits[at]) for bits in pair)
    return worst

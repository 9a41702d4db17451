"""Operands that find errors: special values, and random ones from the corners of the format rather than its
middle.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from torchlean.float32 import BINARY32

Bits = npt.NDArray[np.uint32]

_SIGNIFICANDS = (0, 1, 2, 0x3FFFFF, 0x400000, 0x400001, 0x7FFFFE, 0x7FFFFF)
"""Trailing significands at powers of two, next to them, and around the half that makes ties."""

_EXPONENTS = (0, 1, 2, 103, 126, 127, 128, 151, 253, 254)
"""Subnormal, the smallest normal, 2^-24 and 2^24 around one, the largest."""


def special_values() -> Bits:
    """About 170 patterns: both signs of borders and their neighbours, zeros, infinities, quiet and signaling
    NaNs.
    """
    positive = [e << 23 | m for e in _EXPONENTS for m in _SIGNIFICANDS]
    positive += [BINARY32.infinity, BINARY32.infinity | 1, BINARY32.infinity | 0x3FFFFF]
    positive += [BINARY32.canonical_nan, BINARY32.canonical_nan | 5, 0x7FFFFFFF]
    unique = sorted(set(positive))
    return np.array(unique + [bits | 1 << 31 for bits in unique], dtype=np.uint32)


def all_pairs() -> tuple[Bits, Bits]:
    values = special_values()
    a, b = np.meshgrid(values, values)
    return a.reshape(-1), b.reshape(-1)


def random_bits(count: int, random: np.random.Generator) -> Bits:
    """A mixture: any pattern, numbers around one, subnormals, few significant bits, special values."""
    anything = random.integers(0, 1 << 32, count, dtype=np.uint32)
    around_one = anything & 0x807FFFFF | random.integers(120, 135, count, dtype=np.uint32) << 23
    subnormal = anything & (0x807FFFFF >> random.integers(0, 20, count, dtype=np.uint32) | 1 << 31)
    short = anything & ~np.uint32(0xFFFF)
    special = random.choice(special_values(), count)
    kind = random.integers(0, 10, count)
    choices = [kind < 3, kind < 6, kind < 7, kind < 9]
    return np.select(choices, [anything, around_one, subnormal, short], special).astype(np.uint32)


def random_pairs(count: int, random: np.random.Generator) -> tuple[Bits, Bits]:
    """Pairs of which a third are close to each other in magnitude (cancellation), a third about a precision
    apart.
    """
    a, b = random_bits(count, random), random_bits(count, random)
    near = (
        a + random.integers(-4, 5, count).astype(np.uint32)
        ^ random.integers(0, 2, count, dtype=np.uint32) << 31
    )
    apart = a + (random.integers(-27, 28, count) << 23).astype(np.uint32) ^ (b & 0x80000001)
    kind = random.integers(0, 3, count)
    return a, np.select([kind == 0, kind == 1], [near, apart], b).astype(np.uint32)


def random_triples(count: int, random: np.random.Generator) -> tuple[Bits, Bits, Bits]:
    """Triples for a * b + c, half of them with c close to -a * b, where an FMA cancels."""
    a, b = random_bits(count, random), random_bits(count, random)
    with np.errstate(all="ignore"):
        product = (a.view(np.float32) * b.view(np.float32)).view(np.uint32)
    close = product ^ 1 << 31
    close = close + random.integers(-2, 3, count).astype(np.uint32)
    tie = product + (random.integers(-26, 27, count) << 23).astype(np.uint32)
    kind = random.integers(0, 4, count)
    return a, b, np.select([kind == 0, kind == 1], [close, tie], random_bits(count, random)).astype(np.uint32)


def mismatches(ours: Bits, theirs: npt.NDArray[np.generic]) -> Bits:
    """The indices where two results differ, every NaN counting as every other."""
    other = theirs.view(ours.dtype)
    infinity = {4: 0x7F800000, 8: 0x7FF << 52}[ours.dtype.itemsize]
    magnitude = ours.dtype.type((1 << 8 * ours.dtype.itemsize - 1) - 1)
    both_nan = ((ours & magnitude) > infinity) & ((other & magnitude) > infinity)
    return np.flatnonzero((ours != other) & ~both_nan)

"""The rest of the executable binary32 against numpy and torch: what rounds to nearest only, or does not round."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from tests.float32.operands import Bits, mismatches, random_pairs

from benchmarks.table import Table
from torchlean.float32 import Environment, Rounding, scalar, vector

CHUNK = 1_000_000

Operation = Callable[..., Any]


def agreement(count: int) -> Table:
    """`count` structured operands an operation, a million at a time."""
    table = Table(
        "binary32: agreement of the other operations",
        ("operation", "beside", "mismatches", "operands", "million a second"),
        note="Mismatching bits (NaN payloads not compared; of minima and maxima neither the sign of zeros nor "
        "signaling NaNs, where numpy and torch answer by platform). Operands from random_pairs, as above.",
    )
    for name, (arity, beside, ours, theirs) in _OPERATIONS.items():
        random = np.random.default_rng(4)
        wrong, seconds = 0, 0.0
        for _ in range(count // CHUNK):
            operands = random_pairs(CHUNK, random)[:arity]
            start = time.perf_counter()
            result = ours(*operands)
            seconds += time.perf_counter() - start
            with np.errstate(all="ignore"):
                wrong += _differences(name, result, theirs(*(x.view(np.float32) for x in operands)), operands)
        table.add(name, beside, str(wrong), f"{count:,}", f"{count / seconds / 1e6:.1f}")
    table.add(*_from_integers(count))
    return table


def _differences(name: str, ours: Any, theirs: Any, operands: tuple[Bits, ...]) -> int:
    other = theirs.numpy() if isinstance(theirs, torch.Tensor) else theirs
    if ours.dtype == np.bool_:
        return int((ours != other).sum())
    if ours.dtype == np.int64:
        # Only what fits: elsewhere the processor's answer is its own.
        fits = np.abs(operands[0].view(np.float32).astype(np.float64)) < 2.0**63
        return int((ours != other)[fits].sum())
    if ours.dtype == np.uint16:
        numbers = (operands[0] & 0x7FFFFFFF) <= 0x7F800000
        return int((ours != other.view(np.uint16))[numbers].sum())
    different = mismatches(ours, other)
    if name.startswith(("minimum", "maximum")):
        zeros = ((ours | other.view(np.uint32)) & 0x7FFFFFFF)[different] == 0
        signaling = np.zeros(ours.size, dtype=np.bool_)
        for x in operands:
            signaling |= ((x & 0x7FFFFFFF) > 0x7F800000) & (x & 0x400000 == 0)
        different = different[~zeros & ~signaling[different]]
    return int(different.size)


def _ieee_remainder(a: Any, b: Any) -> Any:
    """In binary64, where fmod is exact and so are the two subtractions of a divisor."""
    x, y = a.astype(np.float64), np.abs(b.astype(np.float64))
    rest = np.where(np.isinf(y), np.abs(x), np.fmod(np.abs(x), 2.0 * y))
    rest = np.where(np.isinf(x) | (y == 0), np.nan, rest)
    half = y / 2.0
    # Above half a divisor one is taken off, and from there at half again, so that ties go to the even quotient.
    once = np.where(rest > half, rest - y, rest)
    twice = np.where((rest > half) & (once >= half), once - y, once)
    return np.copysign(1.0, x).astype(np.float32) * twice.astype(np.float32)


def _torch(function: Operation) -> Operation:
    return lambda *operands: function(*(torch.from_numpy(x) for x in operands))


def _rounded(direction: Rounding) -> Operation:
    return lambda x: vector.round_to_integral(x, Environment(direction))


def _compared(predicate: str) -> Operation:
    return lambda a, b: vector.compare(predicate, a, b)


def _truncated(x: Bits) -> Any:
    return vector.convert_to_integer(x, scalar.INT64, Environment(Rounding.TOWARD_ZERO))


_OPERATIONS: dict[str, tuple[int, str, Operation, Operation]] = {
    **{
        name: (2, "torch", getattr(vector, name), _torch(function))
        for name, function in {
            "add": torch.add,
            "subtract": torch.sub,
            "multiply": torch.mul,
            "divide": torch.div,
            "minimum": torch.minimum,
            "maximum": torch.maximum,
            "minimum_number": torch.fmin,
            "maximum_number": torch.fmax,
        }.items()
    },
    "remainder": (2, "numpy", vector.remainder, _ieee_remainder),
    "next_after": (2, "numpy", vector.next_after, np.nextafter),
    "compareQuietEqual": (2, "numpy", _compared("compareQuietEqual"), np.equal),
    "compareQuietLess": (2, "numpy", _compared("compareQuietLess"), np.less),
    "compareQuietLessEqual": (2, "torch", _compared("compareQuietLessEqual"), _torch(torch.le)),
    "compareQuietGreater": (2, "torch", _compared("compareQuietGreater"), _torch(torch.gt)),
    "compareQuietNotEqual": (2, "torch", _compared("compareQuietNotEqual"), _torch(torch.ne)),
    "to_binary16": (1, "torch", vector.to_binary16, _torch(lambda x: x.half())),
    "to_bfloat16": (1, "torch", vector.to_bfloat16, _torch(lambda x: x.bfloat16().view(torch.int16))),
    "to_binary64": (1, "numpy", vector.to_binary64, lambda x: x.astype(np.float64)),
    "convert_to_integer": (1, "torch", _truncated, _torch(lambda x: x.long())),
    "round_to_integral, even": (1, "torch", _rounded(Rounding.TIES_TO_EVEN), _torch(torch.round)),
    "round_to_integral, zero": (1, "torch", _rounded(Rounding.TOWARD_ZERO), _torch(torch.trunc)),
    "round_to_integral, up": (1, "torch", _rounded(Rounding.TOWARD_POSITIVE), _torch(torch.ceil)),
    "round_to_integral, down": (1, "torch", _rounded(Rounding.TOWARD_NEGATIVE), _torch(torch.floor)),
}


def _from_integers(count: int) -> tuple[str, ...]:
    random = np.random.default_rng(5)
    wrong, seconds = 0, 0.0
    for _ in range(count // CHUNK):
        values = random.integers(-(1 << 63), (1 << 63) - 1, CHUNK) >> random.integers(0, 64, CHUNK)
        start = time.perf_counter()
        ours = vector.convert_from_integer(values)
        seconds += time.perf_counter() - start
        wrong += int((ours != torch.from_numpy(values).float().numpy().view(np.uint32)).sum())
    return "convert_from_integer", "torch", str(wrong), f"{count:,}", f"{count / seconds / 1e6:.1f}"

"""The executable binary32 against the machine's: mismatches on ten million operands per operation, rates,
error bounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from tests.float32 import hardware
from tests.float32.operands import Bits, mismatches, random_pairs, random_triples

from benchmarks.agreement import agreement
from benchmarks.table import Table
from torchlean.float32 import Environment, Rounding, scalar, vector
from torchlean.float32.rounding_model import DotProduct
from torchlean.float32.schedules import Shape, random_dot_products

COUNT = 10_000_000
CHUNK = 1_000_000
"""Operands at a time: the reference FMA needs a dozen float64 arrays of this size."""

TERMS = (64, 256, 1024, 4096)
BATCH = 64


def run() -> list[Table]:
    return [_agreement(), agreement(COUNT), _speed(), _dot_products()]


def _agreement() -> Table:
    table = Table(
        "binary32: agreement with the processor",
        ("operation", *(d.value for d in hardware.DIRECTIONS), "operands each", "million a second"),
        note="Mismatching bits (NaN payloads not compared). Operands from random_pairs and random_triples: subnormals, "
        "ties, cancellation, overflow, NaNs. FMA against sums rounded to odd in binary64, all else against numpy.",
    )
    for name in (
        "add",
        "subtract",
        "multiply",
        "divide",
        "square_root",
        "fused_multiply_add",
        "from_binary64",
    ):
        counts, seconds = zip(*(_mismatches(name, d) for d in hardware.DIRECTIONS), strict=True)
        rate = len(counts) * COUNT / sum(seconds) / 1e6
        table.add(name, *map(str, counts), f"{COUNT:,}", f"{rate:.0f}")
    return table


def _mismatches(name: str, direction: Rounding) -> tuple[int, float]:
    """How many of `COUNT` results differ, and the seconds that ours took."""
    random = np.random.default_rng(1)
    wrong, seconds = 0, 0.0
    for _ in range(COUNT // CHUNK):
        operands = _operands(name, random)
        start = time.perf_counter()
        ours = getattr(vector, name)(*operands, environment=Environment(direction))
        seconds += time.perf_counter() - start
        wrong += mismatches(ours, _reference(name, operands, direction)).size
    return wrong, seconds


def _operands(name: str, random: np.random.Generator) -> tuple[Bits, ...]:
    if name == "fused_multiply_add":
        return random_triples(CHUNK, random)
    if name == "from_binary64":
        # Between the numbers of binary32: at their ties and next to them.
        wide = vector.to_binary64(random_pairs(CHUNK, random)[0])
        return (wide + random.integers(-2, 3, CHUNK).astype(np.uint64) * np.uint64((1 << 28) - 1),)
    return random_pairs(CHUNK, random)[: 1 if name == "square_root" else 2]


def _reference(name: str, operands: tuple[Bits, ...], direction: Rounding) -> Bits:
    if name == "fused_multiply_add":
        return hardware.fused_multiply_add(*operands, direction)
    if name == "from_binary64":
        with np.errstate(all="ignore"), hardware.rounding(direction):
            return operands[0].view(np.float64).astype(np.float32).view(np.uint32)
    return hardware.compute(
        getattr(np, {"square_root": "sqrt"}.get(name, name)), *operands, direction=direction
    )


def _speed() -> Table:
    table = Table(
        "binary32: speed on ordinary numbers",
        ("operation", "ns an element", "numpy float32", "ratio"),
        note=f"{COUNT:,} normally distributed numbers, the best of five. Goal: addition within 50 times numpy's.",
    )
    random = np.random.default_rng(2)
    a, b, c = (random.normal(size=COUNT).astype(np.float32) for _ in range(3))
    a, out = abs(a), np.empty_like(a)
    x, y, z = (part.view(np.uint32) for part in (a, b, c))
    rows: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("add", lambda: vector.add(x, y), lambda: np.add(a, b)),
        ("add, numpy's into an existing array", lambda: vector.add(x, y), lambda: np.add(a, b, out=out)),
        ("multiply", lambda: vector.multiply(x, y), lambda: np.multiply(a, b)),
        ("divide", lambda: vector.divide(x, y), lambda: np.divide(a, b)),
        ("square_root", lambda: vector.square_root(x), lambda: np.sqrt(a)),
        ("remainder", lambda: vector.remainder(x, y), lambda: np.fmod(a, b)),
        ("fused_multiply_add", lambda: vector.fused_multiply_add(x, y, z), lambda: a * b + c),
    ]
    for name, ours, theirs in rows:
        mine, other = _best(ours), _best(theirs)
        table.add(name, f"{mine / COUNT * 1e9:.1f}", f"{other / COUNT * 1e9:.2f}", f"{mine / other:.0f}")
    few = list(zip(x[:100_000].tolist(), y[:100_000].tolist(), strict=True))
    seconds = _best(lambda: [scalar.add(*row) for row in few])
    table.add("add, scalar reference", f"{seconds / len(few) * 1e9:.0f}", "", "")
    return table


def _best(action: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def _dot_products() -> Table:
    table = Table(
        "binary32: dot products in random orders",
        ("terms", "orders", *(f"worst error / bound, {name}" for name in _DATA), "bound / textbook bound"),
        note="Bound: ((1+u)^(n+1) - 1)(Σ|xy| + |b|) + nη(1+u)^n, for every order with or without FMA; textbook: "
        "gamma_(n+1)(Σ|xy| + |b|), which neglects underflow. Errors are exact rationals. The hostile data lose half a "
        "unit of the running sum in every addition to one accumulator.",
    )
    random = np.random.default_rng(3)
    for terms in TERMS:
        worst, orders, relation = [], 0, Fraction(0)
        for make in _DATA.values():
            xs, ys, bias = (part.astype(np.float32).view(np.uint32) for part in make(terms, random))
            exact = [_exact(*row) for row in zip(xs.tolist(), ys.tolist(), bias.tolist(), strict=True)]
            bounds = [product.error_bound() for product in exact]
            relation = max(bound / p.textbook_bound() for p, bound in zip(exact, bounds, strict=True))
            ratio = Fraction(0)
            for shape in Shape:
                results = random_dot_products(xs, ys, bias, random, shape).tolist()
                errors = [abs(scalar.to_fraction(r) - p.value) for r, p in zip(results, exact, strict=True)]
                ratio = max(ratio, *(error / bound for error, bound in zip(errors, bounds, strict=True)))
                orders += len(results)
            worst.append(f"{float(ratio):.2g}")
        table.add(str(terms), str(orders), *worst, f"{float(relation):.6f}")
    return table


def _exact(xs: list[int], ys: list[int], bias: int) -> DotProduct:
    value = scalar.to_fraction
    return DotProduct.of([value(x) for x in xs], [value(y) for y in ys], value(bias))


_Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def _ordinary(terms: int, random: np.random.Generator) -> _Arrays:
    return random.normal(size=(BATCH, terms)), random.normal(size=(BATCH, terms)), random.normal(size=BATCH)


def _one_sign(terms: int, random: np.random.Generator) -> _Arrays:
    xs, ys, bias = _ordinary(terms, random)
    return abs(xs), abs(ys), abs(bias)


def _hostile(terms: int, random: np.random.Generator) -> _Arrays:
    """A bias of 1 and products of 2^-24: ties to even with the running sum 1, until two of them are summed
    first.
    """
    return np.full((BATCH, terms), 2.0**-24), np.ones((BATCH, terms)), np.ones(BATCH)


_DATA: dict[str, Callable[[int, np.random.Generator], _Arrays]] = {
    "normal data": _ordinary,
    "one sign": _one_sign,
    "hostile": _hostile,
}

"""The binary32 of the Lean library and the one in Python give the same bits.

Python computes results on special and random operands; a generated Lean file states them, packed into one number for
each operation, and the kernel evaluates the library's operations on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest
from tests.float32.operands import random_pairs, random_triples, special_values
from tests.lean.conftest import tiny_library

from torchlean.float32 import Environment, NanPolicy, scalar
from torchlean.lean import Accepted, Rejected, Runner, Toolchain
from torchlean.lean.sources import library_folder

CANONICAL = Environment(nan_policy=NanPolicy.CANONICAL)
"""The library knows one NaN."""

CASES = 60
"""For each operation: the kernel takes about a fifth of a second for a case."""

ONE, MINUS_ONE = 0x3F800000, 0xBF800000

MODULES = ("TorchLean/Float32/Round.lean", "TorchLean/Float32/Format.lean", "TorchLean/Float32/Ops.lean")

Case = tuple[int, ...]
"""Operands, then the result."""


def add(a: int, b: int) -> int:
    return scalar.add(a, b, CANONICAL).bits


def subtract(a: int, b: int) -> int:
    return scalar.subtract(a, b, CANONICAL).bits


def multiply(a: int, b: int) -> int:
    return scalar.multiply(a, b, CANONICAL).bits


def fused_multiply_add(a: int, b: int, c: int) -> int:
    return scalar.fused_multiply_add(a, b, c, CANONICAL).bits


BINARY: dict[str, Callable[[int, int], int]] = {"add": add, "sub": subtract, "mul": multiply}


def pairs(seed: int) -> Iterator[tuple[int, int]]:
    """Exact cancellation, then half special values against each other, half random pairs."""
    yield from ((ONE, ONE), (ONE, MINUS_ONE))
    random = np.random.default_rng(seed)
    special = special_values()
    yield from zip(
        random.choice(special, CASES // 2).tolist(), random.choice(special, CASES // 2).tolist(), strict=True
    )
    a, b = random_pairs(CASES - CASES // 2 - 2, random)
    yield from zip(a.tolist(), b.tolist(), strict=True)


def triples(seed: int) -> Iterator[tuple[int, int, int]]:
    """As `pairs`."""
    yield ONE, ONE, MINUS_ONE
    random = np.random.default_rng(seed)
    special = special_values()
    a, b, c = (random.choice(special, CASES // 2).tolist() for _ in range(3))
    yield from zip(a, b, c, strict=True)
    a, b, c = (bits.tolist() for bits in random_triples(CASES - CASES // 2 - 1, random))
    yield from zip(a, b, c, strict=True)


def packed(cases: Iterable[Case]) -> str:
    """One number: each pattern in a field of 32 bits, the first lowest."""
    fields = [bits for case in cases for bits in case]
    return "0x" + "".join(f"{bits:08x}" for bits in reversed(fields))


PRELUDE = """module
prelude
public import TorchLean.Float32.Ops

public section
namespace TorchLean.Float32.Agreement

/-- Evaluates a number before it is used. -/
@[expose] def force {α : Type} (n : Nat) (k : Nat → α) : α :=
  match n with
  | 0 => k 0
  | m + 1 => k (m + 1)

@[expose] def agree2 (op : Nat → Nat → Nat) : Nat → Nat → Bool
  | 0, _ => true
  | count + 1, n =>
    force (n % 2 ^ 32) fun a => force (n / 2 ^ 32 % 2 ^ 32) fun b => force (n / 2 ^ 96) fun rest =>
      Nat.beq (op a b) (n / 2 ^ 64 % 2 ^ 32) && agree2 op count rest

@[expose] def agree3 (op : Nat → Nat → Nat → Nat) : Nat → Nat → Bool
  | 0, _ => true
  | count + 1, n =>
    force (n % 2 ^ 32) fun a => force (n / 2 ^ 32 % 2 ^ 32) fun b => force (n / 2 ^ 64 % 2 ^ 32) fun c =>
      force (n / 2 ^ 128) fun rest => Nat.beq (op a b c) (n / 2 ^ 96 % 2 ^ 32) && agree3 op count rest
"""


def stated(name: str, cases: list[Case]) -> str:
    operands = len(cases[0]) - 1
    return f"""
theorem {name}_agrees : agree{operands} {name} {len(cases)} {packed(cases)} = true := by decide +kernel
"""


def source(cases: dict[str, list[Case]]) -> str:
    return PRELUDE + "".join(stated(*item) for item in cases.items()) + "\nend TorchLean.Float32.Agreement\n"


def all_cases() -> dict[str, list[Case]]:
    cases: dict[str, list[Case]] = {
        name: [(a, b, operation(a, b)) for a, b in pairs(seed)]
        for seed, (name, operation) in enumerate(BINARY.items())
    }
    cases["fma"] = [(*operands, fused_multiply_add(*operands)) for operands in triples(len(BINARY))]
    return cases


@pytest.fixture(scope="module")
def runner(lean: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Over a library of the three modules that define the operations: the rest is not needed, and takes minutes."""
    files = {name: (library_folder() / name).read_text(encoding="utf-8") for name in MODULES}
    library = tiny_library(lean, tmp_path_factory.mktemp("binary32"), files)
    library.build()
    with Runner(lean, library, timeout=600, spare=False) as runner:
        yield runner


def test_the_cases_reach_every_kind_of_result() -> None:
    for name, cases in all_cases().items():
        magnitudes = np.array([case[-1] for case in cases]) & 0x7FFFFFFF
        assert len(cases) == CASES
        assert (magnitudes == 0).any(), name
        assert ((magnitudes > 0) & (magnitudes < 1 << 23)).any(), f"no subnormal result of {name}"
        assert (magnitudes == 0x7F800000).any(), f"no infinite result of {name}"
        assert (magnitudes == 0x7FC00000).any(), f"no NaN of {name}"


@pytest.mark.lean
def test_lean_and_python_give_the_same_bits(runner: Runner) -> None:
    outcome = runner.check(source(all_cases()))
    assert isinstance(outcome, Accepted), outcome


@pytest.mark.lean
def test_one_wrong_bit_is_rejected(runner: Runner) -> None:
    *operands, result = all_cases()["mul"][-1]
    outcome = runner.check(source({"mul": [(*operands, result ^ 1)]}))
    assert isinstance(outcome, Rejected), outcome

"""Ranges of operations that were found before are those that would be found now."""

from __future__ import annotations

import random
from pathlib import Path

import torch

from torchlean.graph import GraphBuilder
from torchlean.hazards.memory import HazardMemory, below
from torchlean.hazards.shapeless.examine import examine_shapeless
from torchlean.hazards.written import Written
from torchlean.ops import TensorType

PROGRAMS = sorted((Path(__file__).parent / "programs" / "hazardous").glob("*.py"))


def found(text: str, memory: HazardMemory | None) -> list[tuple[str, int, str]]:
    examined = examine_shapeless(Written("model.py", text), (), (), memory=memory)
    return [(each.code, each.span.line, each.message) for each in examined.diagnostics]


def test_one_memory_for_many_programs_and_their_edits_changes_nothing() -> None:
    memory, source = HazardMemory(), random.Random(0)
    reports = 0
    for path in source.sample(PROGRAMS, 25):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        for _ in range(3):
            # Lines that are gone shift and change what is left; most programs then still mean something.
            cut = source.randrange(len(lines))
            edited = "".join(lines[:cut] + lines[cut + 1 :])
            for version in (text, edited, text):
                expected = found(version, None)
                assert found(version, memory) == expected, path.name
                reports += len(expected)
    assert reports > 20
    assert len(memory.ranges) > 100


def test_two_draws_are_not_the_same_numbers_and_equal_ops_of_one_are() -> None:
    """`x - x.amax()` is never positive, `x - y.amax()` may be, of draws that look the same."""
    builder = GraphBuilder()
    vector = TensorType((3,), torch.float32)
    x, y = builder.input("x", vector), builder.input("x", vector)
    for left, right in ((x, x), (x, y), (x, x)):
        greatest = builder.op("amax", [right.id], {"dim": (0,), "keepdim": False})
        builder.op("sub", [left.id, greatest.id], {})
    graph = builder.graph([len(builder.nodes) - 1])
    keys: list[bytes] = []
    for node in graph:
        keys.append(below(node, keys))
    first, second, third = (keys[node.id] for node in graph if node.op == "sub")
    assert keys[x.id] != keys[y.id]
    assert first == third != second

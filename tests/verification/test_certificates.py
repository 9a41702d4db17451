"""Certificates against exact arithmetic: every leaf's bound is one, and the leaves cover the region."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from tests.verification.networks import Exact, Writer, mlp, saved
from tests.verification.properties import decimal, read, text

from torchlean.capture.onnx import load_onnx
from torchlean.verification import Verification, verify
from torchlean.verification.record import digest, record

SECONDS = 0.5
"""Of a verification; what is open then has leaves, too."""


def leaves(
    region: dict[str, Any], low: Fraction, high: Fraction
) -> list[tuple[Fraction, Fraction, float | None]]:
    """The parts of an interval with their bounds, as a reader of the document finds them."""
    found, stack = [], [(0, low, high)]
    while stack:
        node, start, end = stack.pop()
        child = region["first"][node]
        if child < 0:
            found.append((start, end, region["bound"][node]))
            continue
        assert region["variable"][node] == 0
        at = Fraction(region["at"][node])
        assert start <= at <= end
        stack += [(child, start, at), (child + 1, at, end)]
    return sorted(found, key=lambda leaf: leaf[:2])


def least(network: Exact, low: Fraction, high: Fraction, bound: Fraction) -> Fraction:
    """The exact least value of the row `bound - Y_0` on an interval."""
    return min(bound - network([point])[0] for point in network.breakpoints(low, high))


def scaled(model: onnx.ModelProto, factor: float) -> onnx.ModelProto:
    """The same network with other magnitudes; the factor is a power of two."""
    for proto in model.graph.initializer:
        proto.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(proto) * np.float32(factor), proto.name))
    return model


def document(found: Verification, folder: Path, path: Path) -> dict[str, Any]:
    content = json.dumps(record(found, digest(path), digest(path)), allow_nan=False)
    return json.loads(content)  # type: ignore[no-any-return]


@pytest.mark.parametrize("radius", [Fraction(2), Fraction(1, 1024), Fraction(1, 10**12), Fraction(0)])
@pytest.mark.parametrize("exponent", [0, -60, 30])
def test_every_leaf_has_a_bound_of_its_exact_margin_and_together_they_are_the_region(
    radius: Fraction, exponent: int, tmp_path: Path
) -> None:
    source = random.Random(f"{radius} {exponent}")
    for _ in range(2):
        model = scaled(mlp(source, [1, 6, 4, 1]), 2.0**exponent)
        path, network = saved(model, tmp_path), Exact(model)
        middle = Fraction(source.randint(-100, 100), 128)
        low, high = middle - radius, middle + radius
        values = [network([point])[0] for point in network.breakpoints(low, high)]
        # Above everything by a little: proved by many leaves, or open at the worst place.
        spread = max(values) - min(values) or abs(max(values)) or Fraction(1)
        bound = max(values) + spread / 10 ** source.choice([2, 8, 17])
        bound = Fraction(float(bound))
        found = verify(load_onnx(path), read(text([(low, high)], 1, f"(>= Y_0 {decimal(bound)})")), SECONDS)
        for region in document(found, tmp_path, path)["regions"]:
            parts = leaves(region, low, high)
            assert [end for _, end, _ in parts[:-1]] == [start for start, _, _ in parts[1:]]
            for start, end, claimed in parts:
                if claimed is not None:
                    assert Fraction(claimed) <= least(network, max(start, low), min(end, high), bound)


@pytest.mark.parametrize("seed", range(10))
def test_a_sum_that_float64_gets_wrong_proves_nothing(seed: int, tmp_path: Path) -> None:
    """Terms that cancel: float64 gets zero where the exact sum is one. Bounds of plain floats would prove it."""
    source = random.Random(seed)
    writer = Writer(source)
    powers = [2.0 ** source.randint(60, 90) for _ in range(3)]
    numbers = [*powers, 1.0, *(-power for power in reversed(powers))]
    value = writer.op("MatMul", writer.input("x", 1, 7), writer.weight(7, 1, values=numbers))
    if seed % 2:
        value = writer.op("Relu", value)
    model = writer.model(value)
    assert Exact(model)([Fraction(1)] * 7) == [1]
    plain = (torch.ones(1, 7).double() @ torch.tensor(numbers).double()).item()
    assert plain != 1, "the numbers were chosen for this to go wrong"
    condition = "(>= Y_0 0.5)" if plain < 1 else "(<= Y_0 1.5)"
    property = read(text([("1", "1")] * 7, 1, condition))
    assert verify(load_onnx(saved(model, tmp_path)), property, SECONDS).verdict != "unsat"


def test_a_certificate_names_its_files_by_their_content(tmp_path: Path) -> None:
    path = saved(mlp(random.Random(0), [1, 2, 1]), tmp_path)
    found = verify(load_onnx(path), read(text([("-1", "1")], 1, "(>= Y_0 1000)")))
    content = document(found, tmp_path, path)
    assert content["model"]["sha256"] == digest(path)
    (region,) = content["regions"]
    assert region["first"] == [-1] and region["bound"][0] > 0
    saved(mlp(random.Random(1), [1, 2, 1]), tmp_path)
    assert digest(path) != content["model"]["sha256"]

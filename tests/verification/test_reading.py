"""Regions narrower than the numbers of the network's type, and ops that are not defined on all of a region."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from tests.verification.networks import Writer, saved
from tests.verification.properties import read
from tests.verification.test_truth_of_one_input import check_witness

from torchlean.capture.onnx import load_onnx
from torchlean.verification import Verification, verify
from torchlean.verification.reading import points_read_as

SECONDS = 20.0


def decided(op: str, folder: Path, *conditions: str) -> tuple[Verification, Path, str]:
    """What is found of a network of one op; without a verdict it must end by itself."""
    writer = Writer(random.Random(0))
    path = saved(writer.model(writer.op(op, writer.input("x", 1, 1), name="result")), folder)
    lines = [
        "(declare-const X_0 Real)",
        "(declare-const Y_0 Real)",
        *(f"(assert {each})" for each in conditions),
    ]
    content = "\n".join(lines)
    return verify(load_onnx(path), read(content), SECONDS), path, content


@pytest.mark.parametrize("ends", [("(> X_0 0)", "(< X_0 1e-50)"), ("(> X_0 0.1)", "(< X_0 0.1000000001)")])
@pytest.mark.parametrize("condition", ["(<= Y_0 0.5)", "(>= Y_0 -1)"])
def test_a_witness_is_found_between_two_numbers_of_the_networks_type(
    ends: tuple[str, str], condition: str, tmp_path: Path
) -> None:
    """No float32 number is in the region; an execution reads each of its points as the same one."""
    found, path, content = decided("Relu", tmp_path, *ends, condition)
    assert found.verdict == "sat"
    check_witness(path, found, read(content))


def test_a_region_of_one_execution_that_is_no_counterexample_is_given_up_with_the_reason(
    tmp_path: Path,
) -> None:
    found, _, _ = decided("Relu", tmp_path, "(> X_0 0)", "(< X_0 1e-50)", "(> Y_0 0)")
    assert found.verdict == "unknown"
    assert "every input of the region is read as the same one" in found.message


def test_a_region_of_one_execution_is_still_proved_where_bounds_say_so(tmp_path: Path) -> None:
    found, _, _ = decided("Relu", tmp_path, "(> X_0 0)", "(< X_0 1e-50)", "(> Y_0 1e-40)")
    assert found.verdict == "unsat"


@pytest.mark.parametrize("op", ["Log", "Sqrt"])
def test_an_op_that_is_not_defined_on_all_of_a_region_is_named(op: str, tmp_path: Path) -> None:
    found, _, _ = decided(op, tmp_path, "(>= X_0 -1)", "(<= X_0 2)", "(>= Y_0 5)")
    assert found.verdict == "unknown"
    assert (
        f"`result` is {op.lower()} of numbers in [-1, 2], which is not defined everywhere there"
        in found.message
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_points_read_as_numbers_are_in_the_box_and_one_of_them_inside_where_there_is_room(
    dtype: torch.dtype,
) -> None:
    source = random.Random(str(dtype))
    for _ in range(200):
        number = torch.tensor([source.choice([0.0, 1.0, source.uniform(-9, 9), 2.0**-14])], dtype=dtype)
        read = Fraction(number.item())
        unit = Fraction(torch.nextafter(number, torch.tensor([torch.inf], dtype=dtype)).item()) - read
        low = read + unit * Fraction(source.randint(-40, 10), 30)
        high = low + unit * Fraction(source.randint(1, 60), 30)
        points = list(points_read_as(number, [low], [high]))
        assert all(low <= x <= high for (x,) in points)
        if max(low, read) < min(high, read + unit / 2):
            assert any(low < x < high and abs(x - read) <= unit / 2 for (x,) in points)

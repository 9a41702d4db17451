"""Networks of minima and maxima: what replaces their banks has the same values, and properties are decided rightly."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import numpy_helper
from tests.verification.lattices import ENCODINGS, Lattice, bank
from tests.verification.networks import Exact, Writer, saved
from tests.verification.properties import decimal, read, text
from tests.verification.test_truth_of_one_input import check_witness

from torchlean.capture.onnx import load_onnx
from torchlean.graph import Graph, evaluate
from torchlean.verification import verify
from torchlean.verification.lattice import without_banks

SECONDS = 20.0


def value(graph: Graph, x: list[Fraction]) -> list[Fraction]:
    """What a graph computes in float32; of short fractions, without rounding."""
    given = torch.tensor([[float(number) for number in x]])
    (result,) = (evaluate(graph, {"x": given})[id] for id in graph.outputs)
    return [Fraction(number) for number in result.flatten().tolist()]


def points(source: random.Random, inputs: int, count: int = 40) -> list[list[Fraction]]:
    return [[Fraction(source.randint(-64, 64), 16) for _ in range(inputs)] for _ in range(count)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("seed", range(4))
def test_without_its_banks_a_lattice_has_the_same_values_and_no_relu(
    encoding: str, seed: int, tmp_path: Path
) -> None:
    source = random.Random(f"{encoding} {seed}")
    lattice = Lattice(source, 2, source.randint(2, 9), source.randint(1, 6))
    whole = load_onnx(saved(lattice.model(encoding), tmp_path)).graph
    plain = without_banks(whole)
    assert not [node for node in plain if node.op == "relu"]
    assert [plain[id].type for id in plain.outputs] == [whole[id].type for id in whole.outputs]
    for x in points(source, 2):
        assert value(plain, x) == [lattice(x)] == value(whole, x)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_threshold_beside_the_extreme_value_of_a_lattice_is_decided_rightly(
    seed: int, sign: int, tmp_path: Path
) -> None:
    source = random.Random(seed)
    lattice = Lattice(source, 1, 6, 5)
    path = saved(lattice.model(), tmp_path)
    least, greatest = lattice.extremes(Fraction(-2), Fraction(2))
    for extreme, relation, outward in ((greatest, ">=", 1), (least, "<=", -1)):
        # Rounded to ten digits: a property file has decimals.
        threshold = Fraction(round((extreme + Fraction(sign * outward, 1000)) * 10**10), 10**10)
        property = read(text([("-2", "2")], 1, f"({relation} Y_0 {decimal(threshold)})"))
        found = verify(load_onnx(path), property, SECONDS)
        assert found.verdict == ("unsat" if sign > 0 else "sat")
        if found.verdict == "sat":
            check_witness(path, found, property)


@pytest.mark.parametrize("relation", [">=", "<="])
def test_a_lattice_of_many_functions_is_decided_close_to_its_extremes(relation: str, tmp_path: Path) -> None:
    """Its layers have thousands of relus, of which bounds without minima and maxima take minutes."""
    lattice = Lattice(random.Random(3), 2, 24, 24)
    path = saved(lattice.model(), tmp_path)
    grid = [Fraction(i, 8) for i in range(-16, 17)]
    values = [lattice(x) for x in product(grid, grid)]
    extreme, outward = (max(values), 1) if relation == ">=" else (min(values), -1)
    for distance, verdict in ((Fraction(-1, 100), "sat"), (Fraction(1), "unsat")):
        threshold = decimal(extreme + outward * distance)
        property = read(text([("-2", "2")] * 2, 1, f"({relation} Y_0 {threshold})"))
        found = verify(load_onnx(path), property, SECONDS)
        assert found.verdict == verdict
        if verdict == "sat":
            check_witness(path, found, property)


def _other_weight(array: np.ndarray) -> None:
    array[tuple(np.argwhere(array)[0])] *= 2


def _other_sign(array: np.ndarray) -> None:
    array[tuple(np.argwhere(array)[-1])] *= -1


def _third_operand(array: np.ndarray) -> None:
    array[np.argwhere(array[:, 0] == 0)[0], 0] = 1


def _bias(array: np.ndarray) -> None:
    array[0] = 0.25


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("place", "change"),
    [
        (0, _other_weight),
        (0, _other_sign),
        (0, _third_operand),
        (1, _bias),
        (2, _other_weight),
        (2, _other_sign),
        (3, _bias),
    ],
)
def test_layers_that_are_nearly_a_bank_keep_their_values(
    encoding: str, place: int, change: Callable[[np.ndarray], None], tmp_path: Path
) -> None:
    writer = Writer(random.Random(0))
    result, _ = bank(writer, writer.input("x", 1, 5), 5, ENCODINGS[encoding]["max"])
    model = writer.model(result)
    array = numpy_helper.to_array(model.graph.initializer[place]).copy()
    change(array)
    model.graph.initializer[place].CopyFrom(
        numpy_helper.from_array(array, model.graph.initializer[place].name)
    )
    whole = load_onnx(saved(model, tmp_path)).graph
    plain = without_banks(whole)
    for x in points(random.Random(1), 5):
        assert value(plain, x) == value(whole, x) == Exact(model)(x)


def test_of_random_changes_to_an_encoding_only_those_that_change_no_value_are_replaced(
    tmp_path: Path,
) -> None:
    source = random.Random(0)
    replaced = 0
    for number in range(60):
        relus = [
            list(relu) for relu in source.choice(list(ENCODINGS.values()))[source.choice(["min", "max"])]
        ]
        if number % 3:
            source.choice(relus)[source.randrange(3)] = source.choice([-2, -1, -0.5, 0, 0.5, 1, 2])
        writer = Writer(source)
        result, _ = bank(writer, writer.input("x", 1, 2), 2, [(a, b, outer) for a, b, outer in relus])
        whole = load_onnx(saved(writer.model(result), tmp_path, f"{number}.onnx")).graph
        plain = without_banks(whole)
        replaced += plain is not whole
        for x in points(source, 2, 6):
            assert value(plain, x) == value(whole, x)
    assert 20 <= replaced < 60


def test_a_network_without_banks_is_left_as_it_is(tmp_path: Path) -> None:
    writer = Writer(random.Random(0))
    value = writer.op("Relu", writer.gemm(writer.input("x", 1, 3), 3, 4))
    whole = load_onnx(saved(writer.model(writer.gemm(value, 4, 2)), tmp_path)).graph
    assert without_banks(whole) is whole

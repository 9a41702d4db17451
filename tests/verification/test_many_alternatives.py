"""Properties with many alternatives or many regions: decided in portions, and as exact arithmetic says."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import onnx
import pytest
import torch
from click.testing import CliRunner
from tests.bounds.branching_problems import goal_of, interval
from tests.verification.networks import Exact, mlp, saved
from tests.verification.properties import decimal, read, text

from torchlean.capture.onnx import OnnxModel, load_onnx
from torchlean.cli import main
from torchlean.graph import GraphBuilder
from torchlean.ops import TensorType
from torchlean.verification import verify
from torchlean.verification.posing import ALTERNATIVES, pose

COUNT = 2 * ALTERNATIVES + 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(mlp(random.Random(3), [1, 4, 2]), tmp_path)


@pytest.fixture
def model(path: Path) -> OnnxModel:
    return load_onnx(path)


def least(path: Path) -> Fraction:
    """The exact least value of the first output on [-1, 1]."""
    network = Exact(onnx.load(path))
    return min(network([point])[0] for point in network.breakpoints(Fraction(-1), Fraction(1)))


def alternatives(path: Path, wrong: int | None) -> str:
    """Outputs far below the least one, and (`wrong`) one that is reached."""
    floors = [least(path) - 1 - Fraction(index, 8) for index in range(COUNT)]
    if wrong is not None:
        floors[wrong] = least(path) + Fraction(1, 8)
    return f"(or {' '.join(f'(<= Y_0 {decimal(floor)})' for floor in floors)})"


def test_a_property_of_many_alternatives_holds_when_each_of_them_does(path: Path, model: OnnxModel) -> None:
    property = read(text([("-1", "1")], 2, alternatives(path, None)))
    assert [len(query.goal.clauses) for query in pose(model, property)] == [ALTERNATIVES, ALTERNATIVES, 40]
    found = verify(model, property)
    assert found.verdict == "unsat" and len(found.trees) == 3
    assert all(0 < tree.least <= 1 for tree in found.trees[:1])


@pytest.mark.parametrize("wrong", [0, ALTERNATIVES - 1, ALTERNATIVES, COUNT - 1])
def test_one_alternative_among_many_is_found(wrong: int, path: Path, model: OnnxModel) -> None:
    property = read(text([("-1", "1")], 2, alternatives(path, wrong)))
    found = verify(model, property)
    assert found.verdict == "sat" and found.counterexample is not None
    assert property.holds_at(found.counterexample.x, found.counterexample.y) is not None


def test_the_last_of_many_regions_is_looked_at_though_there_is_no_time_for_all_at_first(
    path: Path, model: OnnxModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("torchlean.verification.verify"), "FIRST_ATTACKS", 0.0)
    low = least(path)
    regions = [
        f"(and (>= X_0 {k / 32}) (<= X_0 {(k + 1) / 32}) (<= Y_0 {decimal(low - 1)}))" for k in range(-32, 31)
    ]
    reached = f"(and (>= X_0 -1) (<= X_0 1) (<= Y_0 {decimal(low + Fraction(1, 8))}))"
    for last, verdict in ((reached, "sat"), ("(and (>= X_0 0.96875) (<= X_0 1) (<= Y_0 -1e6))", "unsat")):
        content = text([("-1", "1")], 2, f"(or {' '.join([*regions, last])})")
        found = verify(model, read(content))
        assert found.verdict == verdict and len(found.trees) >= len(regions)


def test_the_tree_of_each_portion_is_written_and_gone_on_from(path: Path, tmp_path: Path) -> None:
    file, tree = tmp_path / "many.vnnlib", tmp_path / "tree.json"
    file.write_text(text([("-1", "1")], 2, alternatives(path, None)))
    arguments = ["verify", str(path), str(file), "--workers", "1", "--certificate", str(tree)]
    for more in ([], ["--resume", str(tree)]):
        result = CliRunner().invoke(main, [*arguments, *more])
        assert result.exit_code == 0, result.output
        assert len(json.loads(tree.read_text())["regions"]) == 3


@pytest.mark.parametrize("seed", range(20))
def test_margins_and_hinges_of_clauses_of_any_lengths_are_what_python_computes(seed: int) -> None:
    source, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    count = source.randint(1, 12)
    builder = GraphBuilder()
    rows = builder.input("x", TensorType((count,), torch.float64))
    clauses = tuple(
        tuple(source.choices(range(count), k=source.randint(1, source.choice([1, 3, 12]))))
        for _ in range(source.randint(1, 30))
    )
    goal = goal_of(builder.graph([rows.id]), rows, interval([0.0] * count, [1.0] * count), clauses)
    values = torch.randn(5, count, generator=generator, dtype=torch.float64)
    margins, hinges = goal.margins(values), goal.hinges(values)
    for line in range(5):
        numbers = values[line].tolist()
        assert margins[line].tolist() == [max(numbers[row] for row in clause) for clause in clauses]
        assert hinges[line].tolist() == pytest.approx(
            [sum(max(numbers[row], 0) for row in clause) for clause in clauses]
        )

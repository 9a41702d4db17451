"""The search for counterexamples: what it executes, and that it stops."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import torch
from tests.verification.networks import executed, mlp, saved
from tests.verification.properties import read, text

from torchlean.capture.onnx import load_onnx
from torchlean.verification import pose
from torchlean.verification.attack import CANDIDATES, Attack, Inputs


def attack(tmp_path: Path, condition: str, refused: list[Inputs]) -> Attack:
    """On an output that is zero for every input; every candidate is refused, and kept."""
    model = mlp(random.Random(0), [1, 2, 1])
    for stored in model.graph.initializer:
        stored.raw_data = bytes(len(stored.raw_data))
    query = pose(load_onnx(saved(model, tmp_path)), read(text([("-1", "1")], 1, condition)))[0]

    def accepted(inputs: Inputs) -> bool:
        refused.append(inputs)
        return False

    return Attack(query.goal, accepted)


def test_a_margin_of_zero_is_no_candidate_where_equality_is_no_counterexample(tmp_path: Path) -> None:
    refused: list[Inputs] = []
    assert attack(tmp_path, "(< Y_0 0)", refused).wide() is None
    assert not refused


def test_a_margin_of_zero_is_a_candidate_where_equality_is_a_counterexample(tmp_path: Path) -> None:
    refused: list[Inputs] = []
    assert attack(tmp_path, "(<= Y_0 0)", refused).deep() is None
    assert refused


def test_candidates_that_the_exact_test_refuses_do_not_take_all_the_time(tmp_path: Path) -> None:
    refused: list[Inputs] = []
    searching = attack(tmp_path, "(<= Y_0 0)", refused)
    searching.near({"x": torch.zeros(10 * CANDIDATES, 1, 1)})
    assert len(refused) == CANDIDATES


def test_a_cancelled_search_executes_no_candidate_more(tmp_path: Path) -> None:
    refused: list[Inputs] = []
    searching = attack(tmp_path, "(<= Y_0 0)", refused)
    searching.cancelled = lambda: bool(refused)
    searching.near({"x": torch.zeros(CANDIDATES, 1, 1)})
    assert len(refused) == 1


def test_conditions_that_hold_together_on_a_small_part_of_the_box_are_met(tmp_path: Path) -> None:
    """Three outputs within a thousandth of what they are at one point: steps of fixed lengths pass it."""
    model = mlp(random.Random(1), [6, 8, 3])
    path = saved(model, tmp_path)
    centre = executed(path, [Fraction(1, 3)] * 6)
    conditions = [
        f"({relation} Y_{i} {value + sign * 0.001:.6f})"
        for i, value in enumerate(centre)
        for relation, sign in (("<=", 1), (">=", -1))
    ]
    query = pose(load_onnx(path), read(text([("-1", "1")] * 6, 3, *conditions)))[0]
    assert Attack(query.goal, lambda inputs: True).wide() is not None

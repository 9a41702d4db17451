"""Bounds of a goal on every operator that can be imported, against what onnxruntime computes in the same box.

Verdicts would say less: a counterexample is found before any bound is asked for.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.capture.onnx.building import Case, Free, saved, session
from tests.capture.onnx.cases import CASES

from torchlean.bounds.branching.bounder import Bounder
from torchlean.capture.onnx import OnnxModel, load_onnx
from torchlean.verification import pose
from torchlean.vnnlib import Conjunction, Constraint, Property, Region

POINTS = 30
"""Executions beside one bound."""

RADIUS = 0.25
"""Of boxes: wide enough that kinks lie inside, narrow enough that bounds are not infinite."""

ROUNDING = 1e-4
"""Relative error of an execution in float32, generously."""

MOST_OUTPUTS = 60


def every_output(model: OnnxModel, lower: np.ndarray, upper: np.ndarray) -> Property:
    """Each output at most, and at least, zero: two conjunctions, whose margins are bounds of the output."""
    outputs = sum(math.prod(value.shape) for value in model.outputs)
    unsafe = []
    for index in range(min(outputs, MOST_OUTPUTS)):
        for sign in (1, -1):
            unsafe.append(Conjunction((Constraint({}, {index: Fraction(sign)}, Fraction(0), False),)))
    ends = (tuple(Fraction(float(end)) for end in side) for side in (lower, upper))
    return Property(lower.size, outputs, (Region(*ends, tuple(unsafe)),))


def check(case: Case, tmp_path: Path) -> None:
    path = saved(case.model(), tmp_path)
    model = load_onnx(path)
    free = [operand for operand in case.operands if isinstance(operand, Free)]
    if not free or any(value.dtype != torch.float32 for value in (*model.inputs, *model.outputs)):
        pytest.skip("properties speak of real inputs and outputs")
    generator = np.random.default_rng(0)
    centre = np.concatenate([generator.uniform(f.low, f.high, f.shape).flatten() for f in free])
    low = np.concatenate([np.full(f.shape, f.low).flatten() for f in free]).clip(max=centre)
    lower, upper = np.maximum(centre - RADIUS, low).astype(np.float32), (centre + RADIUS).astype(np.float32)
    (query,) = pose(model, every_output(model, lower, upper))
    margins = Bounder(query.goal).whole().margins[0].numpy()
    runtime = session(path)
    for _ in range(POINTS):
        share = generator.uniform(0, 1, lower.shape).round(int(generator.integers(0, 3)))
        x = np.clip((lower + (upper - lower) * share).astype(np.float32), lower, upper)
        given = {
            value.name: part.reshape(value.shape)
            for value, part in zip(model.inputs, np.split(x, splits(model)), strict=True)
        }
        y = np.concatenate([np.asarray(found).flatten() for found in runtime.run(None, given)])
        y = y[:MOST_OUTPUTS].astype(np.float64)
        exact = np.stack([y, -y], 1).flatten()
        slack = ROUNDING * np.maximum(1.0, np.abs(exact))
        assert (np.isnan(exact) | (margins <= exact + slack)).all(), f"{case}: a bound excludes an execution"


def splits(model: OnnxModel) -> list[int]:
    return np.cumsum([math.prod(value.shape) for value in model.inputs])[:-1].tolist()


FIRST = [
    next(group) for _, group in groupby(sorted(CASES, key=lambda case: case.op), key=lambda case: case.op)
]


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_no_bound_excludes_an_execution(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_bound_of_any_case_excludes_an_execution(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)

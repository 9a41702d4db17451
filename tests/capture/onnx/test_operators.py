"""Every row of the table means in the graph what it means to onnxruntime, and its bounds contain what it computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import defs
from tests.capture.onnx.building import Array, Case, Free, drawn, saved, session, tensors
from tests.capture.onnx.cases import CASES

from torchlean.bounds.crown import crown
from torchlean.bounds.ibp import Bounds, propagate
from torchlean.capture.onnx import OnnxModel, load_onnx
from torchlean.capture.onnx.table import HANDLERS
from torchlean.graph import Graph, evaluate, validate
from torchlean.intervals import Interval

TOLERANCE = 2e-5
"""Relative to 1 + |value|: both sides round to binary32 in another order, over at most a few hundred terms."""

DRAWS = 20
RADIUS = 0.05
SLACK = 1e-9
"""The reference values are computed in float64 and rounded, too."""

ROWS = [pytest.param(case, id=f"{index}-{case}") for index, case in enumerate(CASES)]


def free_inputs(case: Case, generator: np.random.Generator) -> dict[str, Array]:
    free = {f"in{i}": o for i, o in enumerate(case.operands) if isinstance(o, Free)}
    return {name: drawn(operand, generator) for name, operand in free.items()}


def loaded(case: Case, folder: Path) -> tuple[OnnxModel, Path]:
    path = saved(case.model(), folder)
    model = load_onnx(path)
    validate(model.graph)
    return model, path


@pytest.mark.parametrize("case", ROWS)
def test_an_operator_computes_what_onnxruntime_computes(case: Case, tmp_path: Path) -> None:
    model, path = loaded(case, tmp_path)
    reference, generator = session(path), np.random.default_rng(0)
    for _ in range(DRAWS):
        inputs = free_inputs(case, generator)
        values = evaluate(model.graph, tensors(inputs))
        expected = reference.run(None, inputs)
        for id, declared, array in zip(model.graph.outputs, model.outputs, expected, strict=True):
            got = values[id].numpy()
            assert got.shape == array.shape == declared.shape
            assert got.dtype == array.dtype
            error = np.abs(got.astype(np.float64) - array) / (1 + np.abs(array.astype(np.float64)))
            assert error.max(initial=0.0) <= TOLERANCE, f"{got} instead of {array}"


def _is_newest(case: Case) -> bool:
    """Whether the operator is defined in set 20 as it is in the case's."""
    try:
        newest = defs.get_schema(case.op, 20, "").since_version
    except defs.SchemaError:
        return False
    return bool(newest <= case.opset)


NEWER = [(21 + index % 3, case) for index, case in enumerate(CASES) if _is_newest(case)]


@pytest.mark.parametrize(
    ("opset", "case"), NEWER, ids=[f"{i}-{case}-{o}" for i, (o, case) in enumerate(NEWER)]
)
def test_what_newer_operator_sets_keep_means_the_same_in_them(opset: int, case: Case, tmp_path: Path) -> None:
    test_an_operator_computes_what_onnxruntime_computes(replace(case, opset=opset), tmp_path)


Engine = Callable[[Graph, Mapping[str, Interval]], Bounds]


@pytest.mark.parametrize("engine", [propagate, crown], ids=["intervals", "linear bounds"])
@pytest.mark.parametrize("case", [row for row in ROWS if not row.values[0].op.startswith("Constant")])
def test_bounds_contain_what_an_operator_computes(engine: Engine, case: Case, tmp_path: Path) -> None:
    model, _ = loaded(case, tmp_path)
    generator = np.random.default_rng(1)
    centres = free_inputs(case, generator)
    # Ends that binary32 holds, so that corners of the box are inputs of the model.
    radius = np.float32(RADIUS)
    ends = {n: (np.asarray(c - radius), np.asarray(c + radius)) for n, c in centres.items()}
    box = {n: Interval(*(torch.from_numpy(end).double() for end in pair)) for n, pair in ends.items()}
    bounds = engine(model.graph, box)
    for _ in range(DRAWS):
        point = tensors({n: _inside(*pair, generator) for n, pair in ends.items()})
        values = evaluate(model.graph, point, dtype=torch.float64)
        for id in model.graph.outputs:
            interval, value = bounds[id], values[id].to(torch.float64)
            assert not interval.undefined
            slack = SLACK * (1 + value.abs())
            assert bool((interval.lower <= value + slack).all()), (interval.lower, value)
            assert bool((interval.upper >= value - slack).all()), (interval.upper, value)


def _inside(low: Array, high: Array, generator: np.random.Generator) -> Array:
    """A point between the ends; half of its coordinates in corners, where monotone functions have their extrema."""
    share = np.clip(generator.uniform(-0.5, 1.5, low.shape), 0, 1).astype(np.float32)
    return np.asarray(np.clip(low + share * (high - low), low, high), np.float32)


def test_every_operator_has_a_row() -> None:
    composed = {"And", "Or", "Xor", "Not"}
    missing = set(HANDLERS) - {case.op for case in CASES} - composed
    assert not missing, f"no row for {sorted(missing)}"

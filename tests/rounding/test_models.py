"""Whole programs, attacked: every tensor of every captured model stays inside its bound when torch runs it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tests.capture.probing import SEED, captured, probe, unit_of
from tests.capture.test_models import FOLDER, INPUTS, run_eagerly, trained
from torch import Tensor

from torchlean.bounds import propagate
from torchlean.capture.result import Role
from torchlean.graph import Graph, evaluate
from torchlean.intervals import Interval
from torchlean.rounding import Errors, rounding_errors

__all__ = ["trained"]

RADIUS = 0.01
WITHOUT_A_BOUND = {"positional_transformer": "rounding errors dominate their variance"}
"""Models whose results have no finite error bound over this box, because intervals say too little, and the reason."""


def boxes(inputs: dict[str, Tensor], radius: float) -> dict[str, Interval]:
    return {
        name: Interval(*((value + side * radius).to(value.dtype).double() for side in (-1.0, 1.0)))
        if value.is_floating_point()
        else Interval.point(value)
        for name, value in inputs.items()
    }


def model_graph(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Graph, dict[str, Tensor]]:
    """The captured graph of a model, and inputs for it."""
    call, shapes = INPUTS[name]
    torch.manual_seed(SEED)
    inputs = {key: torch.randn(shape) for key, shape in shapes.items()}
    text = (FOLDER / f"{name}.py").read_text()
    path = folder / f"{name}.py"
    eager = run_eagerly(text, path, call, inputs)
    monkeypatch.undo()
    capture = captured(path, probe(text, call, inputs, eager))
    seen = unit_of(capture).observations
    roots = [o.node for o in seen if o.role is Role.ASSIGNMENT and o.label.startswith("probed_")]
    assert roots, "nothing was captured"
    return capture.graph.cone(roots)[0], inputs


def assert_inside(graph: Graph, errors: Errors, executed: list[Tensor], exact: list[Tensor]) -> None:
    for node in graph:
        error = errors[node.id].error
        run, reference = executed[node.id].double(), exact[node.id].double()
        if node.type.dtype.is_complex:
            continue
        off = (run - reference).abs()
        bound = torch.zeros_like(off) if error is None else error
        inside = (off <= bound + reference.abs() * 2.0**-44) | (run == reference) | torch.isinf(bound)
        assert bool(inside.all()), (
            f"%{node.id} {node.op}: off by {float(off.max())}, bound {float(bound.max())}"
        )


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_every_tensor_of_a_model_stays_inside(
    name: str, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, inputs = model_graph(name, trained, monkeypatch)
    domains = boxes(inputs, RADIUS)
    errors = rounding_errors(graph, propagate(graph, domains))
    generator = torch.Generator().manual_seed(SEED)
    for _ in range(3):
        points = {}
        for key, domain in domains.items():
            share = torch.rand(domain.shape, dtype=torch.float64, generator=generator)
            point = (domain.lower + (domain.upper - domain.lower) * share).to(inputs[key].dtype)
            points[key] = torch.minimum(torch.maximum(point.double(), domain.lower), domain.upper).to(
                point.dtype
            )
        with torch.no_grad():
            assert_inside(
                graph, errors, evaluate(graph, points), evaluate(graph, points, dtype=torch.float64)
            )
    for id in graph.outputs:
        if name in WITHOUT_A_BOUND:
            assert WITHOUT_A_BOUND[name] in str(errors[id].reason)
        else:
            assert errors[id].largest < math.inf, errors[id].reason

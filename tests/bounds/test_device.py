"""Branch and bound on a CUDA device shows nothing false, and what this processor shows; devices that are not there are
refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from tests.bounds.branching_problems import (
    Clauses,
    Samples,
    interval,
    leaf_of,
    network,
    single,
    squares,
    worst,
)

from torchlean.bounds.branching import Goal
from torchlean.bounds.branching import bounder as bounding
from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.explore import Exploration
from torchlean.bounds.branching.hardest import hardest
from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.crown.refine import crown
from torchlean.bounds.device import OTHER_ARITHMETIC, PROCESSOR, DeviceError, current, device_of, on
from torchlean.cli import main
from torchlean.graph import GraphBuilder
from torchlean.intervals import Interval
from torchlean.ops import TensorType

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")

BOTH: Clauses = ((0,), (1,))
ACTIVATIONS = ("relu", "tanh", "sigmoid")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gpu", "is no device"),
        ("cuda:one", "is no device"),
        ("meta", "on `cpu` and `cuda` devices"),
        ("cuda:99", "is not there"),
        pytest.param(
            "cuda", "is not there", marks=pytest.mark.skipif(torch.cuda.is_available(), reason="it is there")
        ),
    ],
)
def test_a_device_that_cannot_be_used_is_refused_with_the_reason(name: str, says: str) -> None:
    with pytest.raises(DeviceError, match=says):
        device_of(name)


def test_verify_refuses_a_device_before_it_reads_a_file(tmp_path: Path) -> None:
    for name in ("model.onnx", "property.vnnlib"):
        (tmp_path / name).write_text("")
    files = [str(tmp_path / "model.onnx"), str(tmp_path / "property.vnnlib")]
    absent = CliRunner().invoke(main, ["verify", *files, "--device", "cuda:99"])
    assert absent.exit_code == 2 and "`cuda:99` is not there" in absent.output
    both = CliRunner().invoke(main, ["verify", *files, "--device", "cuda", "--workers", "2"])
    assert both.exit_code == 2 and "one process" in both.output


def test_the_processor_is_where_bounds_are_computed_unless_it_is_said() -> None:
    assert current() == PROCESSOR == device_of("cpu")
    with on(PROCESSOR):
        assert current() == PROCESSOR and torch.zeros(1).device == PROCESSOR


@cuda
@pytest.mark.parametrize("variable", OTHER_ARITHMETIC)
def test_arithmetic_that_is_not_ieee_754s_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(DeviceError, match=variable):
        device_of("cuda")


@cuda
def test_tensorfloat_32_is_off_while_bounds_are_computed() -> None:
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with on(device_of("cuda")):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cuda.matmul.allow_tf32
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(precision)


def _explored(goal: Goal, device: torch.device, steps: int) -> Exploration:
    exploration = Exploration.begin(Bounder(goal, device=device))
    for _ in range(steps):
        if not exploration.step(32):
            break
    return exploration


@cuda
@pytest.mark.parametrize("act", ACTIVATIONS)
@pytest.mark.parametrize("cuts", ["inputs", "phases"])
def test_no_leaf_has_a_bound_above_an_exact_margin(
    act: str, cuts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cuts == "phases":
        monkeypatch.setattr(bounding, "FEW_INPUTS", 0)
    for seed in range(4):
        goal = network(seed, act, 1.0, BOTH, -0.05)
        exploration = _explored(goal, device_of("cuda"), 4)
        tree = exploration.tree
        assert not exploration.proved and tree.leaves > 4
        for point, rows in Samples(goal.graph, goal.domain["x"], seed):
            leaf = leaf_of(exploration.bounder, tree, point)
            assert Fraction(tree.bounds[leaf]) <= worst(goal, rows)
        found = hardest([exploration.open], exploration.bounder.goal, goal.input_name)
        assert found is not None and found.bound == float(tree.least)


@cuda
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_what_holds_is_proved_on_both(act: str) -> None:
    for seed in range(3):
        goal = network(seed, act, 0.5, BOTH, 0.3)
        for device in (PROCESSOR, device_of("cuda")):
            assert _explored(goal, device, 60).proved


@cuda
def test_clauses_are_looked_at_on_one_device_after_the_other() -> None:
    goal = network(0, "relu", 0.5, ((0, 1), (1,)), 0.0)
    rows = torch.tensor([[1.0, -2.0]])
    with on(device_of("cuda")):
        assert goal.margins(rows.to(current())).tolist() == [[1.0, -2.0]]
    assert goal.margins(rows).tolist() == [[1.0, -2.0]]


@cuda
def test_products_and_bounds_of_the_second_order_run_there() -> None:
    assert _explored(squares(), device_of("cuda"), 100).proved
    strict = single("relu", interval([-1.0], [0.0]), strict=True)
    assert not _explored(strict, device_of("cuda"), 5).proved


@cuda
def test_the_root_box_has_about_the_bound_that_it_has_here() -> None:
    goal = network(5, "tanh", 0.5, BOTH, 0.0)
    here, there = (
        float(Exploration.begin(Bounder(goal, device=device)).tree.least)
        for device in (PROCESSOR, device_of("cuda"))
    )
    assert there == pytest.approx(here, rel=1e-3, abs=1e-3)


@cuda
def test_convolutions_hold_exact_values_there() -> None:
    """Integers below 2^53 are exact, and so is what torch computes from them here."""
    generator = torch.Generator().manual_seed(0)
    builder = GraphBuilder()
    x = builder.input("x", TensorType((1, 2, 9, 9), torch.float64))
    kernel = torch.randint(-9, 10, (4, 2, 3, 3), generator=generator).double()
    attributes = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    rows = builder.op("conv", [x.id, builder.constant(kernel).id], attributes)
    graph = builder.graph([builder.op("relu", [rows.id], {}).id])
    centre = torch.randint(-99, 100, (1, 2, 9, 9), generator=generator).double()
    with on(device_of("cuda")):
        domain = Interval(centre, centre + 1.0).to(current())
        found = crown(graph, {"x": domain}, BoundsCache())[graph.outputs[0]].to(PROCESSOR)
    exact = torch.nn.functional.conv2d(centre, kernel, padding=1).relu()
    assert bool((found.lower <= exact).all()) and bool((exact <= found.upper).all())

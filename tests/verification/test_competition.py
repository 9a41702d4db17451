"""The competition's instances: never another verdict than the one on which its verifiers agree."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.verification.networks import executed

from torchlean.capture.onnx import load_onnx
from torchlean.verification import verify
from torchlean.vnnlib import parse_file

FILES = Path(__file__).parents[3] / "shared" / "data" / "vnncomp"

if not (FILES / "expected.csv").is_file():
    pytest.skip(f"the competition's files are not at {FILES}", allow_module_level=True)

SECONDS = 10.0
"""For an instance of the default run, each of which needs a second or two on a quiet machine."""

LONG = 60.0
"""For an instance of the whole list."""

FLOAT32_NOISE = 1e-3
"""By how much two runtimes may differ on these networks, relative to the greatest output."""

QUICK = [
    "ACASXU_run2a_1_1_batch_2000.onnx|acasxu/vnnlib/prop_3",
    "ACASXU_run2a_1_3_batch_2000.onnx|acasxu/vnnlib/prop_4",
    "ACASXU_run2a_1_7_batch_2000.onnx|acasxu/vnnlib/prop_3",
    "ACASXU_run2a_1_9_batch_2000.onnx|acasxu/vnnlib/prop_4",
    "ACASXU_run2a_1_2_batch_2000.onnx|acasxu/vnnlib/prop_2",
    "double_integrator_pretrain_con.onnx",
    "double_integrator_finetune_con.onnx",
    "pendulum_pretrain_inv.onnx",
    "mnist-net_256x2.onnx|mnist_fc/vnnlib/prop_0_0.03",
    "mnist-net_256x2.onnx|mnist_fc/vnnlib/prop_1_0.05",
    "quadrotor2d_state_2",
    "cartpole_case_safe_14",
    "cartpole_case_unsafe_0",
    "cartpole_case_unsafe_33",
]


def instances() -> list[tuple[str, str]]:
    with (FILES / "expected.csv").open(newline="", encoding="utf-8") as file:
        return [(row["instance"], row["expected"]) for row in csv.DictReader(file)]


def check(instance: str, expected: str, seconds: float) -> str:
    """Decide an instance; what is found must fit, and a counterexample must be one in onnxruntime."""
    model, property = (FILES / name for name in instance.split("|"))
    question = parse_file(str(property)).required()
    found = verify(load_onnx(model), question, seconds)
    if expected in ("sat", "unsat"):
        assert found.verdict in (expected, "unknown", "timeout")
    if found.verdict == "sat":
        assert found.counterexample is not None
        x, y = found.counterexample.x, found.counterexample.y
        assert question.holds_at(x, y) is not None
        largest = max(1e-3, *(abs(float(value)) for value in y))
        assert all(
            abs(float(ours) - theirs) <= FLOAT32_NOISE * largest
            for ours, theirs in zip(y, executed(model, x), strict=True)
        )
    return found.verdict


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_instance_gets_the_verdict_of_the_competition_or_none(name: str) -> None:
    ((instance, expected),) = [row for row in instances() if f"{name}." in row[0] or f"{name}|" in row[0]]
    check(instance, expected, SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize(("instance", "expected"), instances(), ids=lambda value: value)
def test_no_instance_gets_another_verdict_than_in_the_competition(instance: str, expected: str) -> None:
    check(instance, expected, LONG)

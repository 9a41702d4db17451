"""The numbers of claims' networks that Lean confirms: which network, which execution, and what becomes of a no."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.certificate.conftest import kernel as kernel
from tests.certificate.models import CASES, asked, drawn
from torch import Tensor

from torchlean.conformance import in_lean
from torchlean.conformance.in_lean import Ask, Denied, Evaluation, evaluation
from torchlean.conformance.patterns import Outside
from torchlean.lean import Accepted, Outcome, Rejected, certificate_faults


def accepting(source: str) -> Outcome:
    """A kernel that reads nothing, where it is not the kernel that is tested; what certificates may not say, this may
    not say either."""
    assert certificate_faults(source) == ()
    return Accepted(0.0)


def of_case(folder: Path, name: str) -> tuple[Evaluation, dict[str, Tensor], torch.nn.Module]:
    """The network of `net(x) < 30`, of which the first node that is compared is what the module gives."""
    layers, forward, inputs = CASES[name]
    found = asked(folder, layers, forward, "net(x) < 30.0", f"[-1.0] * {inputs}, [1.0] * {inputs}")
    graph = found.bounded.part.graph
    (comparison,) = (node for node in graph if node.op == "lt")
    given = [named["x"] for named, _ in drawn(found, in_lean.INPUTS)]
    return (
        evaluation(graph, comparison.inputs, found.question.domains),
        {"x": torch.stack(given)},
        found.module,
    )


@pytest.mark.parametrize("name", ["dense", "maximum", "residual", "greatest", "convolution", "batch_norm"])
def test_exact_values_of_the_network_are_what_the_module_computes_in_float64(
    name: str, tmp_path: Path
) -> None:
    network, points, module = of_case(tmp_path, name)
    values, limit = network.exact(points, accepting)
    expected = torch.stack([module.double()(point.double()) for point in points["x"]])
    assert torch.allclose(values, expected.detach(), rtol=1e-14, atol=1e-14)
    assert bool((limit == 30.0).all())


def in_order(weight: np.ndarray, bias: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One accumulator, from the bias on, by the machine's own float32."""
    total = bias.copy()
    for column in range(len(x)):
        total = total + weight[:, column] * x[column]
    return total


def test_the_execution_is_that_of_one_accumulator_from_the_bias_on(tmp_path: Path) -> None:
    network, points, module = of_case(tmp_path, "dense")
    values, _ = network.rounded(points, accepting)
    numbers = {name: value.detach().numpy() for name, value in module.named_parameters()}
    hidden = np.maximum(in_order(numbers["a.weight"], numbers["a.bias"], points["x"][0].numpy()), 0)
    expected = in_order(numbers["b.weight"], numbers["b.bias"], hidden.astype(np.float32))
    assert values.dtype == torch.float32 and np.array_equal(values[0].numpy(), expected)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("leaky", "`leaky_relu` on line"),
        ("greatest", "chosen"),
        ("convolution", "operations, which the Lean kernel"),
    ],
)
def test_what_is_no_execution_of_run32_says_why(name: str, reason: str, tmp_path: Path) -> None:
    network, points, _ = of_case(tmp_path, name)
    with pytest.raises(Outside, match=reason):
        network.rounded(points, accepting)


def test_where_there_is_no_lean_the_reason_is_told(tmp_path: Path) -> None:
    network, points, _ = of_case(tmp_path, "dense")
    with pytest.raises(Outside, match="there is no Lean"):
        network.exact(points, lambda source: "there is no Lean")


def test_a_no_is_told_and_is_another_thing_than_no_answer(tmp_path: Path) -> None:
    network, points, _ = of_case(tmp_path, "dense")
    with pytest.raises(Denied) as denied:
        network.exact(points, lambda source: Rejected(0.0, ()))
    assert denied.value.rejected


@pytest.mark.lean
@pytest.mark.parametrize("name", ["dense", "residual", "greatest"])
def test_the_kernel_confirms_exact_values(kernel: Ask, name: str, tmp_path: Path) -> None:
    network, points, _ = of_case(tmp_path, name)
    network.exact(points, kernel)


@pytest.mark.lean
def test_the_kernel_confirms_the_operations_of_an_execution(kernel: Ask, tmp_path: Path) -> None:
    network, points, _ = of_case(tmp_path, "no_bias")
    network.rounded(points, kernel)


@pytest.mark.lean
def test_the_kernel_denies_one_wrong_number(
    kernel: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, points, _ = of_case(tmp_path, "no_bias")
    right = in_lean._vector
    monkeypatch.setattr(in_lean, "_vector", lambda numbers: right([numbers[0] * 2, *numbers[1:]]))
    with pytest.raises(Denied) as denied:
        network.exact(points, kernel)
    assert denied.value.rejected


@pytest.mark.lean
def test_the_kernel_denies_one_wrong_bit_of_a_sum(
    kernel: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, points, _ = of_case(tmp_path, "no_bias")
    right = in_lean._Steps._noted

    def wrong(
        steps: in_lean._Steps, name: str, left: in_lean.Bits, other: in_lean.Bits, result: in_lean.Bits
    ) -> in_lean.Bits:
        return right(steps, name, left, other, result ^ np.uint32(name == "add"))

    monkeypatch.setattr(in_lean._Steps, "_noted", wrong)
    with pytest.raises(Denied) as denied:
        network.rounded(points, kernel)
    assert denied.value.rejected

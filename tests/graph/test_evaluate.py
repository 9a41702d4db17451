"""Running graphs: in the program's own dtypes, and in float64 as a reference."""

from __future__ import annotations

import pytest
import torch

from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.ops import TensorType

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
W = torch.randn(2, 4, generator=torch.Generator().manual_seed(2))


def program() -> tuple[Graph, dict[str, torch.Tensor]]:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((3, 4), torch.float32))
    w = builder.parameter(W, "w")
    joined = builder.op("cat", [x.id, w.id], {"dim": 0})
    positive = builder.op("relu", [joined.id], {})
    return builder.graph([builder.op("permute", [positive.id], {"dims": (1, 0)}).id]), {"x": X}


def test_the_default_run_is_the_programs_own_bit_for_bit() -> None:
    graph, inputs = program()
    values = evaluate(graph, inputs)
    assert len(values) == len(graph)
    assert torch.equal(values[-1], torch.relu(torch.cat([X, W])).T)
    assert all(value.dtype == torch.float32 for value in values)


def test_a_run_in_float64_computes_every_floating_value_in_float64() -> None:
    graph, inputs = program()
    values = evaluate(graph, inputs, dtype=torch.float64)
    assert all(value.dtype == torch.float64 for value in values)
    assert torch.equal(values[-1], torch.relu(torch.cat([X, W])).T.double())


def test_a_conversion_inside_the_program_does_not_bring_float32_back() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((3,), torch.float64))
    half = builder.op("cast", [x.id], {"dtype": torch.float16})
    back = builder.op("cast", [half.id], {"dtype": torch.float64})
    whole = builder.op("cast", [x.id], {"dtype": torch.int64})
    graph = builder.graph([back.id, whole.id])
    data = torch.tensor([0.1, 2.7, -3.9], dtype=torch.float64)
    run = evaluate(graph, {"x": data})
    assert torch.equal(run[back.id], data.half().double()) and not torch.equal(run[back.id], data)
    precise = evaluate(graph, {"x": data}, dtype=torch.float64)
    assert torch.equal(precise[back.id], data)
    assert precise[whole.id].tolist() == [0, 2, -3] and precise[whole.id].dtype == torch.int64


def test_inputs_are_rounded_to_the_type_that_the_program_takes() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TensorType((), torch.float32))
    tenth = torch.tensor(0.1, dtype=torch.float64)
    for dtype in (None, torch.float64):
        (value,) = evaluate(builder.graph([x.id]), {"x": tenth}, dtype=dtype)
        assert value.item() == tenth.float().item() != tenth.item()


def test_integers_and_masks_are_left_alone_in_a_float64_run() -> None:
    builder = GraphBuilder()
    mask = builder.input("mask", TensorType((2,), torch.bool))
    numbers = builder.constant(torch.tensor([1, 2]))
    zero = builder.constant(torch.tensor(0))
    chosen = builder.op("where", [mask.id, numbers.id, zero.id], {})
    values = evaluate(builder.graph([chosen.id]), {"mask": torch.tensor([True, False])}, dtype=torch.float64)
    assert [value.dtype for value in values] == [torch.bool, torch.int64, torch.int64, torch.int64]
    assert values[-1].tolist() == [1, 0]


def test_gradients_flow_to_the_inputs_that_ask_for_them() -> None:
    graph, _ = program()
    x = X.clone().requires_grad_()
    evaluate(graph, {"x": x})[-1].sum().backward()
    assert x.grad is not None and torch.equal(x.grad, (X > 0).float())


def test_missing_and_misshapen_inputs_and_draws_are_errors() -> None:
    graph, _ = program()
    with pytest.raises(KeyError):
        evaluate(graph, {})
    with pytest.raises(ValueError, match=r"`x` needs shape \(3, 4\), got \(4, 3\)"):
        evaluate(graph, {"x": X.T})
    builder = GraphBuilder()
    builder.random(TensorType((2,), torch.float32), 0.0, 1.0, 0, label="rand")
    with pytest.raises(ValueError, match="drawn at random"):
        evaluate(builder.graph(), {})

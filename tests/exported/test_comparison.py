"""The comparison of two graphs: what counts as the same, and which difference is named first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from torchlean.exported import Comparison, compare
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.graph.normal import normal_form
from torchlean.ops import TensorType
from torchlean.source import Span

WEIGHT = torch.tensor([[1.0, -2.0], [0.5, 4.0], [0.25, -1.0]])
BIAS = torch.tensor([0.5, -0.5, 0.0])

Writer = Callable[[GraphBuilder, int], int]


def graph(write: Writer, shape: tuple[int, ...] = (4, 2)) -> Graph:
    """A graph with the input `x`, and what `write` makes of it."""
    builder = GraphBuilder()
    x = builder.input("x", TensorType(shape, torch.float32))
    return builder.graph([write(builder, x.id)])


def linear(
    builder: GraphBuilder, x: int, weight: Tensor = WEIGHT, bias: Tensor = BIAS, line: int | None = None
) -> int:
    spans = () if line is None else (Span("net.py", line, 0, line, 9),)
    operands = x, builder.parameter(weight, "fc.weight").id, builder.parameter(bias, "fc.bias").id
    return builder.op("linear", operands, {}, spans).id


def net(builder: GraphBuilder, x: int) -> int:
    return builder.op("relu", [linear(builder, x, line=3)], {}, (Span("net.py", 4, 0, 4, 9),)).id


def differences(ours: Writer, theirs: Writer) -> Comparison:
    return compare(graph(ours), graph(theirs))


def test_a_graph_is_the_same_as_itself_whatever_its_labels_and_places() -> None:
    def elsewhere(builder: GraphBuilder, x: int) -> int:
        return builder.op("relu", [linear(builder, x)], {}).id

    assert differences(net, elsewhere) == Comparison(nodes=5, drawn=0, difference=None)


def test_another_op_is_named_with_both_lines() -> None:
    def other(builder: GraphBuilder, x: int) -> int:
        return builder.op("tanh", [linear(builder, x)], {}, (Span("net.py", 7, 0, 7, 9),)).id

    found = differences(net, other).difference
    assert found is not None and found.kind == "op"
    assert "`relu`" in found.message and "`tanh`" in found.message
    assert found.captured is not None and found.captured.line == 4
    assert found.exported is not None and found.exported.line == 7


def test_the_deepest_difference_comes_first() -> None:
    def other(builder: GraphBuilder, x: int) -> int:
        return builder.op("tanh", [linear(builder, x, bias=-BIAS)], {}).id

    found = differences(net, other).difference
    assert found is not None and found.kind == "op"  # relu and tanh: nothing below can be compared

    def deeper(builder: GraphBuilder, x: int) -> int:
        return builder.op("relu", [linear(builder, x, bias=-BIAS)], {}).id

    found = differences(net, deeper).difference
    assert found is not None and found.kind == "parameter"
    assert "0.5 at [0]" in found.message and "-0.5 (3 of 3 elements differ)" in found.message


def test_minus_zero_is_another_parameter_than_zero_and_nan_the_same_as_nan() -> None:
    def with_bias(*bias: float) -> Writer:
        return lambda builder, x: linear(builder, x, bias=torch.tensor(bias))

    minus = differences(with_bias(0.0, 1.0, 2.0), with_bias(-0.0, 1.0, 2.0)).difference
    assert minus is not None and minus.kind == "parameter"
    nan = float("nan")
    assert differences(with_bias(nan, 1.0, 2.0), with_bias(nan, 1.0, 2.0)).equal


def test_an_attribute_is_named_with_both_values_and_two_is_not_two_point_zero() -> None:
    def power(exponent: float) -> Writer:
        return lambda builder, x: builder.op("pow", [x], {"exponent": exponent}).id

    found = differences(power(2), power(2.0)).difference
    assert found is not None and found.kind == "attribute"
    assert "exponent = 2;" in found.message and "exponent = 2.0" in found.message


def test_other_shapes_of_a_parameter_are_named() -> None:
    found = compare(
        graph(lambda builder, x: linear(builder, x)),
        graph(lambda builder, x: linear(builder, x, WEIGHT[:2], BIAS[:2])),
    ).difference
    assert found is not None and found.kind == "shape"
    assert "(3, 2)" in found.message and "(2, 2)" in found.message


def test_exchanged_inputs_are_a_difference_of_order() -> None:
    def two(first: str, second: str) -> Graph:
        builder = GraphBuilder()
        type = TensorType((2,), torch.float32)
        a, b = builder.input("a", type, position=0), builder.input("b", type, position=1)
        named = {"a": a.id, "b": b.id}
        return builder.graph([builder.op("sub", [named[first], named[second]], {}).id])

    assert compare(two("a", "b"), two("a", "b")).equal
    found = compare(two("a", "b"), two("b", "a")).difference
    assert found is not None and found.kind == "order"
    assert "`a`" in found.message and "`b`" in found.message


def test_a_sum_is_the_same_with_its_operands_exchanged_and_a_difference_is_not() -> None:
    def summed(op: str, turned: bool) -> Writer:
        def write(builder: GraphBuilder, x: int) -> int:
            operands = [x, builder.op("exp", [x], {}).id]
            return builder.op(op, operands[::-1] if turned else operands, {}).id

        return write

    assert differences(summed("add", False), summed("add", True)).equal
    found = differences(summed("sub", False), summed("sub", True)).difference
    assert found is not None and found.kind == "order"
    assert "`sub` of `x` and `exp`" in found.message and "exchanged" in found.message


def test_exchanged_results_are_a_difference_of_order() -> None:
    def two(turned: bool) -> Graph:
        builder = GraphBuilder()
        x = builder.input("x", TensorType((2,), torch.float32)).id
        results = [builder.op("sin", [x], {}).id, builder.op("cos", [x], {}).id]
        return builder.graph(results[::-1] if turned else results)

    found = compare(two(False), two(True)).difference
    assert found is not None and found.kind == "order"
    assert "result 0" in found.message and "result 1 is it" in found.message


def test_fewer_results_are_a_difference() -> None:
    ours = graph(net)
    found = compare(ours, Graph(ours.nodes, (*ours.outputs, 0))).difference
    assert found is not None and found.kind == "results" and "1 results" in found.message


def drawn(builder: GraphBuilder, lower: float, upper: float, serial: int) -> int:
    return builder.random(TensorType((3, 2), torch.float32), lower, upper, serial, label="weight").id


def test_a_drawn_weight_agrees_with_a_draw_in_its_range_alone() -> None:
    def untrained(builder: GraphBuilder, x: int) -> int:
        return builder.op("linear", [x, drawn(builder, -4.0, 4.0, 1)], {}).id

    def narrow(builder: GraphBuilder, x: int) -> int:
        return builder.op("linear", [x, drawn(builder, -3.0, 3.0, 1)], {}).id

    def run(builder: GraphBuilder, x: int) -> int:
        return builder.op("linear", [x, builder.parameter(WEIGHT, "weight").id], {}).id

    same = differences(untrained, run)
    assert same.equal and same.drawn == 1
    found = differences(narrow, run).difference
    assert found is not None and found.kind == "parameter" and "4 there" in found.message


def test_a_weight_that_is_used_twice_is_not_two_weights() -> None:
    def twice(serials: tuple[int, int]) -> Writer:
        def write(builder: GraphBuilder, x: int) -> int:
            parts = [builder.op("linear", [x, drawn(builder, -5.0, 5.0, s)], {}).id for s in serials]
            return builder.op("sub", parts, {}).id

        return write

    def run(*weights: Tensor) -> Writer:
        def write(builder: GraphBuilder, x: int) -> int:
            parts = [builder.op("linear", [x, builder.parameter(w, "w").id], {}).id for w in weights]
            return builder.op("sub", parts, {}).id

        return write

    assert differences(twice((1, 1)), run(WEIGHT, WEIGHT)).equal
    assert differences(twice((1, 2)), run(WEIGHT, WEIGHT + 0.5)).equal
    tied = differences(twice((1, 1)), run(WEIGHT, WEIGHT + 0.5)).difference
    assert tied is not None and "used in several places" in tied.message
    shared = differences(twice((1, 2)), run(WEIGHT, WEIGHT)).difference
    assert shared is not None and "shared with another place" in shared.message


def test_a_buffer_that_is_computed_is_compared_with_its_numbers() -> None:
    def computed(builder: GraphBuilder, x: int) -> int:
        table = builder.op("exp", [builder.constant(WEIGHT).id], {}).id
        return builder.op("linear", [x, table], {}).id

    def stored(factor: float) -> Writer:
        return lambda builder, x: (
            builder.op("linear", [x, builder.parameter(WEIGHT.exp() * factor, "table").id], {}).id
        )

    assert differences(computed, stored(1.0)).equal
    assert not differences(computed, stored(2.0)).equal


def test_the_comparison_of_a_chain_deeper_than_pythons_stack_ends() -> None:
    def chain(last: str) -> Writer:
        def write(builder: GraphBuilder, x: int) -> int:
            for _ in range(2000):
                x = builder.op("sin", [x], {}).id
            return builder.op(last, [x], {}).id

        return write

    assert differences(chain("cos"), chain("cos")).equal
    assert not differences(chain("cos"), chain("sin")).equal


def copies(builder: GraphBuilder, x: int) -> int:
    same = builder.op("contiguous", [builder.op("clone", [x], {}).id], {}).id
    return builder.op("cast", [same], {"dtype": torch.float32}).id


def reshapes(builder: GraphBuilder, x: int) -> int:
    once = builder.op("reshape", [builder.op("reshape", [x], {"shape": (8,)}).id], {"shape": (2, 4)}).id
    return builder.op("reshape", [once], {"shape": (4, 2)}).id


def permutations(builder: GraphBuilder, x: int) -> int:
    turned = builder.op("permute", [x], {"dims": (1, 0)}).id
    return builder.op("permute", [turned], {"dims": (1, 0)}).id


def written_back(builder: GraphBuilder, x: int) -> int:
    places = {"index": ((0, 4, 1), 1)}
    part = builder.op("slice", [x], places).id
    return builder.op("slice_update", [x, part], places).id


@pytest.mark.parametrize("write", [copies, reshapes, permutations, written_back], ids=lambda w: w.__name__)
def test_what_changes_no_element_vanishes_from_the_normal_form(write: Writer) -> None:
    assert [node.op for node in normal_form(graph(write))] == ["input"]


def update(builder: GraphBuilder, x: int) -> int:
    places = {"index": ((0, 4, 1), 1)}
    first = builder.op("slice_update", [x, builder.constant(torch.ones(4)).id], places).id
    read = builder.op("exp", [builder.op("slice", [first], places).id], {}).id
    second = builder.op("slice_update", [first, read], places).id
    turned = builder.op("permute", [second], {"dims": (1, 0)}).id
    return builder.op("reshape", [builder.op("reshape", [turned], {"shape": (8,)}).id], {"shape": (2, 4)}).id


def slices(builder: GraphBuilder, x: int) -> int:
    rows = builder.op("slice", [x], {"index": ((1, 4, 2), (0, 2, 1))}).id
    last = builder.op("slice", [rows], {"index": (1, (0, 2, 1))}).id
    return builder.op("slice", [last], {"index": (None, (1, 2, 1))}).id


def write_into_a_part(builder: GraphBuilder, x: int) -> int:
    rows = {"index": ((1, 4, 2), (0, 2, 1))}
    part = builder.op("slice", [x], rows).id
    number = builder.constant(torch.tensor(7.0)).id
    written = builder.op("slice_update", [part, number], {"index": ((0, 2, 1), 1)}).id
    return builder.op("slice_update", [x, written], rows).id


@pytest.mark.parametrize(
    ("write", "ops"),
    [
        (slices, ["input", "slice", "reshape"]),
        (write_into_a_part, ["input", "parameter", "slice_update"]),
    ],
    ids=["slices", "write_into_a_part"],
)
def test_chains_of_slices_and_of_writes_are_one(write: Writer, ops: list[str]) -> None:
    assert [node.op for node in normal_form(graph(write))] == ops


@pytest.mark.parametrize(
    "write", [net, update, reshapes, written_back, slices, write_into_a_part], ids=lambda w: w.__name__
)
def test_the_normal_form_computes_the_same_bits(write: Writer) -> None:
    plain = graph(write)
    normal = normal_form(plain)
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(3))
    before, after = evaluate(plain, {"x": x}), evaluate(normal, {"x": x})
    assert torch.equal(before[plain.outputs[0]], after[normal.outputs[0]])
    assert len(normal) <= len(plain)

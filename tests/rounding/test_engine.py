"""The analysis over a graph: what it remembers, what can be infinite, undefined or empty, dtypes and settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from tests.rounding.networks import drawn
from torch import Tensor

from torchlean.bounds import propagate
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, GraphBuilder, evaluate
from torchlean.intervals import Interval
from torchlean.ops import TensorType
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic
from torchlean.rounding import Errors, ErrorsCache, NodeError, blame, rounding_errors

FLOAT = torch.float32


class Sheet:
    """A graph being written, with a box for each input."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self.domains: dict[str, Interval] = {}

    def input(self, lower: Any, upper: Any, dtype: torch.dtype = FLOAT) -> int:
        low, high = (torch.as_tensor(end, dtype=dtype).double() for end in (lower, upper))
        name = f"x{len(self.domains)}"
        self.domains[name] = Interval(low, high)
        return self.builder.input(name, TensorType(tuple(low.shape), dtype)).id

    def constant(self, value: Any, dtype: torch.dtype = FLOAT) -> int:
        return self.builder.constant(torch.as_tensor(value, dtype=dtype)).id

    def op(self, name: str, *operands: int, **attributes: Any) -> int:
        return self.builder.op(name, list(operands), attributes).id

    def graph(self) -> Graph:
        return self.builder.graph([len(self.builder.nodes) - 1])

    def errors(self, arithmetic: Arithmetic = DEFAULT) -> Errors:
        graph = self.graph()
        return rounding_errors(graph, propagate(graph, self.domains), arithmetic=arithmetic)

    def last(self, arithmetic: Arithmetic = DEFAULT) -> NodeError:
        return self.errors(arithmetic).errors[-1]


# What is remembered


def network(seed: int, last: float = 1.0) -> tuple[Graph, dict[str, Interval]]:
    dense = drawn("plain", [3, 8, 8, 2], torch.Generator().manual_seed(seed))
    dense.weights[-1].mul_(last)
    return dense.graph(), {"x": Interval(torch.zeros(3).double(), torch.ones(3).double())}


def test_a_second_analysis_computes_nothing_and_says_the_same() -> None:
    graph, domains = network(0)
    cache = ErrorsCache()
    first = rounding_errors(graph, propagate(graph, domains), cache)
    second = rounding_errors(graph, propagate(graph, domains), cache)
    assert first.reused == 0 and second.computed == 0
    assert [e.largest for e in first.errors] == [e.largest for e in second.errors]


def test_an_edit_of_the_last_layer_computes_only_that_and_says_what_a_fresh_analysis_says() -> None:
    cache = ErrorsCache()
    graph, domains = network(0)
    rounding_errors(graph, propagate(graph, domains), cache)
    edited, domains = network(0, last=2.0)
    warm = rounding_errors(edited, propagate(edited, domains), cache)
    cold = rounding_errors(edited, propagate(edited, domains))
    assert warm.computed == 1
    assert [e.largest for e in warm.errors] == [e.largest for e in cold.errors]


def test_other_bounds_and_other_settings_give_other_errors() -> None:
    graph, domains = network(0)
    cache = ErrorsCache()
    narrow = rounding_errors(graph, propagate(graph, domains), cache).errors[-1].largest
    wide = {"x": Interval(torch.zeros(3).double(), torch.full((3,), 4.0).double())}
    assert rounding_errors(graph, propagate(graph, wide), cache).errors[-1].largest > narrow
    tf32 = rounding_errors(graph, propagate(graph, domains), cache, arithmetic=Arithmetic(tf32=True))
    assert tf32.errors[-1].largest > 100 * narrow


def test_a_cancelled_analysis_ends_and_stores_what_is_finished_only() -> None:
    graph, domains = network(0)
    bounds = propagate(graph, domains)
    cache = ErrorsCache()
    asked = iter([False] * 5 + [True])
    with pytest.raises(Cancelled):
        rounding_errors(graph, bounds, cache, lambda: next(asked))
    assert rounding_errors(graph, bounds, cache).reused == 2, "a layer and its relu"


# What is infinite, undefined or empty


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_no_number_gives_no_finite_error(bad: float) -> None:
    sheet = Sheet()
    x = sheet.input([0.0, 0.0], [1.0, 1.0])
    sheet.op("linear", x, sheet.constant([[1.0, bad]]))
    assert sheet.last().largest == math.inf and sheet.last().reason


def test_an_input_without_a_domain_is_exact_and_what_is_computed_from_it_has_no_bound() -> None:
    sheet = Sheet()
    x = sheet.builder.input("y", TensorType((2,), FLOAT)).id
    relu = sheet.op("relu", x)
    tanh = sheet.op("tanh", x)
    doubled = sheet.op("add", x, x)
    errors = sheet.errors()
    assert errors[relu].error is None
    assert 0 < errors[tanh].largest < 1e-6, "the hyperbolic tangent of an exact number, whatever it is"
    assert errors[doubled].largest == math.inf


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_tensors_have_no_error(shape: tuple[int, ...]) -> None:
    sheet = Sheet()
    x = sheet.input(torch.zeros(shape), torch.ones(shape))
    y = sheet.op("mul", sheet.op("tanh", x), x)
    sheet.op("sum", y, dim=(), keepdim=False)
    errors = sheet.errors()
    assert errors[y].error is None
    assert errors.errors[-1].largest == 0.0, "the sum of nothing is zero"


def test_a_product_over_no_elements_is_a_bias_exactly() -> None:
    sheet = Sheet()
    x = sheet.input(torch.zeros(2, 0), torch.zeros(2, 0))
    sheet.op("linear", x, sheet.constant(torch.zeros(3, 0)), sheet.constant([1.0, 2.0, 3.0]))
    assert sheet.last().largest < 1e-6


def test_complex_numbers_have_no_error_bound() -> None:
    sheet = Sheet()
    z = sheet.builder.constant(torch.tensor([1.0 + 2.0j])).id
    sheet.op("mul", z, z)
    assert sheet.last().largest == math.inf and "complex" in str(sheet.last().reason)


def test_a_mask_of_minus_infinity_costs_nothing_before_softmax() -> None:
    """Attention: what is masked out has a share of zero, exactly."""
    sheet = Sheet()
    scores = sheet.op("tanh", sheet.input([-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]))
    masked = sheet.op("add", scores, sheet.constant([0.0, -math.inf, 0.0]))
    sheet.op("softmax", masked, dim=0)
    error = sheet.last().error
    assert error is not None and bool((error < 1e-5).all())


# Decisions that an execution may take otherwise


def compared(distance: float) -> NodeError:
    sheet = Sheet()
    x = sheet.input([1.0], [2.0])
    shifted = sheet.op("add", sheet.op("mul", x, sheet.constant([0.1])), sheet.constant([1.0]))
    sheet.op("lt", shifted, sheet.constant([1.2 + distance]))
    return sheet.last()


def test_a_comparison_is_uncertain_where_rounding_reaches_it_and_nowhere_else() -> None:
    assert compared(1e-8).largest == 1.0
    assert compared(1e-3).largest == 0.0


def test_a_floor_is_off_by_one_at_most() -> None:
    sheet = Sheet()
    x = sheet.input([0.0], [100.0])
    sheet.op("floor", sheet.op("mul", x, sheet.constant([0.1])))
    assert 1.0 <= sheet.last().largest < 1.0001


def test_integers_are_exact_unless_a_decision_behind_them_is_not() -> None:
    sheet = Sheet()
    whole = sheet.input([0, 5], [3, 9], torch.int64)
    total = sheet.op("sum", sheet.op("mul", whole, whole), dim=(0,), keepdim=False)
    scores = sheet.op("tanh", sheet.input([0.0, 0.0], [1.0, 1.0]))
    place = sheet.op("argmax", scores, dim=0, keepdim=False)
    errors = sheet.errors()
    assert errors[total].error is None
    assert errors[place].largest == 1.0


def test_a_root_of_what_is_computed_as_a_square_stays_in_its_domain() -> None:
    """Without the sign of the executed sum, rounding would seem to take it below zero, and the root with it."""
    sheet = Sheet()
    x = sheet.op("tanh", sheet.input([-1.0, -1.0], [1.0, 1.0]))
    sheet.op("sqrt", sheet.op("sum", sheet.op("square", x), dim=(0,), keepdim=False))
    assert sheet.last().largest < 1e-2


def test_a_root_that_rounding_may_take_below_zero_has_no_bound() -> None:
    sheet = Sheet()
    x = sheet.input([1.0], [2.0])
    sheet.op("sqrt", sheet.op("sub", sheet.op("exp", x), sheet.constant([float(torch.tensor(1.0).exp())])))
    assert sheet.last().largest == math.inf and sheet.last().reason


# Dtypes


def test_integers_with_too_many_digits_are_rounded_on_the_way_into_float32() -> None:
    sheet = Sheet()
    whole = sheet.input([2**24 + 1], [2**24 + 1], torch.int64)
    sheet.op("mul", whole, sheet.constant([1.0]))
    run = torch.tensor([2**24 + 1]) * torch.ones(1)
    assert abs(float(run) - (2**24 + 1)) == 1.0
    assert 1.0 <= sheet.last().largest < 4.0


@pytest.mark.parametrize(
    ("op", "attributes"), [("cat", {"dim": 0}), ("stack", {"dim": 0}), ("maximum", {}), ("minimum", {})]
)
def test_integers_that_are_moved_among_floats_are_rounded_as_well(
    op: str, attributes: dict[str, Any]
) -> None:
    sheet = Sheet()
    whole = sheet.input([2**24 + 1], [2**24 + 1], torch.int64)
    other = sheet.constant([2.0**25 if op == "minimum" else 0.0])
    sheet.op(op, whole, other, **attributes)
    graph = sheet.graph()
    executed = evaluate(graph, {"x0": torch.tensor([2**24 + 1])})[-1].double()
    exact = propagate(graph, sheet.domains)[len(graph) - 1]
    found = sheet.last().error
    assert found is not None
    assert bool(((executed - exact.lower).abs() <= found).all())
    assert float(found.max()) < 4.0


def test_integers_that_a_limit_makes_floats_are_rounded_as_well() -> None:
    sheet = Sheet()
    sheet.op("clamp", sheet.input([2**24 + 1], [2**24 + 1], torch.int64), min=0.5, max=None)
    assert float(torch.tensor([2**24 + 1]).clamp(min=0.5)) == 2.0**24, "torch rounds the integer"
    assert 1.0 <= sheet.last().largest < 4.0


def test_a_comparison_of_integers_with_floats_is_made_in_float32() -> None:
    sheet = Sheet()
    whole = sheet.input([2**24 + 1], [2**24 + 1], torch.int64)
    sheet.op("eq", whole, sheet.constant([2.0**24]))
    assert bool((torch.tensor([2**24 + 1]) == torch.tensor([2.0**24])).all()), "torch rounds the integer"
    assert sheet.last().largest == 1.0


def test_float64_has_errors_of_its_own_size() -> None:
    sheet = Sheet()
    x = sheet.input([1.0], [2.0], torch.float64)
    sheet.op("mul", x, x)
    assert 0 < sheet.last().largest < 1e-15


def test_a_conversion_to_float16_rounds_and_may_overflow() -> None:
    sheet = Sheet()
    sheet.op("cast", sheet.input([0.0], [1000.0]), dtype=torch.float16)
    assert 0.25 <= sheet.last().largest < 0.6
    sheet = Sheet()
    sheet.op("cast", sheet.input([0.0], [70000.0]), dtype=torch.float16)
    assert sheet.last().largest == math.inf and "overflow" in str(sheet.last().reason)


def test_mixed_dtypes_round_to_the_result_of_torchs_promotion() -> None:
    """A float16 tensor beside a float32 tensor is computed in float32; beside a number it stays float16."""
    sheet = Sheet()
    half = sheet.input([1.0], [2.0], torch.float16)
    single = sheet.input([1.0], [2.0])
    both = sheet.op("mul", half, single)
    alone = sheet.op("mul", half, sheet.constant(3.0, torch.float16))
    errors = sheet.errors()
    assert errors[both].largest < 1e-6 < 1e-3 < errors[alone].largest


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_executions_in_other_dtypes_stay_inside(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(3)
    for _ in range(40):
        sheet = Sheet()
        low = torch.randn(6, generator=generator).to(dtype)
        x = sheet.input(low, low, dtype)
        weight = torch.randn(4, 6, generator=generator).to(dtype)
        hidden = sheet.op("linear", x, sheet.builder.parameter(weight, "w").id)
        sheet.op("softmax", sheet.op("tanh", hidden), dim=0)
        errors = sheet.errors()
        run = torch.softmax(torch.tanh(torch.nn.functional.linear(low, weight)), 0).double()
        exact = torch.softmax(torch.tanh(torch.nn.functional.linear(low.double(), weight.double())), 0)
        error = errors.errors[-1].error
        assert error is not None
        # The reference itself is float64: as large an error again.
        assert bool(((run - exact).abs() <= error * (2.0 if dtype == torch.float64 else 1.0)).all())


def test_a_limit_of_clamp_is_rounded_to_sixteen_bits() -> None:
    sheet = Sheet()
    x = sheet.input([0.0], [1.0], torch.float16)
    sheet.op("log", sheet.op("clamp", x, min=1e-8))
    assert float(torch.zeros(1).half().clamp(min=1e-8)) == 0.0
    errors = sheet.errors()
    assert errors.errors[-2].largest >= 1e-8
    assert errors.errors[-1].largest == math.inf, "the executed logarithm is that of zero"


def test_a_limit_of_clamp_keeps_a_float32_logarithm_finite() -> None:
    sheet = Sheet()
    x = sheet.op("softmax", sheet.input([-9.0, 0.0], [9.0, 0.0]), dim=0)
    limit = float(torch.tensor(1e-8))
    sheet.op("log", sheet.op("clamp", x, min=limit))
    assert sheet.last().largest < 100.0


def test_a_dtype_without_a_model_has_no_bound() -> None:
    sheet = Sheet()
    sheet.op("cast", sheet.input([0.0], [1.0]), dtype=torch.float8_e4m3fn)
    assert sheet.last().largest == math.inf and "float8" in str(sheet.last().reason)


def test_a_mean_of_what_is_never_negative_has_a_root() -> None:
    sheet = Sheet()
    x = sheet.input([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])
    sheet.op("sqrt", sheet.op("mean", x, dim=(0,), keepdim=False))
    assert sheet.last().largest < 1e-3


# Settings of the machine


def test_flushing_subnormal_numbers_is_an_error_of_their_size() -> None:
    sheet = Sheet()
    x = sheet.input([1e-20], [2e-20])
    sheet.op("mul", x, x)
    assert sheet.last().largest < 1e-44
    assert sheet.last(Arithmetic(flush_to_zero=True)).largest >= 4e-40


def flushed(execute: Callable[[], Tensor]) -> Tensor:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormal numbers")
    try:
        return execute()
    finally:
        torch.set_flush_denormal(False)


def test_executions_that_flush_stay_inside() -> None:
    generator = torch.Generator().manual_seed(5)
    for _ in range(40):
        weight = torch.randn(3, 5, generator=generator) * 1e-19
        low = torch.randn(5, generator=generator) * 1e-19
        sheet = Sheet()
        x = sheet.input(low, low)
        product = sheet.op("linear", x, sheet.builder.parameter(weight, "w").id)
        sheet.op("mul", product, sheet.constant(3.0))
        error = sheet.last(Arithmetic(flush_to_zero=True)).error
        run = flushed(lambda low=low, weight=weight: torch.nn.functional.linear(low, weight) * 3.0)
        exact = torch.nn.functional.linear(low.double(), weight.double()) * 3.0
        assert error is not None and bool(((run.double() - exact).abs() <= error).all())


def tf32(values: Tensor) -> Tensor:
    """Rounded to 11 significant bits, by Veltkamp's splitting in float64."""
    wide = values.double()
    scaled = wide * (2.0**42 + 1.0)
    return scaled - (scaled - wide)


def test_products_of_rounded_operands_stay_inside_the_error_for_tf32() -> None:
    generator = torch.Generator().manual_seed(9)
    for _ in range(40):
        weight, low = torch.randn(3, 50, generator=generator), torch.randn(50, generator=generator)
        sheet = Sheet()
        x = sheet.input(low, low)
        sheet.op("linear", x, sheet.builder.parameter(weight, "w").id)
        error = sheet.last(Arithmetic(tf32=True)).error
        run = (tf32(weight) * tf32(low)).float().sum(1).double()
        exact = torch.nn.functional.linear(low.double(), weight.double())
        assert error is not None and bool(((run - exact).abs() <= error).all())
        assert bool(((run - exact).abs() > 1e-5).any())


@pytest.mark.parametrize("op", ["layer_norm", "rms_norm"])
@pytest.mark.parametrize("size", [1e-15, 1e-18, 1e-20, 1e-22, 1e-30])
def test_normalised_rows_whose_squares_underflow_stay_inside(op: str, size: float) -> None:
    generator = torch.Generator().manual_seed(13)
    function = getattr(torch.nn.functional, op)
    attributes = {"normalized_shape": (3,), "eps": 0.0, "has_weight": False, "has_bias": False}
    for _ in range(20):
        row = torch.randn(3, generator=generator) * size
        sheet = Sheet()
        sheet.op(op, sheet.input(row, row), **attributes)
        found = sheet.last().error
        error = torch.zeros(3).double() if found is None else found
        off = (function(row, (3,), eps=0.0).double() - function(row.double(), (3,), eps=0.0)).abs()
        assert bool(((off <= error) | torch.isinf(error)).all())


def test_executions_under_autocast_stay_inside() -> None:
    generator = torch.Generator().manual_seed(11)
    for _ in range(40):
        weight, low = torch.randn(3, 20, generator=generator), torch.randn(20, generator=generator)
        sheet = Sheet()
        x = sheet.input(low, low)
        sheet.op("tanh", sheet.op("linear", x, sheet.builder.parameter(weight, "w").id))
        error = sheet.last(Arithmetic(autocast=torch.bfloat16)).error
        with torch.autocast("cpu", dtype=torch.bfloat16):
            run = torch.tanh(torch.nn.functional.linear(low, weight)).double()
        exact = torch.tanh(torch.nn.functional.linear(low.double(), weight.double()))
        assert error is not None and bool(((run - exact).abs() <= error).all())


# Blame


def shares(sheet: Sheet, places: Sequence[str]) -> dict[str, float]:
    return blame(sheet.graph(), sheet.errors(), places)[-1]


def test_the_op_that_rounds_most_is_to_blame() -> None:
    sheet = Sheet()
    x = sheet.input([0.0], [1.0])
    big = sheet.op("add", x, sheet.constant([1000.0]))
    sheet.op("sub", big, sheet.constant([1000.0]))
    found = shares(sheet, ["input", "large", "addition", "large again", "subtraction"])
    assert found["addition"] > 0.99
    assert abs(sum(found.values()) - 1.0) < 1e-3


def test_an_error_that_is_multiplied_counts_as_often() -> None:
    sheet = Sheet()
    x = sheet.op("tanh", sheet.input([1.0], [1.0]))
    sheet.op("mul", x, sheet.constant([4.0]))
    found = shares(sheet, ["input", "tanh", "four", "product"])
    assert found["tanh"] > 0.7


def test_an_infinite_error_is_to_blame_where_it_begins() -> None:
    sheet = Sheet()
    power = sheet.op("exp", sheet.input([0.0], [100.0]))
    sheet.op("tanh", sheet.op("mul", power, power))
    assert shares(sheet, ["input", "exp", "product", "tanh"]) == {"exp": 1.0}
    sheet = Sheet()
    small = sheet.op("exp", sheet.input([0.0], [10.0]))
    sheet.op("tanh", sheet.op("log", sheet.op("sub", small, sheet.constant([1.0]))))
    places = ["input", "exp", "one", "difference", "logarithm", "tanh"]
    assert shares(sheet, places) == {"logarithm": 1.0}, "a finite error moves it to where it is undefined"


def test_an_error_with_a_limit_is_to_blame_where_what_has_none_begins() -> None:
    """An angle is off by two turns at most, wherever its operands are: shares are no quotients of infinities."""
    sheet = Sheet()
    x = sheet.input([-1.0], [1.0])
    sheet.op("atan2", sheet.op("sin", x), sheet.op("sinh", x))
    found = shares(sheet, ["input", "sine", "other", "angle"])
    assert 6.0 < sheet.last().largest < math.inf
    assert math.isclose(math.fsum(found.values()), 1.0), found

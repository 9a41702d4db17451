"""Where careless bounds go wrong: rounding, overflow, unknown values, empty tensors, signs."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import tests.ops.tensor_references as exactly
import torch
from tests.ops.exact import within
from tests.ops.tensor_boxes import make
from tests.ops.tensor_case import Case
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType

INF = math.inf


def bounds(op: str, *operands: Interval, **attributes: Any) -> Interval:
    types = [TensorType(x.shape, torch.float64) for x in operands]
    result = OPS[op].interval(operands, attributes, OPS[op].infer(types, attributes))
    assert not torch.isnan(result.lower).any()
    assert not torch.isnan(result.upper).any()
    return result


def box(lower: Any, upper: Any) -> Interval:
    return Interval(torch.as_tensor(lower, dtype=torch.float64), torch.as_tensor(upper, dtype=torch.float64))


def known(value: Any) -> Interval:
    return Interval.point(torch.as_tensor(value, dtype=torch.float64))


def ends(x: Interval) -> list[Any]:
    return [x.lower.tolist(), x.upper.tolist()]


ROW: dict[str, Any] = {"dim": (1,), "keepdim": False}
BARE = {"has_weight": False, "has_bias": False, "eps": 1e-5}
CONVOLUTION = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1}
POOL = {
    "rank": 1,
    "kernel_size": (20,),
    "stride": (20,),
    "padding": (0,),
    "ceil_mode": False,
    "count_include_pad": True,
}

LONG = [
    Case("linear", "linear", ((1, 200), (2, 200)), lambda x, w: exactly.einsum("ni,oi->no", x, w)),
    Case("matmul", "matmul", ((2, 60), (60, 2)), lambda a, b: exactly.einsum("ij,jk->ik", a, b)),
    Case(
        "conv",
        "conv",
        ((1, 8, 6), (2, 8, 3)),
        lambda x, w: exactly.convolution(x, w, None, CONVOLUTION),
        CONVOLUTION,
    ),
    Case("sum", "sum", ((1, 300),), lambda x: exactly.over(sum, x, (1,)), ROW),
    Case("mean", "mean", ((1, 300),), lambda x: exactly.over(exactly.mean, x, (1,)), ROW),
    Case("avg_pool", "avg_pool", ((1, 60),), lambda x: exactly.pool(x, POOL, exactly.mean), POOL),
    Case(
        "prod", "prod", ((1, 12),), lambda x: exactly.over(math.prod, x, (1,)), {"dim": 1, "keepdim": False}
    ),
    Case(
        "var",
        "var",
        ((1, 50),),
        lambda x: exactly.over(lambda v: exactly.squared_deviations(v) / 49, x, (1,)),
        ROW | {"correction": 1},
    ),
    Case(
        "softmax",
        "softmax",
        ((1, 64),),
        lambda x: exactly.along(exactly.softmax, x, (1,)),
        {"dim": 1},
        analytic=True,
    ),
    Case(
        "log_softmax",
        "log_softmax",
        ((1, 20),),
        lambda x: exactly.along(exactly.log_softmax, x, (1,)),
        {"dim": 1},
        analytic=True,
    ),
    Case(
        "logsumexp",
        "logsumexp",
        ((2, 50),),
        lambda x: exactly.over(exactly.logsumexp, x, (1,)),
        ROW,
        analytic=True,
    ),
    Case(
        "logcumsumexp",
        "logcumsumexp",
        ((2, 20),),
        lambda x: exactly.along(exactly.running(exactly.logsumexp), x, (1,)),
        {"dim": 1},
        analytic=True,
    ),
    Case(
        "norm",
        "vector_norm",
        ((2, 50),),
        lambda x: exactly.over(exactly.norm(2), x, (1,)),
        ROW | {"ord": 2.0},
        analytic=True,
    ),
    Case(
        "layer_norm",
        "layer_norm",
        ((1, 64),),
        lambda x: exactly.along(exactly.standardised(1e-5), x, (1,)),
        BARE | {"normalized_shape": (64,)},
        analytic=True,
    ),
    Case(
        "rms_norm",
        "rms_norm",
        ((1, 64),),
        lambda x: exactly.along(exactly.by_root_mean_square(1e-5), x, (1,)),
        BARE | {"normalized_shape": (64,)},
        analytic=True,
    ),
]


@pytest.mark.parametrize("case", LONG, ids=str)
def test_plain_float64_excludes_the_exact_value_and_the_bounds_do_not(case: Case) -> None:
    source = random.Random(str(case))
    missed = 0
    for kind in ("unit", "cancelling"):
        boxes = [make(kind, shape, source) for shape in case.shapes]
        for inputs in ([x.lower for x in boxes], [x.upper for x in boxes]):
            plain = OPS[case.op].evaluate(inputs, case.attributes)
            arrays = [exactly.exact(x) for x in inputs]
            found = np.asarray(case.reference(*(map(exactly.real, arrays) if case.analytic else arrays)))
            points = bounds(case.op, *(Interval(x, x) for x in inputs), **case.attributes)
            wide = bounds(case.op, *boxes, **case.attributes)
            for place in np.ndindex(*found.shape):
                number = plain[place].item()
                missed += not within(number, found[place], number)
                for result in (points, wide):
                    assert within(result.lower[place].item(), found[place], result.upper[place].item()), (
                        f"{case} {place}"
                    )
    assert missed, f"{case}: plain float64 was exact everywhere; the test attacks nothing"


def test_a_zero_weight_meets_an_unknown_value_as_zero() -> None:
    x = box([[-INF, 1.0]], [[INF, 2.0]])
    result = bounds("linear", x, known([[0.0, 3.0], [1.0, 3.0]]))
    assert 2.999 < result.lower[0, 0] <= 3.0
    assert 6.0 <= result.upper[0, 0] < 6.001
    assert ends(result)[0][0][1] == -INF
    assert ends(result)[1][0][1] == INF


def test_half_bounded_values_keep_their_bounded_side() -> None:
    x = box([[0.0, 1.0]], [[INF, 2.0]])
    result = bounds("linear", x, known([[2.0, 1.0], [-2.0, 1.0]]))
    assert 0.999 < result.lower[0, 0] <= 1.0
    assert result.upper[0, 0] == INF
    assert result.lower[0, 1] == -INF
    assert 2.0 <= result.upper[0, 1] < 2.001


def test_overflow_in_a_product_leaves_a_bound_that_holds() -> None:
    largest = torch.finfo(torch.float64).max
    result = bounds(
        "linear", box([[largest, largest]], [[largest, largest]]), known([[1.0, 1.0], [1.0, -1.0]])
    )
    assert result.lower[0, 0] <= largest
    assert result.upper[0, 0] == INF
    assert result.lower[0, 1] <= 0.0 <= result.upper[0, 1]


def test_unknown_operands_cost_no_arithmetic_and_stay_unknown() -> None:
    unknown = Interval.unbounded((2, 3))
    assert not bounds("linear", unknown, known(torch.ones(4, 3))).bounded()
    assert not bounds("matmul", unknown, Interval.unbounded((3, 2))).bounded()
    assert ends(bounds("softmax", unknown, dim=1)) == [[[0.0] * 3] * 2, [[1.0] * 3] * 2]
    assert ends(bounds("log_softmax", unknown, dim=1)) == [[[-INF] * 3] * 2, [[0.0] * 3] * 2]
    assert float(bounds("normalize", unknown, p=2.0, dim=(1,), eps=1e-12).upper.max()) == 1.0


@pytest.mark.parametrize("n", [2, 3, 10])
def test_standardised_elements_never_pass_the_root_of_n_minus_one(n: int) -> None:
    limit = math.sqrt(n - 1)
    for x in (Interval.unbounded((1, n)), box([[-1e200] * n], [[1e200] * n]), box([[-1.0] * n], [[1.0] * n])):
        result = bounds("layer_norm", x, normalized_shape=(n,), **BARE)
        assert limit * 0.99 < float(result.upper.max()) <= limit * (1 + 1e-15)
        assert torch.equal(result.lower, -result.upper)


def test_masked_logits_get_no_probability() -> None:
    result = bounds("softmax", box([[-INF, 1.0, 1.0]], [[-INF, 1.0, 1.0]]), dim=1)
    assert ends(result)[0][0][0] == ends(result)[1][0][0] == 0.0
    assert 0.4999999 < result.lower[0, 1] <= 0.5 <= result.upper[0, 1] < 0.5000001
    assert not result.undefined


def test_a_row_of_masked_logits_only_is_undefined() -> None:
    result = bounds("softmax", known([[-INF, -INF], [0.0, -INF]]), dim=1)
    assert result.undefined
    assert ends(result)[0][1] == ends(result)[1][1] == [1.0, 0.0]


def test_logits_far_apart_neither_overflow_nor_lose_the_small_share() -> None:
    result = bounds("softmax", known([[0.0, 600.0]]), dim=1)
    share = math.exp(-600.0)
    assert share * (1 - 1e-12) < result.lower[0, 0] <= result.upper[0, 0] < share * (1 + 1e-12)
    log = bounds("log_softmax", known([[0.0, 1e6]]), dim=1)
    assert -1e6 - 1e-3 < log.lower[0, 0] <= log.upper[0, 0] <= -1e6 + 1e-3


def test_an_own_logit_with_a_wide_range_does_not_blur_the_others() -> None:
    result = bounds("softmax", box([[-50.0, 0.0, 0.0]], [[50.0, 0.0, 0.0]]), dim=1)
    least = 1 / (1 + 2 * math.exp(50.0))
    assert least * (1 - 1e-9) < result.lower[0, 0] <= least * (1 + 1e-9)


SIGNED: list[tuple[str, dict[str, Any]]] = [
    ("sum", ROW),
    ("mean", ROW),
    ("cumsum", {"dim": 1}),
    ("avg_pool", POOL | {"kernel_size": (2,), "stride": (1,)}),
    ("vector_norm", ROW | {"ord": 2.0}),
    ("vector_norm", ROW | {"ord": 3.0}),
    ("var", ROW | {"correction": 1}),
    ("std", ROW | {"correction": 1}),
    ("softmax", {"dim": 1}),
]


@pytest.mark.parametrize(("op", "attributes"), SIGNED)
@pytest.mark.parametrize("upper", [0.0, 5e-324, 1.0])
def test_what_cannot_be_negative_is_not_bounded_below_zero(
    op: str, attributes: dict[str, Any], upper: float
) -> None:
    assert (bounds(op, box([[0.0] * 3], [[upper] * 3]), **attributes).lower >= 0).all()


@pytest.mark.parametrize(("op", "attributes"), SIGNED[:4])
def test_nothing_but_zeros_adds_up_to_zero(op: str, attributes: dict[str, Any]) -> None:
    result = bounds(op, known([[0.0] * 3]), **attributes)
    assert (result.lower == 0).all()
    assert (result.upper == 0).all()


def test_integers_are_added_up_exactly() -> None:
    out = TensorType((1,), torch.int64)
    x = box([[1.0, 2.0, 3.0]], [[1.0, 5.0, 3.0]])
    assert ends(OPS["sum"].interval([x], ROW, out)) == [[6.0], [9.0]]
    weight = known([[2.0, -1.0, 4.0]])
    assert ends(OPS["linear"].interval([x, weight], {}, TensorType((1, 1), torch.int64))) == [
        [[9.0]],
        [[12.0]],
    ]


def test_the_first_of_equal_maxima_wins_and_ties_that_may_break_are_open() -> None:
    options = {"dim": 1, "keepdim": False}
    assert ends(bounds("argmax", known([[1.0, 2.0, 2.0]]), **options)) == [[1.0], [1.0]]
    assert ends(bounds("argmin", known([[1.0, 2.0, 1.0]]), **options)) == [[0.0], [0.0]]
    # The second can equal, but never pass, the first.
    assert ends(bounds("argmax", box([[2.0, 0.0]], [[3.0, 2.0]]), **options)) == [[0.0], [0.0]]
    assert ends(bounds("argmax", box([[2.0, 0.0]], [[3.0, 2.5]]), **options)) == [[0.0], [1.0]]
    assert ends(bounds("argmax", Interval.unbounded((1, 4)), **options)) == [[0.0], [3.0]]


def test_empty_tensors_have_bounds_where_torch_has_values() -> None:
    def empty(*shape: int) -> Interval:
        return known(torch.zeros(shape))

    assert ends(bounds("sum", empty(2, 0), **ROW)) == [[0.0, 0.0], [0.0, 0.0]]
    assert ends(bounds("prod", empty(2, 0), dim=1, keepdim=False)) == [[1.0, 1.0], [1.0, 1.0]]
    assert ends(bounds("matmul", empty(1, 0), empty(0, 1))) == [[[0.0]], [[0.0]]]
    assert ends(bounds("linear", empty(1, 0), empty(1, 0), known([7.0]))) == [[[7.0]], [[7.0]]]
    assert ends(bounds("vector_norm", empty(2, 0), ord=2.0, **ROW)) == [[0.0, 0.0], [0.0, 0.0]]
    assert bounds("mean", empty(2, 0), **ROW).undefined
    assert bounds("logsumexp", empty(2, 0), **ROW).undefined
    assert bounds("softmax", empty(0, 3), dim=1).shape == (0, 3)
    assert bounds("layer_norm", empty(0, 3), normalized_shape=(3,), **BARE).shape == (0, 3)
    assert bounds("conv", empty(0, 2, 5), known(torch.ones(3, 2, 3)), **CONVOLUTION).shape == (0, 3, 3)


def test_quotients_without_a_value_are_said_to_be_undefined() -> None:
    constant = known([[2.0, 2.0, 2.0]])
    assert bounds("var", known([[1.0]]), **ROW, correction=1).undefined
    assert bounds("layer_norm", constant, normalized_shape=(3,), **(BARE | {"eps": 0.0})).undefined
    assert not bounds("layer_norm", constant, normalized_shape=(3,), **BARE).undefined
    assert bounds("normalize", box([[-1.0, 0.0]], [[1.0, 0.0]]), p=2.0, dim=(1,), eps=0.0).undefined
    statistics = [known([0.0]), box([-1.0], [1.0])]
    assert bounds("batch_norm", known([[1.0]]), *statistics, **(BARE | {"eps": 0.0})).undefined


def test_the_variance_of_a_constant_box_reaches_from_zero() -> None:
    result = bounds("var", box([[0.0] * 4], [[1.0] * 4]), **ROW, correction=0)
    assert result.lower[0] == 0.0
    # Two at each end: 1/4, which is also what the bound by the midpoint gives.
    assert 0.25 <= result.upper[0] < 0.2500001


def test_a_separated_box_has_a_variance_above_zero() -> None:
    low = [[0.0, 0.0, 10.0, 10.0]]
    result = bounds("var", box(low, [[1.0, 1.0, 11.0, 11.0]]), **ROW, correction=0)
    # Closest together: 1, 1, 10, 10, which deviate by 4.5 each.
    assert 4.5**2 * (1 - 1e-9) < result.lower[0] <= 4.5**2


def test_a_variance_whose_centre_lies_between_two_ends_is_not_lost() -> None:
    """Newton's steps from either of the two ends go to the other one, for ever."""
    low = [[-1.0, 0.0, -1.0, -1.0]]
    result = bounds("var", box(low, [[-0.125, 16.0, 1.5, 3.5]]), **ROW, correction=0)
    # Closest together: -0.125 and 0, and the others half-way.
    assert 2 * 0.0625**2 / 4 * (1 - 1e-9) < result.lower[0] <= 2 * 0.0625**2 / 4


def test_long_sums_of_mixed_signs_hold_in_exact_arithmetic() -> None:
    source = random.Random(5)
    numbers = [source.gauss(0, 1) * 10.0 ** source.randint(-20, 20) for _ in range(2000)]
    x: Tensor = torch.tensor([numbers], dtype=torch.float64)
    ones = torch.ones(1, 2000, dtype=torch.float64)
    total = sum(map(Fraction, numbers), Fraction(0))
    for result in (bounds("sum", known(x), **ROW), bounds("linear", known(x), known(ones))):
        assert within(result.lower.item(), total, result.upper.item())


VANISHING: list[tuple[str, tuple[tuple[int, ...], ...], dict[str, Any], int]] = [
    ("linear", ((1, 60), (1, 60)), {}, 1),
    ("matmul", ((1, 60), (60, 1)), {}, 1),
    ("conv", ((1, 4, 15), (1, 4, 15)), CONVOLUTION, 1),
    ("sum", ((1, 60),), ROW, 1),
    ("mean", ((1, 60),), ROW, 60),
    ("avg_pool", ((1, 60),), POOL | {"kernel_size": (60,), "stride": (60,)}, 60),
    ("adaptive_avg_pool", ((1, 60),), {"rank": 1, "output_size": (1,)}, 60),
    ("einsum", ((1, 60),), {"equation": "ij->i"}, 1),
    ("einsum", ((1, 60), (1, 60)), {"equation": "ij,kj->ik"}, 1),
]


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "divisor"), VANISHING, ids=[row[0] for row in VANISHING]
)
def test_terms_that_vanish_one_by_one_are_not_lost(
    op: str, shapes: tuple[tuple[int, ...], ...], attributes: dict[str, Any], divisor: int
) -> None:
    # Added to 1 one after the other, every term is rounded away: the greatest error a sum can make.
    small = 2.0**-53
    x = torch.full(shapes[0], small, dtype=torch.float64)
    x.view(-1)[0] = 1.0
    result = bounds(op, known(x), *(known(torch.ones(shape)) for shape in shapes[1:]), **attributes)
    total = (1 + 59 * Fraction(small)) / divisor
    assert within(result.lower.item(), total, result.upper.item())


@pytest.mark.parametrize("steps", [0, 1, 12])
def test_the_least_variance_is_not_overestimated_from_any_centre(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr("torchlean.intervals.dispersion.NEWTON_STEPS", steps)
    low = [[0.0, 0.0, 0.0, 0.0, 100.0]]
    result = bounds("var", box(low, [[1.0, 0.0, 0.0, 3.0, 200.0]]), **ROW, correction=0)
    # The least dispersion has the free elements as close to the mean as they come.
    least = exactly.squared_deviations(list(map(Fraction, (1, 0, 0, 3, 100)))) / 5
    assert within(result.lower.item(), least, INF)
    if steps == 12:
        assert result.lower.item() > float(least) * (1 - 1e-9)

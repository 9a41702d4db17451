"""Interval rules of element-wise ops of several tensors, attacked with exact reference values."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import pytest
import torch
from tests.ops.bivariate_cases import CASES, Multivariate
from tests.ops.boxes import LARGEST, MAGNITUDES, TINY, Ends, interval, moderate, point
from tests.ops.exact import within

from torchlean.intervals import Interval, down, up
from torchlean.ops import OPS, TensorType

every_case = pytest.mark.parametrize("case", CASES, ids=str)

Box = tuple[Ends, ...]

BOXES = 400
WHOLE = (0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 100.0, 2.0**31, 2.0**53)
"""Integers up to where float64 holds all of them; beyond, the ends of an interval are no longer integers."""


def bounds(case: Multivariate, operands: list[Interval]) -> Interval:
    shape = torch.broadcast_shapes(*(x.shape for x in operands))
    result = OPS[case.op].interval(operands, case.attributes, TensorType(tuple(shape), case.dtype))
    assert result.shape == shape
    assert result.lower.dtype == result.upper.dtype == torch.float64
    assert not torch.isnan(result.lower).any()
    assert not torch.isnan(result.upper).any()
    assert (result.lower <= result.upper).all()
    return result


def numbers(case: Multivariate) -> list[float]:
    magnitudes = MAGNITUDES if case.dtype.is_floating_point or case.dtype == torch.bool else WHOLE
    return sorted({sign * x for x in magnitudes for sign in (1.0, -1.0)})


def boxes(case: Multivariate, seed: int) -> list[Box]:
    """Ends from the same few numbers, so that operands touch, coincide and cross; points, rays and moderate ones."""
    source = random.Random(seed)
    known = numbers(case)

    def ends() -> Ends:
        kind = source.random()
        if kind < 0.25:
            x = source.choice(known)
            return x, x
        if kind < 0.3:
            x = source.choice(known)
            return min(x, 0.0), max(x, 0.0)
        if kind < 0.38 and case.dtype.is_floating_point:
            x = source.choice(known)
            return source.choice(((x, math.inf), (-math.inf, x), (-math.inf, math.inf)))
        if kind < 0.6 and case.dtype.is_floating_point:
            return moderate(source, -5.0, 5.0)
        low, high = sorted((source.choice(known), source.choice(known)))
        return low, high

    return [tuple(ends() for _ in range(case.operands)) for _ in range(BOXES)]


def points(case: Multivariate, box: Box, source: random.Random) -> list[tuple[float, ...]]:
    """Corners, and random points with zeros and coinciding coordinates among them."""
    near = [(max(low, -LARGEST), min(high, LARGEST)) for low, high in box]
    choices = []
    for low, high in near:
        inner = [x for x in (*source.sample(numbers(case), 4), 0.0, *near[0], *near[1]) if low <= x <= high]
        if case.dtype.is_floating_point:
            inner += [x for x in (-TINY, TINY) if low <= x <= high]
            inner.append(min(max(source.uniform(max(low, -9.0), min(high, 9.0)), low), high))
        choices.append([low, high, *inner])
    corners = list(itertools.product(*near))
    return corners + [tuple(source.choice(options) for options in choices) for _ in range(6)]


@every_case
def test_the_exact_value_lies_inside_for_every_attack(case: Multivariate) -> None:
    source = random.Random(1)
    attacked = boxes(case, seed=0)
    result = bounds(case, [interval([box[i] for box in attacked]) for i in range(case.operands)])
    if case.op == "prelu":
        result = bounds_one_by_one(case, attacked)
    for box, lower, upper in zip(attacked, result.lower.tolist(), result.upper.tolist(), strict=True):
        for values in points(case, box, source):
            if not case.defined(*values):
                continue
            if case.op == "pow_tensor" and too_large(values):
                continue
            exact = case.reference(*map(Fraction, values))
            assert within(lower, exact, upper), f"{case}{values} in {box}: not in [{lower}, {upper}]"


@every_case
def test_undefined_is_said_exactly_where_the_domain_is_left(case: Multivariate) -> None:
    for box in boxes(case, seed=5):
        said = bounds(case, [interval([ends]) for ends in box]).undefined
        assert said == case.undefined(*box), f"{case} on {box}: undefined={said}"


@every_case
def test_a_smaller_box_has_no_wider_bounds(case: Multivariate) -> None:
    source = random.Random(3)
    outer, inner = [], []
    for box in boxes(case, seed=6):
        first, second = source.choice(points(case, box, source)), source.choice(points(case, box, source))
        smaller = tuple((min(a, b), max(a, b)) for a, b in zip(first, second, strict=True))
        if not case.nowhere(*smaller):
            outer.append(box)
            inner.append(smaller)
    wide, narrow = bounds_one_by_one(case, outer), bounds_one_by_one(case, inner)
    # The platform's functions are monotone only up to an ulp; so is the sign of a cancelled sum.
    assert (narrow.lower >= down(wide.lower, 2)).all()
    assert (narrow.upper <= up(wide.upper, 2)).all()


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.tight and case.dtype == torch.float64], ids=str
)
def test_bounds_of_moderate_boxes_are_as_wide_as_the_range(case: Multivariate) -> None:
    source = random.Random(2)
    for _ in range(40):
        box = tuple(moderate(source, *domain) for domain in case.domains[: case.operands])
        result = bounds(case, [interval([ends]) for ends in box])
        grid = torch.cartesian_prod(*(axis(ends) for ends in box))
        operands = list(grid.unbind(1))
        if case.op == "prelu":
            values = torch.where(operands[0] > 0, operands[0], operands[0] * operands[1])
        else:
            values = OPS[case.op].evaluate(operands, case.attributes)
        reached = (values.max() - values.min()).item()
        width = (result.upper - result.lower).item()
        assert width <= reached * (1 + 1e-6) + 1e-13, f"{case} on {box}: {width} for {reached}"


@pytest.mark.parametrize("case", [case for case in CASES if case.exact], ids=str)
def test_points_stay_points(case: Multivariate) -> None:
    for values in itertools.product((-3.0, -1.0, 0.0, 2.0, 5.0), repeat=case.operands):
        if case.defined(*values) and not case.undefined(*((x, x) for x in values)):
            result = bounds(case, [point(x) for x in values])
            assert result.is_point, f"{case}{values}: {result}"
            assert Fraction(result.lower.item()) == case.reference(*map(Fraction, values))


@every_case
def test_operands_broadcast(case: Multivariate) -> None:
    shapes = [(2, 1, 3), (4, 1), (3,)][: case.operands]
    if case.op == "prelu":
        shapes = [(2, 3, 4), (3,)]
    operands = [
        Interval(torch.ones(shape, dtype=torch.float64), 2 * torch.ones(shape).double()) for shape in shapes
    ]
    expected = (2, 3, 4) if case.op == "prelu" else tuple(torch.broadcast_shapes(*shapes))
    result = OPS[case.op].interval(operands, case.attributes, TensorType(expected, case.dtype))
    assert result.shape == expected


def axis(ends: Ends) -> torch.Tensor:
    grid = torch.linspace(*ends, 33, dtype=torch.float64).clamp(*ends)
    return torch.cat([grid, torch.zeros(1, dtype=torch.float64)]) if ends[0] <= 0 <= ends[1] else grid


def bounds_one_by_one(case: Multivariate, attacked: list[Box]) -> Interval:
    """Each box by itself, for ops whose second operand is not one number for each element."""
    results = [bounds(case, [interval([ends]) for ends in box]) for box in attacked]
    return Interval(torch.cat([r.lower for r in results]), torch.cat([r.upper for r in results]))


def too_large(values: tuple[float, ...]) -> bool:
    """Whether a power has too many digits to be written down."""
    base, exponent = values
    return abs(exponent) > 1100 or (base not in (0, 1, -1) and abs(exponent * math.log2(abs(base))) > 1e6)


def test_a_log_of_a_sum_near_one_is_enclosed_although_its_digits_cancel() -> None:
    case = next(case for case in CASES if case.op == "logaddexp")
    source = random.Random(7)
    pairs = [(a, math.log(-math.expm1(a))) for a in (-source.expovariate(1.0) for _ in range(300))]
    result = bounds(case, [interval([(pair[i], pair[i]) for pair in pairs]) for i in (0, 1)])
    for pair, lower, upper in zip(pairs, result.lower.tolist(), result.upper.tolist(), strict=True):
        assert within(lower, case.reference(*map(Fraction, pair)), upper), f"logaddexp{pair}"
        assert upper - lower < 1e-13

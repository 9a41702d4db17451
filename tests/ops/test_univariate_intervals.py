"""Interval rules of element-wise ops of one tensor, attacked with exact reference values."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
import torch
from tests.ops.boxes import Ends, attacks, inside, interval, moderate, point
from tests.ops.exact import Exact, within
from tests.ops.univariate_cases import CASES, Univariate

from torchlean.intervals import Interval, down, up
from torchlean.ops import OPS, TensorType

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def bounds(case: Univariate, x: Interval) -> Interval:
    out = TensorType(x.shape, torch.float64)
    result = OPS[case.op].interval([x], case.attributes, out)
    assert result.shape == x.shape
    assert not torch.isnan(result.lower).any()
    assert not torch.isnan(result.upper).any()
    assert (result.lower <= result.upper).all()
    return result


@every_case
def test_the_exact_value_lies_inside_for_every_attack(case: Univariate) -> None:
    source = random.Random(1)
    boxes = attacks(case.critical)
    result = bounds(case, interval(boxes))
    known: dict[float, Exact] = {}
    for box, lower, upper in zip(boxes, result.lower.tolist(), result.upper.tolist(), strict=True):
        for x in inside(box, case.critical, source):
            if case.undefined(x, x):
                continue
            if x not in known:
                known[x] = case.reference(Fraction(x))
            assert within(lower, known[x], upper), (
                f"{case}({x!r}) for {box}: {known[x]} not in [{lower}, {upper}]"
            )


@every_case
def test_undefined_is_said_exactly_where_the_domain_is_left(case: Univariate) -> None:
    for box in attacks(case.critical):
        said = bounds(case, interval([box])).undefined
        assert said == case.undefined(*box), f"{case} on {box}: undefined={said}"


@every_case
def test_bounds_of_moderate_intervals_are_as_wide_as_the_range(case: Univariate) -> None:
    source = random.Random(2)
    boxes = [moderate(source, *case.domain) for _ in range(60)]
    result = bounds(case, interval(boxes))
    for box, width in zip(boxes, (result.upper - result.lower).tolist(), strict=True):
        reached = spread(case, box)
        assert width <= reached * (1 + 1e-6) + case.loose + 1e-14, f"{case} on {box}: {width} for {reached}"


@every_case
def test_a_smaller_interval_has_no_wider_bounds(case: Univariate) -> None:
    source = random.Random(3)
    outer = [box for box in attacks(case.critical) if math.isfinite(box[0]) and math.isfinite(box[1])]
    inner = [tuple(sorted(source.sample(inside(box, case.critical, source) * 2, 2))) for box in outer]
    wide, narrow = bounds(case, interval(outer)), bounds(case, interval(inner))  # type: ignore[arg-type]
    # The platform's functions are monotone only up to an ulp.
    slack = 0 if case.exact else 2
    extra = 1e-14 if case.cancels else 0.0
    assert (narrow.lower >= down(wide.lower, slack) - extra).all()
    assert (narrow.upper <= up(wide.upper, slack) + extra).all()


@pytest.mark.parametrize("case", [case for case in CASES if case.exact], ids=str)
def test_a_point_stays_the_exact_point(case: Univariate) -> None:
    for x in (-3.7, -2.0, -0.5, 0.0, 0.3, 0.5, 1.5, 2.0, 8.25):
        result = bounds(case, point(x))
        assert result.is_point
        assert within(result.lower.item(), case.reference(Fraction(x)), result.upper.item())


@every_case
def test_a_point_has_bounds_within_a_few_roundings(case: Univariate) -> None:
    low, high = case.domain
    for x in (low + (high - low) * share for share in (0.13, 0.37, 0.62, 0.91)):
        result = bounds(case, point(x))
        width = (result.upper - result.lower).item()
        scale = max(1.0, abs(x), result.upper.abs().item())
        assert width <= 1e-13 * scale + case.loose, f"{case}({x}): {result}"


def spread(case: Univariate, box: Ends) -> float:
    """Width of the range over a box, from the op's own evaluation at many points and the critical ones."""
    grid = torch.linspace(*box, 401, dtype=torch.float64).clamp(*box)
    near = [x for c in case.critical for x in (c, math.nextafter(c, math.inf), math.nextafter(c, -math.inf))]
    critical = [x for x in near if box[0] <= x <= box[1]]
    points = torch.cat([grid, torch.tensor(critical, dtype=torch.float64)])
    values = OPS[case.op].evaluate([points], case.attributes)
    return (values.max() - values.min()).item()


def test_softplus_contains_what_torch_returns_above_the_threshold() -> None:
    for threshold in (20.0, 1.0, -2.0):
        attributes = {"beta": 2.0, "threshold": threshold}
        case = next(case for case in CASES if case.op == "softplus")
        boxes = attacks((threshold / 2,))
        out = TensorType((len(boxes),), torch.float64)
        result = OPS[case.op].interval([interval(boxes)], attributes, out)
        source = random.Random(4)
        for box, lower, upper in zip(boxes, result.lower.tolist(), result.upper.tolist(), strict=True):
            for x in inside(box, (threshold / 2,), source):
                if x * 2.0 > threshold:
                    assert lower <= x <= upper, f"threshold {threshold}, {box}: {x} not in [{lower}, {upper}]"

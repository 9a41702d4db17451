"""Interval rules of ops that join elements of tensors, attacked with exact reference values."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator

import numpy as np
import pytest
import tests.ops.tensor_references as exactly
import torch
from mpmath import mpf
from tests.ops.exact import within
from tests.ops.tensor_boxes import KINDS, candidates, make, points
from tests.ops.tensor_cases import CASES, Case
from tests.ops.tensor_references import Array
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

CORNERS = 260
"""Corners to start from: all of them (ends and zero) for five elements."""

FACTOR = 3.0
"""Most that variances and standardised elements may be wider than what was reached."""

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def operands(case: Case, kind: str, source: random.Random, *, weights_known: bool) -> list[Interval]:
    """A box for every operand; variances of batch_norm are positive."""
    boxes = []
    for position, shape in enumerate(case.shapes):
        weight = position in case.known
        box = make("point" if weight and weights_known else kind, shape, source)
        if case.op == "batch_norm" and position == 2:
            box = make("positive", shape, source)
            box = Interval(box.lower, box.lower) if weights_known else box
        boxes.append(box)
    return boxes


def bounds(case: Case, boxes: list[Interval]) -> Interval:
    types = [TensorType(box.shape, torch.float64) for box in boxes]
    out = OPS[case.op].infer(types, case.attributes)
    result = OPS[case.op].interval(boxes, case.attributes, out)
    assert result.shape == out.shape
    for end in (result.lower, result.upper):
        assert end.dtype == torch.float64
        assert not torch.isnan(end).any()
    assert (result.lower <= result.upper).all()
    return result


def value(case: Case, inputs: list[Tensor]) -> Array:
    """The exact result, as an array of exact numbers."""
    arrays = [exactly.exact(x) for x in inputs]
    if case.analytic:
        arrays = [exactly.real(array) for array in arrays]
    return np.asarray(case.reference(*arrays), dtype=object)


def runs(boxes: list[Interval], count: int, source: random.Random) -> Iterator[list[Tensor]]:
    """Choices of all operands: corners and inner points."""
    return map(list, zip(*(points(box, count, source) for box in boxes), strict=True))


def assert_contained(case: Case, result: Interval, found: Array, what: str) -> None:
    assert found.shape == result.shape, f"{case}: {found.shape}"
    for place in np.ndindex(*found.shape):
        low, high = result.lower[place].item(), result.upper[place].item()
        assert within(low, found[place], high), (
            f"{case} {what} {place}: {found[place]} not in [{low!r}, {high!r}]"
        )


@every_case
@pytest.mark.parametrize("kind", KINDS)
def test_the_exact_value_lies_inside(case: Case, kind: str) -> None:
    source = random.Random(f"{case}{kind}")
    for weights_known in (True, False):
        boxes = operands(case, kind, source, weights_known=weights_known)
        result = bounds(case, boxes)
        for inputs in runs(boxes, 4, source):
            if not result.undefined:
                assert_contained(case, result, value(case, inputs), f"{kind}, {weights_known=}")


@every_case
def test_exactly_known_operands_give_nearly_a_point(case: Case) -> None:
    source = random.Random(f"{case}")
    boxes = operands(case, "point", source, weights_known=True)
    result = bounds(case, boxes)
    plain = torch.as_tensor(OPS[case.op].evaluate([box.lower for box in boxes], case.attributes)).to(
        torch.float64
    )
    assert ((result.upper - result.lower) <= 1e-12 * (1 + plain.abs())).all()
    assert ((result.lower - plain).abs() <= 1e-12 * (1 + plain.abs())).all()


@every_case
def test_intervals_held_once_give_what_the_same_intervals_written_out_give(case: Case) -> None:
    """Some of torch's kernels read beside tensors whose elements share their memory."""
    once = [Interval.uniform(shape, 0.5, 0.75) for shape in case.shapes]  # an untrained weight, for example
    written = [Interval(x.lower.contiguous(), x.upper.contiguous()) for x in once]
    found, expected = bounds(case, once), bounds(case, written)
    assert found.undefined == expected.undefined
    for end, other in ((found.lower, expected.lower), (found.upper, expected.upper)):
        torch.testing.assert_close(end, other, rtol=1e-12, atol=0.0)


EXACT_OPS = {"max_pool", "adaptive_max_pool", "amax", "amin", "kth_value", "argmax", "argmin"}


@pytest.mark.parametrize("case", [case for case in CASES if case.op in EXACT_OPS], ids=str)
def test_ops_that_only_choose_keep_a_point_a_point(case: Case) -> None:
    boxes = operands(case, "point", random.Random(0), weights_known=True)
    result = bounds(case, boxes)
    assert result.is_point
    assert_contained(case, result, value(case, [box.lower for box in boxes]), "point")


SMALL = [case for case in CASES if sum(math.prod(shape) for shape in case.shapes) <= 16]
"""Where all pairs of elements can be tried."""

INDEPENDENT = [case for case in SMALL if case.op in ("matmul", "einsum") and case.name != "einsum ij,jk->ki"]
"""Products where every element meets every other at most once in one output, so that even two unknown operands have an
exact range (in `ij,jk->ki` of the table a size of 1 is repeated)."""

BILINEAR = ("matmul", "einsum", "linear", "conv", "conv_transpose")
"""Where the best corner is found only by moving two factors at once."""

UNKNOWN_WEIGHTS = [case for case in SMALL if case.op in ("linear", "conv", "conv_transpose")]


def assert_as_wide_as_the_corners(case: Case, kind: str, *, weights_known: bool, factor: float) -> None:
    """The bounds are at most `factor` times as wide as what corners of the boxes reach."""
    source = random.Random(f"{case}{kind}")
    boxes = operands(case, kind, source, weights_known=weights_known)
    result = bounds(case, boxes)
    corners = [
        list(inputs) for inputs in zip(*(candidates(box, source, CORNERS) for box in boxes), strict=True)
    ]
    found = [OPS[case.op].evaluate(inputs, case.attributes).to(torch.float64) for inputs in corners]
    for place in np.ndindex(*result.shape):
        reached = []
        for sign in (-1.0, 1.0):
            start = max(range(len(corners)), key=lambda k, at=place, s=sign: s * float(found[k][at]))  # type: ignore[misc]
            best = climb(
                case, boxes, corners[start], place, sign, pairs=case.op in BILINEAR and not weights_known
            )
            reached.append(mpf_of(value(case, best)[place]))
        width = mpf(result.upper[place].item()) - mpf(result.lower[place].item())
        largest = max(abs(number) for number in reached)
        assert width <= (reached[1] - reached[0]) * mpf(factor) + mpf(1e-12) * (1 + largest), (
            f"{case} {place}"
        )


@pytest.mark.parametrize("case", [case for case in CASES if case.optimal], ids=str)
@pytest.mark.parametrize("kind", ["unit", "positive", "wide"])
def test_optimal_rules_are_no_wider_than_what_the_corners_reach(case: Case, kind: str) -> None:
    assert_as_wide_as_the_corners(case, kind, weights_known=True, factor=1 + 1e-9)


@pytest.mark.parametrize("case", INDEPENDENT, ids=str)
@pytest.mark.parametrize("kind", ["unit", "positive", "wide"])
def test_small_products_of_two_unknowns_are_optimal(case: Case, kind: str) -> None:
    assert_as_wide_as_the_corners(case, kind, weights_known=False, factor=1 + 1e-9)


@pytest.mark.parametrize("case", UNKNOWN_WEIGHTS, ids=str)
def test_products_with_numbers_that_are_not_negative_are_optimal(case: Case) -> None:
    assert_as_wide_as_the_corners(case, "positive", weights_known=False, factor=1 + 1e-9)


@pytest.mark.parametrize("case", UNKNOWN_WEIGHTS, ids=str)
def test_midpoint_and_radius_lose_at_most_half(case: Case) -> None:
    assert_as_wide_as_the_corners(case, "unit", weights_known=False, factor=1.5 + 1e-9)


@pytest.mark.parametrize("case", [case for case in CASES if not case.optimal], ids=str)
@pytest.mark.parametrize("kind", ["unit", "positive"])
def test_statistics_lose_at_most_a_factor(case: Case, kind: str) -> None:
    # No rule for these is optimal (the greatest variance is NP-hard); the factor guards against falling behind.
    assert_as_wide_as_the_corners(case, kind, weights_known=True, factor=FACTOR)


def climb(
    case: Case, boxes: list[Interval], start: list[Tensor], place: tuple[int, ...], sign: float, pairs: bool
) -> list[Tensor]:
    """Set each element (with `pairs`, each two) to the end or zero that is best for one output, until none improves."""
    current = [tensor.clone() for tensor in start]
    free = [
        (tensor, index, {box.lower[index].item(), box.upper[index].item(), *zero_inside(box, index)})
        for box, tensor in zip(boxes, current, strict=True)
        if not box.is_point
        for index in np.ndindex(*box.shape)
    ]

    def score() -> float:
        return sign * float(OPS[case.op].evaluate(current, case.attributes)[place])

    best, improved = score(), True
    while improved:
        improved = False
        for chosen in itertools.chain(
            itertools.combinations(free, 1), itertools.combinations(free, 2 if pairs else 0)
        ):
            before = [tensor[index].item() for tensor, index, _ in chosen]
            for options in itertools.product(*(options for _, _, options in chosen)):
                for (tensor, index, _), option in zip(chosen, options, strict=True):
                    tensor[index] = option
                reached = score()
                if reached > best:
                    best, before, improved = reached, list(options), True
            for (tensor, index, _), option in zip(chosen, before, strict=True):
                tensor[index] = option
    return current


def zero_inside(box: Interval, index: tuple[int, ...]) -> tuple[float, ...]:
    return (0.0,) if box.lower[index] < 0 < box.upper[index] else ()


def mpf_of(number: object) -> mpf:
    return mpf(number.numerator) / number.denominator if hasattr(number, "numerator") else number  # type: ignore[no-any-return]

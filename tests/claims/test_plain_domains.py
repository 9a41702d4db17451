"""The domains of the run time are the domains of the analysis: same numbers, same refusals, same words."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import torchlean as tl
from torchlean.claims import domain as analysed
from torchlean.claims import plain
from torchlean.claims.plain import Domain

numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
small_shapes = st.sampled_from([(), (1,), (3,), (2, 3), (2, 1), (1, 3), (2, 2, 3)])


def tensor(shape: tuple[int, ...], values: list[float]) -> torch.Tensor:
    count = math.prod(shape)
    return torch.tensor((values * count)[:count], dtype=torch.float64).reshape(shape)


def same(runtime: Domain, box: analysed.Box) -> bool:
    lower = torch.tensor(runtime.lower, dtype=torch.float64).reshape(runtime.shape)
    upper = torch.tensor(runtime.upper, dtype=torch.float64).reshape(runtime.shape)
    if runtime.dtype != (None if box.dtype is None else str(box.dtype).removeprefix("torch.")):
        return False
    return runtime.shape == box.shape and torch.equal(lower, box.lower) and torch.equal(upper, box.upper)


@given(small_shapes, small_shapes, st.lists(numbers, min_size=1, max_size=5))
def test_boxes_agree_with_the_analysis(low_shape, high_shape, values) -> None:
    low, high = tensor(low_shape, values), tensor(high_shape, values[::-1])
    try:
        expected = analysed.box(low, high, "")
    except tl.DomainError as error:
        with pytest.raises(tl.DomainError) as refused:
            tl.box(low.tolist(), high.tolist())
        assert str(refused.value) == str(error)
    else:
        assert same(tl.box(low.tolist(), high.tolist()), expected)


@given(
    small_shapes,
    st.lists(numbers, min_size=1, max_size=5),
    st.floats(min_value=0, allow_infinity=False),
    st.none() | st.tuples(numbers, numbers),
)
def test_balls_agree_with_the_analysis(shape, values, eps, clip) -> None:
    center = tensor(shape, values)
    try:
        expected = analysed.ball(center, eps, clip, "")
    except tl.DomainError as error:
        with pytest.raises(tl.DomainError) as refused:
            tl.ball(center.tolist(), eps, clip=clip)
        assert str(refused.value) == str(error)
    else:
        assert same(tl.ball(center.tolist(), eps, clip=clip), expected)


@pytest.mark.parametrize("eps", [-1.0, math.nan])
def test_a_bad_radius_is_refused_in_the_words_of_the_analysis(eps) -> None:
    with pytest.raises(tl.DomainError) as expected:
        analysed.ball(torch.zeros(2), eps, None, "")
    with pytest.raises(tl.DomainError) as refused:
        tl.ball([0.0, 0.0], eps)
    assert str(refused.value) == str(expected.value)


@pytest.mark.parametrize(
    ("low", "high"),
    [([0.0, math.nan], [1.0, 1.0]), ([[0.0], [0.0]], [[1.0], [math.nan]]), ([0.0, 2.0], [1.0, 1.0])],
)
def test_a_bad_box_is_refused_in_the_words_of_the_analysis(low, high) -> None:
    with pytest.raises(tl.DomainError) as expected:
        analysed.box(torch.tensor(low), torch.tensor(high), "")
    with pytest.raises(tl.DomainError) as refused:
        tl.box(low, high)
    assert str(refused.value) == str(expected.value)


def test_both_sides_raise_the_same_exception() -> None:
    assert analysed.DomainError is tl.DomainError
    assert issubclass(tl.DomainError, ValueError)


def test_a_ball_contains_its_exact_radius_where_float64_cannot_hold_it() -> None:
    # 0.1 + 0.2 is no float64: the ball must reach past the exact sum, not stop at the nearest number below.
    from fractions import Fraction

    domain = tl.ball([0.1], 0.2)
    assert Fraction(domain.upper[0]) >= Fraction(0.1) + Fraction(0.2)
    assert Fraction(domain.lower[0]) <= Fraction(0.1) - Fraction(0.2)


def test_a_ball_that_float64_can_hold_is_not_widened() -> None:
    assert tl.ball([0.5], 0.25) == tl.box([0.25], [0.75])


def test_tensors_arrays_and_lists_mean_the_same() -> None:
    lists = tl.box([[0.5, 1.0]], [[2.0, 3.0]])
    assert tl.box(torch.tensor([[0.5, 1.0]]), torch.tensor([[2.0, 3.0]])) == lists
    assert tl.box(np.array([[0.5, 1.0]]), np.array([[2.0, 3.0]], dtype=np.float32)) == lists
    assert tl.box(((0.5, 1),), [[2, 3]]) == lists


def test_shape_repeats_the_ends_as_broadcasting_does() -> None:
    domain = tl.box([0.0, 1.0], 2.0, shape=(3, 2))
    assert domain.shape == (3, 2)
    assert domain.lower == (0.0, 1.0) * 3
    assert domain.upper == (2.0,) * 6


def test_a_shape_that_the_ends_do_not_fit_is_refused_with_both_shapes() -> None:
    with pytest.raises(tl.DomainError, match=r"shape \(3,\) and \(\) do not broadcast to shape=\(2, 2\)"):
        tl.box([0.0, 0.0, 0.0], 1.0, shape=(2, 2))


def test_ragged_lists_are_refused_at_the_row_that_differs() -> None:
    with pytest.raises(tl.DomainError, match=r"lower end is ragged: shape \(2,\) at 0, but \(1,\) at 2"):
        tl.box([[1, 2], [3, 4], [5]], 9.0)


def test_something_that_is_no_number_is_refused_and_shown() -> None:
    with pytest.raises(tl.DomainError, match=r"upper end must be .* got 'one'"):
        tl.box([0.0], ["one"])


def test_a_domain_reads_like_the_call_that_makes_it() -> None:
    domain = tl.box([-1.0, 0.0], 1.0)
    assert repr(domain) == "box([-1.0, 0.0], [1.0, 1.0])"
    assert eval(repr(domain), {"box": tl.box}) == domain


def test_a_large_domain_is_shown_by_shape_and_range() -> None:
    assert repr(tl.box(-1.0, 2.0, shape=(3, 28, 28))) == "box of shape (3, 28, 28) within [-1, 2]"


def test_nested_gives_back_the_lists() -> None:
    values = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]
    domain = tl.box(values, values)
    assert plain.nested(domain.lower, domain.shape) == values


@example(torch.uint8, [0.0, 0.0, -1.0], [0.0, 0.0, -0.0])
@given(
    st.sampled_from([torch.uint8, torch.int8, torch.int64, torch.float64, torch.bool]),
    st.lists(st.floats(-300, 300), min_size=3, max_size=3),
    st.lists(st.floats(-300, 300), min_size=3, max_size=3),
)
def test_boxes_of_a_type_agree_with_the_analysis(dtype, low, high) -> None:
    try:
        expected = analysed.box(torch.tensor(low).double(), torch.tensor(high).double(), "", dtype=dtype)
    except tl.DomainError as error:
        with pytest.raises(tl.DomainError) as refused:
            tl.box(torch.tensor(low).tolist(), torch.tensor(high).tolist(), dtype=dtype)
        assert str(refused.value) == str(error)
    else:
        assert same(tl.box(torch.tensor(low).tolist(), torch.tensor(high).tolist(), dtype=dtype), expected)


def test_a_ball_of_pixels_has_the_whole_numbers_within_reach() -> None:
    pixels = tl.ball([0, 254], 1.5, clip=(0, 255), dtype=torch.uint8)
    assert pixels == plain.Domain((0.0, 253.0), (1.0, 255.0), (2,), "uint8")
    assert same(pixels, analysed.ball(torch.tensor([0, 254]), 1.5, (0, 255), "", dtype=torch.uint8))
    assert repr(pixels) == "box([0.0, 253.0], [1.0, 255.0], dtype=torch.uint8)"


def test_samples_of_pixels_are_pixels() -> None:
    @tl.claim(x=tl.box([0, 250], [3, 255], dtype=torch.uint8))
    def is_one_of_them(x):
        seen.append(x)
        return (x >= torch.tensor([0, 250])) & (x <= torch.tensor([3, 255]))

    seen: list[torch.Tensor] = []
    assert is_one_of_them.sample(40, seed=0).violated == 0
    assert {x.dtype for x in seen} == {torch.uint8}
    assert {int(x[0]) for x in seen} == {0, 1, 2, 3}

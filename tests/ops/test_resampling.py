"""Scaling images and picking the greatest elements."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
from tests.ops.facets import case, check
from tests.ops.fake_emitter import Call, Known, agree

from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType, UnsupportedError

LINE = torch.randn(1, 2, 5, generator=torch.Generator().manual_seed(1))
IMAGE = torch.randn(2, 1, 4, 5, generator=torch.Generator().manual_seed(2))
VOLUME = torch.randn(1, 1, 2, 3, 2, generator=torch.Generator().manual_seed(3))
X = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(4))
TIED = torch.tensor([[1.0, 1.0, -0.0, 0.0], [2.0, 1.0, 2.0, 1.0]])
RESIZE = "torch.nn.functional.interpolate"

COPIES = [
    *(case(RESIZE, IMAGE, scale_factor=factor) for factor in (2, 0.5, 1.5, 0.7, 3.3, (2, 0.5))),
    *(case(RESIZE, IMAGE, size) for size in (7, (3, 8), (1, 1), [4, 5])),
    *(case(RESIZE, IMAGE, scale_factor=factor, mode="nearest-exact") for factor in (2, 0.6, 1.7)),
    case(RESIZE, LINE, scale_factor=2.3),
    case(RESIZE, VOLUME, (3, 2, 5)),
    case(RESIZE, IMAGE, scale_factor=1.3, recompute_scale_factor=True),
    case("torch.nn.functional.upsample", IMAGE, scale_factor=2),
    case("torch.nn.functional.upsample_nearest", IMAGE, scale_factor=2),
    case(RESIZE, IMAGE),
    case(RESIZE, IMAGE, 3, 2.0),
    case(RESIZE, IMAGE, 0),
    case(RESIZE, IMAGE, (1, 2, 3)),
    case(RESIZE, IMAGE[0, 0], 2),
    case(RESIZE, IMAGE, 2, mode="cubic"),
    case(RESIZE, IMAGE, 2, mode="nearest", align_corners=True),
]

AVERAGES = [
    case(RESIZE, LINE, 9, mode="linear"),
    case(RESIZE, LINE, 3, mode="linear", align_corners=True),
    case(RESIZE, IMAGE, scale_factor=2, mode="bilinear"),
    case(RESIZE, IMAGE, scale_factor=0.7, mode="bilinear", align_corners=False),
    case(RESIZE, IMAGE, (3, 11), mode="bilinear", align_corners=True),
    case(RESIZE, VOLUME, scale_factor=(2, 1.5, 3), mode="trilinear"),
    case("torch.nn.functional.upsample_bilinear", IMAGE, scale_factor=2),
    case(RESIZE, IMAGE, 3, mode="linear"),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), COPIES)
def test_nearest_neighbours_are_torchs_and_exact(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords)


@pytest.mark.parametrize(
    ("size", "scaling"),
    [(6, {"size": 74}), (14, {"size": 46}), (16, {"scale_factor": 4.6}), (17, {"scale_factor": 5.4})],
)
def test_where_float32_and_float64_find_different_neighbours_both_are_inside(
    size: int, scaling: dict[str, Any]
) -> None:
    line = torch.arange(float(size)).reshape(1, 1, size)
    single = torch.nn.functional.interpolate(line, **scaling)
    double = torch.nn.functional.interpolate(line.double(), **scaling)
    assert not torch.equal(single.double(), double)  # or these sizes show nothing
    call = Call(RESIZE, line, **scaling)
    node = call.emitter.builder.nodes[-1]
    result = OPS["interpolate"].interval([Interval.point(line)], node.attributes, node.type)
    assert result.contains(single) and result.contains(double)
    assert (result.upper - result.lower).sum() == (single.double() - double).abs().sum()


@pytest.mark.parametrize(("name", "arguments", "keywords"), AVERAGES)
def test_averages_contain_torchs_in_float64(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    agree(name, *arguments, **keywords)
    if name == RESIZE and not (keywords["mode"] == "linear" and arguments[0].dim() == 4):
        call = Call(name, *arguments, **keywords)
        node = call.emitter.builder.nodes[-1]
        generator = torch.Generator().manual_seed(0)
        low, high = torch.rand(2, *arguments[0].shape, dtype=torch.float64, generator=generator)
        box = Interval(arguments[0].double() - low, arguments[0].double() + high)
        result = OPS["interpolate"].interval([box], node.attributes, node.type)
        for share in (0.0, 0.3, 1.0):
            inside = box.lower + (box.upper - box.lower) * share
            assert result.contains(OPS["interpolate"].evaluate([inside], node.attributes))
        width = (result.upper - result.lower).max()
        assert width <= (box.upper - box.lower).max() + 1e-10  # an average is no wider than what it averages


@pytest.mark.parametrize(("size", "target"), [(4, 7), (7, 4), (5, 13), (3, 2)])
@pytest.mark.parametrize("align", [False, True])
def test_linear_averages_contain_the_exact_rational_result(size: int, target: int, align: bool) -> None:
    values = torch.randn(1, 1, size, generator=torch.Generator().manual_seed(size)).double() * 1e3
    attributes = {"size": target, "scale": None, "mode": "linear", "align_corners": align, "recompute": None}
    out = TensorType((1, 1, target), torch.float32)
    result = OPS["interpolate"].interval([Interval.point(values)], attributes, out)
    exact = [Fraction(value) for value in values.reshape(-1).tolist()]
    for place in range(target):
        if align:
            position = Fraction(place * (size - 1), target - 1) if target > 1 else Fraction(0)
        else:
            position = max(Fraction(2 * place + 1, 2) * Fraction(size, target) - Fraction(1, 2), Fraction(0))
        left = int(position)
        right = min(left + 1, size - 1)
        value = exact[left] + (position - left) * (exact[right] - exact[left])
        low, high = (Fraction(end[0, 0, place].item()) for end in (result.lower, result.upper))
        assert low <= value <= high
        assert high - low <= Fraction(1, 10**9)


def test_an_unbounded_element_leaves_the_others_alone_or_opens_them_soundly() -> None:
    attributes = {"size": 4, "scale": None, "mode": "linear", "align_corners": False, "recompute": None}
    box = Interval(torch.tensor([[[0.0, -torch.inf]]]).double(), torch.tensor([[[1.0, torch.inf]]]).double())
    result = OPS["interpolate"].interval([box], attributes, TensorType((1, 1, 4), torch.float32))
    assert not bool(result.lower.isnan().any() | result.upper.isnan().any())
    assert result.lower[0, 0, -1] == -torch.inf and result.upper[0, 0, -1] == torch.inf


def test_bicubic_runs_but_has_no_interval_and_says_what_has() -> None:
    agree(RESIZE, IMAGE, 7, mode="bicubic")
    call = Call(RESIZE, IMAGE, 7, mode="bicubic")
    node = call.emitter.builder.nodes[-1]
    with pytest.raises(UnsupportedError, match="bilinear"):
        OPS["interpolate"].interval([Interval.point(IMAGE)], node.attributes, node.type)


def test_a_batch_of_no_images_is_no_mistake() -> None:
    for mode in ("nearest", "nearest-exact"):
        with pytest.raises(UnsupportedError, match="no images"):
            Call(RESIZE, IMAGE[:0], scale_factor=2, mode=mode)
    agree(RESIZE, IMAGE[:0], scale_factor=2, mode="bilinear")


TOPK = [
    case("torch.topk", X, 2),
    case("torch.topk", X, k=1, dim=0),
    case("torch.topk", X, 2, 1, False),
    case("torch.topk", X, 4, largest=False, sorted=True),
    case("torch.Tensor.topk", X, Known(torch.tensor(2)), -2),
    case("torch.Tensor.topk", X, 0),
    case("torch.Tensor.topk", X, 5),
    case("torch.Tensor.topk", X, -1),
    case("torch.Tensor.topk", X, 1, 3),
    case("torch.Tensor.topk", X[0, 0, 0], 1),
    case("torch.Tensor.topk", TIED, 3),
    case("torch.Tensor.topk", torch.arange(6), 2),
    case("torch.sort", X),
    case("torch.sort", X, 0, True),
    case("torch.sort", X, dim=1, descending=True, stable=True),
    case("torch.Tensor.sort", X[0, 0, 0]),
    case("torch.Tensor.sort", X[:0]),
    case("torch.Tensor.sort", X, 3),
    case("torch.sort", TIED, stable=True),
    case("torch.argsort", X, descending=True),
    case("torch.Tensor.argsort", X, dim=0),
    case("torch.msort", X),
    case("torch.Tensor.msort", TIED),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), TOPK)
def test_the_greatest_are_torchs_and_bounded_by_the_sorted_ends(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    tied = bool(arguments[0] is TIED)
    if tied:
        agree(name, *arguments, **keywords)
    else:
        check(name, arguments, keywords, tight=False)


def test_the_place_of_an_element_is_known_where_no_other_can_overtake_it() -> None:
    ends = (
        torch.tensor([0.0, 5.0, 2.0, 1.0], dtype=torch.float64),
        torch.tensor([0.5, 6.0, 3.0, 2.5], dtype=torch.float64),
    )
    attributes = {"k": 4, "dim": 0, "largest": True, "sorted": True}
    result = OPS["topk_indices"].interval([Interval(*ends)], attributes, TensorType((4,), torch.int64))
    assert result.lower.tolist() == [1.0, 2.0, 2.0, 0.0]
    assert result.upper.tolist() == [1.0, 3.0, 3.0, 0.0]


def test_equal_elements_may_stand_in_either_order() -> None:
    attributes = {"k": 2, "dim": 1, "largest": True, "sorted": True}
    point = Interval.point(TIED)
    result = OPS["topk_indices"].interval([point], attributes, TensorType((2, 2), torch.int64))
    assert result.lower.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert result.upper.tolist() == [[1.0, 1.0], [2.0, 2.0]]


def test_unsorted_greatest_elements_are_known_only_as_a_set() -> None:
    attributes = {"k": 2, "dim": 1, "largest": True, "sorted": False}
    result = OPS["topk"].interval([Interval.point(TIED)], attributes, TensorType((2, 2), torch.float32))
    assert result.lower.tolist() == [[1.0, 1.0], [2.0, 2.0]]
    assert result.contains(TIED.topk(2, 1, sorted=False).values)

"""Choosing elements by a condition or an index tensor."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tests.ops.facets import case, check
from tests.ops.fake_emitter import Call, Known, agree, run

from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType, UnsupportedError

X = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
Y = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(2))
MASK = X > 0
INTEGERS = torch.arange(6).reshape(2, 3)
VECTOR, SCALAR = X[0, 0], X[0, 0, 0]
WEIGHT = torch.randn(5, 3, generator=torch.Generator().manual_seed(3))


def index(*values: Any) -> Known:
    return Known(torch.tensor(*values))


CONDITIONS = [
    case("torch.where", MASK, X, Y),
    case("torch.where", MASK, X, 0.0),
    case("torch.where", MASK, 1.0, X),
    case("torch.where", MASK, 1.0, 0.0),
    case("torch.where", MASK, 1, 0),
    case("torch.where", MASK, True, False),
    case("torch.where", MASK, 1, X),
    case("torch.where", MASK, INTEGERS[0, :1], X),
    case("torch.where", MASK, X.double(), Y),
    case("torch.where", MASK[0, 0], X, VECTOR),
    case("torch.where", MASK[..., :1], X, SCALAR),
    case("torch.where", condition=MASK, input=X, other=Y),
    case("torch.where", Known(MASK), X, Y),
    case("torch.where", MASK, X, Y[:, :2]),
    case("torch.where", X, X, Y),
    case("torch.where", MASK[:0], X[:0], 1.0),
    case("torch.Tensor.where", X, MASK, Y),
    case("torch.Tensor.where", X, MASK, 0.0),
    case("torch.Tensor.where", MASK, MASK, MASK),
    case("torch.Tensor.where", X, condition=MASK, other=-math.inf),
    case("torch.masked_fill", X, MASK, 0.5),
    case("torch.Tensor.masked_fill", X, MASK, float("-inf")),
    case("torch.Tensor.masked_fill", X, MASK[0, 0], 1),
    case("torch.Tensor.masked_fill", X, mask=Known(MASK), value=2),
    case("torch.Tensor.masked_fill", X, MASK, SCALAR),
    case("torch.Tensor.masked_fill", X, MASK, VECTOR),
    case("torch.Tensor.masked_fill", X[:1], MASK, 0.0),
    case("torch.Tensor.masked_fill", X, INTEGERS, 0.0),
    case("torch.Tensor.masked_fill", INTEGERS, INTEGERS > 2, -1),
    case("torch.Tensor.masked_fill", INTEGERS, INTEGERS > 2, 0.5),
    case("torch.Tensor.masked_fill_", X, MASK, 0.5),
    case("torch.Tensor.masked_fill_", X[:1], MASK, 0.5),
    case("torch.masked_select", X, Known(MASK)),
    case("torch.Tensor.masked_select", X, Known(MASK[0, 0])),
    case("torch.Tensor.masked_select", VECTOR, Known(MASK)),
    case("torch.nonzero", Known(MASK)),
    case("torch.Tensor.nonzero", Known(INTEGERS)),
]

INDICES = [
    case("torch.index_select", X, 1, index([2, 0, 2])),
    case("torch.Tensor.index_select", X, dim=-1, index=torch.tensor([3, 3])),
    case("torch.Tensor.index_select", X, 0, Known(torch.zeros(0, dtype=torch.int64))),
    case("torch.Tensor.index_select", X, 0, index([2])),
    case("torch.Tensor.index_select", X, 0, index([-1])),
    case("torch.Tensor.index_select", X, 0, index([[0]])),
    case("torch.Tensor.index_select", X, 0, index(1)),
    case("torch.Tensor.index_select", X, 3, index([0])),
    case("torch.Tensor.index_select", X, 0, index([0.0])),
    case("torch.gather", X, 2, index([[[0, 3]]])),
    case(
        "torch.gather", X, 0, Known(torch.randint(2, (2, 3, 4), generator=torch.Generator().manual_seed(4)))
    ),
    case("torch.gather", X, dim=-2, index=torch.tensor([[[0, 2, 1]]])),
    case("torch.Tensor.gather", X, 1, index([[[3]]])),
    case("torch.Tensor.gather", X, 1, index([0])),
    case("torch.Tensor.gather", X, 0, index([[[0]], [[1]], [[1]]])),
    case("torch.Tensor.gather", X, 1, index([[[0.0]]])),
    case("torch.Tensor.gather", SCALAR, 0, index(0)),
    case("torch.take_along_dim", X, index([[[0], [2], [1]]]), 2),
    case("torch.take_along_dim", X, index([[[0], [2], [1]]]), dim=-1),
    case("torch.take_along_dim", X[:1], Known(torch.zeros(2, 3, 1, dtype=torch.int64)), 2),
    case("torch.take_along_dim", X, index([5, 0])),
    case("torch.Tensor.take_along_dim", X, index([[0]]), 1),
    case("torch.take", X, index([[0, 23], [-1, 5]])),
    case("torch.Tensor.take", X, index([24])),
    case("torch.Tensor.take", X, torch.tensor([3])),
    case("torch.nn.functional.embedding", index([[0, 4], [2, 2]]), WEIGHT),
    case("torch.nn.functional.embedding", torch.tensor([1, 3]), WEIGHT, padding_idx=0),
    case("torch.nn.functional.embedding", index(3), WEIGHT),
    case("torch.nn.functional.embedding", torch.tensor(3), WEIGHT),
    case("torch.nn.functional.embedding", index([5]), WEIGHT),
    case("torch.nn.functional.embedding", index([-1]), WEIGHT),
    case("torch.nn.functional.embedding", index([0.5]), WEIGHT),
    case("torch.nn.functional.embedding", index([0]), WEIGHT[0]),
    case("torch.nn.functional.one_hot", index([0, 2, 1])),
    case("torch.nn.functional.one_hot", index([[0], [2]]), 5),
    case("torch.nn.functional.one_hot", index([0, 7]), num_classes=5),
    case("torch.nn.functional.one_hot", index([-1]), 5),
    case("torch.nn.functional.one_hot", index([0.5])),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), CONDITIONS)
def test_a_condition_chooses_as_in_torch_and_an_open_one_gives_the_hull(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords, tight=False)


@pytest.mark.parametrize(("name", "arguments", "keywords"), INDICES)
def test_an_index_tensor_picks_as_in_torch_and_intervals_lose_nothing(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords)


def test_a_condition_decided_on_the_box_follows_its_branch_and_an_open_one_both() -> None:
    condition = Interval(
        *(torch.tensor(end, dtype=torch.float64) for end in ([1.0, 0.0, 0.0], [1.0, 0.0, 1.0]))
    )
    a, b = Interval.uniform((3,), 1.0, 2.0), Interval.uniform((3,), 10.0, 20.0)
    result = OPS["where"].interval([condition, a, b], {}, TensorType((3,), torch.float32))
    assert result.lower.tolist() == [1.0, 10.0, 1.0]
    assert result.upper.tolist() == [2.0, 20.0, 20.0]


DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_where_promotes_dtypes_as_torch_does(left: torch.dtype, right: torch.dtype) -> None:
    condition = torch.tensor([True, False])
    one = torch.ones(2, dtype=left)
    for other in (torch.zeros(2, dtype=right), torch.zeros((), dtype=right)):
        agree("torch.where", condition, one, other)
    for number in (2, 2.5, True):
        agree("torch.where", condition, one, number)


def test_where_with_a_condition_alone_gives_a_reason() -> None:
    with pytest.raises(UnsupportedError, match="which is not known"):
        Call("torch.where", MASK)


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0), (-1e30, 1e30)])
def test_every_element_that_an_open_gather_can_pick_is_inside(dim: int, low: float, high: float) -> None:
    shape = [2, 2, 2]
    x = Interval(X.double() - 0.25, X.double() + 0.25)
    places = Interval.uniform(tuple(shape), low, high)
    out = TensorType(tuple(shape), torch.float32)
    result = OPS["gather"].interval([x, places], {"dim": dim}, out)
    last = min(int(high), X.shape[dim] - 1)
    picked = [X.double().gather(dim, torch.full(shape, place)) for place in range(max(int(low), 0), last + 1)]
    for value in picked:
        assert result.contains(value - 0.25) and result.contains(value + 0.25)
    lowest = torch.stack(picked).amin(0) - 0.25
    assert torch.equal(result.lower, lowest)  # and nothing more than the hull


def test_a_large_open_gather_falls_back_to_the_whole_dimension() -> None:
    rows, columns = 3000, 3000
    x = Interval.point(torch.arange(float(rows)).unsqueeze(1).expand(rows, columns))
    places = Interval.uniform((2, columns), 0.0, 5.0)
    result = OPS["gather"].interval([x, places], {"dim": 0}, TensorType((2, columns), torch.float32))
    assert result.lower.unique().tolist() == [0.0] and result.upper.unique().tolist() == [rows - 1.0]


def test_embedding_that_rescales_its_weights_is_not_followed() -> None:
    with pytest.raises(UnsupportedError, match="max_norm"):
        Call("torch.nn.functional.embedding", index([0]), WEIGHT, max_norm=1.0)


def test_a_class_that_is_not_known_is_hot_where_its_number_is() -> None:
    for classes in (torch.tensor([1, 0]), torch.tensor([[2], [1]])):
        made = run("torch.nn.functional.one_hot", classes, 3)
        assert torch.equal(made, torch.nn.functional.one_hot(classes, 3)) and made.dtype == torch.int64


def test_how_many_classes_there_are_must_be_known() -> None:
    with pytest.raises(UnsupportedError, match="how many classes"):
        Call("torch.nn.functional.one_hot", torch.tensor([1]))


def test_embedding_accepts_both_index_types() -> None:
    for dtype in (torch.int64, torch.int32):
        places = torch.tensor([4, 0], dtype=dtype)
        assert torch.equal(run("torch.nn.functional.embedding", places, WEIGHT), WEIGHT[[4, 0]])

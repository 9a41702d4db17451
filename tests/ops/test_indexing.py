"""`x[...]` in all its forms, and cutting along a dimension."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.ops.facets import case, check
from tests.ops.fake_emitter import Call, FakeEmitter, Known

from torchlean.intervals import Interval
from torchlean.ops import OPS, SPELLINGS, ShapeError, UnsupportedError

X = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
VECTOR, SCALAR, EMPTY = X[0, 0], X[0, 0, 0], torch.zeros(0, 3)
ALL = slice(None)
GET = "torch.Tensor.__getitem__"


def known(*values: Any) -> Known:
    return Known(torch.tensor(*values))


BASIC: list[Any] = [
    *(0, -1, 2, -3, (0, 1), (1, -1, -1), (0, 1, 2, 3), (1, 3)),
    *(
        ALL,
        slice(1, None),
        slice(0, 9),
        slice(-1, None),
        slice(2, 1),
        slice(None, None, 2),
        slice(None, None, -1),
    ),
    *(
        (ALL, ALL, slice(3, 0)),
        (ALL, slice(0, 3, 2)),
        (0, slice(None, 2), slice(1, 4, 2)),
        (ALL, ALL, ALL, ALL),
    ),
    *(
        None,
        (None, 0),
        (0, None, ALL, None),
        (None, None, Ellipsis, None),
        Ellipsis,
        (Ellipsis, 0),
        (0, Ellipsis),
    ),
    *(
        (0, Ellipsis, 1, 2),
        (slice(0, 1), Ellipsis, slice(0, 1)),
        (),
        "a",
        1.5,
        slice(0, 0),
    ),
    *((ALL, None, slice(1, 2), ALL), slice(1, 2)),
]

ADVANCED: list[Any] = [
    *(
        [0, 1],
        [1],
        [-1, 0, 1],
        [],
        ([[0, 1], [1, 0]],),
        ([0, 1], [1, 2]),
        ([0, 1], ALL, [1, 2]),
        (0, ALL, [1, 2]),
    ),
    *(
        (ALL, [0, 2]),
        (ALL, [0, 2], 1),
        ([0, 1], None, [1, 2]),
        (Ellipsis, [0, 3]),
        ([[0], [1]], [0, 2]),
        [2],
        (ALL, [3]),
    ),
    *(
        ([0, 1], [0, 1, 2]),
        (slice(0, 1), [2, 0], slice(None, None, 2)),
        (None, [1, 0]),
        ([0, 1], slice(1, 2), 0),
    ),
    *(
        known([1, 0]),
        known([[1], [0]]),
        (ALL, known([2, 2, 0])),
        known([1, 0]),
        (known(1), ALL, known([0, 2])),
    ),
    *((known([0, 1]), known([2, 0])), known([2]), known([0.5]), Known(torch.tensor([0], dtype=torch.int16))),
    *(
        known(1),
        known(-1),
        known(5),
        (ALL, known(2)),
        (known(0), known(1), known(2)),
        (slice(known(1), known(3)),),
    ),
    *([True, False], ([True, True], [False, True, True]), (ALL, [True, False, True]), [True, False, True]),
    *(Known(X > 0), Known(X[..., 0] > 0), (0, Known(X[0] > 0)), (ALL, Known(X[0, :, 0] > -9)), Known(X > 99)),
    *((Known(X[..., 0] > 0), 1), (Ellipsis, Known(X[0, 0] > 0)), (Known(X[:, 0, 0] > -9), ALL, [0, 1])),
    *(
        torch.tensor([1, 0]),
        (ALL, torch.tensor([[2, 0], [1, 1]])),
        torch.tensor(1),
        (torch.tensor(0), ALL, torch.tensor(2)),
    ),
    *(
        (torch.tensor(1), ALL, torch.tensor([3, 0])),
        torch.tensor([0], dtype=torch.int32),
        torch.tensor([0.5]),
    ),
]

CUTS = [
    case("torch.select", X, 1, 2),
    case("torch.Tensor.select", X, dim=-1, index=-1),
    case("torch.Tensor.select", X, 0, 2),
    case("torch.Tensor.select", SCALAR, 0, 0),
    case("torch.narrow", X, 1, 1, 2),
    case("torch.narrow", X, 2, -3, 2),
    case("torch.Tensor.narrow", X, dim=-1, start=0, length=4),
    case("torch.Tensor.narrow", X, 1, 2, 2),
    case("torch.Tensor.narrow", X, 1, 0, 0),
    case("torch.Tensor.narrow", X, 0, Known(torch.tensor(1)), 1),
    case("torch.unbind", X),
    case("torch.unbind", X, dim=-1),
    case("torch.Tensor.unbind", X, 3),
    case("torch.Tensor.unbind", SCALAR),
    case("torch.Tensor.unbind", EMPTY),
    case("torch.split", X, 2, dim=1),
    case("torch.split", X, [1, 2], 1),
    case("torch.split", X, [1, 1], 1),
    case("torch.split", X, split_size_or_sections=3, dim=-1),
    case("torch.Tensor.split", X, 5),
    case("torch.Tensor.split", X, split_size=1),
    case("torch.Tensor.split", X, (0, 2), dim=0),
    case("torch.Tensor.split", X, -1),
    case("torch.Tensor.split", EMPTY, 2),
    case("torch.Tensor.split", EMPTY, 2, 1),
    case("torch.Tensor.split", SCALAR, 1),
    case("torch.split_with_sizes", X, (1, 3), 2),
    case("torch.Tensor.split_with_sizes", X, (1, 2), 2),
    case("torch.chunk", X, 2, dim=2),
    case("torch.chunk", X, chunks=3, dim=2),
    case("torch.Tensor.chunk", X, 7, 1),
    case("torch.Tensor.chunk", X, 0),
    case("torch.Tensor.chunk", EMPTY, 2),
    case("torch.unsafe_chunk", X, 2),
    case("torch.tensor_split", X, 3, dim=2),
    case("torch.tensor_split", X, (1, 3), dim=2),
    case("torch.tensor_split", X, (3, 1), dim=2),
    case("torch.tensor_split", X, (-1,), 1),
    case("torch.Tensor.tensor_split", X, 5),
    case("torch.Tensor.tensor_split", X, Known(torch.tensor([1])), 1),
    case("torch.hsplit", X, 3),
    case("torch.Tensor.hsplit", VECTOR, 2),
    case("torch.Tensor.hsplit", VECTOR, (1, 2)),
    case("torch.Tensor.hsplit", VECTOR, 3),
    case("torch.vsplit", X, 2),
    case("torch.Tensor.vsplit", VECTOR, 2),
    case("torch.dsplit", X, 2),
    case("torch.Tensor.dsplit", X, (1,)),
]


@pytest.mark.parametrize("index", BASIC + ADVANCED, ids=lambda index: case(GET, index).id[20:-1])
def test_indexing_is_torchs_and_intervals_lose_nothing(index: Any) -> None:
    check(GET, (X, index), {})


@pytest.mark.parametrize(
    "index", [0, ALL, slice(0, 5), None, (ALL, 1), (ALL, [0, 2]), ([], ALL), Known(EMPTY > 0)]
)
def test_dimensions_of_size_zero_are_indexed_as_in_torch(index: Any) -> None:
    check(GET, (EMPTY, index), {})


@pytest.mark.parametrize("index", [(), Ellipsis, None, 0, ALL])
def test_a_0d_tensor_is_indexed_as_in_torch(index: Any) -> None:
    check(GET, (SCALAR, index), {})


@pytest.mark.parametrize(("name", "arguments", "keywords"), CUTS)
def test_cutting_is_torchs_and_intervals_lose_nothing(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords)


def test_iterating_gives_the_rows() -> None:
    rows = Call("torch.Tensor.__iter__", X)
    assert isinstance(rows.returned, list)
    assert [row.tolist() for row in rows.result()] == [row.tolist() for row in X]
    with pytest.raises(ShapeError, match="0-d"):
        Call("torch.Tensor.__iter__", SCALAR)


def test_one_choice_of_elements_has_one_form() -> None:
    """Equal results of different spellings share a digest, and so their bounds."""
    spellings = [slice(0, 4, 2), slice(None, None, 2), slice(0, 3, 2), slice(-4, None, 2), slice(0, 99, 2)]
    emitter = FakeEmitter()
    x = emitter.input(X)
    nodes = [SPELLINGS[GET](emitter, x, (Ellipsis, index)).node for index in spellings]
    assert len({emitter.builder.nodes[node].digest for node in nodes}) == 1


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (5, ["index 5", "dimension 0", "size 2"]),
        ((0, 0, -5), ["index -5", "dimension 2", "size 4"]),
        ((0, 0, 0, 0), ["too many indices", "4", "(2, 3, 4)"]),
        (slice(None, None, -1), ["step", "-1", "flip"]),
        ([0, 7], ["index 7", "size 2"]),
        (Known(torch.ones(3, dtype=torch.bool)), ["mask", "(3,)", "(2,)"]),
        (Known(torch.tensor([0.0])), ["int64", "float32"]),
    ],
)
def test_a_wrong_index_is_named(index: Any, words: list[str]) -> None:
    with pytest.raises(ShapeError) as caught:
        Call(GET, X, index)
    for word in words:
        assert word in str(caught.value)


def test_a_mask_that_depends_on_inputs_is_not_followed_and_says_why() -> None:
    with pytest.raises(UnsupportedError, match="number of true elements"):
        Call(GET, X, X > 0)


def test_a_nested_list_is_ambiguous_between_torch_versions_and_says_so() -> None:
    with pytest.raises(UnsupportedError, match="write a tuple"):
        Call(GET, X, [[0, 1], [1, 0]])


def test_a_second_ellipsis_is_not_followed() -> None:
    with pytest.raises(UnsupportedError, match="more than one"):
        Call(GET, X, (Ellipsis, 0, Ellipsis))


def test_an_index_known_as_a_range_gives_the_hull_of_the_rows_it_can_pick() -> None:
    call = Call(GET, X, torch.tensor([[0, 1]]))
    node = call.emitter.builder.nodes[call.returned.node]
    rows = Interval(X.double() - 0.5, X.double() + 0.5)
    index = Interval(
        torch.tensor([[-0.25, 0.0]], dtype=torch.float64), torch.tensor([[0.5, 1.0]], dtype=torch.float64)
    )
    result = OPS["index"].interval([rows, index], node.attributes, node.type)
    assert torch.equal(result.lower[0, 0], rows.lower[0])  # only row 0 lies in [-0.25, 0.5]
    assert torch.equal(result.upper[0, 0], rows.upper[0])
    assert torch.equal(result.lower[0, 1], rows.lower.amin(0))
    assert torch.equal(result.upper[0, 1], rows.upper.amax(0))


@pytest.mark.parametrize("dim", [0, 1, 2])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 0), (-2, -1), (-1e9, 1e9), (1, 1)])
def test_every_row_that_an_open_index_can_pick_is_inside(dim: int, low: float, high: float) -> None:
    places = torch.tensor([0, 1, 1])
    call = Call(GET, X, (ALL,) * dim + (places,))
    node = call.emitter.builder.nodes[call.returned.node]
    x = Interval.point(X)
    ends = (torch.full((3,), float(end), dtype=torch.float64) for end in (low, high))
    result = OPS["index"].interval([x, Interval(*ends)], node.attributes, node.type)
    size = X.shape[dim]
    for place in range(max(int(low), -size), min(int(high), size - 1) + 1):
        assert result.contains(OPS["index"].evaluate([X, torch.full((3,), place)], node.attributes))


def test_two_open_indices_may_pick_anything_along_their_dimensions() -> None:
    index = torch.tensor([0, 1])
    call = Call(GET, X, (index, ALL, index))
    node = call.emitter.builder.nodes[call.returned.node]
    open_ = Interval.uniform((2,), 0.0, 1.0)
    result = OPS["index"].interval([Interval.point(X), open_, open_], node.attributes, node.type)
    for first in (0, 1):
        for second in (0, 1):
            picked = [torch.full((2,), first), torch.full((2,), second)]
            assert result.contains(OPS["index"].evaluate([X, *picked], node.attributes))


def test_an_index_that_is_surely_out_of_range_has_no_bounds() -> None:
    call = Call(GET, X, torch.tensor([0]))
    node = call.emitter.builder.nodes[call.returned.node]
    beyond = Interval.uniform((1,), 2.0, 3.0)
    with pytest.raises(UnsupportedError, match="out of range"):
        OPS["index"].interval([Interval.point(X), beyond], node.attributes, node.type)

"""Reshaping, reordering and expanding, in every spelling."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.ops.facets import case, check
from tests.ops.fake_emitter import Call, FakeEmitter, refused

from torchlean.intervals import Interval
from torchlean.ops import OPS, SPELLINGS, VIEW_OPS, ShapeError, TensorType

X = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
ONES = torch.randn(1, 3, 1, 2, generator=torch.Generator().manual_seed(2))
MATRIX, VECTOR, SCALAR, EMPTY = X[0], X[0, 0], X[0, 0, 0], torch.zeros(0, 3)
INTEGERS = torch.arange(6).reshape(2, 3)

RESHAPES = [
    *(case("torch.Tensor.view", X, *shape) for shape in [(6, 4), (-1,), (2, -1, 2), (24, 1), (2, 3, 4)]),
    *(case("torch.Tensor.view", X, shape) for shape in [(6, 4), [4, 6], torch.Size((8, 3)), (3, -1)]),
    case("torch.Tensor.view", X, size=(4, 6)),
    case("torch.Tensor.view", X, 5, -1),
    case("torch.Tensor.view", X, -1, -1),
    case("torch.Tensor.view", X, 2, 3),
    case("torch.Tensor.view", X, -2, 12),
    case("torch.Tensor.view", X, 2.0, 12),
    case("torch.Tensor.view", X, torch.float32),
    case("torch.Tensor.view", EMPTY, 3, 0),
    case("torch.Tensor.view", EMPTY, -1, 3),
    case("torch.Tensor.view", EMPTY, -1, 0),
    case("torch.Tensor.view", SCALAR, 1),
    case("torch.Tensor.view", SCALAR, ()),
    case("torch.reshape", X, (6, 4)),
    case("torch.reshape", X, (-1,)),
    case("torch.reshape", X, shape=(3, 8)),
    case("torch.reshape", X, (5, 5)),
    case("torch.Tensor.reshape", X, 6, 4),
    case("torch.Tensor.reshape", X, (6, -1)),
    case("torch.Tensor.reshape", INTEGERS, 3, 2),
    case("torch.Tensor.view_as", X, torch.zeros(4, 6)),
    case("torch.Tensor.reshape_as", X, torch.zeros(4, 6)),
    case("torch.Tensor.view_as", X, torch.zeros(4, 5)),
    case("torch.flatten", X),
    case("torch.flatten", X, 1),
    case("torch.flatten", X, start_dim=0, end_dim=1),
    case("torch.flatten", X, -2, -1),
    case("torch.flatten", X, 3),
    case("torch.flatten", X, 2, 1),
    case("torch.flatten", SCALAR),
    case("torch.Tensor.flatten", EMPTY),
    case("torch.Tensor.unflatten", X, 2, (2, 2)),
    case("torch.unflatten", X, -1, (-1, 2)),
    case("torch.unflatten", X, 1, (2, 2)),
    case("torch.ravel", X),
    case("torch.Tensor.ravel", SCALAR),
    case("torch.squeeze", ONES),
    case("torch.squeeze", ONES, 0),
    case("torch.squeeze", ONES, 1),
    case("torch.squeeze", ONES, dim=-2),
    case("torch.Tensor.squeeze", ONES, (0, 2)),
    case("torch.Tensor.squeeze", ONES, 4),
    case("torch.unsqueeze", X, 0),
    case("torch.unsqueeze", X, dim=-1),
    case("torch.Tensor.unsqueeze", X, 3),
    case("torch.Tensor.unsqueeze", X, 4),
    case("torch.Tensor.unsqueeze", SCALAR, -1),
    case("torch.atleast_1d", SCALAR),
    case("torch.atleast_2d", VECTOR),
    case("torch.atleast_3d", MATRIX),
    case("torch.atleast_3d", VECTOR),
    case("torch.atleast_2d", SCALAR, VECTOR),
    case("torch.atleast_2d", [SCALAR, X]),
]

PERMUTATIONS = [
    case("torch.permute", X, (2, 0, 1)),
    case("torch.permute", X, dims=(0, -1, 1)),
    case("torch.Tensor.permute", X, 2, 0, 1),
    case("torch.Tensor.permute", X, (1, 0, 2)),
    case("torch.Tensor.permute", X, [0, 1, 2]),
    case("torch.Tensor.permute", X, 0, 1),
    case("torch.Tensor.permute", X, 0, 1, 1),
    case("torch.Tensor.permute", X, 0, 1, 3),
    case("torch.Tensor.permute", SCALAR, ()),
    case("torch.transpose", X, 0, 2),
    case("torch.transpose", X, dim0=-1, dim1=-2),
    case("torch.Tensor.transpose", X, 0, 3),
    case("torch.Tensor.transpose", EMPTY, 0, 1),
    case("torch.swapaxes", X, 0, 1),
    case("torch.Tensor.swapaxes", X, axis0=0, axis1=-1),
    case("torch.swapdims", X, 0, 1),
    case("torch.Tensor.swapdims", X, dim0=0, dim1=1),
    case("torch.movedim", X, 0, -1),
    case("torch.movedim", X, (0, 1), (1, 2)),
    case("torch.Tensor.movedim", X, source=2, destination=0),
    case("torch.moveaxis", X, 0, 2),
    case("torch.Tensor.moveaxis", X, (0, 1), (0,)),
    case("torch.t", MATRIX),
    case("torch.t", VECTOR),
    case("torch.Tensor.t", X),
    case("torch.Tensor.T", MATRIX),
    case("torch.Tensor.mT", X),
    case("torch.Tensor.mT", VECTOR),
    case("torch.Tensor.mH", X),
    case("torch.Tensor.H", MATRIX),
    case("torch.Tensor.H", X),
    case("torch.adjoint", X),
    case("torch.Tensor.adjoint", X),
]

EXPANSIONS = [
    case("torch.Tensor.expand", ONES, 5, 3, 7, 2),
    case("torch.Tensor.expand", ONES, (5, -1, 7, -1)),
    case("torch.Tensor.expand", ONES, 2, 1, 3, 1, 2),
    case("torch.Tensor.expand", ONES, size=(4, 3, 1, 2)),
    case("torch.Tensor.expand", ONES, -1, -1, -1, -1),
    case("torch.Tensor.expand", ONES, -1, 1, 3, 1, 2),
    case("torch.Tensor.expand", ONES, 1, 4, 1, 2),
    case("torch.Tensor.expand", ONES, 3, 2),
    case("torch.Tensor.expand", ONES, 0, 3, 1, 2),
    case("torch.Tensor.expand", SCALAR, 2, 3),
    case("torch.Tensor.expand_as", ONES, torch.zeros(2, 3, 4, 2)),
    case("torch.broadcast_to", VECTOR, (3, 4)),
    case("torch.Tensor.broadcast_to", VECTOR, (3, 5)),
    case("torch.Tensor.broadcast_to", VECTOR, size=(2, 4)),
    case("torch.broadcast_tensors", VECTOR, ONES[..., :1], SCALAR),
    case("torch.broadcast_tensors", VECTOR, torch.zeros(3)),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), RESHAPES + PERMUTATIONS + EXPANSIONS)
def test_shape_and_order_change_as_in_torch_and_intervals_lose_nothing(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords)


def test_reversing_all_dimensions_of_a_3d_tensor_is_one_permutation() -> None:
    # torch warns about `.T` here, so it is compared with what the warning recommends.
    call = Call("torch.Tensor.T", X)
    assert torch.equal(call.result(), X.permute(2, 1, 0))
    assert call.ops() == ["permute"]


def test_a_view_that_changes_nothing_is_the_tensor_itself() -> None:
    for name, arguments in {
        "torch.Tensor.view": (2, 3, 4),
        "torch.Tensor.expand": (-1, -1, -1),
        "torch.Tensor.permute": (0, 1, 2),
        "torch.Tensor.squeeze": (),
    }.items():
        call = Call(name, X, *arguments)
        assert call.returned is call.arguments[0], name
        assert call.ops() == []


def test_every_view_is_declared_so_that_in_place_changes_are_not_lost() -> None:
    """Whatever shares memory in torch must be in VIEW_OPS."""
    calls = {
        "reshape": ("torch.Tensor.view", X, -1),
        "permute": ("torch.Tensor.mT", X),
        "expand": ("torch.Tensor.expand", SCALAR, 3),
        "slice": ("torch.Tensor.__getitem__", X, 0),
        "diagonal": ("torch.Tensor.diagonal", X),
        "unfold": ("torch.Tensor.unfold", X, 0, 1, 1),
        "contiguous": ("torch.Tensor.contiguous", X),
    }
    for op, (name, *arguments) in calls.items():
        assert op in Call(name, *arguments).ops()
        assert op in VIEW_OPS
        eager = getattr(torch.Tensor, name.rpartition(".")[2]) if op != "permute" else torch.Tensor.mT.__get__
        assert eager(*arguments).untyped_storage().data_ptr() == arguments[0].untyped_storage().data_ptr()


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("torch.Tensor.view", (X, 5, -1), ["(2, 3, 4)", "(5, -1)", "24 elements", "multiple of 5"]),
        ("torch.Tensor.view", (X, 5, 5), ["24 elements", "25"]),
        ("torch.Tensor.view", (X, -1, -1), ["only one size can be -1"]),
        ("torch.Tensor.permute", (X, 0, 1), ["names 2 dimensions", "(2, 3, 4)", "has 3"]),
        ("torch.Tensor.expand", (X, 2, 3, 5), ["(2, 3, 4)", "(2, 3, 5)", "equal or 1"]),
    ],
)
def test_a_message_says_what_was_expected_and_what_came(
    name: str, arguments: tuple[Any, ...], words: list[str]
) -> None:
    emitter = FakeEmitter()
    tensor, *rest = arguments
    with pytest.raises(ShapeError) as caught:
        SPELLINGS[name](emitter, emitter.input(tensor), *rest)
    for word in words:
        assert word in str(caught.value)


def test_an_unbounded_value_costs_no_memory_however_large_the_result() -> None:
    huge = (2**20, 2**20)
    nothing_known = Interval.unbounded(huge)
    out = TensorType((2**10, 2**10, 2**20), torch.float32)
    result = OPS["reshape"].interval([nothing_known], {"shape": out.shape}, out)
    assert result.shape == out.shape
    assert result.lower.untyped_storage().nbytes() <= 8
    assert result.lower[0, 0, 0] == -torch.inf and result.upper[0, 0, 0] == torch.inf


def test_sizes_may_come_from_known_tensors_but_not_from_inputs() -> None:
    refused("torch.Tensor.view", X, "6", 4)
    emitter = FakeEmitter()
    six = emitter.constant(torch.tensor(6))
    assert SPELLINGS["torch.Tensor.view"](emitter, emitter.input(X), six, 4).shape == (6, 4)

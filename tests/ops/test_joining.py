"""Putting tensors together, repeating them, and grids."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.ops.facets import case, check
from tests.ops.fake_emitter import Call, FakeEmitter, Known, run

from torchlean.ops import SPELLINGS, ShapeError, UnsupportedError

X = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
Y = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(2))
MATRIX, VECTOR, SCALAR, EMPTY = X[0], X[0, 0], X[0, 0, 0], torch.zeros(0)
DTYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int8,
    torch.uint8,
    torch.bool,
]

CALLS = [
    case("torch.cat", [X, Y]),
    case("torch.cat", (X, Y), 1),
    case("torch.cat", (X, Y), dim=-1),
    case("torch.cat", tensors=[X[:1], Y], dim=0),
    case("torch.cat", [X, EMPTY], 2),
    case("torch.cat", [EMPTY, X]),
    case("torch.cat", [EMPTY, EMPTY]),
    case("torch.cat", [X, torch.zeros(2, 0, 4)], 1),
    case("torch.cat", [X]),
    case("torch.cat", [X, Y], 3),
    case("torch.cat", [X, Y[:, :2]]),
    case("torch.cat", [X, MATRIX]),
    case("torch.cat", [SCALAR, SCALAR]),
    case("torch.cat", []),
    case("torch.cat", X),
    case("torch.cat", [X, 1.0]),
    case("torch.concat", [X, Y], 1),
    case("torch.concatenate", (X, Y)),
    case("torch.stack", [X, Y]),
    case("torch.stack", (X, Y), 3),
    case("torch.stack", [X, Y], dim=-2),
    case("torch.stack", [SCALAR, SCALAR]),
    case("torch.stack", [X, Y[0]]),
    case("torch.stack", [X, Y], 4),
    case("torch.stack", []),
    case("torch.hstack", [VECTOR, VECTOR[:2]]),
    case("torch.hstack", [X, Y[:, :1]]),
    case("torch.hstack", (SCALAR, SCALAR)),
    case("torch.hstack", (SCALAR, MATRIX)),
    case("torch.vstack", [VECTOR, MATRIX]),
    case("torch.vstack", [SCALAR, SCALAR]),
    case("torch.row_stack", [VECTOR, VECTOR]),
    case("torch.dstack", [MATRIX, MATRIX]),
    case("torch.dstack", [VECTOR, VECTOR]),
    case("torch.dstack", [X, Y[..., :2]]),
    case("torch.column_stack", [VECTOR, VECTOR]),
    case("torch.column_stack", [VECTOR[:3], MATRIX]),
    case("torch.column_stack", [SCALAR, SCALAR]),
    case("torch.Tensor.repeat", X, 2, 1, 3),
    case("torch.Tensor.repeat", X, (2, 2, 1, 1)),
    case("torch.Tensor.repeat", X, 2, 2),
    case("torch.Tensor.repeat", X, 1, 0, 1),
    case("torch.Tensor.repeat", X, 1, -1, 1),
    case("torch.Tensor.repeat", SCALAR, 3),
    case("torch.tile", X, (2,)),
    case("torch.tile", X, dims=(2, 1, 1, 2)),
    case("torch.Tensor.tile", X, 2, 2),
    case("torch.Tensor.tile", VECTOR, (0,)),
    case("torch.repeat_interleave", X, 2, 1),
    case("torch.repeat_interleave", X, 3),
    case("torch.repeat_interleave", X, repeats=2, dim=-1),
    case("torch.Tensor.repeat_interleave", X, 0, dim=0),
    case("torch.Tensor.repeat_interleave", X, 2, dim=5),
    case("torch.Tensor.repeat_interleave", X, -1, dim=0),
    case("torch.Tensor.repeat_interleave", VECTOR, Known(torch.tensor(2))),
    case("torch.meshgrid", VECTOR, VECTOR[:3], indexing="ij"),
    case("torch.meshgrid", VECTOR, VECTOR[:3], indexing="xy"),
    case("torch.meshgrid", [VECTOR[:2], VECTOR[:3], VECTOR], indexing="xy"),
    case("torch.meshgrid", (VECTOR[:1], VECTOR[:1]), indexing="ij"),
    case("torch.meshgrid", VECTOR, indexing="xy"),
    case("torch.meshgrid", VECTOR, SCALAR, indexing="ij"),
    case("torch.meshgrid", VECTOR, MATRIX, indexing="ij"),
    case("torch.meshgrid", VECTOR, VECTOR, indexing="yx"),
    case("torch.cartesian_prod", VECTOR, VECTOR[:2]),
    case("torch.cartesian_prod", VECTOR[:2], VECTOR[:3], VECTOR[:1]),
    case("torch.cartesian_prod", VECTOR),
    case("torch.cartesian_prod", VECTOR, MATRIX),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), CALLS)
def test_joining_is_torchs_and_intervals_lose_nothing(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords)


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_cat_and_stack_promote_dtypes_as_torch_does(left: torch.dtype, right: torch.dtype) -> None:
    a, b = torch.tensor([0, 1, 2]).to(left), torch.tensor([1, 0, 1]).to(right)
    for function in (torch.cat, torch.stack, torch.hstack):
        result = run(f"torch.{function.__name__}", [a, b])
        assert result.dtype == function([a, b]).dtype
        assert torch.equal(result, function([a, b]))


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("torch.cat", ([X, Y[:, :2]],), ["dim 1", "(2, 3, 4)", "(2, 2, 4)"]),
        ("torch.cat", ([X, MATRIX],), ["equal rank", "(3, 4)"]),
        ("torch.stack", ([X, MATRIX],), ["one shape", "(2, 3, 4)", "(3, 4)"]),
        ("torch.cat", ([],), ["at least one"]),
        ("torch.cat", (X,), ["list or tuple"]),
    ],
)
def test_a_message_names_the_shapes(name: str, arguments: tuple[Any, ...], words: list[str]) -> None:
    with pytest.raises(ShapeError) as caught:
        Call(name, *arguments)
    for word in words:
        assert word in str(caught.value)


def test_repeats_per_element_are_not_followed_and_the_reason_is_given() -> None:
    emitter = FakeEmitter()
    with pytest.raises(UnsupportedError, match="one number of repeats"):
        SPELLINGS["torch.repeat_interleave"](
            emitter, emitter.input(VECTOR), emitter.constant(torch.tensor([1, 2, 0, 1]))
        )

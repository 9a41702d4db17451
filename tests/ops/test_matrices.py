"""Triangles, diagonals, mirrors, padding, windows and shuffles."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tests.ops.facets import case, check
from tests.ops.fake_emitter import Call, agree

from torchlean.intervals import Interval
from torchlean.ops import OPS, ShapeError, TensorType

X = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
IMAGE = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(2))
MATRIX, VECTOR, SCALAR = X[0], X[0, 0], X[0, 0, 0]
EMPTY, INTEGERS = torch.zeros(0, 3), torch.arange(12).reshape(3, 4)
SIGNED = torch.tensor([[-0.0, math.inf], [-math.inf, 0.0]])

MATRICES = [
    case("torch.tril", X),
    case("torch.tril", MATRIX, 1),
    case("torch.Tensor.tril", INTEGERS, diagonal=-1),
    case("torch.Tensor.tril_", MATRIX),
    case("torch.Tensor.tril_", MATRIX, -9),
    case("torch.tril", VECTOR),
    case("torch.triu", X, diagonal=1),
    case("torch.Tensor.triu", EMPTY),
    case("torch.Tensor.triu_", INTEGERS, 2),
    case("torch.triu", SCALAR),
    case("torch.diag", VECTOR),
    case("torch.diag", VECTOR, 1),
    case("torch.diag", VECTOR, diagonal=-2),
    case("torch.diag", MATRIX),
    case("torch.Tensor.diag", MATRIX, 2),
    case("torch.Tensor.diag", MATRIX, 7),
    case("torch.diag", X),
    case("torch.diagonal", MATRIX),
    case("torch.diagonal", X, 1, 1, 2),
    case("torch.Tensor.diagonal", X, offset=-1, dim1=-1, dim2=0),
    case("torch.Tensor.diagonal", X, 0, 1, 1),
    case("torch.Tensor.diagonal", VECTOR),
    case("torch.linalg.diagonal", X, dim1=-2, dim2=-1),
    case("torch.diag_embed", X),
    case("torch.diag_embed", MATRIX, 1, 0, 2),
    case("torch.Tensor.diag_embed", VECTOR, offset=-1),
    case("torch.flip", X, (0,)),
    case("torch.flip", X, dims=[0, -1]),
    case("torch.Tensor.flip", X, 0, 2),
    case("torch.Tensor.flip", X, (1,)),
    case("torch.Tensor.flip", X, 1, 1),
    case("torch.Tensor.flip", X, 3),
    case("torch.Tensor.flip", SCALAR, ()),
    case("torch.fliplr", X),
    case("torch.Tensor.fliplr", VECTOR),
    case("torch.flipud", VECTOR),
    case("torch.Tensor.flipud", SCALAR),
    case("torch.roll", X, 1),
    case("torch.roll", X, 1, 0),
    case("torch.roll", X, (1, -2), (0, 2)),
    case("torch.roll", X, shifts=5, dims=-1),
    case("torch.Tensor.roll", X, (1, 2), 0),
    case("torch.Tensor.roll", X, 1, 3),
    case("torch.Tensor.roll", EMPTY, 1, 0),
    *(case("torch.rot90", X, turns, (0, 2)) for turns in (-1, 0, 1, 2, 3, 5)),
    case("torch.rot90", MATRIX),
    case("torch.rot90", X, dims=(2, 1)),
    case("torch.Tensor.rot90", X, 1, [-1, 0]),
    case("torch.Tensor.rot90", X, 1, (0, 0)),
    case("torch.Tensor.rot90", VECTOR),
]

PAD = "torch.nn.functional.pad"
PADDING = [
    case(PAD, X, (1, 2)),
    case(PAD, X, [1, 0, 0, 2]),
    case(PAD, X, (1, 1, 1, 1, 1, 1), value=0.1),
    case(PAD, X, pad=(0, 1), mode="constant", value=float("-inf")),
    case(PAD, X, (-1, 2, 0, -1)),
    case(PAD, X, (-3, -2)),
    case(PAD, X, (1,)),
    case(PAD, X, (1, 1, 1, 1, 1, 1, 1, 1)),
    case(PAD, VECTOR, (2, 0), value=3),
    case(PAD, SCALAR, ()),
    case(PAD, EMPTY, (1, 1)),
    case(PAD, EMPTY, (0, 0, 1, 1)),
    case(PAD, INTEGERS, (1, 1), value=7),
    case(PAD, INTEGERS, (1, 1), value=0.5),
    case(PAD, INTEGERS > 3, (1, 1), value=1),
    case(PAD, X, (1, 2), "mirror"),
    case(PAD, X, (1, 2), 1.0),
    *(case(PAD, X, (2, 1), mode) for mode in ("reflect", "replicate", "circular")),
    *(case(PAD, IMAGE, (1, 2, 3, 0), mode) for mode in ("reflect", "replicate", "circular")),
    *(case(PAD, IMAGE[0], (1, 2, 3, 0), mode) for mode in ("reflect", "replicate", "circular")),
    *(
        case(PAD, IMAGE.unsqueeze(0), (1, 2, 3, 0, 1, 1), mode)
        for mode in ("reflect", "replicate", "circular")
    ),
    *(case(PAD, X, (9, 0), mode) for mode in ("reflect", "replicate", "circular")),
    *(case(PAD, VECTOR, (1, 0), mode) for mode in ("reflect", "replicate", "circular")),
    *(case(PAD, IMAGE, (1, 1), mode) for mode in ("reflect", "replicate", "circular")),
    *(case(PAD, INTEGERS, (1, 1), mode) for mode in ("reflect", "replicate", "circular")),
    *(case(PAD, INTEGERS > 3, (1, 1), mode) for mode in ("reflect", "replicate", "circular")),
    *(case(PAD, IMAGE, (-1, 2, 0, 0), mode) for mode in ("reflect", "replicate", "circular")),
    case(PAD, X, (1, 1), "reflect", 0.0),
    case(PAD, X, (1, 1), "reflect", 1.0),
    case("torch.constant_pad_nd", X, (1, 1), 0.5),
    case("torch.constant_pad_nd", X, [1, 1]),
]

WINDOWS = [
    case("torch.Tensor.unfold", X, 2, 2, 1),
    case("torch.Tensor.unfold", X, -1, 3, 2),
    case("torch.Tensor.unfold", X, dimension=1, size=3, step=1),
    case("torch.Tensor.unfold", X, 1, 0, 1),
    case("torch.Tensor.unfold", X, 1, 4, 1),
    case("torch.Tensor.unfold", X, 3, 1, 1),
    case("torch.Tensor.unfold", SCALAR, 0, 1, 1),
    case("torch.nn.functional.unfold", IMAGE, 3),
    case("torch.nn.functional.unfold", IMAGE, (2, 3), dilation=(2, 1), padding=(1, 2), stride=(2, 1)),
    case("torch.nn.functional.unfold", IMAGE, kernel_size=1),
    case("torch.nn.functional.unfold", IMAGE, [2, 2], 1, 0, 2),
    case("torch.nn.functional.unfold", IMAGE[0], 3, padding=1),
    case("torch.nn.functional.unfold", IMAGE, 7),
    case("torch.nn.functional.unfold", MATRIX, 2),
    case("torch.nn.functional.pixel_shuffle", IMAGE, 2),
    case("torch.pixel_shuffle", IMAGE[0], upscale_factor=2),
    case("torch.pixel_shuffle", IMAGE.unsqueeze(0), 2),
    case("torch.pixel_shuffle", IMAGE, 3),
    case("torch.pixel_shuffle", MATRIX, 2),
    case("torch.nn.functional.pixel_unshuffle", IMAGE, 3),
    case("torch.pixel_unshuffle", IMAGE[0], downscale_factor=2),
    case("torch.pixel_unshuffle", IMAGE, 4),
    case("torch.nn.functional.channel_shuffle", IMAGE, 2),
    case("torch.channel_shuffle", X, 3),
    case("torch.channel_shuffle", IMAGE, 3),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), MATRICES + PADDING + WINDOWS)
def test_elements_move_as_in_torch_and_intervals_lose_nothing(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords)


def test_infinite_ends_survive_a_triangle_and_never_become_nan() -> None:
    agree("torch.tril", SIGNED)
    unknown = Interval.unbounded((2, 2))
    result = OPS["tril"].interval([unknown], {"diagonal": 0}, TensorType((2, 2), torch.float32))
    assert result.lower.tolist() == [[-math.inf, 0.0], [-math.inf, -math.inf]]
    assert result.upper.tolist() == [[math.inf, 0.0], [math.inf, math.inf]]


def test_padding_with_a_decimal_writes_the_number_that_the_dtype_holds() -> None:
    call = Call(PAD, X, (1, 0), value=0.1)
    assert call.emitter.builder.nodes[-1].attributes["value"] == torch.tensor(0.1).item()
    call = Call(PAD, X.double(), (1, 0), value=0.1)
    assert call.emitter.builder.nodes[-1].attributes["value"] == 0.1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((X, (1,)), ["pair", "got 1"]),
        ((X, (1, 1), "mirror"), ["constant, reflect, replicate, circular", "mirror"]),
        ((INTEGERS > 3, (1, 1), "reflect"), ["reflect", "bool"]),
    ],
)
def test_wrong_padding_is_explained(arguments: tuple[Any, ...], words: list[str]) -> None:
    with pytest.raises(ShapeError) as caught:
        Call(PAD, *arguments)
    for word in words:
        assert word in str(caught.value)

"""Tensors made from nothing, drawn tensors, and conversions of dtype."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tests.ops.facets import case, check
from tests.ops.fake_emitter import Call, FakeEmitter, Known, agree, refused, run, torch_function

from torchlean.graph import Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, SPELLINGS, ShapeError, TensorType, UnsupportedError

X = torch.randn(2, 3, generator=torch.Generator().manual_seed(1))
INTEGERS = torch.arange(6).reshape(2, 3)

CREATION = [
    case("torch.zeros", 2, 3),
    case("torch.zeros", (2, 3)),
    case("torch.zeros", [2, 0]),
    case("torch.zeros", size=(2,)),
    case("torch.zeros", ()),
    case("torch.zeros", 2, dtype=torch.int64, device="cpu"),
    case("torch.zeros", -1),
    case("torch.zeros", 2.0),
    case("torch.zeros", 2, color="red"),
    case("torch.zeros", X.shape, requires_grad=False),
    case("torch.ones", 3, dtype=torch.bool),
    case("torch.ones", torch.Size((1, 2))),
    case("torch.full", (2, 2), 7),
    case("torch.full", (2, 2), 0.1),
    case("torch.full", (2,), True),
    case("torch.full", (2,), fill_value=1, dtype=torch.float64),
    case("torch.full", size=(2,), fill_value=math.inf),
    case("torch.full", (2,), 300, dtype=torch.int8),
    case("torch.full", (2,), torch.tensor(2.5)),
    case("torch.full", (2,), Known(torch.tensor(2.5))),
    case("torch.zeros_like", X),
    case("torch.zeros_like", INTEGERS, dtype=torch.float32),
    case("torch.ones_like", INTEGERS),
    case("torch.full_like", X, 2),
    case("torch.full_like", INTEGERS, 2),
    case("torch.full_like", INTEGERS, 2.5),
    case("torch.full_like", X, 0.1, dtype=torch.float64),
    case("torch.Tensor.new_zeros", INTEGERS, 2, 2),
    case("torch.Tensor.new_zeros", X, (2, 2)),
    case("torch.Tensor.new_ones", INTEGERS, (3,), dtype=torch.float16),
    case("torch.Tensor.new_full", X, (2,), 0.1),
    case("torch.Tensor.new_tensor", X, [1, 2]),
    case("torch.Tensor.new_tensor", X, [0.5]),
    case("torch.eye", 3),
    case("torch.eye", 2, 3),
    case("torch.eye", 2, m=4, dtype=torch.bool),
    case("torch.eye", -1),
    case("torch.arange", 5),
    case("torch.arange", 5.0),
    case("torch.arange", 1, 5),
    case("torch.arange", 1, 2, 0.1),
    case("torch.arange", 5, 0, -2),
    case("torch.arange", start=1, end=4),
    case("torch.arange", 1, end=4, step=2),
    case("torch.arange", 0, 1, 0.3, dtype=torch.float64),
    case("torch.arange", 3, 1),
    case("torch.arange", 3, dtype=torch.bfloat16),
    case("torch.arange", Known(torch.tensor(3))),
    case("torch.linspace", 0, 1, 7),
    case("torch.linspace", -1.0, 1.0, steps=5, dtype=torch.float64),
    case("torch.linspace", 0, 1, 0),
    case("torch.linspace", 0, 1, -1),
    case("torch.linspace", Known(torch.tensor(0.5)), 3, 1),
    case("torch.logspace", -2, 2, 5),
    case("torch.logspace", 0, 3, 4, base=2.0),
    case("torch.tensor", 1),
    case("torch.tensor", 0.1),
    case("torch.tensor", True),
    case("torch.tensor", []),
    case("torch.tensor", [1, 2.5]),
    case("torch.tensor", ((1, 2), (3, 4))),
    case("torch.tensor", [[1, 2], [3]]),
    case("torch.tensor", [1, 2], dtype=torch.float64),
    case("torch.tensor", [1.5], dtype=torch.int32),
    case("torch.tensor", X),
    case("torch.tensor", X, dtype=torch.float64),
    case("torch.tensor", [X[0, 0], 2.0]),
    case("torch.tensor", [X[0, 0], X[0, 1]]),
    case("torch.tensor", [[X[0, 0], 1.0], [2.0, X[1, 1]]]),
    case("torch.tensor", [Known(torch.tensor(2.0)), 1.0]),
    case("torch.tensor", [Known(torch.tensor(2.0, dtype=torch.float64)), 1.0]),
    case("torch.tensor", [Known(torch.tensor(2)), True]),
    case("torch.tensor", [Known(torch.tensor(2)), 0.5]),
    case("torch.tensor", [X[0]]),
    case("torch.tensor", [X[0, :1]]),
    case("torch.tensor", range(3)),
    case("torch.tensor", [1, 2], requires_grad=False),
    case("torch.tensor", "text"),
    case("torch.as_tensor", [1, 2]),
    case("torch.as_tensor", X, dtype=torch.float64),
    case("torch.asarray", [0.5]),
    case("torch.scalar_tensor", 2),
    case("torch.tril_indices", 3, 3),
    case("torch.triu_indices", 3, 4, offset=1),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), CREATION)
def test_a_factory_makes_torchs_tensor(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords)


def test_a_huge_constant_is_one_number_and_its_shape() -> None:
    emitter = FakeEmitter()
    handle = SPELLINGS["torch.ones"](emitter, 2**15, 2**15)
    data = emitter.builder.nodes[handle.node].data
    assert data is not None and tuple(data.shape) == (2**15, 2**15)
    assert data.untyped_storage().nbytes() == 4 and data[0, 0] == 1


def test_a_huge_range_is_refused_with_its_size() -> None:
    with pytest.raises(UnsupportedError, match=str(2**40)):
        Call("torch.arange", 2**40)


def test_a_tensor_of_numbers_that_depend_on_inputs_stays_connected_to_them() -> None:
    call = Call("torch.tensor", [X[0, 0], 2.0])
    assert "stack" in call.ops()


DRAWS: list[tuple[str, tuple[Any, ...], dict[str, Any], float, float]] = [
    ("torch.rand", (2, 3), {}, 0, 1),
    ("torch.rand", ((2, 3),), {"generator": None}, 0, 1),
    ("torch.rand", (4,), {"dtype": torch.float64}, 0, 1),
    ("torch.randn", (2, 3), {}, -math.inf, math.inf),
    ("torch.randn", (), {"size": (2,)}, -math.inf, math.inf),
    ("torch.rand_like", (X,), {}, 0, 1),
    ("torch.randn_like", (X,), {"dtype": torch.float64}, -math.inf, math.inf),
    ("torch.randint", (5, (2, 3)), {}, 0, 4),
    ("torch.randint", (-2, 3, (4,)), {}, -2, 2),
    ("torch.randint", (), {"low": 1, "high": 3, "size": (2,)}, 1, 2),
    ("torch.randint", (1,), {"high": 3, "size": (2,)}, 1, 2),
    ("torch.randint", (10,), {"size": (2,)}, 0, 9),
    ("torch.randint", (2, (2,)), {"dtype": torch.float32}, 0, 1),
    ("torch.randint_like", (X, 7), {}, 0, 6),
    ("torch.randint_like", (INTEGERS, 2, 7), {}, 2, 6),
    ("torch.randperm", (6,), {}, 0, 5),
    ("torch.bernoulli", (torch.full((3,), 0.5),), {}, 0, 1),
    ("torch.Tensor.bernoulli", (torch.full((3,), 0.5),), {"p": 0.1}, 0, 1),
    ("torch.poisson", (X.abs(),), {}, 0, math.inf),
    ("torch.normal", (0.0, 1.0, (2, 2)), {}, -math.inf, math.inf),
    ("torch.normal", (X, 1.0), {}, -math.inf, math.inf),
    ("torch.normal", (X, X.abs()), {}, -math.inf, math.inf),
    ("torch.normal", (0.0,), {"std": X.abs()}, -math.inf, math.inf),
    ("torch.multinomial", (torch.ones(2, 5), 3), {}, 0, 4),
    ("torch.Tensor.multinomial", (torch.ones(2), 9, True), {}, 0, 1),
    ("torch.empty", (2, 3), {}, -math.inf, math.inf),
    ("torch.empty_like", (INTEGERS,), {}, -math.inf, math.inf),
    ("torch.Tensor.new_empty", (X, (4,)), {}, -math.inf, math.inf),
]


def drawn(call: Call) -> Node:
    nodes = [node for node in call.emitter.builder.nodes if node.op == "random"]
    assert len(nodes) == 1
    return nodes[0]


@pytest.mark.parametrize(("name", "arguments", "keywords", "lower", "upper"), DRAWS)
def test_a_draw_has_torchs_type_and_contains_what_torch_draws(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], lower: float, upper: float
) -> None:
    node = drawn(Call(name, *arguments, **keywords))
    for _ in range(5):
        sample = torch_function(name)(*arguments, **keywords)
        assert node.type == TensorType(tuple(sample.shape), sample.dtype)
        assert bool(((sample >= lower) & (sample <= upper) | sample.isnan()).all())
    assert (node.attributes["lower"], node.attributes["upper"]) == (lower, upper)


IN_PLACE: list[tuple[str, tuple[Any, ...], dict[str, Any], float, float]] = [
    ("torch.Tensor.uniform_", (), {}, 0, 1),
    ("torch.Tensor.uniform_", (-0.5, 0.5), {}, -0.5, 0.5),
    ("torch.Tensor.uniform_", (-2,), {"to": 3.0}, -2, 3),
    ("torch.Tensor.uniform_", (), {"from": -2.0, "to": 3.0}, -2, 3),
    ("torch.Tensor.normal_", (0.0, 2.0), {}, -math.inf, math.inf),
    ("torch.Tensor.normal_", (), {"mean": 0.0, "std": 0.1}, -math.inf, math.inf),
    ("torch.Tensor.exponential_", (), {}, 0, math.inf),
    ("torch.Tensor.exponential_", (2.0,), {"generator": None}, 0, math.inf),
    ("torch.Tensor.log_normal_", (0.0, 1.0), {}, 0, math.inf),
    ("torch.Tensor.cauchy_", (), {"median": 1.0}, -math.inf, math.inf),
    ("torch.Tensor.bernoulli_", (0.3,), {}, 0, 1),
]


@pytest.mark.parametrize(("name", "arguments", "keywords", "lower", "upper"), IN_PLACE)
def test_a_draw_in_place_replaces_the_tensor(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], lower: float, upper: float
) -> None:
    call = Call(name, X, *arguments, **keywords)
    node = drawn(call)
    assert call.arguments[0].node == node.id and call.returned is call.arguments[0]
    # The ends of a uniform range are widened by what float32 may round.
    assert lower - 1e-5 <= node.attributes["lower"] <= lower
    assert upper <= node.attributes["upper"] <= upper + 1e-5
    sample = torch_function(name)(X.clone(), *arguments, **keywords)
    assert bool(((sample >= node.attributes["lower"]) & (sample <= node.attributes["upper"])).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("low", "high"), [(-0.1, 0.1), (0.1, 0.1), (1.0, 1.1), (-1000.3, 0.7), (0.0, 1.0), (3.3, 90.9)]
)
def test_rounding_never_draws_outside_a_uniform_range(low: float, high: float, dtype: torch.dtype) -> None:
    node = drawn(Call("torch.Tensor.uniform_", torch.zeros(1, dtype=dtype), low, high))
    sample = (
        torch.empty(200_000, dtype=dtype)
        .uniform_(low, high, generator=torch.Generator().manual_seed(0))
        .double()
    )
    assert node.attributes["lower"] <= sample.min() and sample.max() <= node.attributes["upper"]


def test_integer_ranges_that_floats_cannot_hold_are_rounded_outward() -> None:
    node = drawn(Call("torch.randint", -(2**53) - 1, 2**53 + 2, (1,)))
    assert node.attributes["lower"] == -(2.0**53) - 2 and node.attributes["upper"] == 2.0**53 + 2
    node = drawn(Call("torch.randint", 0, 2**24 + 4, (1,), dtype=torch.float32))
    assert node.attributes["upper"] >= torch.tensor(2.0**24 + 3, dtype=torch.float64).float().item()


@pytest.mark.parametrize(
    ("name", "arguments", "keywords"),
    [
        ("torch.rand", (2,), {"dtype": torch.int64}),
        ("torch.randn", (-1,), {}),
        ("torch.randint", (3, 3, (2,)), {}),
        ("torch.randint", (3,), {}),
        ("torch.rand_like", (INTEGERS,), {}),
        ("torch.Tensor.uniform_", (X, 2.0, 1.0), {}),
        ("torch.Tensor.normal_", (INTEGERS,), {}),
        ("torch.multinomial", (torch.ones(2, 3), 5), {}),
    ],
)
def test_a_draw_that_torch_refuses_is_refused(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    agree(name, *arguments, **keywords)


def test_two_draws_are_never_the_same_value() -> None:
    emitter = FakeEmitter()
    first, second = (SPELLINGS["torch.rand"](emitter, 2) for _ in range(2))
    assert emitter.builder.nodes[first.node].digest != emitter.builder.nodes[second.node].digest


def test_seeding_adds_nothing_to_the_graph() -> None:
    call = Call("torch.manual_seed", 0)
    assert call.returned is None and not call.emitter.builder.nodes
    emitter = FakeEmitter()
    generator = SPELLINGS["torch.Generator"](emitter).manual_seed(3)
    assert SPELLINGS["torch.rand"](emitter, 2, generator=generator).shape == (2,)


DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
]


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("source", DTYPES)
def test_every_conversion_gives_torchs_numbers(source: torch.dtype, target: torch.dtype) -> None:
    values = torch.tensor([0.0, -0.0, 1.0, 2.75, 100.5]).to(source)
    short = {torch.float64: "double", torch.float32: "float", torch.float16: "half", torch.int64: "long"}
    short |= {torch.int32: "int", torch.int16: "short", torch.int8: "char", torch.uint8: "byte"}
    agree("torch.Tensor.to", values, target)
    agree(f"torch.Tensor.{short.get(target, str(target)[6:])}", values)
    agree("torch.Tensor.type", values, target)
    agree("torch.Tensor.type_as", values, torch.zeros(1, dtype=target))
    refused("torch.Tensor.type", values, "FloatTensor")


CASTS = [
    case("torch.Tensor.to", X, "cpu"),
    case("torch.Tensor.to", X, torch.device("cpu"), torch.float64),
    case("torch.Tensor.to", X, "cpu", dtype=torch.int32),
    case("torch.Tensor.to", X, INTEGERS),
    case("torch.Tensor.to", X, dtype=torch.float16, non_blocking=True, copy=True),
    case("torch.Tensor.to", X, color="red"),
    case("torch.Tensor.type", X),
    case("torch.Tensor.type", X, "torch.DoubleTensor"),
    case("torch.Tensor.cpu", X),
    case("torch.Tensor.clone", X),
    case("torch.clone", X, memory_format=torch.contiguous_format),
    case("torch.Tensor.detach", X),
    case("torch.detach", X),
    case("torch.Tensor.contiguous", X),
    case("torch.Tensor.data", X),
    case("torch.Tensor.requires_grad_", INTEGERS),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), CASTS)
def test_conversions_and_copies_are_torchs(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords, tight=False)


def test_what_shares_memory_in_torch_is_the_same_handle_and_a_copy_is_not() -> None:
    for name in ("detach", "detach_", "resolve_conj", "real", "cpu", "float", "requires_grad_", "data"):
        call = Call(f"torch.Tensor.{name}", X)
        assert call.returned is call.arguments[0], name
    copy = Call("torch.Tensor.clone", X)
    assert copy.returned is not copy.arguments[0] and copy.ops() == ["clone"]
    assert Call("torch.Tensor.to", X, torch.float32, copy=True).ops() == ["clone"]


def cast_interval(lower: float, upper: float, dtype: torch.dtype) -> tuple[float, float]:
    ends = (torch.tensor([end], dtype=torch.float64) for end in (lower, upper))
    result = OPS["cast"].interval([Interval(*ends)], {"dtype": dtype}, TensorType((1,), dtype))
    return result.lower.item(), result.upper.item()


@pytest.mark.parametrize(
    ("lower", "upper", "dtype", "expected"),
    [
        (-0.1, 0.1, torch.float16, (-0.1, 0.1)),
        (-1.7, 2.7, torch.int64, (-1.0, 2.0)),
        (-0.9, 0.9, torch.int32, (0.0, 0.0)),
        (-300.0, 1.0, torch.int8, (-128.0, 127.0)),
        (-1.0, 2.0, torch.uint8, (0.0, 255.0)),
        (-math.inf, math.inf, torch.int64, (-(2.0**63), 2.0**63)),
        (-1.0, 1.0, torch.bool, (0.0, 1.0)),
        (0.0, 0.0, torch.bool, (0.0, 0.0)),
        (1e-300, 1.0, torch.bool, (1.0, 1.0)),
        (-2.0, -1.0, torch.bool, (1.0, 1.0)),
        (0.0, 5.0, torch.bool, (0.0, 1.0)),
    ],
)
def test_a_conversion_maps_intervals_by_what_it_does_to_numbers(
    lower: float, upper: float, dtype: torch.dtype, expected: tuple[float, float]
) -> None:
    assert cast_interval(lower, upper, dtype) == expected


def test_a_float_conversion_of_a_point_stays_a_point() -> None:
    point = Interval.point(X)
    for dtype in (torch.float64, torch.int32, torch.bool):
        assert OPS["cast"].interval([point], {"dtype": dtype}, TensorType((2, 3), dtype)).is_point


PROPERTIES = [
    *(
        case(f"torch.Tensor.{name}", X)
        for name in [
            "shape",
            "ndim",
            "dtype",
            "device",
            "layout",
            "is_cuda",
            "is_sparse",
            "itemsize",
            "nbytes",
        ]
    ),
    *(
        case(f"torch.Tensor.{name}", INTEGERS)
        for name in ["size", "dim", "numel", "nelement", "ndimension", "element_size"]
    ),
    *(
        case(f"torch.Tensor.{name}", X)
        for name in ["is_floating_point", "is_complex", "is_signed", "get_device", "__len__"]
    ),
    case("torch.Tensor.size", X, 1),
    case("torch.Tensor.size", X, dim=-1),
    case("torch.Tensor.size", X, 2),
    case("torch.Tensor.size", X[0, 0], 0),
    case("torch.Tensor.__len__", X[0, 0]),
    case("torch.numel", X),
    case("torch.is_tensor", X),
    case("torch.is_tensor", [1]),
    case("torch.is_floating_point", INTEGERS),
    case("torch.is_complex", X),
    case("torch.get_default_dtype"),
    case("torch.result_type", X, INTEGERS),
    case("torch.result_type", INTEGERS, 1.0),
    case("torch.promote_types", torch.int32, torch.float16),
    case("torch.broadcast_shapes", (2, 1), (3,)),
    case("torch.broadcast_shapes", (2, 2), (3,)),
    case("torch.Tensor.item", Known(torch.tensor(2.5))),
    case("torch.Tensor.item", Known(torch.tensor([[7]]))),
    case("torch.Tensor.item", Known(torch.zeros(2))),
    case("torch.Tensor.tolist", Known(INTEGERS)),
    case("torch.Tensor.__index__", Known(torch.tensor(3))),
    case("torch.Tensor.__index__", Known(torch.tensor(3.0))),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), PROPERTIES)
def test_what_python_asks_a_tensor_is_answered_as_by_torch(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    agree(name, *arguments, **keywords)


def test_factories_follow_the_default_dtype() -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        agree("torch.get_default_dtype")
        for name, arguments in {"zeros": (2,), "full": ((2,), 0.1), "eye": (2,), "tensor": ([0.1],)}.items():
            agree(f"torch.{name}", *arguments)
        for name in ("arange", "scalar_tensor"):
            agree(f"torch.{name}", 0.5)
        for name in ("rand", "randn", "empty"):
            assert drawn(Call(f"torch.{name}", 2)).type.dtype == torch.float64
    finally:
        torch.set_default_dtype(before)


def test_as_tensor_shares_memory_with_a_tensor_and_tensor_copies_it() -> None:
    assert Call("torch.as_tensor", X).ops() == []
    assert Call("torch.tensor", X).ops() == ["clone"]


def test_numbers_that_are_not_known_are_not_guessed() -> None:
    for name in ("item", "tolist", "__bool__", "__contains__"):
        with pytest.raises(UnsupportedError):
            Call(f"torch.Tensor.{name}", torch.tensor(1.0), *([1] if name == "__contains__" else []))
    for name in ("grad", "requires_grad", "grad_fn", "is_leaf", "numpy", "is_contiguous", "stride"):
        with pytest.raises(UnsupportedError):
            Call(f"torch.Tensor.{name}", X)


def test_backward_changes_no_value() -> None:
    call = Call("torch.Tensor.backward", X.sum())
    assert call.returned is None and call.ops() == []


def test_numeric_limits_are_torchs() -> None:
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        info = run("torch.finfo", dtype)
        assert (info.eps, info.max, info.min, info.tiny) == tuple(
            getattr(torch.finfo(dtype), name) for name in ("eps", "max", "min", "tiny")
        )
    assert run("torch.iinfo", torch.int8).max == 127
    with pytest.raises(ShapeError):
        Call("torch.finfo", torch.int32)


def test_numpy_arrays_are_not_followed_and_the_message_says_what_to_do() -> None:
    with pytest.raises(UnsupportedError, match="build the tensor with torch"):
        Call("torch.from_numpy", object())

"""Derivatives of every op against torch's autograd in double precision, first and second, at kinks too.

Each case is a call of a torch function; the graph is built by its spelling, differentiated, and evaluated at the same
point. Second derivatives are those of the sum of squares of the first: a sum alone would hide signs that cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.ops.fake_emitter import FakeEmitter, Handle
from torch import Tensor

from torchlean.graph import evaluate, validate
from torchlean.graph.differentiation import IndependentError, gradient
from torchlean.ops import OPS, SPELLINGS
from torchlean.ops.tangents import REASONS, RULES

DRAWN = torch.Generator().manual_seed(3)


def drawn(*shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
    return torch.rand(*shape, generator=DRAWN, dtype=torch.float64) * (high - low) + low


def gradient_in(emitter: FakeEmitter, of: Handle, by: Handle, known: dict[bytes, int]) -> Handle:
    return gradient(emitter.builder, emitter, lambda node: Handle(emitter, node.id), known, of, by)  # type: ignore[return-value]


def first_and_second(
    name: str, point: Tensor, others: tuple[Any, ...], options: dict[str, Any]
) -> list[Tensor]:
    emitter, known = FakeEmitter(), {}
    x = emitter.input(point)
    result = SPELLINGS[name](emitter, x, *(_handled(emitter, other) for other in others), **options)
    weighted = _weighted(emitter, result)
    first = gradient_in(emitter, weighted, x, known)
    try:
        second = gradient_in(emitter, _weighted(emitter, first), x, known)
    except IndependentError:
        second = emitter.constant(torch.zeros_like(point))
    graph = emitter.builder.graph([first.node, second.node])
    validate(graph)
    values = evaluate(graph, emitter.data)
    return [values[first.node], values[second.node]]


def _weighted(emitter: FakeEmitter, value: Handle) -> Handle:
    return emitter.emit("mul", value, emitter.constant(_weights(value.shape)))


def _weights(shape: tuple[int, ...]) -> Tensor:
    """Different for every element, so that no element's derivative can stand for another's."""
    return torch.linspace(0.5, 1.5, math.prod(shape), dtype=torch.float64).reshape(shape)


def _handled(emitter: FakeEmitter, other: Any) -> Any:
    if isinstance(other, Tensor):
        return emitter.constant(other)
    return [_handled(emitter, item) for item in other] if isinstance(other, list) else other


def by_torch(call: Callable[[Tensor], Tensor], point: Tensor) -> list[Tensor]:
    """Second derivatives that torch has none of are left out."""
    x = point.clone().requires_grad_()
    result = call(x)
    (first,) = torch.autograd.grad((result * _weights(tuple(result.shape))).sum(), x, create_graph=True)
    if not first.requires_grad:
        return [first.detach(), torch.zeros_like(point)]
    try:
        (second,) = torch.autograd.grad((first * _weights(tuple(point.shape))).sum(), x, allow_unused=True)
    except RuntimeError as error:
        assert "hardsigmoid_backward is not implemented" in str(error)
        return [first.detach()]
    return [first.detach(), torch.zeros_like(point) if second is None else second]


F = "torch.nn.functional."
POSITIVE = {"low": 0.3, "high": 2.5}
UNIT = {"low": -0.9, "high": 0.9}
SMOOTH: list[tuple[str, dict[str, float], dict[str, Any]]] = [
    *(
        (f"torch.{name}", {}, {})
        for name in ("exp", "exp2", "expm1", "erf", "erfc", "sin", "cos", "sinh", "cosh")
    ),
    *((f"torch.{name}", {}, {}) for name in ("tanh", "asinh", "atan", "sigmoid", "square", "neg")),
    *(
        (f"torch.{name}", POSITIVE, {})
        for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal")
    ),
    *((f"torch.{name}", UNIT, {}) for name in ("asin", "acos", "atanh", "tan")),
    ("torch.acosh", {"low": 1.2, "high": 3.0}, {}),
    *(
        (F + name, {}, {})
        for name in ("silu", "mish", "gelu", "logsigmoid", "softsign", "tanhshrink", "elu", "selu")
    ),
    (F + "softplus", {}, {"beta": 1.5, "threshold": 2.0}),
    (F + "elu", {}, {"alpha": 0.7}),
    (F + "celu", {}, {"alpha": 2.0}),
    *(("torch.pow", POSITIVE, {"exponent": exponent}) for exponent in (0, 1, 2, 3, 0.5, -1.5)),
    *((F + name, {}, {}) for name in ("relu", "relu6", "leaky_relu", "hardtanh", "hardsigmoid", "hardswish")),
    *((F + name, {}, {}) for name in ("hardshrink", "softshrink")),
    (F + "threshold", {}, {"threshold": 0.4, "value": -1.0}),
    ("torch.clamp", {}, {"min": -0.7, "max": 0.9}),
    ("torch.clamp", {}, {"min": -0.7}),
    *(
        (f"torch.{name}", {}, {})
        for name in ("abs", "sign", "floor", "ceil", "trunc", "round", "frac", "nan_to_num")
    ),
    *(
        (name, {}, {"dim": -1})
        for name in ("torch.softmax", F + "log_softmax", "torch.logsumexp", "torch.cumsum")
    ),
    *((f"torch.{name}", {}, {"dim": 0}) for name in ("sum", "mean", "prod", "var", "std", "diff")),
    *(
        (f"torch.{name}", {}, {})
        for name in ("sum", "mean", "prod", "flatten", "clone", "tril", "triu", "diagonal")
    ),
    *(("torch.linalg.vector_norm", POSITIVE, {"ord": order}) for order in (1, 2)),
    ("torch.diag_embed", {}, {}),
    ("torch.flip", {}, {"dims": (0,)}),
    ("torch.roll", {}, {"shifts": 1, "dims": 0}),
    ("torch.repeat_interleave", {}, {"repeats": 2, "dim": 0}),
    ("torch.Tensor.reshape", {}, {"shape": (3, 2)}),
    ("torch.permute", {}, {"dims": (1, 0)}),
    ("torch.Tensor.unfold", {}, {"dimension": 1, "size": 2, "step": 1}),
    (F + "normalize", {}, {"dim": 1}),
    (F + "layer_norm", {}, {"normalized_shape": (3,)}),
    (F + "rms_norm", {}, {"normalized_shape": (3,)}),
    (F + "pad", {}, {"pad": (1, 1), "value": 3.0}),
    (F + "pad", {}, {"pad": (1, 1), "mode": "reflect"}),
    (F + "avg_pool1d", {}, {"kernel_size": 2}),
    (F + "adaptive_avg_pool1d", {}, {"output_size": 2}),
]


def torch_call(name: str) -> Callable[..., Any]:
    found: Any = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "range", "options"), SMOOTH, ids=lambda value: value if isinstance(value, str) else ""
)
def test_first_and_second_derivatives_of_an_op_are_those_of_autograd(
    name: str, range: dict[str, float], options: dict[str, Any]
) -> None:
    point = drawn(2, 3, **range)
    found = first_and_second(name, point, (), options)
    for mine, theirs in zip(found, by_torch(lambda x: torch_call(name)(x, **options), point), strict=False):
        torch.testing.assert_close(mine, theirs, rtol=_accuracy(name), atol=1e-12)


def _accuracy(name: str) -> float:
    """Of torch: it has the slope of hardsigmoid in binary32 only."""
    return 1e-7 if name.endswith("hardsigmoid") else 1e-10


KINKS: list[tuple[str, list[float], tuple[Any, ...], dict[str, Any]]] = [
    *((F + name, [0.0, -0.0, 1.0], (), {}) for name in ("relu", "leaky_relu", "elu", "selu", "celu")),
    (F + "elu", [0.0], (), {"alpha": 0.5}),
    *(
        (F + name, [0.0, 6.0, 3.0, -3.0, -1.0, 1.0], (), {})
        for name in ("relu6", "hardtanh", "hardsigmoid", "hardswish")
    ),
    *((F + name, [0.5, -0.5, 0.0], (), {}) for name in ("hardshrink", "softshrink")),
    (F + "threshold", [0.5, 0.6], (), {"threshold": 0.5, "value": 0.0}),
    (F + "softplus", [2.0, 1.0], (), {"beta": 1.0, "threshold": 2.0}),
    ("torch.clamp", [-1.0, 1.0, 0.0], (), {"min": -1.0, "max": 1.0}),
    *((f"torch.{name}", [0.0, 1.0], (), {}) for name in ("abs", "sign", "floor", "frac")),
    (F + "softsign", [0.0], (), {}),
    *(
        (f"torch.{name}", [1.0, 2.0], (torch.tensor([1.0, 1.0], dtype=torch.float64),), {})
        for name in ("maximum", "minimum", "fmax", "fmin")
    ),
    ("torch.linalg.vector_norm", [0.0, 0.0], (), {"ord": 1}),
]


@pytest.mark.parametrize(
    ("name", "numbers", "others", "options"), KINKS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_at_a_kink_the_derivative_is_the_one_that_torch_takes(
    name: str, numbers: list[float], others: tuple[Any, ...], options: dict[str, Any]
) -> None:
    point = torch.tensor(numbers, dtype=torch.float64)
    found = first_and_second(name, point, others, options)
    expected = by_torch(lambda x: torch_call(name)(x, *others, **options), point)
    for mine, theirs in zip(found, expected, strict=False):
        torch.testing.assert_close(mine, theirs, rtol=_accuracy(name), atol=0)


other = drawn(2, 3, low=0.4, high=1.7)
TWO: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *(
        (f"torch.{name}", (other,), {})
        for name in ("add", "sub", "mul", "div", "maximum", "minimum", "fmax", "fmin")
    ),
    *(
        (f"torch.{name}", (other,), {})
        for name in ("fmod", "remainder", "hypot", "atan2", "pow", "logaddexp", "xlogy")
    ),
    ("torch.add", (other,), {"alpha": 0.3}),
    ("torch.matmul", (drawn(3, 4),), {}),
    (F + "linear", (drawn(4, 3), drawn(4)), {}),
    ("torch.lerp", (other, drawn(2, 3)), {}),
    ("torch.addcmul", (other, drawn(2, 3)), {"value": 0.3}),
    ("torch.addcdiv", (other, other), {"value": 0.3}),
    ("torch.addmm", (drawn(2, 4), drawn(4, 3)), {"beta": 0.5, "alpha": 2.0}),
    (F + "conv1d", (drawn(4, 2, 2),), {}),
    (F + "conv_transpose1d", (drawn(2, 4, 2),), {}),
    ("torch.gather", (1, torch.tensor([[0, 2, 2], [1, 1, 0]])), {}),
    ("torch.index_select", (1, torch.tensor([2, 0])), {}),
]


@pytest.mark.parametrize(
    ("name", "others", "options"),
    TWO,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_derivatives_by_one_of_several_operands_are_those_of_autograd(
    name: str, others: tuple[Any, ...], options: dict[str, Any]
) -> None:
    point = drawn(2, 3, **POSITIVE)
    found = first_and_second(name, point, others, options)
    for mine, theirs in zip(
        found, by_torch(lambda x: torch_call(name)(x, *others, **options), point), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=_accuracy(name), atol=1e-12)


def test_every_op_has_a_rule_or_a_reason_or_no_floating_result() -> None:
    """Comparisons, logic, places and counts give truth values and whole numbers, where autograd stops."""
    undecided = set(OPS) - set(RULES) - set(REASONS)
    arguments = {
        "count_nonzero": {"dim": ()},
        "all": {"dim": (), "keepdim": False},
        "any": {"dim": (), "keepdim": False},
    }
    whole = {
        name for name in undecided if name.startswith(("arg", "bitwise", "logical", "is", "order", "topk"))
    }
    for name in undecided - whole:
        operands = [torch.ones(2)] * (2 if name in ("eq", "ne", "lt", "le", "gt", "ge") else 1)
        assert not OPS[name].evaluate(operands, arguments.get(name, {})).is_floating_point(), name
    assert not set(RULES) & set(REASONS)


def test_a_derivative_shares_what_two_directions_and_two_orders_have_in_common() -> None:
    emitter, known = FakeEmitter(), {}
    x = emitter.input(drawn(2))
    squashed = emitter.emit("tanh", emitter.emit("linear", x, emitter.constant(drawn(3, 2))))
    first = gradient_in(emitter, emitter.emit("sum", squashed, dim=(0,), keepdim=False), x, known)
    gradient_in(emitter, first, x, known)
    digests = [node.digest for node in emitter.builder.nodes if node.op in OPS]
    assert len(digests) == len(set(digests))
    slopes = [node for node in emitter.builder.nodes if node.op == "derivative"]
    assert sorted(node.attributes["order"] for node in slopes) == [1, 2]


def test_the_second_derivative_of_a_layer_multiplies_by_a_square() -> None:
    """`tanh''(z) z'**2`: bounds then know that the factor is not negative."""
    emitter, known = FakeEmitter(), {}
    x = emitter.input(drawn(1))
    inner = emitter.emit("tanh", emitter.emit("linear", x, emitter.constant(drawn(3, 1))))
    outer = emitter.emit("tanh", emitter.emit("linear", inner, emitter.constant(drawn(3, 3))))
    gradient_in(emitter, gradient_in(emitter, outer, x, known), x, known)
    nodes = emitter.builder.nodes
    bend = [node for node in nodes if node.op == "derivative" and node.attributes["order"] == 2][-1]
    products = [node for node in nodes if node.op == "mul" and bend.id in node.inputs]
    assert "pow" in {nodes[id].op for product in products for id in product.inputs}

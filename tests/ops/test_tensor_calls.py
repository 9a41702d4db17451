"""The spellings of products, convolutions, pooling, reductions, norms and normalisations, against torch itself."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tests.ops.facets import case
from tests.ops.fake_emitter import Call, agree, refused, run, torch_function
from torch import Tensor

from torchlean.graph import evaluate
from torchlean.ops import ShapeError, UnsupportedError
from torchlean.ops.extremum import ValuesIndices

F = "torch.nn.functional."
INF = math.inf


def r(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape) + 7 * len(shape))
    return (torch.randn(shape, generator=generator) * 3).to(dtype)


RANKS = [(3,), (2, 3), (3, 4), (5, 2, 3), (5, 3, 4), (5, 1, 2, 3), (4, 3, 2), ()]
PAIRS = [(a, b) for a in RANKS for b in RANKS]
PRODUCTS = [
    "torch.matmul",
    "torch.Tensor.__matmul__",
    "torch.mm",
    "torch.bmm",
    "torch.mv",
    "torch.dot",
    "torch.outer",
]
DTYPES = [torch.float32, torch.float64, torch.int64, torch.bool]

CALLS = [
    *(case(name, r(*a), r(*b)) for name in PRODUCTS for a, b in PAIRS),
    *(case("torch.matmul", r(2, 3, dtype=a), r(3, 2, dtype=b)) for a in DTYPES for b in DTYPES),
    case(F + "linear", r(2, 3), r(4, 3), r(4)),
    case(F + "linear", r(3), r(3)),
    case(F + "linear", r(2, 3), r(4, 3)),
    case(F + "linear", r(2, 3), r(4, 5)),
    case(F + "linear", r(2, 3), r(4, 3), r(3)),
    case(F + "linear", r(2, 3), r(4, 3, dtype=torch.float64)),
    case(F + "linear", r(2, 3, dtype=torch.int64), r(4, 3, dtype=torch.int64)),
    case(F + "bilinear", r(2, 3), r(2, 4), r(5, 3, 4), r(5)),
    case(F + "bilinear", r(2, 3), r(2, 4), r(5, 3, 3)),
    case("torch.addmm", r(4), r(2, 3), r(3, 4), beta=2, alpha=0.5),
    case("torch.addmm", r(4), mat1=r(2, 3), mat2=r(3, 4)),
    case("torch.addmm", r(4), r(2, 3), r(2, 4)),
    case("torch.Tensor.addmm_", r(2, 4), r(2, 3), r(3, 4)),
    case("torch.addmv", r(2), r(2, 3), r(3)),
    case("torch.baddbmm", r(5, 2, 4), r(5, 2, 3), r(5, 3, 4)),
    case("torch.addbmm", r(2, 4), r(5, 2, 3), r(5, 3, 4)),
    case("torch.addr", r(2, 4), r(2), r(4)),
    case("torch.inner", r(3), r(3)),
    case("torch.inner", r(2, 3), r(4, 3)),
    case("torch.inner", r(2, 3), r(4, 2)),
    case("torch.vdot", r(3), r(3)),
    case("torch.tensordot", r(2, 3, 4), r(3, 4, 5)),
    case("torch.tensordot", r(2), r(3), dims=0),
    *(case("torch.outer", r(2, dtype=a), r(3, dtype=b)) for a in DTYPES for b in DTYPES),
    *(case("torch.addr", r(2, 3, dtype=a), r(2, dtype=b), r(3)) for a in DTYPES for b in DTYPES),
    *(case("torch.einsum", "bi,bj->bij", r(2, 3, dtype=a), r(2, 4)) for a in DTYPES),
    *(case("torch.einsum", "ij,jk->ik", r(2, 3, dtype=a), r(3, 4)) for a in DTYPES),
    *(case("torch.tensordot", r(2, dtype=a), r(3), dims=0) for a in DTYPES),
]

EQUATIONS: list[tuple[str, tuple[tuple[int, ...], ...]]] = [
    ("ij,jk->ik", ((2, 3), (3, 4))),
    ("ij,jk", ((2, 3), (3, 4))),
    (" i j , j k -> i k ", ((2, 3), (3, 4))),
    ("...ij,...jk->...ik", ((5, 2, 3), (3, 4))),
    ("...ij,jk", ((5, 2, 3), (3, 4))),
    ("ii->i", ((3, 3),)),
    ("ij->", ((2, 3),)),
    ("ba", ((2, 3),)),
    ("bhqd,bhkd->bhqk", ((2, 2, 3, 4), (2, 2, 5, 4))),
    ("i,j", ((2,), (3,))),
    ("ij,jk", ((2, 3), (4, 4))),
    ("ij,ij->ij", ((1, 3), (2, 3))),
    ("ij", ((2, 3, 4),)),
    ("i.j", ((2, 3),)),
    ("ij->ijj", ((2, 3),)),
    ("ij->k", ((2, 3),)),
    ("ij,jk,kl->il", ((2, 3), (3, 4))),
]
CALLS += [case("torch.einsum", equation, *(r(*shape) for shape in shapes)) for equation, shapes in EQUATIONS]

KERNEL, INPUT = r(6, 4, 3, 2), r(2, 4, 7, 8)
CALLS += [
    case(F + "conv2d", INPUT, KERNEL, r(6)),
    case(F + "conv2d", INPUT[0], KERNEL, stride=2),
    case(F + "conv2d", INPUT, KERNEL, padding=(1, 2), stride=(2, 1)),
    case(F + "conv2d", INPUT, KERNEL, padding="same"),
    case(F + "conv2d", INPUT, KERNEL, padding="valid", dilation=2),
    case(F + "conv2d", INPUT, KERNEL, padding="same", stride=2),
    case(F + "conv2d", INPUT, KERNEL, padding="reflect"),
    case(F + "conv2d", INPUT, r(6, 2, 3, 2), groups=2),
    case(F + "conv2d", INPUT, r(6, 2, 3, 2), groups=3),
    case(F + "conv2d", INPUT, KERNEL, stride=(1, 2, 3)),
    case(F + "conv2d", INPUT, KERNEL, r(5)),
    case(F + "conv2d", r(2, 3, 7, 8), KERNEL),
    case(F + "conv2d", r(4, 8), KERNEL),
    case(F + "conv2d", r(1, 4, 2, 1), KERNEL),
    case(F + "conv2d", INPUT, KERNEL.double()),
    case(F + "conv1d", r(2, 4, 9), r(6, 4, 3), r(6), padding="same"),
    case(F + "conv1d", r(4, 9), r(6, 4, 3), stride=2, padding=1, dilation=2),
    case(F + "conv3d", r(1, 2, 4, 4, 4), r(3, 2, 2, 2, 2)),
    case("torch.conv2d", INPUT, KERNEL),
    case(F + "conv_transpose2d", INPUT, r(4, 3, 3, 2), r(3)),
    case(F + "conv_transpose2d", INPUT, r(4, 3, 3, 2), stride=2, output_padding=1, padding=1),
    case(F + "conv_transpose2d", INPUT, r(4, 3, 3, 2), groups=2, dilation=2),
    case(F + "conv_transpose2d", INPUT, r(4, 3, 3, 2), output_padding=1),
    case(F + "conv_transpose2d", INPUT, r(3, 3, 3, 2)),
    case(F + "conv_transpose1d", r(4, 7), r(4, 3, 3), r(3)),
    case(F + "max_pool2d", INPUT, 2),
    case(F + "max_pool2d", INPUT, 3, stride=2, padding=1, dilation=2),
    case(F + "max_pool2d", INPUT, (3, 2), ceil_mode=True),
    case(F + "max_pool2d", INPUT, 3, padding=2),
    case(F + "max_pool2d", INPUT.int(), 2),
    case(F + "max_pool2d", r(7, 8), 2),
    case(F + "max_pool1d", r(3, 9), 3, 2),
    case(F + "max_pool3d", r(1, 1, 4, 4, 4), 2),
    case(F + "avg_pool2d", INPUT, 2),
    case(F + "avg_pool2d", INPUT, 3, padding=1, ceil_mode=True, count_include_pad=False),
    case(F + "avg_pool2d", INPUT, (2, 3), stride=(1, 2), divisor_override=5),
    case(F + "avg_pool2d", INPUT, 2, divisor_override=0),
    case(F + "avg_pool1d", r(3, 9), 3),
    case(F + "avg_pool1d", r(3, 9), 3, padding=2),
    *(
        case(F + f"adaptive_{kind}_pool2d", INPUT, size)
        for kind in ("avg", "max")
        for size in (1, (3, None), (5, 4), 9)
    ),
    case(F + "adaptive_avg_pool1d", r(2, 3, 7), 3),
    case(F + "adaptive_max_pool1d", r(3, 7), 4),
]

REDUCED = [
    "sum",
    "mean",
    "any",
    "all",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "max",
    "min",
    "var",
    "std",
    "prod",
    "median",
]
SEVERAL = {"sum", "mean", "any", "all", "amax", "amin", "var", "std", "logsumexp", "norm"}
X3 = r(2, 3, 4)
for _name in REDUCED:
    for _dtype in (torch.float32, torch.int64, torch.bool):
        _x = X3.to(_dtype)
        CALLS += [case(f"torch.{_name}", _x), case(f"torch.Tensor.{_name}", _x)]
        CALLS += [case(f"torch.{_name}", _x, dim) for dim in (0, -1, 3)]
    CALLS += [
        case(f"torch.Tensor.{_name}", X3, dim=1, keepdim=True),
        case(f"torch.{_name}", torch.tensor(2.5)),
    ]
    CALLS += [case(f"torch.{_name}", torch.tensor(2.5), 0), case(f"torch.{_name}", r(0, 3), 0)]
    if _name in SEVERAL:
        CALLS += [case(f"torch.{_name}", X3, dims) for dims in ((0, 1), (0, 0), (-1, 0), [2], ())]
    if _name != "median":
        CALLS.append(case(f"torch.{_name}", X3, axis=1))

CALLS += [
    case("torch.sum", X3, dtype=torch.float64),
    case("torch.mean", X3.int(), dtype=torch.float32),
    case("torch.max", X3, r(3, 4)),
    case("torch.min", X3, other=X3 + 1),
    case("torch.aminmax", X3),
    case("torch.aminmax", X3, dim=1, keepdim=True),
    case("torch.count_nonzero", X3),
    case("torch.count_nonzero", X3, (0, 1)),
    case("torch.cumsum", X3, 1),
    case("torch.cumsum", X3.bool(), dim=0),
    case("torch.cumsum", X3),
    case("torch.Tensor.cumsum_", X3, -1),
    case("torch.cumprod", X3, 1),
    case("torch.Tensor.cumprod_", X3, 1),
    *(case(f"torch.Tensor.{name}", torch.tensor(True), 0) for name in ("cumsum_", "cumprod_")),
    *(case(f"torch.Tensor.{name}", torch.tensor([True]), 0) for name in ("cumsum_", "cumprod_")),
    case("torch.diff", X3),
    case("torch.diff", X3, n=2, dim=1),
    case("torch.diff", X3.bool(), dim=0),
    case("torch.diff", r(3), prepend=r(1), append=r(2)),
    *(
        case("torch.tensordot", r(*a).bool(), r(*b).bool(), dims)
        for a, b, dims in (((2, 3), (3, 2), 1), ((2,), (2,), 0), ((2, 1), (1, 2), 1), ((2, 0), (0, 2), 1))
    ),
    case("torch.inner", r(3).bool(), r(3).bool()),
    *(
        case("torch.einsum", equation, r(2, 2).bool(), r(2, 2).bool())
        for equation in ("ij,jk->ik", "ij,ij->", "ij,ij->ij", "ij,kl->ijkl", "ij,kl->i")
    ),
    case("torch.einsum", "ij,j->i", r(3, 1).bool(), r(1).bool()),
    case("torch.kthvalue", X3, 2),
    case("torch.kthvalue", X3, 2, 1, True),
    case("torch.kthvalue", X3, 9),
    case("torch.var", X3, False),
    case("torch.var", X3, 1, False, True),
    case("torch.var", X3, dim=(0, 1), correction=2),
    case("torch.std", X3, correction=0, keepdim=True),
    case("torch.logcumsumexp", X3, 1),
    case("torch.logcumsumexp", X3, -3),
    case("torch.logcumsumexp", torch.tensor(1.0), 0),
    case("torch.logsumexp", X3, 1),
    case("torch.logsumexp", X3, (0, 2), keepdim=True),
    case("torch.logsumexp", X3.int(), 0),
    case("torch.logsumexp", torch.tensor(1.0), 0),
    case("torch.softmax", X3, -1),
    case("torch.softmax", X3.int(), -1),
    case("torch.softmax", X3.int(), -1, dtype=torch.float32),
    case("torch.Tensor.softmax", X3, 1, torch.float64),
    case(F + "softmax", X3, dim=1),
    case(F + "softmax", X3, 3),
    case(F + "softmax", torch.tensor(1.0), 0),
    case(F + "log_softmax", X3, dim=1),
    case("torch.log_softmax", X3, 0),
    case("torch.Tensor.log_softmax", X3, 0),
    case(F + "softmin", X3, dim=1),
]

ORDERS = (0, 1, 2, 3, 0.5, -1, INF, -INF, "fro")
WHERE: list[dict[str, Any]] = [{}, {"dim": 1}, {"dim": (0, 2), "keepdim": True}]
CALLS += [case("torch.norm", X3, order, **where) for order in ORDERS for where in WHERE]
CALLS += [case("torch.linalg.vector_norm", X3, order, **where) for order in ORDERS[:-1] for where in WHERE]
CALLS += [
    case("torch.Tensor.norm", X3),
    case("torch.Tensor.norm", X3, 1, -1),
    case("torch.norm", X3.int()),
    case("torch.norm", r(0), INF),
    case("torch.norm", torch.tensor(-2.0)),
    case("torch.linalg.norm", X3),
    case("torch.linalg.norm", r(3, 4), 1),
    case("torch.linalg.norm", r(3, 4), -INF),
    case("torch.linalg.norm", r(3, 4), 3),
    case("torch.linalg.norm", r(3, 4), "fro"),
    case("torch.linalg.norm", X3, 1),
    case("torch.linalg.norm", X3, 1, dim=1),
    case("torch.linalg.matrix_norm", X3, INF, keepdim=True),
    *(
        case("torch.linalg.matrix_norm", r(*shape), order)
        for shape in ((3, 0), (0, 3), (2, 3, 0), (2, 0, 3), (0, 2, 3))
        for order in (1, INF, -1, -INF, "fro")
    ),
    case("torch.dist", X3, X3 + 1),
    case(F + "layer_norm", X3, (4,)),
    case(F + "layer_norm", X3, [3, 4], r(3, 4), r(3, 4)),
    case(F + "layer_norm", X3, (4,), None, r(4), 1e-3),
    case(F + "layer_norm", X3, (3,)),
    case(F + "layer_norm", X3, (4,), r(3)),
    case(F + "layer_norm", X3.int(), (4,)),
    case(F + "layer_norm", X3, (4,), r(4).double()),
    case(F + "group_norm", r(2, 6, 5), 3, r(6), r(6)),
    case(F + "group_norm", r(2, 6), 2),
    case(F + "group_norm", r(2, 6), 4),
    *(
        case("torch.instance_norm", 100 + r(*shape), weight, bias, None, None, True, 0.1, 1e-5, False)
        for shape in ((2, 3, 5), (3, 3, 4, 4), (1, 3, 2, 2, 3), (2, 3, 37))
        for weight, bias in ((None, None), (r(3), r(3)), (r(3), None))
    ),
    case("torch.instance_norm", X3, None, None, r(3), r(3).abs(), False, 0.1, 1e-5, False),
    case(F + "rms_norm", X3, (4,), r(4), 1e-3),
    case(F + "rms_norm", X3, (3, 4)),
    case(F + "rms_norm", (X3 * 1e-3).half(), (4,)),
    case(F + "batch_norm", r(2, 3), r(3), r(3).abs(), r(3), r(3)),
    case(F + "batch_norm", r(2, 3, 4, 4), r(3), r(3).abs()),
    case(F + "batch_norm", r(2, 3, 4), r(2), r(2).abs()),
    case(F + "batch_norm", r(2, 3), None, None),
    *(case(F + "normalize", X3, p, dim) for p in (1, 2, 3, INF) for dim in (1, -1, (0, 1))),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), CALLS)
@pytest.mark.filterwarnings(
    "ignore:Using padding='same'", "ignore:.*degrees of freedom", "ignore:.*chain_matmul"
)
def test_the_spelling_does_what_torch_does(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    agree(name, *arguments, **keywords)


@pytest.mark.parametrize(("name", "arguments", "keywords"), CALLS)
@pytest.mark.filterwarnings("ignore:Using padding='same'", "ignore:.*degrees of freedom")
def test_the_inferred_type_is_that_of_the_result(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    try:
        call = Call(name, *arguments, **keywords)
    except (ShapeError, TypeError):
        return  # torch refuses these too: the test above
    values = evaluate(call.emitter.builder.graph(), call.emitter.data)
    for node, value in zip(call.emitter.builder.nodes, values, strict=True):
        assert (node.type.shape, node.type.dtype) == (tuple(value.shape), value.dtype), node.op


SUMMED_IN_ANOTHER_ORDER = [
    case("torch.tensordot", r(2, 3, 4), r(4, 2), dims=([2, 0], [0, 1])),
    case("torch.einsum", "ij,jk,kl->il", r(2, 3), r(3, 4), r(4, 2)),
    case("torch.einsum", "i,ij,j->", r(2), r(2, 3), r(3)),
    case("torch.einsum", "...i,oij,...j->...o", r(2, 3), r(5, 3, 4), r(2, 4)),
    case("torch.linalg.multi_dot", [r(2, 3), r(3, 4), r(4)]),
    case("torch.chain_matmul", r(2, 3), r(3, 4), r(4, 2)),
    case("torch.var_mean", X3, 1),
    case("torch.std_mean", X3, dim=(0, 1), correction=0, keepdim=True),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), SUMMED_IN_ANOTHER_ORDER)
@pytest.mark.filterwarnings("ignore:torch.chain_matmul")
def test_compositions_are_equal_up_to_the_order_of_summation(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    got, expected = run(name, *arguments, **keywords), torch_function(name)(*arguments, **keywords)
    if isinstance(expected, Tensor):
        got, expected = (got,), (expected,)
    for left, right in zip(got, expected, strict=True):
        torch.testing.assert_close(left, right)


def test_extrema_along_a_dimension_have_named_fields() -> None:
    for name in ("torch.max", "torch.min", "torch.median"):
        result = run(name, X3, 1)
        expected = torch_function(name)(X3, 1)
        assert isinstance(result, ValuesIndices)
        assert torch.equal(result.values, expected.values)
        assert torch.equal(result.indices, expected.indices)


INSTANCES = (None, None, None, True, 0.1, 1e-5, False)
"""Bias, running statistics, whether the input's own are used, momentum, eps, and the kernel."""

MESSAGES: list[tuple[str, tuple[Any, ...], str]] = [
    (F + "linear", (r(2, 3), r(4, 5)), "takes 5 features"),
    ("torch.matmul", (r(2, 3), r(2, 3)), r"last dimension of the left operand \(3\)"),
    ("torch.matmul", (r(2, 3), r(3, 2, dtype=torch.int64)), "one dtype, got float32, int64"),
    ("torch.mm", (r(2, 3), r(3)), "mm takes a 2-d and a 2-d tensor"),
    ("torch.einsum", ("ij,jk->ik", r(2, 3), r(4, 2)), "subscript `j` has size"),
    (F + "conv2d", (r(2, 3, 7, 8), KERNEL), "takes 4 channels .* has 3"),
    (F + "conv2d", (r(7, 8), KERNEL), "4 or 3 dimensions"),
    (F + "batch_norm", (r(2, 3), r(2), r(2)), "3 channels"),
    ("torch.instance_norm", (X3, r(4), *INSTANCES), r"vectors of 3 elements, got \(4,\)"),
    ("torch.instance_norm", (r(2, 3, 1), None, *INSTANCES), "more than 1 spatial element"),
    ("torch.instance_norm", (X3.int(), None, *INSTANCES), "float"),
    (F + "layer_norm", (X3, (3,)), r"normalized_shape=\(3,\)"),
    ("torch.mean", (X3.int(),), r"\.float\(\)"),
    ("torch.softmax", (X3.int(), 0), r"\.float\(\)"),
    ("torch.amax", (r(0, 3), 0), "dimension 0 of .* has size 0"),
    ("torch.sum", (X3, 5), "dim 5 is out of range"),
]


@pytest.mark.parametrize(("name", "arguments", "words"), MESSAGES, ids=[row[0] for row in MESSAGES])
def test_a_refusal_says_what_was_expected_and_what_came(
    name: str, arguments: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(ShapeError, match=words):
        Call(name, *arguments)


UNFOLLOWED: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    (F + "batch_norm", (r(2, 3), r(3), r(3)), {"training": True}, "eval"),
    (F + "max_pool2d", (INPUT, 2), {"return_indices": True}, "return_indices"),
    (F + "avg_pool2d", (INPUT.int(), 2), {}, "float"),
    ("torch.norm", (r(3, 3), "nuc"), {}, "singular"),
    ("torch.linalg.norm", (r(3, 3), 2), {}, "singular"),
    ("torch.sum", (X3,), {"dtype": torch.int64}, "before"),
    ("torch.median", (r(0),), {}, "NaN"),
]


@pytest.mark.parametrize(
    ("name", "arguments", "keywords", "words"), UNFOLLOWED, ids=[row[0] for row in UNFOLLOWED]
)
def test_what_is_not_followed_gives_a_reason(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnsupportedError, match=words):
        Call(name, *arguments, **keywords)


def test_arguments_that_do_not_bind_are_refused() -> None:
    refused("torch.addmm", r(2), r(2, 2))
    refused("torch.addmm", r(2), r(2, 2), r(2, 2), gamma=2)
    refused(F + "avg_pool1d", r(3, 9), 3, divisor_override=2)


def test_the_reflected_operator_turns_the_operands_around() -> None:
    left, right = r(2, 3), r(3, 2)
    assert torch.equal(run("torch.Tensor.__rmatmul__", right, left), left @ right)

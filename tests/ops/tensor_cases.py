"""The table of ops that join elements of tensors, each with its exact meaning: products of tensors, convolutions and
pooling here, reductions and statistics in `statistics_cases`."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import tests.ops.tensor_references as exactly
from tests.ops.statistics_cases import REDUCTIONS, STATISTICS
from tests.ops.tensor_case import Case
from tests.ops.tensor_references import Array


def _linear() -> list[Case]:
    def linear(x: Array, w: Array, b: Array) -> Array:
        return exactly.einsum("ni,oi->no", x, w) + b

    return [
        Case("linear", "linear", ((2, 4), (3, 4), (3,)), linear, known=(1, 2)),
        Case(
            "linear without bias",
            "linear",
            ((1, 7), (2, 7)),
            lambda x, w: exactly.einsum("ni,oi->no", x, w),
            known=(1,),
        ),
        Case(
            "linear of a vector",
            "linear",
            ((5,), (2, 5)),
            lambda x, w: exactly.einsum("i,oi->o", x, w),
            known=(1,),
        ),
    ]


def _matrix_products() -> list[Case]:
    table = {
        "dot": ("i,i->", (5,), (5,)),
        "matrix times vector": ("ij,j->i", (2, 4), (4,)),
        "vector times matrix": ("i,ij->j", (4,), (4, 2)),
        "matrix times matrix": ("ij,jk->ik", (2, 3), (3, 2)),
        "batch times matrix": ("bij,jk->bik", (2, 2, 3), (3, 2)),
        "vector times batch": ("j,bjk->bk", (3,), (2, 3, 2)),
        "batches that broadcast": ("abij,bjk->abik", (2, 1, 2, 3), (2, 3, 2)),
    }
    cases = [
        Case(name, "matmul", (a, b), lambda x, y, e=equation: exactly.einsum(e, x, y), known=(1,))
        for name, (equation, a, b) in table.items()
    ]
    contractions = {
        "ij,jk->ik": ((2, 3), (3, 2)),
        "ij,ij->": ((2, 3), (2, 3)),
        "ij,jk->ki": ((2, 3), (1, 2)),
        "i,j->ij": ((3,), (2,)),
        "ii,i->i": ((3, 3), (3,)),
        "ijk->kj": ((2, 3, 2),),
        "ii->": ((3, 3),),
    }
    cases += [
        Case(
            f"einsum {equation}",
            "einsum",
            shapes,
            lambda *operands, e=equation: exactly.einsum(e, *operands),
            {"equation": equation},
            known=(1,) if len(shapes) > 1 else (),
        )
        for equation, shapes in contractions.items()
    ]

    def fused(alpha: float, beta: float, equation: str) -> Callable[..., Array]:
        def function(x: Array, a: Array, b: Array) -> Array:
            return Fraction(beta) * x + Fraction(alpha) * exactly.einsum(equation, a, b)

        return function

    for function, equation, shapes in (
        ("addmm", "ij,jk->ik", ((2,), (2, 3), (3, 2))),
        ("addmv", "ij,j->i", ((2,), (2, 3), (3,))),
        ("baddbmm", "bij,bjk->bik", ((2, 2, 2), (2, 2, 3), (2, 3, 2))),
        ("addbmm", "bij,bjk->ik", ((2, 2), (2, 2, 2), (2, 2, 2))),
        ("addr", "i,j->ij", ((2, 3), (2,), (3,))),
    ):
        for alpha, beta in ((1, 1), (-0.3, 0.1)):
            attributes = {"function": function, "alpha": alpha, "beta": beta}
            reference = fused(alpha, beta, equation)
            cases.append(
                Case(f"{function} {alpha} {beta}", "addmm", shapes, reference, attributes, known=(2,))
            )
    return cases


def _convolutions() -> list[Case]:
    plain = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1}
    flat = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    transposed = {"stride": (2,), "padding": (1,), "output_padding": (1,), "groups": 1, "dilation": (1,)}
    rows: list[tuple[str, tuple[tuple[int, ...], ...], dict[str, Any]]] = [
        ("conv", ((1, 2, 5), (2, 2, 3), (2,)), plain),
        ("conv", ((2, 1, 5), (2, 1, 2)), plain | {"stride": (2,), "padding": (1,)}),
        ("conv", ((1, 2, 6), (2, 1, 2), (2,)), plain | {"groups": 2, "dilation": (2,)}),
        ("conv", ((1, 1, 5), (1, 1, 4)), plain | {"padding": "same"}),
        ("conv", ((1, 1, 5), (1, 1, 4)), plain | {"padding": "valid"}),
        ("conv", ((1, 2, 3, 4), (2, 2, 2, 2), (2,)), flat),
        (
            "conv",
            ((1, 1, 4, 4), (1, 1, 3, 2)),
            flat | {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)},
        ),
        ("conv_transpose", ((1, 2, 3), (2, 2, 3), (2,)), transposed),
        ("conv_transpose", ((1, 2, 3), (2, 1, 2)), transposed | {"groups": 2, "dilation": (2,)}),
        (
            "conv_transpose",
            ((1, 1, 2, 2), (1, 2, 2, 2)),
            {"stride": (1, 2), "padding": (0, 1), "output_padding": (0, 0), "groups": 1, "dilation": (1, 1)},
        ),
    ]
    references = {"conv": exactly.convolution, "conv_transpose": exactly.transposed_convolution}

    def reference(op: str, attributes: dict[str, Any]) -> Callable[..., Array]:
        return lambda x, w, b=None: references[op](x, w, b, attributes)

    return [
        Case(f"{op} {shapes} {attributes}", op, shapes, reference(op, attributes), attributes, known=(1, 2))
        for op, shapes, attributes in rows
    ]


def _pools() -> list[Case]:
    flat = {"rank": 1, "kernel_size": (2,), "stride": (2,), "padding": (0,), "ceil_mode": False}
    square = {"rank": 2, "kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 1), "ceil_mode": False}
    average, greatest = {"count_include_pad": True}, {"dilation": (1,)}

    def average_of(attributes: dict[str, Any]) -> Callable[[Array], Array]:
        size = math.prod(attributes["kernel_size"])

        def divisor(values: list[Any]) -> int:
            counted = size if attributes["count_include_pad"] else len(values)
            return int(attributes.get("divisor_override") or counted)

        return lambda x: exactly.pool(x, attributes, lambda values: sum(values) / divisor(values))

    rows = [
        Case(
            "max_pool1d",
            "max_pool",
            ((2, 6),),
            lambda x: exactly.pool(x, flat | greatest, max),
            flat | greatest,
        ),
        Case(
            "max_pool2d",
            "max_pool",
            ((1, 3, 4),),
            lambda x: exactly.pool(x, square, max),
            square | {"dilation": (1, 1)},
        ),
    ]
    for attributes in (
        flat | average,
        square | average,
        square | {"count_include_pad": False},
        square | average | {"divisor_override": 5},
        square | average | {"divisor_override": -3},
    ):
        shape = (2, 6) if attributes["rank"] == 1 else (1, 3, 4)
        rows.append(Case(f"avg_pool {attributes}", "avg_pool", (shape,), average_of(attributes), attributes))
    for op, function in (("adaptive_avg_pool", exactly.mean), ("adaptive_max_pool", max)):
        rows.append(
            Case(
                op,
                op,
                ((2, 7),),
                lambda x, f=function: exactly.adaptive_pool(x, (3,), f),
                {"rank": 1, "output_size": (3,)},
            )
        )
        rows.append(
            Case(
                f"{op}2d",
                op,
                ((1, 3, 5),),
                lambda x, f=function: exactly.adaptive_pool(x, (2, 3), f),
                {"rank": 2, "output_size": (2, 3)},
            )
        )
    return rows


CASES = [*_linear(), *_matrix_products(), *_convolutions(), *_pools(), *REDUCTIONS, *STATISTICS]

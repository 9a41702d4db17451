"""Shapes and dtypes of the element-wise ops are torch's own, over dtypes, broadcasting and refusals."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import pytest
import torch
from tests.ops.bivariate_cases import CASES as SEVERAL
from tests.ops.univariate_cases import CASES as ONE

from torchlean.ops import OPS, ShapeError, TensorType, UnsupportedError

DTYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
)
SHAPES = ((), (3,), (2, 0), (4, 1, 3))
PAIRS = (
    ((), ()),
    ((3,), ()),
    ((4, 1), (3,)),
    ((2, 3), (2, 3)),
    ((2, 3), (3, 2)),
    ((0,), (1,)),
    ((0,), (2,)),
    ((5, 1, 4), (3, 1)),
)

# `derivative` is no function of torch's: it is refused for whole numbers, which torch's functions turn into floats.
UNARY: dict[str, Mapping[str, object]] = {case.op: case.attributes for case in ONE if case.op != "derivative"}
UNARY |= {"isnan": {}, "isinf": {}, "isfinite": {}, "logical_not": {}, "bitwise_not": {}}
UNARY["nan_to_num"] = {"nan": 0.0, "posinf": None, "neginf": None}
BINARY = {case.op: case.attributes for case in SEVERAL if case.operands == 2 and case.op != "prelu"}
TERNARY = {case.op: case.attributes for case in SEVERAL if case.operands == 3}


def assert_same_type(
    op: str, shapes: Sequence[Sequence[int]], dtypes: Sequence[torch.dtype], attributes
) -> None:  # type: ignore[no-untyped-def]
    """Infer, and compare with a run on ones; where torch raises, `infer` raises `ShapeError`."""
    types = [TensorType(tuple(shape), dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    operands = [torch.ones(shape, dtype=dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    try:
        expected = OPS[op].evaluate(operands, attributes)
    except (RuntimeError, ValueError, TypeError):
        with pytest.raises(ShapeError):
            OPS[op].infer(types, attributes)
        return
    assert OPS[op].infer(types, attributes) == TensorType(tuple(expected.shape), expected.dtype)


@pytest.mark.parametrize("op", UNARY)
def test_one_operand(op: str) -> None:
    for shape, dtype in itertools.product(SHAPES[1:2] + SHAPES[:1] + SHAPES[3:], DTYPES):
        assert_same_type(op, [shape], [dtype], UNARY[op])


@pytest.mark.parametrize("op", BINARY)
def test_two_operands_of_every_pair_of_dtypes(op: str) -> None:
    for dtypes in itertools.product(DTYPES, repeat=2):
        assert_same_type(op, [(2, 1), (3,)], dtypes, BINARY[op])
    for dtypes in ((torch.float32, torch.float64), (torch.int64, torch.float32), (torch.bool, torch.int32)):
        assert_same_type(op, [(), (2,)], dtypes, BINARY[op])
        assert_same_type(op, [(), ()], dtypes, BINARY[op])


@pytest.mark.parametrize("op", BINARY)
def test_two_operands_broadcast_or_are_refused(op: str) -> None:
    dtype = torch.int64 if op.startswith("bitwise") else torch.float32
    for shapes in PAIRS:
        assert_same_type(op, shapes, [dtype, dtype], BINARY[op])


@pytest.mark.parametrize("op", TERNARY)
def test_three_operands(op: str) -> None:
    for dtypes in itertools.product(DTYPES[:2] + DTYPES[4:5], repeat=3):
        assert_same_type(op, [(2, 1), (3,), ()], dtypes, TERNARY[op])
    assert_same_type(op, [(2,), (3,), ()], [torch.float32] * 3, TERNARY[op])


def test_every_element_wise_op_is_in_the_tables() -> None:
    from torchlean.ops.elementwise import Elementwise

    families = {name for name, op in OPS.items() if isinstance(op, Elementwise)}
    assert families <= {*UNARY, *BINARY, *TERNARY, "prelu", "derivative"}


def test_a_prelu_weight_that_fits_no_channel_says_what_was_expected() -> None:
    types = [TensorType((2, 3, 4), torch.float32), TensorType((2,), torch.float32)]
    with pytest.raises(
        ShapeError, match=r"3 channels of the input \(2, 3, 4\) float32; got a weight of \(2,\) float32"
    ):
        OPS["prelu"].infer(types, {})


def test_integers_that_wrap_round_before_they_are_computed_with_are_refused() -> None:
    byte, whole = TensorType((2,), torch.uint8), TensorType((), torch.int64)
    assert torch.equal(
        torch.tensor([40, 200], dtype=torch.uint8) <= torch.tensor(300), torch.tensor([True, False])
    )
    assert torch.minimum(torch.tensor([200], dtype=torch.uint8), torch.tensor(300)).item() == 44
    for op, types in itertools.product(("le", "minimum"), ([byte, whole], [whole, byte])):
        with pytest.raises(UnsupportedError, match=r"convert one side, `.to\(torch.uint8\)`"):
            OPS[op].infer(types, {})
    assert OPS["add"].infer([byte, whole], {}).dtype == torch.uint8
    for other in (TensorType((), torch.uint8), TensorType((2,), torch.int64), TensorType((), torch.float64)):
        assert OPS["le"].infer([byte, other], {}).dtype == torch.bool

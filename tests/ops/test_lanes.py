"""Ops on operands that repeat along a dimension, beside the same numbers written out: bounds and errors of rounding."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import mpmath as mp
import pytest
import torch
from tests.ops import bivariate_cases, tensor_cases, univariate_cases
from tests.rounding.attack import box, node
from torch import Tensor

from torchlean.bounds.cache import Bound
from torchlean.bounds.ibp import bound_node
from torchlean.intervals import Interval
from torchlean.ops import OPS, Op, TensorType, folding
from torchlean.ops.lanes import Lane
from torchlean.ops.noise.values import Noisy
from torchlean.rounding.cache import NodeError
from torchlean.rounding.engine import node_error

KINDS = ("point", "narrow", "unit", "positive", "wide", "cancelling", "large", "mixed")

SUMS = {"linear", "conv", "conv_transpose", "matmul"}
"""torch may add up the products of one slice in another order than those of many."""

BY_VECTORS = {"atanh", "cosh", "exp2", "sinh"}
"""torch computes these by vectors of numbers, and what is left over by other code: last digits depend on the place."""

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

NEARLY = 2.0**-48
"""Relative: several last digits."""

BATCH_NORM = {"has_weight": True, "has_bias": True, "eps": 1e-5}
ALONG = {"dim": (1,), "keepdim": False}
MORE: list[tuple[str, Mapping[str, Any], Sequence[tuple[int, ...]]]] = [
    ("batch_norm", BATCH_NORM, ((4, 3, 2), (3,), (3,), (3,), (3,))),
    ("cat", {"dim": 1}, ((3, 2, 2), (3, 1, 2))),
    ("stack", {"dim": 1}, ((3, 2), (3, 2))),
    ("stack", {"dim": -1}, ((3, 2), (3, 2))),
    ("clone", {}, ((3, 2),)),
    ("contiguous", {}, ((3, 2),)),
    ("cast", {"dtype": torch.float16}, ((3, 2),)),
    ("cast", {"dtype": torch.int32}, ((3, 2),)),
    ("where", {}, ((3, 1), (3, 4), (4,))),
    ("add", {}, ((3, 1, 2), (4, 1))),
    ("mul", {}, ((5,), (2, 1))),
    ("linear", {}, ((2, 3, 4), (5, 4), (5,))),
    ("linear", {}, ((2, 3, 4), (4,), ())),
    ("matmul", {}, ((2, 1, 3, 4), (5, 4, 2))),
    ("matmul", {}, ((2, 3, 4), (4,))),
    ("matmul", {}, ((4,), (2, 4, 3))),
    ("sum", ALONG, ((3, 4, 2),)),
    ("mean", {"dim": (0, 2), "keepdim": True}, ((3, 4, 2),)),
    ("var", {**ALONG, "correction": 1}, ((3, 4, 2),)),
    ("std", {"dim": (0,), "keepdim": True, "correction": 1}, ((3, 4, 2),)),
    ("amax", ALONG, ((3, 4, 2),)),
    ("amin", {"dim": (0, 2), "keepdim": False}, ((3, 4, 2),)),
    ("softmax", {"dim": 1}, ((3, 4, 2),)),
    ("log_softmax", {"dim": 0}, ((3, 4, 2),)),
    ("conv", {"stride": (2,), "padding": (1,), "dilation": (1,), "groups": 2}, ((3, 4, 6), (4, 2, 3), (4,))),
    (
        "conv",
        {"stride": (1,), "padding": "same", "dilation": (2,), "groups": 1},
        ((3, 2, 6), (4, 2, 3), (4,)),
    ),
    ("conv", {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1}, ((2, 6), (4, 2, 3))),
]


def rows() -> list[Any]:
    table: list[tuple[str, Mapping[str, Any], Sequence[tuple[int, ...]], str]] = []
    for one in univariate_cases.CASES:
        table.append((one.op, one.attributes, [(3, 4)], str(one)))
    for several in bivariate_cases.CASES:
        if several.dtype == torch.float64 and several.op != "prelu":
            table.append((several.op, several.attributes, [(3, 4)] * several.operands, str(several)))
    for case in tensor_cases.CASES:
        table.append((case.op, case.attributes, case.shapes, str(case)))
    table += [(op, attributes, shapes, f"{op} {shapes}") for op, attributes, shapes in MORE]
    return [pytest.param(op, attributes, shapes, id=id) for op, attributes, shapes, id in table]


def as_captured(value: Any) -> Any:
    """Numbers in attributes are binary32 where the capture makes them so."""
    return float(torch.tensor(value)) if isinstance(value, float) else value


def repeating(tensor: Tensor, dims: Sequence[int]) -> Tensor:
    """The first slice along each of `dims`, repeated without memory."""
    for dim in dims:
        tensor = tensor.narrow(dim, 0, 1).expand_as(tensor)
    return tensor


def drawn(
    shapes: Sequence[tuple[int, ...]],
    lanes: Sequence[Lane],
    source: random.Random,
    dtypes: Sequence[torch.dtype],
) -> list[Noisy]:
    """Operands that repeat along these lanes; some have an error."""
    operands = []
    kind = source.choice(KINDS)
    for place, shape in enumerate(shapes):
        dims = [along[place] for _, along in lanes if along[place] is not None]
        chosen = [dim for dim in dims if dim is not None]
        x = box(kind if source.random() < 0.7 else source.choice(KINDS), shape, source)
        lower = repeating(x.lower, chosen)
        x = Interval(lower, lower if x.is_point else repeating(x.upper, chosen))
        error = None
        if dtypes[place] == torch.bool:
            x = Interval(*(repeating((end > 0).double(), chosen) for end in (x.lower, x.upper)))
        elif source.random() < 0.6:
            error = repeating(torch.maximum(x.lower.abs(), x.upper.abs()) * 1e-6 + 1e-9, chosen)
        operands.append(Noisy(x, error, TensorType(shape, dtypes[place])))
    return operands


def written_out(x: Noisy) -> Noisy:
    """The same with every element in memory of its own."""
    lower = x.exact.lower.contiguous()
    exact = Interval(lower, lower if x.exact.is_point else x.exact.upper.contiguous())
    return Noisy(exact, None if x.error is None else x.error.contiguous(), x.type)


def magnitude(operands: Sequence[Noisy]) -> float:
    """More than the absolute values of all that products of these operands add up."""
    sizes = [torch.maximum(x.exact.lower.abs(), x.exact.upper.abs()) + 1.0 for x in operands]
    return math.prod(float(size.max()) * size.numel() for size in sizes)


@pytest.mark.parametrize(("op", "attributes", "shapes"), rows())
def test_what_repeats_has_the_bounds_and_errors_of_what_is_written_out(
    op: str, attributes: Mapping[str, Any], shapes: Sequence[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "WORTHWHILE", 0)
    attributes = {name: as_captured(value) for name, value in attributes.items()}
    lanes = OPS[op].lanes(shapes, attributes)
    dtypes = [torch.bool if op == "where" and place == 0 else torch.float32 for place in range(len(shapes))]
    graph, applied = node(op, attributes, [TensorType(*one) for one in zip(shapes, dtypes, strict=True)])
    source = random.Random(f"{op}{attributes}{shapes}")
    for chosen in [*([lane] for lane in lanes), lanes] * 6:
        folded = drawn(shapes, chosen, source, dtypes)
        whole = [written_out(x) for x in folded]
        found = bound_node(applied, [Bound(x.exact) for x in folded], graph, {})
        expected = bound_node(applied, [Bound(x.exact) for x in whole], graph, {})
        assert found.reason == expected.reason
        for place, _ in chosen:
            assert applied.type.shape[place] == 1 or found.interval.lower.stride(place) == 0, (
                "computed in full"
            )
        mine, theirs = found.interval, expected.interval
        assert (mine.undefined, mine.infinite, mine.is_point) == (
            theirs.undefined,
            theirs.infinite,
            theirs.is_point,
        )
        before = [NodeError(x.error) for x in folded]
        error = node_error(applied, mine, folded, before)
        ends = Interval(mine.lower.contiguous(), mine.upper.contiguous(), mine.undefined, mine.infinite)
        whole_error = node_error(applied, ends, whole, before)
        assert (error.error is None) == (whole_error.error is None)
        assert (error.least, error.greatest) == (whole_error.least, whole_error.greatest)
        assert error.reason == whole_error.reason
        pairs = [(mine.lower, theirs.lower), (mine.upper, theirs.upper)]
        if error.error is not None and whole_error.error is not None:
            pairs.append((error.error, whole_error.error))
        for a, b in pairs:
            assert a.shape == b.shape
            if op in SUMS:
                assert bool(((a == b) | ((a - b).abs() <= NEARLY * magnitude(whole))).all()), (a, b)
            elif op in BY_VECTORS:
                assert bool(((a == b) | ((a - b).abs() <= NEARLY * b.abs())).all()), (a, b)
            else:
                assert torch.equal(a, b), (a, b)


def test_an_op_without_lanes_is_computed_in_full() -> None:
    x = torch.tensor([[1.0], [2.0]], dtype=torch.float64).expand(2, 2000)
    assert (
        folding.Folding.of(OPS["flip"], [(x, x)], {"dims": (1,)}, TensorType((2, 2000), torch.float32))
        is None
    )
    assert type(OPS["flip"]).lanes is Op.lanes


def test_a_sum_over_what_repeats_counts_every_slice() -> None:
    graph, applied = node("sum", {"dim": (0,), "keepdim": False}, [TensorType((64, 32), torch.float32)])
    x = Interval(
        torch.tensor([0.0, 1.0]).double()[:1].expand(64, 32), torch.ones(1, 1).double().expand(64, 32)
    )
    found = bound_node(applied, [Bound(x)], graph, {}).interval
    assert float(found.upper.max()) >= 64.0 and math.isclose(float(found.upper.min()), 64.0)


@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
@pytest.mark.parametrize("ends", [(-1.0, 2.0), (0.5, 0.5), (-800.0, 3.0), (-1e300, 1e300)])
def test_logits_of_one_interval_contain_the_exact_share_of_each(op: str, ends: tuple[float, float]) -> None:
    count = 300
    graph, applied = node(op, {"dim": 1}, [TensorType((2, count), torch.float32)])
    found = bound_node(applied, [Bound(Interval.uniform((2, count), *ends))], graph, {}).interval
    assert found.shape == (2, count) and 0 in found.lower.stride()
    whole = [torch.full((2, count), end, dtype=torch.float64) for end in ends]
    expected = bound_node(applied, [Bound(Interval(*whole))], graph, {}).interval
    assert bool((found.lower >= expected.lower).all()) and bool((found.upper <= expected.upper).all())
    with mp.workdps(60):
        for end, other, sign in ((ends[0], ends[1], 1), (ends[1], ends[0], -1)):
            share = 1 / (1 + (count - 1) * mp.exp(mp.mpf(other) - mp.mpf(end)))
            exact = share if op == "softmax" else mp.log(share)
            bound = mp.mpf(float((found.lower if sign > 0 else found.upper)[0, 0]))
            assert sign * (exact - bound) >= 0 and (abs(exact - bound) <= 1e-12 * max(1, abs(exact)))

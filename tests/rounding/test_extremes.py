"""Single ops where numbers are so large or so small that what torch computes on the way decides."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from tests.ops import bivariate_cases, tensor_cases, univariate_cases
from tests.rounding.attack import bounded, box, evaluated, node
from tests.rounding.test_engine import Sheet
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import TensorType
from torchlean.ops.noise.arithmetic import Arithmetic
from torchlean.ops.noise.values import Noisy

SCALED = {"beta": 1, "alpha": 1e20}
STATISTICS = {"has_weight": True, "has_bias": False, "eps": 1e-5}
SMALL = torch.full((8,), 1e-25)
EXTREMES: list[tuple[str, dict[str, Any], list[Tensor]]] = [
    # The difference of the ends overflows.
    ("lerp", {}, [torch.tensor([3e38]), torch.tensor([-3e38]), torch.tensor([0.5])]),
    # torch adds up `i` before it multiplies.
    ("einsum", {"equation": "i,j->j"}, [torch.full((2,), 3e38), torch.full((2,), 1e-10)]),
    # Products underflow before they are scaled.
    ("addmm", {"function": "addmv", **SCALED}, [torch.zeros(4), SMALL.expand(4, 8), SMALL]),
    (
        "addmm",
        {"function": "baddbmm", **SCALED},
        [torch.zeros(1, 1, 1), SMALL[None, None], SMALL[None, :, None]],
    ),
    # The sign of a zero decides between pi and -pi.
    ("atan2", {}, [torch.tensor([-0.0]), torch.tensor([-1.0])]),
    # The factor `weight / sqrt(variance)` is subnormal.
    (
        "batch_norm",
        STATISTICS,
        [torch.tensor([[1e37]]), *(torch.tensor([v]) for v in (0.0, 1e10, 1e-38))],
    ),
]


@pytest.mark.parametrize(("op", "attributes", "operands"), EXTREMES, ids=lambda value: str(value)[:30])
def test_what_happens_on_the_way_is_inside_the_error(
    op: str, attributes: dict[str, Any], operands: Sequence[Tensor]
) -> None:
    sheet = Sheet()
    sheet.op(op, *(sheet.input(x, x) for x in operands), **attributes)
    found = sheet.last()
    assert found.error is not None
    exact = evaluated(op, [x.double() + 0.0 for x in operands], attributes)
    executed = evaluated(op, operands, attributes).double()
    assert bool(((executed - exact).abs() <= found.error).all() or found.largest == math.inf)
    assert not torch.equal(executed, exact)


def test_a_share_that_is_next_to_nothing_may_become_one_where_logits_are_off_by_a_thousand() -> None:
    sheet = Sheet()
    large, offsets = [1e10, 1e10], [500.0, -500.0]
    sheet.op("softmax", sheet.op("add", sheet.constant(large), sheet.constant(offsets)), dim=0, dtype=None)
    assert torch.softmax(torch.tensor(large) + torch.tensor(offsets), 0).tolist() == [0.5, 0.5]
    error = sheet.last().error
    assert error is not None and float(error[1]) >= 0.5


@pytest.mark.parametrize(
    ("op", "attributes", "at"),
    [
        ("relu", {}, [1e-40]),
        ("floor", {}, [-1e-40]),
        ("sign", {}, [1e-40]),
        ("amax", {"dim": (0,), "keepdim": False}, [1e-40, -1.0]),
        ("cast", {"dtype": torch.float64}, [1e-40]),
        ("cast", {"dtype": torch.bool}, [1e-40]),
    ],
)
def test_what_only_compares_reads_subnormal_numbers_as_zeros_too(
    op: str, attributes: dict[str, Any], at: list[float]
) -> None:
    sheet = Sheet()
    sheet.op(op, sheet.input(at, at), **attributes)
    exact = evaluated(op, [torch.tensor(at).double()], attributes).double()
    zeros = evaluated(op, [torch.tensor(at).where(torch.tensor(at).abs() > 1e-38, 0.0)], attributes).double()
    error = sheet.last(Arithmetic(flush_to_zero=True)).error
    assert error is not None
    assert bool(((zeros - exact).abs() <= error).all())


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("sqrt", {}),
        ("log", {}),
        ("rsqrt", {}),
        ("reciprocal", {}),
        ("pow", {"exponent": -2.0}),
        ("pow", {"exponent": 0.5}),
    ],
)
def test_a_slope_at_minus_zero_is_no_negative_error(op: str, attributes: dict[str, Any]) -> None:
    """The interval of an absolute value may begin at -0.0."""
    kind = TensorType((1,), torch.float32)
    graph, applied = node(op, attributes, [kind])
    ends = [torch.tensor([end], dtype=torch.float64) for end in (-0.0, 1.0, 1e-6)]
    _, found = bounded(graph, applied, [Noisy(Interval(*ends[:2]), ends[2], kind, least=0.0)])
    assert found.error is not None and bool((found.error > 0).all())
    if op == "sqrt" or attributes.get("exponent") == 0.5:
        assert float(found.error) >= 1e-3 or found.largest == math.inf


def test_a_noisy_weight_of_prelu_lies_along_the_channels() -> None:
    types = [TensorType((3, 2, 3), torch.float32), TensorType((2,), torch.float32)]
    graph, applied = node("prelu", {}, types)
    x = Interval(*(torch.full((3, 2, 3), end, dtype=torch.float64) for end in (-2.0, -1.0)))
    slopes, error = torch.tensor([0.5, 4.0]).double(), torch.tensor([0.0, 1e-3]).double()
    noisy = [
        Noisy(x, torch.full((3, 2, 3), 1e-4).double(), types[0]),
        Noisy(Interval(slopes, slopes), error, types[1]),
    ]
    _, found = bounded(graph, applied, noisy)
    assert found.error is not None
    assert bool((found.error[:, 1] >= 2.0 * 1e-3).all()) and bool((found.error[:, 0] < 3e-4).all())
    assert found.largest < 1e-2


def test_a_power_with_an_infinite_exponent_has_no_error_bound() -> None:
    sheet = Sheet()
    sheet.op("pow", sheet.input([0.5], [1.5]), exponent=math.inf)
    assert sheet.last().largest == math.inf


CASES = [
    *((case.op, case.attributes, [(4,)]) for case in univariate_cases.CASES),
    *(
        (case.op, case.attributes, [(5, 3), (3,)] if case.op == "prelu" else [(4,)] * case.operands)
        for case in bivariate_cases.CASES
        if case.dtype == torch.float64
    ),
    *((case.op, case.attributes, list(case.shapes)) for case in tensor_cases.CASES),
    *((op, {"dim": 0}, [shape]) for op in ("softmax", "log_softmax", "logcumsumexp") for shape in ((), (1,))),
    *((op, {"dim": 0}, [()]) for op in ("cumsum", "cumprod")),
    *((op, {"dim": (), "keepdim": False}, [()]) for op in ("sum", "mean", "logsumexp", "amin")),
    ("prod", {"dim": 0, "keepdim": False}, [()]),
    ("kth_value", {"k": 1, "dim": 0, "keepdim": False}, [()]),
    *(
        ("vector_norm", {"ord": ord, "dim": (), "keepdim": False}, [()])
        for ord in (0.0, 1.0, 2.0, 3.0, math.inf)
    ),
    *(
        ("normalize", {"p": p, "dim": dims, "eps": 1e-12}, [(1,) * len(dims)])
        for p in (1.0, 2.0)
        for dims in ((), (0,))
    ),
    ("layer_norm", {"has_weight": False, "has_bias": False, "normalized_shape": (1,), "eps": 1e-5}, [(2, 1)]),
    ("rms_norm", {"has_weight": False, "has_bias": False, "normalized_shape": (1,), "eps": 1e-5}, [(2, 1)]),
    ("var", {"dim": (0,), "keepdim": False, "correction": 0}, [(1,)]),
    ("std", {"dim": (0,), "keepdim": False, "correction": 0}, [(1,)]),
    ("sort", {"dim": 0, "descending": False}, [(1,)]),
    ("topk", {"k": 1, "dim": 0, "largest": True, "sorted": True}, [(1,)]),
    (
        "max_pool",
        {
            "rank": 1,
            "kernel_size": (1,),
            "stride": (1,),
            "padding": (0,),
            "dilation": (1,),
            "ceil_mode": False,
        },
        [(1, 1)],
    ),
]


@pytest.mark.parametrize(("op", "attributes", "shapes"), CASES, ids=lambda value: str(value)[:40])
def test_what_comes_from_something_that_may_be_nan_has_no_finite_error(
    op: str, attributes: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]
) -> None:
    """An infinite error says that an operand may be NaN in an execution, also where its exact value and its limits are
    small (`tanh` of a sum that overflows): the op may not answer with the width of its range."""
    source = random.Random(f"{op}{attributes}")
    graph, applied = node(op, attributes, [TensorType(shape, torch.float32) for shape in shapes])
    for place, shape in enumerate(shapes):
        lost = torch.rand(shape, generator=torch.Generator().manual_seed(place)) < 0.4
        lost.view(-1)[0] = True
        for kind, limit in (("unit", 1.0), ("positive", math.inf), ("large", math.inf)):
            exact = [box(kind, shape, source) for shape in shapes]
            exact[place] = Interval(
                *(end.clamp(-limit, limit) for end in (exact[place].lower, exact[place].upper))
            )
            operands = [Noisy(x, None, TensorType(x.shape, torch.float32)) for x in exact]
            error = torch.where(lost, math.inf, 0.0).double()
            operands[place] = Noisy(exact[place], error, operands[place].type, -limit, limit)
            interval, found = bounded(graph, applied, operands)
            executed = [x.upper.float() for x in exact]
            executed[place] = torch.where(lost, math.nan, executed[place])
            wrong = ~torch.isfinite(evaluated(op, executed, attributes))
            known = torch.isfinite(torch.zeros(()) if found.error is None else found.error)
            assert interval.undefined or not bool((wrong & known).any())

"""The hand-written transposes of convolutions beside the generic one, which differentiates the op."""

import itertools

import pytest
import torch

from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType
from torchlean.ops.adjoint import weighted
from torchlean.ops.linearization import Affine

GENERATOR = torch.Generator().manual_seed(0)


def _pair(op, shape, weight, attributes, count=3) -> tuple[Affine, Affine, torch.Tensor]:
    x = TensorType(shape, torch.float32)
    kernel = torch.randn(weight, generator=GENERATOR, dtype=torch.float64)
    known = [None, Interval.point(kernel)]
    types = [x, TensorType(weight, torch.float32)]
    ours = OPS[op].affine(known, types, attributes)
    generic = weighted(OPS[op].evaluate, known, types, attributes)
    out = OPS[op].evaluate([torch.zeros(shape, dtype=torch.float64), kernel], attributes)
    rows = torch.randn(count, *out.shape, generator=GENERATOR, dtype=torch.float64)
    return ours[0], generic[0], rows


def _agree(op, shape, weight, attributes) -> None:
    ours, generic, rows = _pair(op, shape, weight, attributes)
    found = ours.transpose(rows)
    assert found.shape == (3, *shape)
    torch.testing.assert_close(found, generic.transpose(rows), rtol=1e-12, atol=1e-12)
    values = torch.rand(shape, generator=GENERATOR, dtype=torch.float64)
    torch.testing.assert_close(ours.magnitude(values), generic.magnitude(values))
    if ours.unit is not None:
        single = torch.eye(rows[0].numel(), dtype=torch.float64).reshape(-1, *rows.shape[1:])
        assert torch.equal(ours.unit(torch.arange(len(single))), ours.transpose(single))
    assert ours.terms >= generic.terms, "fewer products are counted than the generic form finds"


SIZES = [
    {"stride": s, "padding": p, "dilation": d, "groups": g, "kernel": k}
    for s, p, d, g, k in itertools.product((1, 2, 3), (0, 1, 2), (1, 2), (1, 2), (1, 2, 3))
]


@pytest.mark.parametrize("case", SIZES, ids=str)
def test_a_convolution_is_passed_through_its_transpose(case):
    for rank in (1, 2):
        sizes = (9, 8)[:rank]
        attributes = {
            "stride": (case["stride"],) * rank,
            "padding": (case["padding"],) * rank,
            "dilation": (case["dilation"],) * rank,
            "groups": case["groups"],
        }
        weight = (4, 4 // case["groups"], *(case["kernel"],) * rank)
        _agree("conv", (2, 4, *sizes), weight, attributes)
        _agree("conv", (4, *sizes), weight, attributes)


@pytest.mark.parametrize("case", [case for case in SIZES if case["groups"] == 1], ids=str)
def test_many_rows_are_added_up_like_few(case):
    for sizes in ((9,), (9, 8)):
        attributes = {name: (case[name],) * len(sizes) for name in ("stride", "padding", "dilation")}
        kernel = (case["kernel"], 2)[: len(sizes)]
        ours, generic, rows = _pair("conv", (8, *sizes), (3, 8, *kernel), attributes | {"groups": 1}, 100)
        expected = generic.transpose(rows)
        torch.testing.assert_close(ours.transpose(rows), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (4, 1)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 3)])
def test_named_paddings_are_undone_on_the_right_side(padding, kernel, dilation):
    attributes = {"stride": (1, 1), "padding": padding, "dilation": dilation, "groups": 1}
    _agree("conv", (1, 2, 12, 13), (3, 2, *kernel), attributes)


def test_sizes_that_differ_by_dimension_are_kept_apart():
    attributes = {"stride": (1, 2, 3), "padding": (2, 0, 1), "dilation": (1, 2, 1), "groups": 1}
    _agree("conv", (2, 5, 7, 8), (3, 2, 3, 2, 2), attributes)
    _agree("conv", (1, 2, 5, 7, 8), (3, 2, 3, 2, 2), attributes)


TRANSPOSED = [
    case | {"extra": extra}
    for case in SIZES
    for extra in (0, 1)
    if extra < max(case["stride"], case["dilation"])  # torch refuses more, and results without elements
    and 3 * case["stride"] + case["dilation"] * (case["kernel"] - 1) + extra >= 2 * case["padding"]
]


@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_a_transposed_convolution_is_passed_through_the_plain_one(case):
    for rank in (1, 2):
        attributes = {
            "stride": (case["stride"],) * rank,
            "padding": (case["padding"],) * rank,
            "output_padding": (case["extra"],) * rank,
            "groups": case["groups"],
            "dilation": (case["dilation"],) * rank,
        }
        weight = (4, 4 // case["groups"], *(case["kernel"],) * rank)
        sizes = (5, 4)[:rank]
        _agree("conv_transpose", (2, 4, *sizes), weight, attributes)
        _agree("conv_transpose", (4, *sizes), weight, attributes)


def test_a_volume_is_passed_back_through_a_transposed_convolution():
    attributes = {
        "stride": (2, 1, 3),
        "padding": (1, 0, 0),
        "output_padding": (1, 0, 2),
        "groups": 2,
        "dilation": (1, 1, 1),
    }
    _agree("conv_transpose", (1, 4, 2, 3, 2), (4, 1, 3, 2, 2), attributes)

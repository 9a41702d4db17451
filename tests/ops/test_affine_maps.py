"""The linear maps that affine ops state: forward the op itself, on batches of values; back its transpose, on rows."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType

NORM = {"eps": 1e-5, "has_weight": True, "has_bias": True}

CASES: list[tuple[str, tuple[int, ...], dict[str, Any], tuple[tuple[int, ...], ...]]] = [
    ("permute", (2, 3, 4), {"dims": (2, 0, 1)}, ()),
    ("reshape", (2, 6), {"shape": (3, 4)}, ()),
    ("expand", (1, 3), {"shape": (2, 4, 3)}, ()),
    ("flip", (3, 4), {"dims": (1,)}, ()),
    ("slice", (5, 4), {"index": ((1, 5, 2), (None, None, None))}, ()),
    ("tril", (4, 4), {"diagonal": 0}, ()),
    ("sum", (2, 3, 4), {"dim": (0, 2), "keepdim": False}, ()),
    ("mean", (2, 3, 4), {"dim": (1,), "keepdim": True}, ()),
    ("cumsum", (3, 5), {"dim": 1}, ()),
    ("matmul", (2, 3, 4), {}, ((4, 5),)),
    ("linear", (2, 3), {}, ((4, 3), (4,))),
    ("div", (3, 1), {}, ((4,),)),
    ("batch_norm", (2, 3, 4), NORM, ((3,), (3,), (3,), (3,))),
]


@pytest.mark.parametrize(("name", "shape", "attributes", "known"), CASES, ids=[case[0] for case in CASES])
def test_maps_forward_are_the_op_less_its_value_at_zero(name, shape, attributes, known) -> None:
    generator = torch.Generator().manual_seed(0)
    # Eighths: sums and products of them are exact, whatever the order. Variances are positive.
    operands = [torch.randint(1, 9, size, generator=generator).double() / 8 for size in known]
    inputs = [None, *(Interval.point(operand) for operand in operands)]
    types = [TensorType(size, torch.float64) for size in (shape, *known)]
    (part, *_) = OPS[name].affine(inputs, types, attributes)
    assert part is not None and part.forward is not None
    values = torch.randint(-8, 9, (3, *shape), generator=generator).double() / 8
    at_zero = OPS[name].evaluate([torch.zeros(shape, dtype=torch.float64), *operands], attributes)
    results = torch.stack([OPS[name].evaluate([value, *operands], attributes) - at_zero for value in values])
    for batch in (values, values[:1]):
        assert torch.allclose(part.forward(batch), results[: len(batch)], rtol=1e-12, atol=1e-14)
    rows = torch.randint(-8, 9, (2, *at_zero.shape), generator=generator).double() / 8
    products = part.transpose(rows).flatten(1) @ values.flatten(1).T
    assert torch.allclose(products, rows.flatten(1) @ results.flatten(1).T, rtol=1e-12, atol=1e-12)
    single = part.transpose(rows.float())
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), part.transpose(rows), rtol=1e-6, atol=1e-7)


def test_elements_are_moved_exactly_and_fixed_numbers_stay_out_of_the_map() -> None:
    rows = [[1e300, -1e-300, 3.0], [0.1, -0.0, 7.0], [5.0, 2.0**-1074, 1.0]]
    values = torch.tensor([rows], dtype=torch.float64)
    (part,) = OPS["tril"].affine([None], [TensorType((3, 3), torch.float32)], {"diagonal": -1})
    assert part is not None and part.forward is not None and part.terms == 0
    assert torch.equal(part.forward(values), torch.tril(values, -1))


def test_a_divisor_of_zero_or_an_unknown_one_is_no_linear_map() -> None:
    types = [TensorType((2,), torch.float64)] * 2
    known = Interval.point(torch.tensor([3.0, 0.0], dtype=torch.float64))
    assert OPS["div"].affine([None, known], types, {}) is None
    assert OPS["div"].affine([known, None], types, {}) is None
    tiny = Interval.point(torch.tensor([3.0, 2.0**-1074], dtype=torch.float64))
    assert OPS["div"].affine([None, tiny], types, {}) is None


def test_an_offset_takes_no_digits_from_the_map_of_a_normalisation() -> None:
    """A mean of a million costs the elements ten digits; deviations of elements, which the map is for, none."""
    attributes = {"eps": 0.0, "has_weight": False, "has_bias": False}
    mean, variance = torch.tensor([2.0**20, -(2.0**20)]).double(), torch.tensor([0.25, 4.0]).double()
    inputs = [None, Interval.point(mean), Interval.point(variance)]
    types = [TensorType(size, torch.float64) for size in ((1, 2), (2,), (2,))]
    (part, *_) = OPS["batch_norm"].affine(inputs, types, attributes)
    assert part is not None and part.forward is not None
    values = torch.tensor([[[0.1, 0.3]], [[-0.7, 1e-9]]]).double()
    assert torch.allclose(part.forward(values), values * torch.tensor([2.0, 0.5]), rtol=1e-15, atol=0.0)
    # |weight| times |value|, whatever the mean.
    assert part.magnitude is not None
    assert torch.allclose(part.magnitude(values.abs()), part.forward(values).abs(), rtol=1e-15, atol=0.0)
    assert torch.equal(part.magnitude(values[0].abs()), part.magnitude(values.abs())[0])


def test_unknown_truths_among_known_ones_are_no_linear_map() -> None:
    known, truths = Interval.point(torch.zeros(3).double()), TensorType((3,), torch.bool)
    index = {"index": ((None, None, None),)}
    assert OPS["slice_update"].affine([known, None], [truths, truths], index) is None
    assert OPS["slice_update"].affine([None, None], [truths, truths], index) is not None

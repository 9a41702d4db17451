"""The shapes that convolutions infer are those that torch computes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from torchlean.ops import OPS, ShapeError, TensorType

WINDOWS = st.integers(1, 3).flatmap(
    lambda rank: st.lists(
        st.tuples(
            *(st.integers(low, high) for low, high in ((1, 6), (1, 3), (1, 3), (0, 2), (1, 3), (0, 1)))
        ),
        min_size=rank,
        max_size=rank,
    )
)
"""Per dimension: size, kernel, stride, padding, dilation, output padding."""


# torch's meta device, which is asked where there is no result, imports a compiler on first use.
@settings(deadline=None, max_examples=200)
@given(WINDOWS, st.booleans(), st.booleans())
def test_convolutions_infer_the_shape_that_torch_computes(
    windows: list[tuple[int, ...]], transposed: bool, batch: bool
) -> None:
    """Empty results are left out: some of torch's kernels refuse them, others make them."""
    size, kernel, stride, padding, dilation, extra = (tuple(column) for column in zip(*windows, strict=True))
    attributes: dict = {"stride": stride, "padding": padding, "dilation": dilation, "groups": 2}
    if transposed:
        attributes["output_padding"] = extra
    x = torch.zeros((*(3,) * batch, 4, *size))
    weight = torch.zeros((4, 2, *kernel))
    op = OPS["conv_transpose" if transposed else "conv"]
    types = [TensorType(tuple(t.shape), t.dtype) for t in (x, weight)]
    try:
        expected = tuple(op.evaluate([x, weight], attributes).shape)
    except RuntimeError as error:
        assume("Output size is too small" not in str(error))
        with pytest.raises(ShapeError):
            op.infer(types, attributes)
    else:
        assume(0 not in expected)
        assert op.infer(types, attributes) == TensorType(expected, torch.float32)

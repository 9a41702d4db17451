"""Products are the same whichever way they are computed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from torchlean.intervals.products import MANY, NARROW, THIN, times

ROWS = [(0,), (1,), (7,), (MANY - 1,), (MANY,), (3, 5), (2, MANY), (2, 3, 4)]


def whole(*shape: int, dtype: torch.dtype) -> Tensor:
    """Small integers, whose sums of products are exact in any order."""
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randint(-8, 9, shape, generator=generator).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", ROWS)
def test_all_ways_give_the_product(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    for terms in (1, 5, 50):
        rows = whole(*shape, terms, dtype=dtype)
        for columns in (1, THIN, THIN + 1, NARROW, NARROW + 1):
            matrix = whole(terms, columns, dtype=dtype)
            exact = torch.einsum("...k,kn->...n", rows.long(), matrix.long())
            found = times(rows, matrix)
            assert found.dtype == dtype
            assert torch.equal(found.long(), exact)
            again = times(found, matrix.t().contiguous())  # of rows as the first product left them in memory
            assert torch.equal(again.long(), torch.einsum("...n,kn->...k", exact, matrix.long()))


def test_a_single_row_may_come_without_a_dimension() -> None:
    row, matrix = whole(5, dtype=torch.float64), whole(5, 3, dtype=torch.float64)
    assert torch.equal(times(row, matrix), (row.unsqueeze(0) @ matrix)[0])

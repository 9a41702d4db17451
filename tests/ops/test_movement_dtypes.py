"""Ops that move elements take exactly the dtypes that torch's own kernels take, and keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.ops.fake_emitter import Known, agree

from torchlean.ops.op import UnsupportedError

DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
]
MATRIX = torch.tensor([[1.0, 0.0, 2.0], [3.0, 1.0, 0.0]])
ROWS = Known(torch.tensor([1, 0]))
MASK = torch.tensor([True, False, True])
PAD, RESIZE = "torch.nn.functional.pad", "torch.nn.functional.interpolate"

CALLS: dict[str, tuple[str, Callable[[torch.Tensor], tuple[Any, ...]]]] = {
    "reshape": ("torch.reshape", lambda x: (x, (3, 2))),
    "permute": ("torch.permute", lambda x: (x, (1, 0))),
    "expand": ("torch.Tensor.expand", lambda x: (x, 2, 2, 3)),
    "cat": ("torch.cat", lambda x: ([x, x],)),
    "stack": ("torch.stack", lambda x: ([x, x],)),
    "repeat": ("torch.Tensor.repeat", lambda x: (x, 2, 2)),
    "repeat_interleave": ("torch.repeat_interleave", lambda x: (x, 2, 0)),
    "slice": ("torch.Tensor.__getitem__", lambda x: (x, (0, slice(1, 3)))),
    "index": ("torch.Tensor.__getitem__", lambda x: (x, ROWS)),
    "assign": ("torch.Tensor.__setitem__", lambda x: (x, 0, 1)),
    "assign rows": ("torch.Tensor.__setitem__", lambda x: (x, ROWS, 1)),
    "fill": ("torch.Tensor.fill_", lambda x: (x, 1)),
    "tril": ("torch.tril", lambda x: (x,)),
    "triu": ("torch.triu", lambda x: (x,)),
    "diagonal": ("torch.diagonal", lambda x: (x,)),
    "diag_embed": ("torch.diag_embed", lambda x: (x,)),
    "flip": ("torch.flip", lambda x: (x, (0,))),
    "roll": ("torch.roll", lambda x: (x, 1, 0)),
    "rot90": ("torch.rot90", lambda x: (x,)),
    "pad": (PAD, lambda x: (x, (1, 1))),
    "pad reflect": (PAD, lambda x: (x, (1, 1), "reflect")),
    "pad replicate": (PAD, lambda x: (x, (1, 1), "replicate")),
    "pad circular": (PAD, lambda x: (x, (1, 1), "circular")),
    "windows": ("torch.Tensor.unfold", lambda x: (x, 1, 2, 1)),
    "patches": ("torch.nn.functional.unfold", lambda x: (x.reshape(1, 1, 2, 3), 2)),
    "nearest": (RESIZE, lambda x: (x.reshape(1, 1, 2, 3), 4)),
    "nearest-exact": (RESIZE, lambda x: (x.reshape(1, 1, 2, 3), 4, None, "nearest-exact")),
    "bilinear": (RESIZE, lambda x: (x.reshape(1, 1, 2, 3), 4, None, "bilinear")),
    "sort": ("torch.sort", lambda x: (x,)),
    "msort": ("torch.msort", lambda x: (x,)),
    "topk": ("torch.topk", lambda x: (x, 2)),
    "gather": ("torch.gather", lambda x: (x, 0, Known(torch.tensor([[0, 1]])))),
    "take": ("torch.take", lambda x: (x, ROWS)),
    "index_select": ("torch.index_select", lambda x: (x, 0, ROWS)),
    "embedding": ("torch.nn.functional.embedding", lambda x: (ROWS, x)),
    "where": ("torch.where", lambda x: (MASK, x, x)),
    "masked_fill": ("torch.masked_fill", lambda x: (x, MASK, 1)),
    "index_fill": ("torch.index_fill", lambda x: (x, 0, ROWS, 1)),
    "scatter": ("torch.scatter", lambda x: (x, 0, Known(torch.tensor([[0, 1]])), x)),
    "pixel_shuffle": ("torch.pixel_shuffle", lambda x: (torch.cat([x, x]).reshape(1, 4, 3, 1), 2)),
    "channel_shuffle": ("torch.channel_shuffle", lambda x: (x.reshape(1, 2, 3, 1), 2)),
    "one_hot": ("torch.nn.functional.one_hot", lambda x: (Known(x),)),
    "requires_grad": ("torch.Tensor.requires_grad_", lambda x: (x,)),
    "clone": ("torch.clone", lambda x: (x,)),
    "zeros_like": ("torch.zeros_like", lambda x: (x,)),
    "full_like": ("torch.full_like", lambda x: (x, 1)),
}


ON_THIS_MACHINE = ("bilinear", torch.uint8)
"""What torch takes, with numbers that depend on the processor."""


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(dtype)[6:])
@pytest.mark.parametrize("call", CALLS)
def test_a_dtype_is_taken_or_refused_as_by_torch(call: str, dtype: torch.dtype) -> None:
    name, arguments = CALLS[call]
    if (call, dtype) == ON_THIS_MACHINE:
        with pytest.raises(UnsupportedError, match="depends on the machine"):
            agree(name, *arguments(MATRIX.to(dtype)))
    else:
        agree(name, *arguments(MATRIX.to(dtype)))

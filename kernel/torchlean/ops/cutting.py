"""Selecting and cutting along one dimension: `select`, `narrow`, `split`, `unbind` and their kin, all of them
slices.

Where a tensor is cut into several pieces, their sizes are read off torch itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torchlean.ops.arguments import dimension, is_tensor, known_int, known_tensor, meta, torch_errors
from torchlean.ops.indexing import cut
from torchlean.ops.op import ShapeError
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@spelled("torch.select", "torch.Tensor.select")
def select(emitter: Emitter, input: TensorValue, dim: int, index: int) -> TensorValue:
    place = known_int(emitter, index, "the index")
    with torch_errors():
        meta(input).select(dim, place)
    dim = dimension(dim, len(input.shape))
    return cut(emitter, input, dim, place % input.shape[dim])


@spelled("torch.narrow", "torch.Tensor.narrow")
def narrow(emitter: Emitter, input: TensorValue, dim: int, start: Any, length: int) -> TensorValue:
    first = known_int(emitter, start, "the start")
    count = known_int(emitter, length, "the length")
    with torch_errors():
        meta(input).narrow(dim, first, count)
    dim = dimension(dim, len(input.shape))
    size = input.shape[dim]
    if first < 0:
        first += size
    return cut(emitter, input, dim, range(first, first + count))


@spelled("torch.unbind", "torch.Tensor.unbind")
def unbind(emitter: Emitter, input: TensorValue, dim: int = 0) -> tuple[TensorValue, ...]:
    if not input.shape:
        raise ShapeError("a 0-d tensor has no dimension to take apart")
    dim = dimension(dim, len(input.shape))
    return tuple(cut(emitter, input, dim, place) for place in range(input.shape[dim]))


@spelled("torch.Tensor.__iter__")
def iterate(emitter: Emitter, input: TensorValue) -> list[TensorValue]:
    if not input.shape:
        raise ShapeError("iteration over a 0-d tensor")
    return list(unbind(emitter, input))


@spelled("torch.split", "torch.functional.split", "torch.Tensor.split")
def split(
    emitter: Emitter, tensor: TensorValue, split_size_or_sections: Any = None, dim: int = 0, **keyword: Any
) -> tuple[TensorValue, ...]:
    """The size is `split_size_or_sections` in the function and `split_size` in the method."""
    size = keyword.pop("split_size", split_size_or_sections)
    if keyword or size is None:
        raise ShapeError("split needs a size or a list of sizes, and a dim")
    wanted = _numbers(emitter, size)
    return pieces(emitter, tensor, dim, lambda x: x.split(wanted, dim))


@spelled("torch.split_with_sizes", "torch.Tensor.split_with_sizes")
def split_with_sizes(
    emitter: Emitter, input: TensorValue, split_sizes: Sequence[int], dim: int = 0
) -> tuple[TensorValue, ...]:
    wanted = _numbers(emitter, split_sizes)
    return pieces(emitter, input, dim, lambda x: x.split_with_sizes(wanted, dim))


@spelled("torch.chunk", "torch.Tensor.chunk")
def chunk(emitter: Emitter, input: TensorValue, chunks: int, dim: int = 0) -> tuple[TensorValue, ...]:
    return pieces(emitter, input, dim, lambda x: x.chunk(chunks, dim))


@spelled("torch.unsafe_chunk", "torch.Tensor.unsafe_chunk")
def unsafe_chunk(emitter: Emitter, input: TensorValue, chunks: int, dim: int = 0) -> tuple[TensorValue, ...]:
    return chunk(emitter, input, chunks, dim)


@spelled("torch.tensor_split", "torch.Tensor.tensor_split")
def tensor_split(
    emitter: Emitter, input: TensorValue, indices_or_sections: Any = None, dim: int = 0, **keyword: Any
) -> tuple[TensorValue, ...]:
    given = keyword.pop("indices", keyword.pop("sections", indices_or_sections))
    if keyword or given is None:
        raise ShapeError("tensor_split needs a number of sections or a list of indices, and a dim")
    wanted = _numbers(emitter, given)
    return pieces(emitter, input, dim, lambda x: x.tensor_split(wanted, dim))


@spelled("torch.hsplit", "torch.Tensor.hsplit")
def hsplit(emitter: Emitter, input: TensorValue, indices_or_sections: Any) -> tuple[TensorValue, ...]:
    wanted = _numbers(emitter, indices_or_sections)
    return pieces(emitter, input, 0 if len(input.shape) == 1 else 1, lambda x: x.hsplit(wanted))


@spelled("torch.vsplit", "torch.Tensor.vsplit")
def vsplit(emitter: Emitter, input: TensorValue, indices_or_sections: Any) -> tuple[TensorValue, ...]:
    wanted = _numbers(emitter, indices_or_sections)
    return pieces(emitter, input, 0, lambda x: x.vsplit(wanted))


@spelled("torch.dsplit", "torch.Tensor.dsplit")
def dsplit(emitter: Emitter, input: TensorValue, indices_or_sections: Any) -> tuple[TensorValue, ...]:
    wanted = _numbers(emitter, indices_or_sections)
    return pieces(emitter, input, 2, lambda x: x.dsplit(wanted))


def _numbers(emitter: Emitter, value: Any) -> Any:
    """Plain integers for torch, whether given as a number, a sequence or a tensor."""
    if is_tensor(value) and value.shape:
        return known_tensor(emitter, value, "where to split").tolist()
    if isinstance(value, (tuple, list)):
        return [known_int(emitter, item, "where to split") for item in value]
    return known_int(emitter, value, "where to split")


def pieces(
    emitter: Emitter, x: TensorValue, dim: int, function: Callable[[Tensor], Sequence[Tensor]]
) -> tuple[TensorValue, ...]:
    """Cut `x` along `dim` into pieces of the sizes that a torch function gives.

    The pieces are read off by their storage offset, which also places the overlapping ones of `tensor_split`.
    """
    with torch_errors():
        parts = function(meta(x))
    dim = dimension(dim, len(x.shape))
    stride = torch.empty(x.shape, device="meta").stride(dim)
    starts = [part.storage_offset() // max(stride, 1) for part in parts]
    lengths = [part.shape[dim] for part in parts]
    return tuple(
        cut(emitter, x, dim, range(start, start + length))
        for start, length in zip(starts, lengths, strict=True)
    )

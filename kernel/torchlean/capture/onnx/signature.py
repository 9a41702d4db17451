"""What a model is called with, and what it returns: names, dtypes, and shapes with their open sizes filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from torchlean.capture.onnx.messages import FileFault
from torchlean.capture.onnx.model import OnnxValue
from torchlean.capture.onnx.tensors import LARGEST_TENSOR, dtype_of
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from onnx import GraphProto, ValueInfoProto

Size = int | str
"""A number, or the name that the file gives to an open size: `?` where it gives none."""


def inputs(graph: GraphProto, given: Mapping[str, tuple[int, ...]]) -> tuple[OnnxValue, ...]:
    """The declared inputs, initialisers left out.

    Args:
        given: shapes that the caller states, by input name.

    Raises:
        FileFault: an input is no tensor, a stated shape does not fit, or sizes are left open.
    """
    initialised = {tensor.name for tensor in graph.initializer}
    declared = [value for value in graph.input if value.name not in initialised]
    unknown = sorted(set(given) - {value.name for value in declared})
    if unknown:
        names = ", ".join(f"`{value.name}`" for value in declared) or "none"
        raise FileFault(f"a shape is given for `{unknown[0]}`, but the model's inputs are: {names}")
    sizes = {value.name: _sizes(value, given.get(value.name)) for value in declared}
    symbols: dict[str, int] = {}
    for name, shape in given.items():
        _bind(name, sizes[name], tuple(shape), symbols)
    return tuple(_input(value, sizes[value.name], given.get(value.name), symbols) for value in declared)


def check_dtype(value: ValueInfoProto, dtype: torch.dtype) -> None:
    """Refuse an output of another dtype than declared.

    Raises:
        FileFault: names both.
    """
    if value.type.HasField("tensor_type") and value.type.tensor_type.elem_type:
        declared = dtype_of(value.type.tensor_type.elem_type)
        if declared != dtype:
            raise FileFault(f"the output `{value.name}` is declared as {declared}, but computed as {dtype}")


def _sizes(value: ValueInfoProto, given: tuple[int, ...] | None) -> tuple[Size, ...]:
    if not value.type.HasField("tensor_type"):
        raise FileFault(f"the input `{value.name}` is not a tensor")
    if not value.type.tensor_type.HasField("shape"):
        if given is None:
            raise FileFault(
                f"the input `{value.name}` has no shape in the file: write the model with one, or state it "
                "(`load_onnx(path, inputs=...)`)"
            )
        return ("?",) * len(given)
    # Some exporters write -1 for a size that they leave open.
    return tuple(
        d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else d.dim_param or "?"
        for d in value.type.tensor_type.shape.dim
    )


def _bind(name: str, sizes: tuple[Size, ...], shape: tuple[int, ...], symbols: dict[str, int]) -> None:
    """Take sizes from a shape that the caller states."""
    fits = len(shape) == len(sizes) and all(
        isinstance(have, str) or have == want for have, want in zip(sizes, shape, strict=True)
    )
    if not fits:
        raise FileFault(f"the shape {shape} given for `{name}` does not fit {_text(sizes)} in the file")
    for symbol, number in zip(sizes, shape, strict=True):
        if isinstance(symbol, str) and symbol != "?" and symbols.setdefault(symbol, number) != number:
            raise FileFault(f"the size `{symbol}` is given as {symbols[symbol]} and as {number}")


def _input(
    value: ValueInfoProto,
    sizes: tuple[Size, ...],
    given: tuple[int, ...] | None,
    symbols: Mapping[str, int],
) -> OnnxValue:
    batch = None
    if given is None:
        sizes = tuple(symbols.get(size, size) if isinstance(size, str) else size for size in sizes)
        # One sample at a time is what claims speak about; other open sizes have no such meaning.
        if len(sizes) > 1 and isinstance(sizes[0], str):
            batch, sizes = sizes[0], (1, *sizes[1:])
    shape = tuple(size for size in (sizes if given is None else given) if isinstance(size, int))
    if len(shape) < len(sizes):
        open_sizes = ", ".join(f"`{size}`" for size in sizes if isinstance(size, str))
        raise FileFault(
            f"the input `{value.name}` has shape {_text(sizes)}, which leaves {open_sizes} open: write the model "
            "with numbers there, or state the shape (`load_onnx(path, inputs=...)`)"
        )
    if any(size < 1 for size in shape):
        raise FileFault(f"the input `{value.name}` has shape {shape}: there is no number in it")
    try:
        dtype = dtype_of(value.type.tensor_type.elem_type)
    except FileFault as fault:
        raise FileFault(f"the input `{value.name}`: {fault}") from fault
    if TensorType(shape, dtype).numel > LARGEST_TENSOR:
        raise FileFault(f"the input `{value.name}` has shape {shape}: more than {LARGEST_TENSOR:,} elements")
    return OnnxValue(value.name, shape, dtype, batch)


def _text(sizes: tuple[Size, ...]) -> str:
    return f"({', '.join(map(str, sizes))})"

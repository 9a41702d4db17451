"""The numbers stored in an ONNX file, or beside it, as torch tensors.

Sizes are checked before anything is allocated: what a file states and what it holds must agree.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from torchlean.capture.onnx.messages import FileFault
from torchlean.ops import dtype_name

if TYPE_CHECKING:
    from onnx import TensorProto

LARGEST_TENSOR = 2**27
"""Elements of one tensor: its bounds fill 2 GiB. The largest layer of VGG-16 has 103 million weights."""

DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    16: torch.bfloat16,
}
"""The numbers of `TensorProto.DataType` that have a dtype here: no strings, complex or quantised numbers."""

NUMPY = {
    torch.float32: "<f4",
    torch.uint8: "u1",
    torch.int8: "i1",
    torch.int16: "<i2",
    torch.int32: "<i4",
    torch.int64: "<i8",
    torch.bool: "u1",
    torch.float16: "<f2",
    torch.float64: "<f8",
    torch.bfloat16: "<i2",
}
"""How raw bytes are read; bfloat16, which numpy lacks, as its bits."""

Numbers = np.ndarray[Any, Any]

EXTERNAL = 1
"""`TensorProto.DataLocation.EXTERNAL`."""


def dtype_of(number: int) -> torch.dtype:
    """The dtype that `TensorProto.DataType` numbers.

    Raises:
        FileFault: there is none for it.
    """
    dtype = DTYPES.get(number)
    if dtype is None:
        from onnx import TensorProto

        names = {value: name for name, value in TensorProto.DataType.items()}
        raise FileFault(f"the element type {names.get(number, number)} is not supported")
    return dtype


def tensor(proto: TensorProto, directory: Path | None) -> Tensor:
    """The numbers, in memory of their own.

    Args:
        directory: where external data may lie; None where it may not.

    Raises:
        FileFault: the data is missing, incomplete, too large, of an unknown type, or lies where it must not.
    """
    dtype = dtype_of(proto.data_type)
    shape = tuple(proto.dims)
    if any(size < 0 for size in shape):
        raise FileFault(f"it has a negative size: {shape}")
    count = math.prod(shape)
    if count > LARGEST_TENSOR:
        raise FileFault(f"it has {count:,} elements, more than the {LARGEST_TENSOR:,} that are read")
    if proto.HasField("segment"):
        raise FileFault("it is stored in segments, which is not supported")
    array = _stored(proto, dtype, count, directory)
    found: Tensor = torch.from_numpy(array)
    if dtype in (torch.bool, torch.bfloat16):
        found = found.view(dtype) if dtype == torch.bfloat16 else found != 0
    return found.reshape(shape)


def _stored(proto: TensorProto, dtype: torch.dtype, count: int, directory: Path | None) -> Numbers:
    if proto.data_location == EXTERNAL:
        raw = _external(proto, count * dtype.itemsize, directory)
    elif proto.HasField("raw_data"):
        raw = proto.raw_data
    else:
        return _listed(proto, dtype, count)
    if len(raw) != count * dtype.itemsize:
        raise FileFault(
            f"{count:,} elements of {dtype_name(dtype)} need {count * dtype.itemsize:,} bytes, it has {len(raw):,}"
        )
    array: Numbers = np.frombuffer(raw, NUMPY[dtype]).copy()
    return array


def _listed(proto: TensorProto, dtype: torch.dtype, count: int) -> Numbers:
    """Numbers in the field of their type; narrow ones share one, and half precision is stored there as bits."""
    fields = {
        torch.float32: proto.float_data,
        torch.float64: proto.double_data,
        torch.int64: proto.int64_data,
    }
    numbers = fields.get(dtype, proto.int32_data)
    if len(numbers) != count:
        raise FileFault(
            f"{count:,} elements of {dtype_name(dtype)} are declared, {len(numbers):,} are stored"
        )
    if dtype in fields:
        return np.array(numbers, NUMPY[dtype])
    wide = np.array(numbers, np.int64)
    if dtype in (torch.float16, torch.bfloat16):
        return wide.astype("<u2").view(NUMPY[dtype])
    return wide.astype(NUMPY[dtype])


def _external(proto: TensorProto, size: int, directory: Path | None) -> bytes:
    """Bytes of a file in the model's own folder. A model from anywhere must not make us read other files."""
    entries = {entry.key: entry.value for entry in proto.external_data}
    location = entries.get("location", "")
    if directory is None or not location:
        raise FileFault("its external data has no location")
    path = _inside(directory, location)
    offset, length = _number(entries, "offset", 0), _number(entries, "length", size)
    if length != size:
        raise FileFault(f"its external data has {length:,} bytes, its shape and type need {size:,}")
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except (OSError, ValueError) as error:
        raise FileFault(f"its external data `{location}` cannot be read: {error}") from error


def _inside(directory: Path, location: str) -> Path:
    """The file, with links followed."""
    try:
        path = (directory / location).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise FileFault(f"its external data `{location}` cannot be found: {error}") from error
    if not path.is_relative_to(directory):
        raise FileFault(f"its external data `{location}` lies outside the model's folder")
    return path


def _number(entries: dict[str, str], key: str, default: int) -> int:
    text = entries.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < len(str(2**63))):
        raise FileFault(f"its external data has {key} {text!r}, expected a number of bytes")
    return int(text)

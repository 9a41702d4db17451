"""The three formats of weight files, each with its checks before any memory is asked for.

Every reader turns what its library may throw into `WeightFileError` with a sentence for people. Only tensors
and plain containers come out; a pickle that needs more is refused, with the reason and the remedy.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy
import safetensors
import safetensors.torch
import torch
from torch import Tensor


class WeightFileError(Exception):
    """A weight file that cannot be used; the message says why, as the end of a sentence about the file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be: what an interval analysis of the same weights can still answer for.

    Attributes:
        tensor: elements of one tensor; the interval engine stops there too.
        total: elements of one file: 1 GiB of float32, and a gigabyte is read in about a second.
        file: bytes of one file: `total` elements of eight bytes.
    """

    tensor: int = 2**26
    total: int = 2**28
    file: int = 2**31


LIMITS = Limits()

Content = tuple[object, Mapping[str, str]]
"""What the file holds, and the members left out with the reason."""


def read_content(path: Path) -> Content:
    """Read a file of any known format.

    Raises:
        WeightFileError: see `read_weights`.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise WeightFileError("does not exist") from None
    except (OSError, ValueError) as error:
        raise WeightFileError(f"cannot be read: {_reason(error)}") from error
    if stat.S_ISDIR(status.st_mode):
        raise WeightFileError("is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise WeightFileError("is not a regular file")
    if status.st_size == 0:
        raise WeightFileError("is empty: was it fully written?")
    if status.st_size > LIMITS.file:
        raise WeightFileError(
            f"has {status.st_size} bytes, more than the {LIMITS.file} that TorchLean analyses"
        )
    return _guarded(path)


def _guarded(path: Path) -> Content:
    try:
        with open(path, "rb") as file:
            head = file.read(16)
        return _reader(path, head)(path)
    except MemoryError:
        raise WeightFileError("does not fit into memory") from None
    except OSError as error:
        raise WeightFileError(f"cannot be read: {_reason(error)}") from error


def _reader(path: Path, head: bytes) -> Callable[[Path], Content]:
    """The suffix decides; unknown suffixes are decided by how the file begins."""
    known = _BY_SUFFIX.get(path.suffix.lower())
    if known is not None:
        return known
    if head.startswith(b"PK\x03\x04"):
        return _read_numpy if _is_numpy_archive(path) else _read_torch
    if head.startswith(b"\x80"):
        return _read_torch  # a pickle begins with its protocol
    if head[8:9] == b"{":
        return _read_safetensors
    raise WeightFileError(
        f"is of no known format: expected .safetensors, .pt, .pth or .npz, got {path.suffix or 'no suffix'}"
    )


# --- safetensors: eight bytes of header length, a JSON header, raw little-endian data -------------------

_HEADER_LIMIT = 100_000_000  # bytes; the limit of the reference implementation


def _read_safetensors(path: Path) -> Content:
    data = path.read_bytes()
    _check_header(data)
    try:
        return safetensors.torch.load(data), {}
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise WeightFileError(f"is not a valid safetensors file: {_reason(error)}") from error


def _check_header(data: bytes) -> None:
    """Sizes first: the header's claims are held against the limits and against the file's length."""
    if len(data) < 8:
        raise WeightFileError("is not a valid safetensors file: shorter than its header")
    (length,) = struct.unpack("<Q", data[:8])
    if length > _HEADER_LIMIT or length > len(data) - 8:
        raise WeightFileError(
            "is not a valid safetensors file, or it is truncated: the header is longer than the file"
        )
    try:
        header = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise WeightFileError("is not a valid safetensors file: its header is not JSON") from error
    if not isinstance(header, dict):
        raise WeightFileError("is not a valid safetensors file: its header is not an object")
    shapes = {}
    end = 0
    for name, entry in header.items():
        if name != "__metadata__":
            shapes[name] = _header_shape(name, entry)
            end = max(end, entry["data_offsets"][1])
    if 8 + length + end > len(data):
        missing = 8 + length + end - len(data)
        raise WeightFileError(f"is truncated: {missing} bytes are missing at its end; was it fully written?")
    _check_sizes(shapes)


def _header_shape(name: str, entry: object) -> tuple[int, ...]:
    if isinstance(entry, dict):
        shape, offsets = entry.get("shape"), entry.get("data_offsets")
        if _natural(shape) and _natural(offsets) and isinstance(offsets, list) and len(offsets) == 2:
            return tuple(shape)  # type: ignore[arg-type]  # _natural has checked that it is a list of ints
    raise WeightFileError(f"is not a valid safetensors file: the header's entry for {name!r} is malformed")


def _natural(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


# --- torch: a zip archive around a pickle, or the older bare pickle -------------------------------------


def _read_torch(path: Path) -> Content:
    if _is_zip(path):
        _check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on pickle protocols; what matters raises
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightFileError(_refusal(str(error))) from error
    except _TORCH_DAMAGE as error:
        raise WeightFileError("is not a valid torch checkpoint, or it is truncated") from error
    shapes: dict[str, tuple[int, ...]] = {}
    plain = _plain(content, "", set(), shapes)
    _check_sizes(shapes)
    return plain, {}


_TORCH_DAMAGE = (
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    AssertionError,
    OverflowError,
    ImportError,
    RecursionError,
    struct.error,
    zipfile.BadZipFile,
)
"""What torch.load and the unpickler throw at damaged files, found by cutting files and flipping bytes."""


def _refusal(message: str) -> str:
    """Why the restricted unpickler stopped: at a name that would run code, or at something it cannot read."""
    named = re.search(r"(?:GLOBAL|[Uu]nsupported class):? +([A-Za-z_]\w*(?:\.\w+)+)", message)
    if named is not None:
        what = (
            f"asks for `{named[1]}`, which would run code when loaded and is refused (or the file is damaged)"
        )
    else:
        what = "is not a checkpoint of tensors written by torch.save, or it is damaged"
    return f"{what}. Save tensors only: torch.save(model.state_dict(), path)"


def _plain(value: object, place: str, outer: set[int], shapes: dict[str, tuple[int, ...]]) -> object:
    """The content, every tensor checked to be dense and within the limits; parameters become tensors.

    Args:
        outer: identities of the containers around `value`, against content that contains itself.
        shapes: filled with the shape of every tensor by its place.
    """
    if isinstance(value, torch.Tensor):
        return _dense(value, place, shapes)
    if id(value) in outer:
        raise WeightFileError(f"contains itself at {place}")
    inner = outer | {id(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item, f"{place}[{key!r}]", inner, shapes) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_plain(item, f"{place}[{index}]", inner, shapes) for index, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def _dense(tensor: Tensor, place: str, shapes: dict[str, tuple[int, ...]]) -> Tensor:
    # Sizes before anything else: a view of one number can claim any shape without costing memory in the file.
    name = place.strip("[]'") or "the tensor"
    shapes[name] = tuple(tensor.shape)
    _check_sizes({name: shapes[name]})
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        raise WeightFileError(
            f"holds a sparse, quantised or nested tensor at {place}; only dense ones are analysed"
        )
    if tensor.device.type != "cpu":
        raise WeightFileError(f"holds a tensor without numbers at {place} (device {tensor.device})")
    return tensor.detach().contiguous()


# --- NumPy archives -------------------------------------------------------------------------------------


def _is_numpy_archive(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return all(name.endswith(".npy") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


_NUMPY_DAMAGE = (
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
)


def _read_numpy(path: Path) -> Content:
    if not _is_zip(path):
        raise WeightFileError("is not a NumPy archive (.npz), or it is truncated")
    _check_archive(path)
    tensors: dict[str, Tensor] = {}
    unusable: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(_numpy_shapes(archive))
        with numpy.load(path, allow_pickle=False) as members:
            for name in members.files:
                _read_member(name, members, tensors, unusable)
    except _NUMPY_DAMAGE as error:
        raise WeightFileError(f"is not a valid NumPy archive, or it is damaged: {_reason(error)}") from error
    return tensors, unusable


def _read_member(
    name: str, members: Mapping[str, numpy.ndarray], tensors: dict[str, Tensor], unusable: dict[str, str]
) -> None:
    try:
        array = members[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        unusable[name] = "it holds pickled Python objects, which would run code when loaded"
        return
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > 16 or array.dtype == numpy.longdouble:
        unusable[name] = f"its dtype {array.dtype} has no torch counterpart"
        return
    native = array.astype(array.dtype.newbyteorder("="), copy=True)
    tensors[name] = torch.from_numpy(native)


def _numpy_shapes(archive: zipfile.ZipFile) -> dict[str, tuple[int, ...]]:
    """The shape that every member's header claims, which must be what the member's size can hold."""
    shapes = {}
    for info in archive.infolist():
        with archive.open(info) as member:
            shape, dtype, offset = _numpy_header(member)
        name = info.filename.removesuffix(".npy")
        if not dtype.hasobject and _count(shape) * dtype.itemsize + offset > info.file_size:
            raise WeightFileError(
                f"is damaged: `{name}` claims shape {shape}, more than the {info.file_size} bytes it has"
            )
        shapes[name] = shape
    return shapes


def _numpy_header(member: IO[bytes]) -> tuple[tuple[int, ...], numpy.dtype, int]:
    version = numpy.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = numpy.lib.format.read_array_header_1_0(member)
    else:
        shape, _, dtype = numpy.lib.format.read_array_header_2_0(member)
    return shape, dtype, member.tell()


# --- shared ---------------------------------------------------------------------------------------------


def _is_zip(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # a damaged end record raises instead of answering
        return False


def _check_archive(path: Path) -> None:
    """A zip archive's unpacked size, which compression can make far larger than the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise WeightFileError(f"is not a valid archive, or it is truncated: {_reason(error)}") from error
    if total > LIMITS.file:
        raise WeightFileError(
            f"unpacks to {total} bytes, more than the {LIMITS.file} that TorchLean analyses"
        )


def _check_sizes(shapes: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in shapes.items():
        if _count(shape) > LIMITS.tensor:
            raise WeightFileError(
                f"is too large: {name} has shape {shape}, {_count(shape)} elements; "
                f"TorchLean analyses tensors up to {LIMITS.tensor}"
            )
    total = sum(map(_count, shapes.values()))
    if total > LIMITS.total:
        raise WeightFileError(
            f"is too large: {total} elements; TorchLean analyses files up to {LIMITS.total}"
        )


def _count(shape: Iterable[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


_BY_SUFFIX: dict[str, Callable[[Path], Content]] = {
    ".safetensors": _read_safetensors,
    ".pt": _read_torch,
    ".pth": _read_torch,
    ".npz": _read_numpy,
}

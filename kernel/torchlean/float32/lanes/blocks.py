"""Arrays cut into blocks, and the few integer idioms that all kernels share.

A kernel is a straight line of some fifty numpy operations. On ten million elements each of them would stream
its operands through main memory; on blocks that stay in the second-level cache the same code runs several
times as fast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from torchlean.float32.environment import Environment

Lanes: TypeAlias = Any
"""A one-dimensional block, `numpy.ndarray`. Its annotations forget the width of an integer type as soon as a
Python integer takes part, so that a checker knows nothing about kernels but what is wrong; instead they state
the type in words: bits and significands are uint32, exponents int32, products uint64."""

Status: TypeAlias = "npt.NDArray[np.uint8] | None"
"""Where a kernel raises flags, one byte of `Flags` per lane; None where nobody asked, which saves a third of
the time.
"""

Kernel: TypeAlias = Callable[[tuple[Lanes, ...], Environment, Status], Lanes]

BLOCK = 1 << 14
"""Elements per block: a dozen temporaries of 32 or 64 bits fit into a megabyte, a usual size of the
second-level cache.
"""

_KEPT = 1 << 24
"""Bytes: above all temporaries of a block together, and below the 32 MiB where glibc stops adapting."""


def run(
    kernel: Kernel,
    operands: tuple[npt.ArrayLike, ...],
    environment: Environment,
    flags: Status,
    *,
    source: type[np.generic] = np.uint32,
    result: type[np.generic] = np.uint32,
) -> npt.NDArray[Any]:
    """The kernel on every element of the operands, broadcast against each other.

    Raises TypeError for operands of another element type than `source` (a float array's values are not its
    bits), and ValueError for a flag array that has not the result's shape.
    """
    arrays = [np.asarray(operand) for operand in operands]
    for array in arrays:
        if array.dtype != np.dtype(source):
            raise TypeError(
                f"expected bit patterns as {np.dtype(source)}, got {array.dtype}; use array.view(...)"
            )
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    flat = [np.broadcast_to(array, shape).reshape(-1) for array in arrays]
    out = np.empty(flat[0].size, dtype=result)
    status = _flat_flags(flags, shape)
    if out.size > BLOCK:
        _keep_freed_memory()
    for start in range(0, out.size, BLOCK):
        block = slice(start, start + BLOCK)
        raised = None if status is None else np.zeros(out[block].size, dtype=np.uint8)
        out[block] = kernel(tuple(array[block] for array in flat), environment, raised)
        if status is not None and raised is not None:
            # Flags are sticky (7.1): what the caller's array already shows stays.
            status[block] |= raised
    return out.reshape(shape)


@functools.cache
def _keep_freed_memory() -> None:
    """Make the C library keep the memory of freed temporaries for the next ones.

    By default glibc returns freed memory above 128 KiB to the system, and every block would fault its pages
    in again: three quarters of the time of an addition. Freeing one larger chunk, never touched, raises that
    limit to twice its size for the process (mallopt(3), M_MMAP_THRESHOLD, "dynamic"). Elsewhere this does
    nothing.
    """
    np.empty(_KEPT, dtype=np.uint8)


def raise_flag(status: Status, where: Lanes, flag: int) -> None:
    """Raise a flag in the lanes where the mask is true."""
    if status is not None:
        status |= where.astype(np.uint8) * np.uint8(flag)


def bit_length(x: Lanes) -> Lanes:
    """Bits up to the leading one of each uint32 or uint64, 0 for zero; of the same type.

    There is no such instruction in numpy, and logarithms would be floating point: smear the leading one,
    count the ones.
    """
    smeared = x | x >> 1
    shift = 2
    while shift < 8 * x.dtype.itemsize:
        smeared |= smeared >> shift
        shift *= 2
    return population(smeared)


def population(x: Lanes) -> Lanes:
    """The number of ones in each uint32 or uint64, of the same type. Overwrites its argument."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(x).astype(x.dtype)
    return population_by_adding(x)


def population_by_adding(x: Lanes) -> Lanes:
    """`population` for numpy before 2.0: sums of neighbouring bits, pairs, and so on (Warren, Hacker's
    Delight, 5-1).
    """
    width = 8 * x.dtype.itemsize
    ones = (1 << width) - 1
    x -= x >> 1 & x.dtype.type(ones // 3)
    x = (x & x.dtype.type(ones // 5)) + (x >> 2 & x.dtype.type(ones // 5))
    x = (x + (x >> 4)) & x.dtype.type(ones // 17)
    return (x * x.dtype.type(ones // 255)) >> (width - 8)


def shift_right_jam(x: Lanes, distance: Lanes) -> Lanes:
    """x / 2^distance, the lowest bit set where anything non-zero was shifted out; distances below the width
    of x.

    With two bits or more below the rounding position, a value jammed like this rounds as the exact one does.
    """
    shifted = x >> distance
    lost = shifted << distance != x
    return shifted | lost


def _flat_flags(flags: Status, shape: tuple[int, ...]) -> Status:
    if flags is None:
        return None
    if flags.shape != shape or flags.dtype != np.uint8 or not flags.flags.c_contiguous:
        raise ValueError(
            f"expected contiguous uint8 flags of shape {shape}, got {flags.dtype} of {flags.shape}"
        )
    return flags.reshape(-1)

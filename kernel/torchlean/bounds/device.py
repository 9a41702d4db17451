"""Where the tensors of branch and bound live: this processor, or a CUDA device.

The code is the same, and so is what makes its bounds hold. IEEE 754 governs CUDA's float64 sums and products, and
bounds of dot products hold for any order and any use of fused multiply-add; NVIDIA states the largest error of each
function (CUDA C++ Programming Guide, "Mathematical Functions"), and `intervals/rounding.py` allows for it. What does
not follow these rules is kept out: cuDNN, whose convolutions may go through Fourier or Winograd transforms,
TensorFloat-32, and cuBLAS's emulation of numbers by smaller ones.

torch's own way to say where new tensors go, `torch.device` as a context, costs some time with every call, so it is not
entered for this processor.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

OTHER_ARITHMETIC = (
    "CUBLAS_EMULATE_DOUBLE_PRECISION",
    "CUBLAS_EMULATE_SINGLE_PRECISION",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
"""Variables by which users ask for products of float32 and float64 that are not IEEE 754's."""

LARGER = 128
"""How many times more is worked on at a time by a device than by a core, which shall keep all of it in its cache."""

PROCESSOR = torch.device("cpu")

_current: ContextVar[torch.device] = ContextVar("device", default=PROCESSOR)


class DeviceError(ValueError):
    """A device cannot be used; for people."""


def device_of(name: str) -> torch.device:
    """The device of that name: `cpu`, `cuda` or `cuda:1`.

    Raises:
        DeviceError: torch knows no such device, it is not there, or its float64 is not IEEE 754's.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"`{name}` is no device: `cpu`, `cuda` or `cuda:1` are") from error
    if device.type == "cpu":
        return PROCESSOR
    if device.type != "cuda":
        raise DeviceError(f"bounds are computed on `cpu` and `cuda` devices, not on `{name}`")
    if not torch.cuda.is_available():
        why = "is built without CUDA" if torch.version.cuda is None else "finds no CUDA device"
        raise DeviceError(f"`{name}` is not there: torch {torch.__version__} {why}")
    if (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"`{name}` is not there: torch finds {torch.cuda.device_count()} CUDA device(s)")
    for variable in OTHER_ARITHMETIC:
        if os.environ.get(variable, "0") not in ("", "0"):
            raise DeviceError(f"{variable} is set: products that are not IEEE 754's prove nothing")
    return device


@contextmanager
def on(device: torch.device) -> Iterator[None]:
    """Compute bounds there: new tensors are made on the device."""
    if device == PROCESSOR:
        yield
        return
    before, precision = _current.set(device), torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with device, torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        _current.reset(before)


def current() -> torch.device:
    """The device that bounds are computed on now."""
    return _current.get()


def at_a_time(size: int) -> int:
    """How much to work on at a time on the current device, given what suits a core of this processor."""
    return size if current() == PROCESSOR else LARGER * size

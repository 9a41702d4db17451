"""`torch.Tensor(...)`, `torch.FloatTensor(...)` and their like: the constructors that old programs use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from torchlean.capture.intrinsics import empty
from torchlean.capture.values import Native, TensorValue, Value, native
from torchlean.ops import SPELLINGS

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

DTYPES = {
    "torch.FloatTensor": torch.float32,
    "torch.DoubleTensor": torch.float64,
    "torch.HalfTensor": torch.float16,
    "torch.LongTensor": torch.int64,
    "torch.IntTensor": torch.int32,
    "torch.ByteTensor": torch.uint8,
    "torch.BoolTensor": torch.bool,
}


def made(run: Interpreter, dtype: torch.dtype | None, arguments: tuple[Value, ...]) -> Value:
    """Sizes give a tensor with any numbers; a list or tensor gives its numbers."""
    kind = dtype or run.default_dtype or torch.float32
    if len(arguments) == 1 and isinstance(arguments[0], TensorValue):
        return SPELLINGS["torch.Tensor.to"](run.emitter, arguments[0], kind)
    if len(arguments) == 1 and isinstance(arguments[0], torch.Size):
        return empty(run, arguments[0], kind)
    if len(arguments) == 1 and isinstance(arguments[0], (list, tuple)):
        return SPELLINGS["torch.tensor"](run.emitter, arguments[0], dtype=kind)
    return empty(run, arguments, kind)


def _constructor(dtype: torch.dtype | None) -> Callable[..., Value]:
    def construct(run: Interpreter, *arguments: Value) -> Value:
        return made(run, dtype, arguments)

    return construct


@native("torch.Tensor.type")
def of_type(
    run: Interpreter, input: TensorValue, dtype: Value = None, *rest: Value, **options: Value
) -> Value:
    """`x.type(torch.FloatTensor)`; without an argument the name of such a constructor."""
    if isinstance(dtype, Native):
        dtype = dtype.name
    if isinstance(dtype, str):
        dtype = DTYPES.get(dtype.replace("torch.cuda.", "torch."), dtype)
    if isinstance(dtype, torch.dtype):
        return SPELLINGS["torch.Tensor.to"](run.emitter, input, dtype)
    return SPELLINGS["torch.Tensor.type"](run.emitter, input, dtype)


# `torch.Tensor` itself is a namespace of methods; calling a namespace calls this name.
native("torch.Tensor.__call__")(_constructor(None))
for _name, _dtype in DTYPES.items():
    native(_name)(_constructor(_dtype))

"""What Python asks a tensor about itself: shape, dtype, device and, where the numbers are known, the numbers.

These give plain Python values, which is what loops, conditions and shapes of a program are built of.
`PROPERTIES` names the ones that are read without a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from torchlean.ops.arguments import dimension, is_tensor, known_tensor, torch_errors
from torchlean.ops.op import ShapeError, UnsupportedError
from torchlean.ops.spelling import Emitter, TensorValue, spelled

PROPERTIES: set[str] = {
    "torch.Tensor.T",
    "torch.Tensor.H",
    "torch.Tensor.mT",
    "torch.Tensor.mH",
    "torch.Tensor.data",
    "torch.Tensor.device",
    "torch.Tensor.dtype",
    "torch.Tensor.grad",
    "torch.Tensor.grad_fn",
    "torch.Tensor.is_cuda",
    "torch.Tensor.is_leaf",
    "torch.Tensor.is_sparse",
    "torch.Tensor.itemsize",
    "torch.Tensor.layout",
    "torch.Tensor.nbytes",
    "torch.Tensor.ndim",
    "torch.Tensor.real",
    "torch.Tensor.requires_grad",
    "torch.Tensor.shape",
}
"""Spellings that are read like a variable (`x.shape`) and not called."""


@spelled("torch.Tensor.shape")
def shape(emitter: Emitter, input: TensorValue) -> torch.Size:
    return torch.Size(input.shape)


@spelled("torch.Tensor.size")
def size(emitter: Emitter, input: TensorValue, dim: int | None = None) -> torch.Size | int:
    if dim is None:
        return torch.Size(input.shape)
    if not input.shape:
        raise ShapeError(f"a tensor without dimensions has no size({dim})")
    return input.shape[dimension(dim, len(input.shape))]


@spelled("torch.Tensor.dim", "torch.Tensor.ndim", "torch.Tensor.ndimension")
def dim(emitter: Emitter, input: TensorValue) -> int:
    return len(input.shape)


@spelled("torch.numel", "torch.Tensor.numel", "torch.Tensor.nelement")
def numel(emitter: Emitter, input: TensorValue) -> int:
    return input.type.numel


@spelled("torch.Tensor.__len__")
def length(emitter: Emitter, input: TensorValue) -> int:
    if not input.shape:
        raise ShapeError("len() of a 0-d tensor")
    return input.shape[0]


@spelled("torch.Tensor.dtype")
def dtype(emitter: Emitter, input: TensorValue) -> torch.dtype:
    return input.dtype


@spelled("torch.Tensor.device")
def device(emitter: Emitter, input: TensorValue) -> torch.device:
    return torch.device("cpu")


@spelled("torch.Tensor.get_device")
def get_device(emitter: Emitter, input: TensorValue) -> int:
    """torch's answer for the CPU."""
    return -1


@spelled("torch.Tensor.layout")
def layout(emitter: Emitter, input: TensorValue) -> torch.layout:
    return torch.strided


@spelled("torch.Tensor.is_cuda", "torch.Tensor.is_sparse")
def never(emitter: Emitter, input: TensorValue) -> bool:
    return False


@spelled("torch.is_floating_point", "torch.Tensor.is_floating_point")
def is_floating_point(emitter: Emitter, input: TensorValue) -> bool:
    return bool(input.dtype.is_floating_point)


@spelled("torch.is_complex", "torch.Tensor.is_complex")
def is_complex(emitter: Emitter, input: TensorValue) -> bool:
    return bool(input.dtype.is_complex)


@spelled("torch.Tensor.is_signed")
def is_signed(emitter: Emitter, input: TensorValue) -> bool:
    return bool(input.dtype.is_signed)


@spelled("torch.Tensor.element_size", "torch.Tensor.itemsize")
def element_size(emitter: Emitter, input: TensorValue) -> int:
    return int(input.dtype.itemsize)


@spelled("torch.Tensor.nbytes")
def nbytes(emitter: Emitter, input: TensorValue) -> int:
    return int(input.dtype.itemsize) * input.type.numel


@spelled("torch.is_tensor")
def is_a_tensor(emitter: Emitter, obj: object) -> bool:
    return is_tensor(obj)


@spelled("torch.Tensor.requires_grad", "torch.Tensor.is_leaf", "torch.Tensor.grad_fn")
def gradient_state(emitter: Emitter, input: TensorValue) -> Any:
    raise UnsupportedError("whether autograd records a tensor is not followed")


@spelled("torch.Tensor.grad")
def grad(emitter: Emitter, input: TensorValue) -> Any:
    raise UnsupportedError("`.grad` is filled by running `backward()`, which the analysis does not do")


@spelled("torch.Tensor.backward", "torch.autograd.backward")
def backward(emitter: Emitter, *arguments: Any, **keywords: Any) -> None:
    """Gradients are not followed; that they were computed changes no other value."""


@spelled("torch.Tensor.item", "torch.Tensor.__int__", "torch.Tensor.__float__", "torch.Tensor.__bool__")
def item(emitter: Emitter, input: TensorValue) -> Any:
    """The number; int(), float() and bool() convert it further themselves."""
    if input.type.numel != 1:
        raise ShapeError(
            f"a tensor {input.type} has {input.type.numel} elements and cannot become one number"
        )
    return known_tensor(emitter, input, "this number").item()


@spelled("torch.Tensor.__index__")
def index(emitter: Emitter, input: TensorValue) -> int:
    number = item(emitter, input)
    if not isinstance(number, int):
        raise ShapeError(f"only integer tensors of one element can be an index, got {input.type}")
    return int(number)


@spelled("torch.Tensor.tolist")
def tolist(emitter: Emitter, input: TensorValue) -> Any:
    return known_tensor(emitter, input, "this list").tolist()


@spelled("torch.Tensor.numpy", "torch.Tensor.__array__")
def numpy(emitter: Emitter, input: TensorValue, *arguments: Any, **keywords: Any) -> Any:
    raise UnsupportedError("what numpy does with a tensor is not followed; stay in torch")


@spelled("torch.Tensor.__contains__")
def contains(emitter: Emitter, input: TensorValue, element: object) -> bool:
    raise UnsupportedError("`in` compares with every element of the tensor, whose values are not known")


@dataclass(frozen=True)
class NumericLimits:
    """What `torch.finfo` and `torch.iinfo` tell; integers have no eps and no tiny."""

    dtype: str
    bits: int
    max: float
    min: float
    eps: float | None = None
    tiny: float | None = None
    smallest_normal: float | None = None
    resolution: float | None = None


@spelled("torch.finfo")
def finfo(emitter: Emitter, type: torch.dtype | None = None) -> NumericLimits:
    with torch_errors():
        info = torch.finfo(torch.get_default_dtype() if type is None else type)
    return NumericLimits(
        info.dtype, info.bits, info.max, info.min, info.eps, info.tiny, info.smallest_normal, info.resolution
    )


@spelled("torch.iinfo")
def iinfo(emitter: Emitter, type: torch.dtype) -> NumericLimits:
    with torch_errors():
        info = torch.iinfo(type)
    return NumericLimits(info.dtype, info.bits, info.max, info.min)


@spelled("torch.result_type")
def result_type(emitter: Emitter, tensor1: Any, tensor2: Any) -> torch.dtype:
    operands = [_without_numbers(item) for item in (tensor1, tensor2)]
    with torch_errors():
        return torch.result_type(*operands)


@spelled("torch.promote_types")
def promote_types(emitter: Emitter, type1: torch.dtype, type2: torch.dtype) -> torch.dtype:
    with torch_errors():
        return torch.promote_types(type1, type2)


@spelled("torch.get_default_dtype")
def get_default_dtype(emitter: Emitter) -> torch.dtype:
    found: torch.dtype = torch.get_default_dtype()
    return found


@spelled("torch.broadcast_shapes")
def broadcast_shapes(emitter: Emitter, *shapes: Any) -> torch.Size:
    with torch_errors():
        return torch.Size(torch.broadcast_shapes(*shapes))


def _without_numbers(value: Any) -> Any:
    return torch.empty(value.shape, dtype=value.dtype, device="meta") if is_tensor(value) else value

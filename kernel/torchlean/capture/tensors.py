"""Attributes and methods of tensors: torch's spellings under `torch.Tensor.`, stubs, and what a program sets itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from torchlean.capture.array_values import ArrayValue, array_of
from torchlean.capture.gradient_leaves import wants_gradient
from torchlean.capture.memory import may_share
from torchlean.capture.naming import no_attribute
from torchlean.capture.numpy_arrays import array_method
from torchlean.capture.tables import words
from torchlean.capture.torch_names import known_member, public_names
from torchlean.capture.values import MISSING, BoundMethod, Descriptor, Native, TensorValue, Unknown, Value
from torchlean.capture.varying import Number
from torchlean.graph.origin import Source
from torchlean.ops import PROPERTIES, UnsupportedError

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

LEAVING = words("item tolist numpy grad requires_grad is_leaf grad_fn __array__")
"""What takes a value out of the tensors: unknown without a word, unless it comes back into a tensor computation."""

SETTABLE = words("requires_grad grad")
"""Attributes of tensors that a program sets and that change no number."""


def tensor_attribute(run: Interpreter, tensor: TensorValue, name: str) -> Value:
    """`tensor.name`: a value, a bound method, or unknown with the reason."""
    if tensor.attributes is not None and name in tensor.attributes:
        return tensor.attributes[name]
    if name == "grad" and run.in_script and tensor.dtype.is_floating_point:
        return gradient(run, tensor)
    if name == "backward":
        begin_backward(run)
    if run.patched and f"torch.Tensor.{name}" in run.patched:
        return BoundMethod(tensor, run.patched[f"torch.Tensor.{name}"])
    if run.in_script and name == "numpy":
        run.state["numpy"] = True  # as `import numpy` does
        return Native("torch.Tensor.numpy", lambda run, *force: array_of(tensor))
    found = known_member("torch.Tensor", name)
    if (found is MISSING or name == "dot") and "numpy" in run.state:
        method = array_method(run, tensor, name)
        if method is not None:
            return method
    if found is MISSING:
        return _beyond(run, tensor, name)
    if isinstance(found, Native) and name in LEAVING:
        found = _quiet(found)
    if f"torch.Tensor.{name}" in PROPERTIES or (isinstance(found, Descriptor) and found.kind == "property"):
        from torchlean.capture.calling import call

        return call(run, found, [tensor], {})
    return BoundMethod(tensor, found)


BACKWARDS = "backward passes"
"""How often the program asked for `backward`."""

EPOCH = 2**32
"""Serials of gradients lie beyond those of draws and of nodes, of which there are far fewer."""


def begin_backward(run: Interpreter) -> None:
    """Gradients that are read from now on are others than before."""
    run.state[BACKWARDS] = int(run.state.get(BACKWARDS, 0)) + 1


def gradient(run: Interpreter, tensor: TensorValue) -> TensorValue:
    """What training computes for a tensor: any numbers of its type, the same ones until the next backward pass.

    `v.addcmul_(p.grad, p.grad)` adds a square. What a program does to a gradient in place is not remembered.
    """
    serial = (int(run.state.get(BACKWARDS, 0)) + 1) * EPOCH + tensor.node
    return run.emitter.random(
        tensor.type, -math.inf, math.inf, "a gradient", source=Source.TRAINED, serial=serial
    )


def _quiet(found: Native) -> Native:
    """The same function, whose refusal is not reported."""

    def attempt(run: Interpreter, tensor: TensorValue, *arguments: Value, **keywords: Value) -> Value:
        try:
            return found.call(run.emitter if found.is_spelling else run, tensor, *arguments, **keywords)
        except UnsupportedError as error:
            if run.in_script and found.name == "torch.Tensor.item":
                return Number("a number that the program computes", not tensor.dtype.is_floating_point)
            unknown = Unknown(str(error), run.place())
            may_share(run, unknown, [tensor])
            return unknown

    return Native(found.name, attempt)


def _beyond(run: Interpreter, tensor: TensorValue, name: str) -> Value:
    if name == "__class__":
        from torchlean.capture.values import Namespace

        return Namespace("torch.Tensor")
    if hasattr(torch.Tensor, name):
        reason = f"`{name}` of a tensor is not followed by TorchLean"
        unknown = Unknown(reason, run.place(), source=f"torch.Tensor.{name}")
        return BoundMethod(tensor, unknown) if callable(getattr(torch.Tensor, name)) else run.enters(unknown)
    return no_attribute(run, f"a tensor {tensor.type}", name, public_names("torch.Tensor"))


def set_tensor_attribute(run: Interpreter, tensor: TensorValue, name: str, value: Value) -> None:
    """`tensor.name = value`; `data` writes the numbers."""
    if isinstance(tensor, ArrayValue):
        run.taint(tensor, Unknown(f"setting `{name}` of an array is not followed", run.place()))
        return
    if name == "data":
        if isinstance(value, TensorValue):
            run.changes(tensor)
            tensor.node, tensor.type = value.node, value.type
            tensor.shares(value.storage)
            tensor.base, tensor.dense = None, False  # where it lies in that memory is not remembered
        else:
            run.taint(
                tensor, value if isinstance(value, Unknown) else Unknown("its data is set to no tensor")
            )
        return
    if hasattr(torch.Tensor, name) and name not in SETTABLE:
        run.enters(Unknown(f"setting `{name}` of a tensor is not followed", run.place()))
        return
    if tensor.attributes is None:
        tensor.attributes = {}
    run.assign(tensor.attributes, name, value)
    if name == "requires_grad" and value is True:
        wants_gradient(run, tensor)

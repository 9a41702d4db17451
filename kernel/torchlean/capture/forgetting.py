"""Weights that code outside our view may change: after `trainer.fit(net)` the initialiser's ranges do not hold.

Any code that is not followed and gets hold of a module, or of its parameters, may train it, now or later. So the
weights can be anything from there on; nothing may be proved from what they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.capture.intrinsics import trained
from torchlean.capture.unit_parts import tensors_of
from torchlean.capture.values import BoundMethod, Instance, ListIterator, TensorValue, Unknown, Value

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

READERS = (
    "torch.export",
    "torch.fx",
    "torch.jit",
    "torch.onnx",
    "torch.utils.tensorboard",
    "fvcore",
    "netron",
    "safetensors.torch.save",
    "thop",
    "torchinfo",
    "torchsummary",
    "torchview",
    "torchviz",
    "wandb",
)
"""Modules whose functions look at a network and leave it as it is."""

DEPTH = 4
"""How far objects are searched for modules: `agent.networks["actor"]` is three steps away."""


def forget_weights(
    run: Interpreter, callee: Unknown, arguments: list[Value], keywords: dict[str, Value]
) -> None:
    """A function that is not followed is called with these arguments."""
    if any(f"`{name}" in callee.reason for name in READERS):
        return
    found: dict[int, TensorValue] = {}
    for value in (*arguments, *keywords.values()):
        _collect(value, DEPTH, found, set())
    if not found:
        return
    if not callee.reason.endswith("of a tensor is not followed by TorchLean"):
        _say(run, callee)
    for tensor in found.values():
        trained(run, tensor)


def _say(run: Interpreter, callee: Unknown) -> None:
    run.report(
        "TL102",
        f"what happens to the weights here is not known ({callee.reason}), so they count as any numbers from here on",
    )


def _collect(value: Value, depth: int, found: dict[int, TensorValue], seen: set[int]) -> None:
    """Parameters and buffers that can be reached from a value."""
    if depth < 0 or id(value) in seen:
        return
    if isinstance(value, TensorValue):
        if value.parameter:
            found[id(value)] = value
        return
    seen.add(id(value))
    for part in _parts(value):
        _collect(part, depth - 1, found, seen)
    if isinstance(value, Instance) and value.cls.is_module:
        found.update((id(tensor), tensor) for tensor in tensors_of(value, set()))


def _parts(value: Value) -> list[Value]:
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, Instance):
        return list(value.attributes.values())
    if isinstance(value, ListIterator):
        return value.items
    return [value.receiver] if isinstance(value, BoundMethod) else []

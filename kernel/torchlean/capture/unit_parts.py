"""What all kinds of units need: the nodes below them, the weights among these, and calling a function on inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from torchlean.capture.attributes import REGISTRIES
from torchlean.capture.budgets import OutOfFuel
from torchlean.capture.calling import report_raised
from torchlean.capture.result import Observation, Role
from torchlean.capture.values import Instance, Raised, TensorValue, Unknown, Value

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

UNIT_STEPS = 400_000
"""Steps for one claim or one trial of a module: a large network takes some ten thousand."""


def followed(run: Interpreter, call: Callable[[], Value]) -> Value:
    """The value of a call at the top; what it raises is reported, and its budget is its own."""
    kept = run.fuel.set_aside(UNIT_STEPS)
    try:
        return call()
    except Raised as raised:
        report_raised(run, raised)
        return Unknown("it raises an exception", reported=True)
    except OutOfFuel:
        return run.over_budget("this takes more steps than TorchLean follows")
    finally:
        run.fuel.give_back(kept)


def nodes_below(run: Interpreter, roots: Iterable[int]) -> set[int]:
    """Ids of the roots and of everything they depend on."""
    below: set[int] = set()
    stack = list(roots)
    while stack:
        id = stack.pop()
        if id not in below:
            below.add(id)
            stack.extend(run.builder.nodes[id].inputs)
    return below


def weights_below(run: Interpreter, below: set[int]) -> tuple[Observation, ...]:
    """The places that made the weights among these nodes."""
    return tuple(
        Observation(span, tensor.node, Role.PARAMETER, label)
        for tensor, span, label in run.weights
        if tensor.node in below
    )


def is_trained(run: Interpreter, below: set[int]) -> bool:
    """Whether no weight among these nodes still has the numbers that its initialiser draws."""
    drawn = {id for id in below if run.builder.nodes[id].op == "random"}
    if not drawn:
        return True
    weights = {tensor.node for instance, _ in run.instances for tensor in tensors_of(instance, set())}
    weights.update(tensor.node for tensor, _, _ in run.weights)
    return not drawn & weights


def tensors_of(
    instance: Instance, seen: set[int], registries: Iterable[str] = REGISTRIES[:2]
) -> list[TensorValue]:
    """Parameters and buffers of a module and its submodules, each once."""
    if id(instance) in seen:
        return []
    seen.add(id(instance))
    found: list[TensorValue] = []
    for registry in registries:
        for value in _held(instance, registry):
            if isinstance(value, TensorValue) and id(value) not in seen:
                seen.add(id(value))
                found.append(value)
    for child in children(instance):
        found += tensors_of(child, seen, registries)
    return found


def children(instance: Instance) -> list[Instance]:
    """Direct submodules, in order of registration."""
    return [child for child in _held(instance, "_modules") if isinstance(child, Instance)]


def _held(instance: Instance, registry: str) -> list[Value]:
    held = instance.attributes.get(registry)
    return list(held.values()) if isinstance(held, dict) else []


def parameter_count(instance: Instance) -> int:
    """Elements of all parameters."""
    return sum(tensor.type.numel for tensor in tensors_of(instance, set(), REGISTRIES[:1]))


def outputs_of(value: Value) -> tuple[int, ...]:
    """The tensors in a result: itself, or those in the containers it is built of."""
    if isinstance(value, TensorValue):
        return (value.node,)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return tuple(id for item in value for id in outputs_of(item))
    return ()

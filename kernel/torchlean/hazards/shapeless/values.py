"""What an expression may be when shapes are not followed."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union


@dataclass(frozen=True, slots=True)
class TensorNode:
    """A tensor: a node of the graph that is being built."""

    node: int


@dataclass(eq=False, slots=True)
class Opaque:
    """Something that is not followed. It may be a tensor; where it is used as one it becomes a leaf of the graph.

    Attributes:
        network: it comes out of a network, so that as a tensor it may be any number.
        tensor: it goes into one, so that its methods are those of tensors.
        node: the leaf, once there is one.
    """

    network: bool = False
    node: int | None = None
    tensor: bool = False


@dataclass(frozen=True, slots=True)
class Namespace:
    """A module or something in it, by its dotted name: `torch.nn.functional`."""

    path: str


@dataclass(eq=False, slots=True)
class Function:
    """A function of the file; `this` is the object that a method is bound to."""

    node: ast.FunctionDef | ast.Lambda
    names: dict[str, Value]
    this: Object | None = None


@dataclass(eq=False, slots=True)
class ClassValue:
    """A class of the file."""

    node: ast.ClassDef
    names: dict[str, Value]


@dataclass(eq=False, slots=True)
class Object:
    """An instance of a class of the file."""

    cls: ClassValue
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layer:
    """An instance of a class of torch.nn, by its name; `parts` are those of a Sequential."""

    name: str
    parts: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A Python number."""

    value: float


@dataclass(frozen=True, slots=True)
class Items:
    """A tuple or list of known length."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """What a loop may run over, by what each of its passes gives: a data loader, a generator."""

    item: Value


Value = Union[TensorNode, Opaque, Namespace, Function, ClassValue, Object, Layer, Number, Items, Stream]


def is_network(value: Value) -> bool:
    return isinstance(value, Opaque) and value.network


def given_to_network(arguments: Sequence[Value]) -> None:
    """What a module's `forward` is given: tensors, wherever they come from."""
    for argument in arguments:
        if isinstance(argument, Opaque):
            argument.tensor = True


def trained(arguments: Sequence[Value]) -> None:
    """What an optimiser is given may become any number from then on: `LBFGS([image])`."""
    for argument in arguments:
        for value in argument.items if isinstance(argument, Items) else ():
            if isinstance(value, Opaque) and value.node is None:
                value.network = True

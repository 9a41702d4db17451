"""Whether a followed value is of a class: `isinstance`, where what is followed is no object of the real class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from torchlean.capture.array_attributes import class_of_array
from torchlean.capture.array_values import ArrayValue
from torchlean.capture.builtin_types import class_of
from torchlean.capture.values import (
    MISSING,
    BoundMethod,
    Instance,
    Namespace,
    Native,
    Partial,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    is_foreign,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def is_instance(run: Interpreter, value: Value, kind: Value) -> bool | Unknown:
    """Whether a followed value is of a class."""
    if isinstance(kind, Unknown):
        plain = isinstance(value, (bool, int, float, str, type(None), TensorValue))
        abstract = kind.source.startswith(("typing", "abc")) or kind.source.endswith("Tensor")
        return False if plain and not abstract else kind
    if isinstance(kind, type) and kind.__module__ in ("collections.abc", "numbers"):
        return _is_abstract(run, value, kind)
    if isinstance(value, ArrayValue):
        return isinstance(kind, type) and issubclass(class_of_array(value), kind)
    if isinstance(value, TensorValue):
        return _is_tensor_of(value, kind)
    if isinstance(value, Instance):
        return value.cls.is_subclass(kind) or (value.cls.open if value.cls.open is not None else False)
    if isinstance(kind, Native):
        return _is_made_by(value, kind)
    if isinstance(kind, type):
        cls = class_of(run, value)
        if isinstance(cls, Unknown) and kind.__module__ == "types":
            return cls
        return issubclass(cls, kind) if isinstance(cls, type) else kind is object
    return False


def _is_made_by(value: Value, kind: Native) -> bool | Unknown:
    """Whether a value is of a class whose constructor is a function here."""
    made = {"functools.partial": Partial, "torch.device": torch.device, "torch.Generator": torch.Generator}
    if kind.name in made:
        return isinstance(value, made[kind.name])
    plain = (bool, int, float, str, type(None), list, tuple, set, UserFunction, UserClass, BoundMethod)
    return False if type(value) in plain else Unknown(f"whether this is a `{kind.name}` is not followed")


ABSTRACT = {
    "Iterable": "__iter__",
    "Iterator": "__next__",
    "Sized": "__len__",
    "Container": "__contains__",
    "Callable": "__call__",
}
"""Abstract classes that ask for one method."""


def _is_abstract(run: Interpreter, value: Value, kind: type) -> bool | Unknown:
    """Whether a value has what `collections.abc.Iterable`, `numbers.Integral` and the like ask for."""
    if isinstance(value, TensorValue):
        return issubclass(class_of_array(value) if isinstance(value, ArrayValue) else torch.Tensor, kind)
    if isinstance(value, Instance) and value.data is None and value.cls.open is None:
        method = ABSTRACT.get(kind.__name__)
        if "__subclasshook__" not in vars(kind):
            return value.cls.is_subclass(kind)  # `Sequence` and the like: not by what methods it has
        return (
            value.cls.find(method) is not MISSING if method else Unknown(f"`{kind.__name__}` is not followed")
        )
    cls = class_of(run, value)
    if isinstance(value, Instance) or not isinstance(cls, type) or is_foreign(value):
        return Unknown(f"whether this is a `{kind.__name__}` is not followed")
    return issubclass(cls, kind)


def _is_tensor_of(tensor: TensorValue, kind: Value) -> bool:
    """`torch.Tensor` is a namespace here and `nn.Parameter` a function, so their names decide."""
    if isinstance(kind, Namespace):
        return kind.path == "torch.Tensor"
    name = kind.name if isinstance(kind, (Native, UserClass)) else ""
    return kind is object or (tensor.parameter and name.rpartition(".")[2] == "Parameter")

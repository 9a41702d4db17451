"""What `inspect.signature` finds in a definition; `stubs/inspect.py` makes objects of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.capture.intrinsics import MODULE
from torchlean.capture.values import (
    MISSING,
    BoundMethod,
    Descriptor,
    Instance,
    UserClass,
    UserFunction,
    Value,
    native,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

KINDS = ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg")
"""Where the syntax tree has the parameters of each kind, by the number that `inspect` gives the kind."""


@native(f"{MODULE}.parameters_of", unknowns=True)
def parameters_of(run: Interpreter, function: Value) -> Value:
    """(name, kind, annotated, default...) for each parameter, in order; no default is none in the tuple.

    None where the definition is not followed.
    """
    bound = isinstance(function, (BoundMethod, UserClass, Instance))
    definition = _definition(function)
    if definition is None:
        return None
    found = []
    for kind, name in enumerate(KINDS):
        held = getattr(definition.node.args, name)
        for parameter in held if isinstance(held, list) else [held] if held is not None else []:
            default = definition.defaults.get(parameter.arg, MISSING)
            annotated = parameter.annotation is not None
            found.append((parameter.arg, kind, annotated, *([] if default is MISSING else [default])))
    return found[1:] if bound else found


def _definition(value: Value) -> UserFunction | None:
    """The `def` whose parameters a caller sees: what a decorator wraps, the constructor of a class."""
    seen: set[int] = set()
    while id(value) not in seen:
        seen.add(id(value))
        if isinstance(value, (BoundMethod, Descriptor)):
            value = value.function
        elif isinstance(value, UserClass):
            value = value.find("__init__")
        elif isinstance(value, Instance):
            value = value.cls.find("__call__")
        elif isinstance(value, UserFunction) and "__wrapped__" in value.attributes:
            value = value.attributes["__wrapped__"]
        elif isinstance(value, UserFunction):
            return value
    return None

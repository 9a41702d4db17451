"""`owner.name`: reading, setting and deleting attributes, by the kind of owner."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy
import torch

from torchlean.capture.array_values import ArrayValue, as_array
from torchlean.capture.classes import slots
from torchlean.capture.enumerations import is_enumeration
from torchlean.capture.function_syntax import CODE, compiled
from torchlean.capture.memory import in_place_name, overwritten
from torchlean.capture.naming import no_attribute
from torchlean.capture.records import Field
from torchlean.capture.values import (
    MISSING,
    BoundMethod,
    Descriptor,
    ExceptionValue,
    Instance,
    ModuleValue,
    Namespace,
    Native,
    Partial,
    Raised,
    Super,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    type_name,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

REGISTRIES = ("_parameters", "_buffers", "_modules")
"""Where `torch.nn.Module` keeps what was assigned to it."""

Reader = Callable[["Interpreter", Any, str], Value]


def attribute(run: Interpreter, owner: Value, name: str) -> Value:
    """`owner.name`."""
    reader = READERS.get(type(owner))
    if reader is not None:
        return reader(run, owner, name)
    if isinstance(owner, torch.dtype):
        return _of_dtype(run, owner, name)
    if isinstance(owner, (numpy.generic, numpy.dtype)):
        return _of_numpy(run, owner, name)
    from torchlean.capture.builtin_methods import method_of

    return method_of(run, owner, name)


def _of_unknown(run: Interpreter, owner: Unknown, name: str) -> Value:
    if in_place_name(name):
        overwritten(run, owner, owner)  # the method is read to be called
    return owner


def _of_instance(run: Interpreter, owner: Instance, name: str) -> Value:
    getter = owner.cls.find("__getattribute__")
    if isinstance(getter, UserFunction):
        return _call(run, getter, owner, name)
    return plain_attribute(run, owner, name)


def plain_attribute(run: Interpreter, owner: Instance, name: str) -> Value:
    """`object.__getattribute__(owner, name)`, and `__getattr__` where that finds nothing."""
    found = owner.cls.find(name)
    if type(found) is Descriptor and found.kind == "property":
        return _of_property(run, found, owner, name)
    if type(found) is Descriptor and found.kind == "cached_property" and name not in owner.attributes:
        value = _call(run, found.function, owner)
        run.assign(owner.attributes, name, value)
        return value
    if type(found) is Instance and found.cls.find("__get__") is not MISSING:
        if name in owner.attributes and found.cls.find("__set__") is MISSING:
            return owner.attributes[name]
        return _call(run, found.cls.find("__get__"), found, owner, owner.cls)
    if name in owner.attributes:
        return owner.attributes[name]
    if found is not MISSING:
        return bound(found, owner, owner.cls)
    if owner.cls.is_module:
        for registry in REGISTRIES:
            held = owner.attributes.get(registry)
            if isinstance(held, Unknown):
                return held  # what the module holds changes while a loop is followed on trial
            if held is not None and name in held:
                return run.seen(held)[name] if not isinstance(run.seen(held), Unknown) else run.seen(held)
    if name == "__dict__":
        return owner.attributes
    if name == "__class__":
        return owner.cls
    if name == "__doc__":
        return None
    return _beyond_the_class(run, owner, name)


def _of_property(run: Interpreter, found: Descriptor, owner: Instance, name: str) -> Value:
    """Where a property raises an AttributeError, a class's `__getattr__` is asked, as for a name that is missing."""
    getter = owner.cls.find("__getattr__")
    if not isinstance(getter, UserFunction) or getter.module.internal:
        return _call(run, found.function, owner)
    value = _tried(run, lambda: _call(run, found.function, owner))
    return _call(run, getter, owner, name) if value is MISSING else value


def _beyond_the_class(run: Interpreter, owner: Instance, name: str) -> Value:
    from torchlean.capture.builtin_methods import find_method, object_method

    if name in ("_replace", "_asdict", "_fields") and owner.cls.fields is not None:
        return Unknown(f"`{name}` of a named tuple is not followed", run.place())
    if owner.data is not None:
        method = find_method(owner.data, name)
        if method is not None:
            return method
    getter = owner.cls.find("__getattr__")
    if getter is not MISSING and not (owner.cls.is_module and getter.module.internal):
        return _call(run, getter, owner, name)
    if owner.cls.builtin is not None and issubclass(owner.cls.builtin, BaseException) and name == "args":
        return tuple(owner.data or ())
    unknown = owner.cls.open or owner.open
    if unknown is not None:
        return unknown
    method = object_method(name)
    if method is not None:
        return BoundMethod(owner, method)
    for cls in owner.cls.mro if run.patched else ():
        if f"{cls.module.name}.{cls.name}.{name}" in run.patched:
            return bound(run.patched[f"{cls.module.name}.{cls.name}.{name}"], owner, owner.cls)
    return no_attribute(run, f"`{owner.cls.name}`", name, attribute_names(owner))


def attribute_names(owner: Instance) -> list[str]:
    """Everything that can be read from an object, for suggestions and `hasattr`."""
    names = [*owner.attributes]
    for registry in REGISTRIES:
        held = owner.attributes.get(registry)
        if isinstance(held, dict):
            names += held
    for cls in owner.cls.mro:
        names += cls.names
    return [name for name in names if not name.startswith("_")]


def bound(found: Value, owner: Value, cls: UserClass) -> Value:
    """A class attribute as seen through an object: functions become methods."""
    if isinstance(found, (UserFunction, Native)):
        return BoundMethod(owner, found)
    if isinstance(found, Descriptor):
        if found.kind == "classmethod":
            return BoundMethod(cls, found.function)
        return found.function
    return found


def _call(run: Interpreter, function: Value, *arguments: Value) -> Value:
    from torchlean.capture.calling import call

    return call(run, function, list(arguments), {})


def _of_class(run: Interpreter, owner: UserClass, name: str) -> Value:
    found = owner.find(name)
    if isinstance(found, Field):
        found = found.default  # what the decorator of the class leaves there
    if found is not MISSING:
        if isinstance(found, Descriptor):
            if found.kind == "classmethod":
                return BoundMethod(owner, found.function)
            return found.function if found.kind == "staticmethod" else found
        if type(found) is Instance and found.cls.find("__get__") is not MISSING:
            return _call(run, found.cls.find("__get__"), found, None, owner)
        return found
    if name in ("__name__", "__qualname__"):
        return owner.name
    if name == "__module__":
        return owner.module.name
    if name == "__dict__":
        return owner.names
    if name in ("_fields", "_make", "_field_defaults", "__subclasses__") and (owner.fields or name[1] == "_"):
        return (
            tuple(owner.fields or ())
            if name == "_fields"
            else Unknown(f"`{name}` is not followed", run.place())
        )
    if name == "__members__" and is_enumeration(owner):
        return {
            key: value for key, value in owner.names.items() if isinstance(value, Instance) and key[0] != "<"
        }
    if name in ("__mro__", "__bases__"):
        beyond = (owner.builtin or object).__mro__
        return owner.bases if name == "__bases__" else owner.open or (*owner.mro, *beyond)
    if owner.open is not None:
        return owner.open
    from torchlean.capture.builtin_methods import object_method, type_method

    method = (type_method(owner.builtin, name) if owner.builtin is not None else None) or object_method(name)
    if method is not None:
        return method
    names = [key for cls in owner.mro for key in cls.names]
    return no_attribute(run, f"class `{owner.name}`", name, names)


def _of_super(run: Interpreter, owner: Super, name: str) -> Value:
    receiver = owner.receiver
    cls = receiver.cls if isinstance(receiver, Instance) else receiver
    assert isinstance(cls, UserClass)
    after = cls.mro[cls.mro.index(owner.cls) + 1 :] if owner.cls in cls.mro else ()
    for base in after:
        if name in base.names:
            found = base.names[name]
            if isinstance(found, Descriptor) and found.kind in ("property", "cached_property"):
                return _call(run, found.function, receiver)
            return bound(found, receiver, cls)
    if cls.open is not None:
        return cls.open
    from torchlean.capture.builtin_methods import find_method, object_method

    if isinstance(receiver, Instance) and receiver.data is not None and name != "__init__":
        method = find_method(receiver.data, name)
        if method is not None:
            return method
    method = object_method(name)
    if method is not None:
        return BoundMethod(receiver, method)
    return no_attribute(
        run, f"no class above `{owner.cls.name}`", name, [key for b in after for key in b.names]
    )


def _of_module(run: Interpreter, owner: ModuleValue, name: str) -> Value:
    value = owner.environment.names.get(name, MISSING)
    if value is not MISSING:
        return value
    for star in owner.environment.stars:
        if isinstance(star, Unknown):
            return star
    from torchlean.capture.deferred_imports import deferred_attribute
    from torchlean.capture.imports import submodule
    from torchlean.capture.torch_names import from_namespaces

    value = from_namespaces(run, owner.environment.stars, name)
    if value is MISSING:
        value = submodule(run, owner, name)
    if value is MISSING:
        value = deferred_attribute(run, owner, name)
    if value is not MISSING:
        return value
    if name in owner.module.doubtful or not owner.whole or "__getattr__" in owner.environment.names:
        return Unknown(f"`{owner.module.name}` is not known completely", run.place())
    return no_attribute(run, f"module `{owner.module.name}`", name, list(owner.environment.names))


def _of_function(run: Interpreter, owner: UserFunction, name: str) -> Value:
    if name in owner.attributes:
        return owner.attributes[name]
    if name in ("__name__", "__qualname__"):
        return owner.name
    if name == "__module__":
        return owner.module.name
    code = compiled(owner.node) if name == "__code__" else None
    if code is not None:
        return code
    if name.startswith("__"):
        return Unknown(f"`{name}` of a function is not followed")
    return no_attribute(run, f"function `{owner.name}`", name, [])


def _of_code(run: Interpreter, owner: types.CodeType, name: str) -> Value:
    return getattr(owner, name) if name in CODE else Unknown(f"`{name}` of code is not followed")


def _of_callable(run: Interpreter, owner: Value, name: str) -> Value:
    if isinstance(owner, BoundMethod):
        if name == "__self__":
            return owner.receiver
        return attribute(run, owner.function, name)
    if name in ("__name__", "__qualname__") and isinstance(owner, Native):
        return owner.name.rpartition(".")[2]
    if isinstance(owner, Partial) and name in ("func", "args", "keywords"):
        return {"func": owner.function, "args": owner.arguments, "keywords": owner.keywords}[name]
    from torchlean.capture.torch_names import member

    found = member(owner.name, name) if isinstance(owner, Native) else MISSING
    return Unknown(f"`{name}` of a function is not followed", run.place()) if found is MISSING else found


def _of_descriptor(run: Interpreter, owner: Descriptor, name: str) -> Value:
    """`@x.setter` gives a property with one more function."""
    if name in ("setter", "getter", "deleter"):

        def with_function(run: Interpreter, function: Value) -> Value:
            changed = {"setter": "setter", "deleter": "deleter", "getter": "function"}[name]
            return replace(owner, **{changed: function})

        return Native(f"property.{name}", with_function)
    if owner.kind == "property" and name in ("fget", "fset", "fdel"):
        return {"fget": owner.function, "fset": owner.setter, "fdel": owner.deleter}[name]
    return attribute(run, owner.function, name)


def _of_exception(run: Interpreter, owner: ExceptionValue, name: str) -> Value:
    return owner.arguments if name == "args" else Unknown(f"`{name}` of an exception is not followed")


def _of_dtype(run: Interpreter, owner: torch.dtype, name: str) -> Value:
    value = getattr(owner, name, MISSING)
    return value if isinstance(value, (bool, int)) else no_attribute(run, f"`{owner}`", name, dir(owner))


def _of_numpy(run: Interpreter, owner: Value, name: str) -> Value:
    from torchlean.capture.array_attributes import array_attribute, dtype_attribute

    if isinstance(owner, numpy.dtype):
        return dtype_attribute(run, owner, name)
    return array_attribute(run, as_array(run, owner), name)


def _of_namespace(run: Interpreter, owner: Namespace, name: str) -> Value:
    from torchlean.capture.torch_names import namespace_attribute

    return namespace_attribute(run, owner, name)


def _of_tensor(run: Interpreter, owner: TensorValue, name: str) -> Value:
    from torchlean.capture.tensors import tensor_attribute

    return tensor_attribute(run, owner, name)


def _of_array(run: Interpreter, owner: ArrayValue, name: str) -> Value:
    from torchlean.capture.array_attributes import array_attribute

    return array_attribute(run, owner, name)


READERS: dict[type, Reader] = {
    Unknown: _of_unknown,
    Instance: _of_instance,
    UserClass: _of_class,
    Super: _of_super,
    ModuleValue: _of_module,
    UserFunction: _of_function,
    BoundMethod: _of_callable,
    Native: _of_callable,
    Partial: _of_callable,
    Descriptor: _of_descriptor,
    ExceptionValue: _of_exception,
    Namespace: _of_namespace,
    TensorValue: _of_tensor,
    ArrayValue: _of_array,
    types.CodeType: _of_code,
}


def has_attribute(run: Interpreter, owner: Value, name: str) -> bool | Unknown:
    """`hasattr(owner, name)`: followed as Python does, by trying."""
    value = quiet_attribute(run, owner, name)
    return value if isinstance(value, Unknown) else value is not MISSING


def quiet_attribute(run: Interpreter, owner: Value, name: str) -> Value:
    """`owner.name`, or `MISSING` where that is an AttributeError."""
    return _tried(run, lambda: attribute(run, owner, name))


def _tried(run: Interpreter, read: Callable[[], Value]) -> Value:
    """What `read` gives, or `MISSING` where that is an AttributeError."""
    frame = run.frame
    assert frame is not None
    depth, frame.caught = frame.caught, frame.caught + 1
    try:
        return read()
    except Raised as raised:
        if isinstance(raised.value, ExceptionValue) and issubclass(raised.value.kind, AttributeError):
            return MISSING
        raise
    finally:
        frame.caught = depth


def set_attribute(run: Interpreter, owner: Value, name: str, value: Value) -> None:
    """`owner.name = value`."""
    if isinstance(owner, Instance):
        _set_on_instance(run, owner, name, value)
    elif isinstance(owner, UserClass):
        if is_enumeration(owner) and name in owner.names and isinstance(owner.names[name], Instance):
            run.error("TL103", f"member `{name}` of `{owner.name}` cannot be set", kind=AttributeError)
            return
        setter = owner.metaclass.find("__setattr__") if owner.metaclass is not None else MISSING
        if setter is not MISSING:
            _call(run, setter, owner, name, value)
        elif owner.module.internal:
            _change_torch(
                run, f"{owner.module.name}.{owner.name}.{name}", value, owner.find(name) is not MISSING
            )
        else:
            run.assign(owner.names, name, value)
    elif isinstance(owner, UserFunction):
        run.assign(owner.attributes, name, value)
    elif isinstance(owner, ModuleValue):
        run.assign(owner.environment.names, name, value)
    elif isinstance(owner, TensorValue):
        from torchlean.capture.tensors import set_tensor_attribute

        set_tensor_attribute(run, owner, name, value)
    elif isinstance(owner, Namespace):
        from torchlean.capture.torch_names import member

        known = owner.path.partition(".")[0] == "torch" and member(owner.path, name)
        _change_torch(
            run, f"{owner.path}.{name}", value, isinstance(known, (Native, UserFunction, UserClass))
        )
    elif isinstance(owner, (int, float, str, bytes, list, dict, tuple, set, type(None))):
        text = f"attribute `{name}` cannot be set on a value of type {type_name(owner)}"
        run.error("TL103", text, kind=AttributeError)


def _change_torch(run: Interpreter, dotted: str, value: Value, exists: bool) -> None:
    """What a program adds to torch is found again; what it replaces changes everything that torch computes with it."""
    if exists:
        run.replaced = Unknown(f"`{dotted}` of torch is replaced in this program", run.place())
    run.assign(run.patched, dotted, value)


def _set_on_instance(run: Interpreter, owner: Instance, name: str, value: Value) -> None:
    setter = owner.cls.find("__setattr__")
    if isinstance(setter, Native):
        _call(run, setter, owner, name, value)  # of a frozen dataclass
    elif isinstance(setter, UserFunction) and not (setter.module.internal and _is_plain(owner, name, value)):
        _call(run, setter, owner, name, value)
    else:
        set_plainly(run, owner, name, value)


def set_plainly(run: Interpreter, owner: Instance, name: str, value: Value) -> None:
    """`object.__setattr__(owner, name, value)`."""
    found = owner.cls.find(name)
    if isinstance(found, Descriptor) and found.kind == "property":
        if found.setter is None:
            run.error("TL103", f"property `{name}` of `{owner.cls.name}` cannot be set", kind=AttributeError)
        else:
            _call(run, found.setter, owner, value)
    elif type(found) is Instance and found.cls.find("__set__") is not MISSING:
        _call(run, found.cls.find("__set__"), found, owner, value)
    elif name not in slots(owner.cls, name):
        text = f"`{owner.cls.name}` has `__slots__` and no attribute `{name}`"
        run.error("TL103", text, kind=AttributeError)
    else:
        run.assign(owner.attributes, name, value)


def _is_plain(owner: Instance, name: str, value: Value) -> bool:
    """Whether `torch.nn.Module.__setattr__` would only put the value into `__dict__`."""
    if isinstance(value, TensorValue) or (isinstance(value, Instance) and value.cls.is_module):
        return False
    registries = [owner.attributes.get(registry, ()) for registry in REGISTRIES]
    return all(not isinstance(known, Unknown) and name not in known for known in registries)


def delete_attribute(run: Interpreter, owner: Value, name: str) -> None:
    """`del owner.name`."""
    if isinstance(owner, Instance):
        method, found = owner.cls.find("__delattr__"), owner.cls.find(name)
        deleter = found.deleter if isinstance(found, Descriptor) else None
        if method is not MISSING and (deleter is None or not method.module.internal):
            _call(run, method, owner, name)
            return
        if deleter is not None:
            _call(run, deleter, owner)
            return
    names = (
        owner.attributes
        if isinstance(owner, Instance)
        else owner.names
        if isinstance(owner, UserClass)
        else None
    )
    if names is not None and name in names:
        run.remove(names, name)
    elif names is not None:
        run.error("TL103", f"there is no attribute `{name}` to delete", kind=AttributeError)

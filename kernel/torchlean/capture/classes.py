"""Classes of interpreted files: definition, resolution order, and construction of their objects."""

from __future__ import annotations

import ast
import collections.abc
import enum
from dataclasses import replace
from typing import TYPE_CHECKING

from torchlean.capture.enumerations import BASE, COUNTING, make_members, member
from torchlean.capture.environment import Environment, Frame
from torchlean.capture.function_syntax import docstring
from torchlean.capture.layers import made_here
from torchlean.capture.records import NamedTupleBase, annotated_names, fill_fields
from torchlean.capture.type_parameters import with_type_parameters
from torchlean.capture.values import (
    MISSING,
    Descriptor,
    Instance,
    Raised,
    Unknown,
    UserClass,
    UserFunction,
    Value,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

DATA = (dict, list, tuple, set, str, int, float, BaseException)
"""Built-in types whose content an object of a derived class carries in `Instance.data`."""


def define_class(run: Interpreter, node: ast.ClassDef, frame: Frame) -> Value:
    """Follow a class statement."""
    head = replace(frame, environment=with_type_parameters(node, frame.environment))
    bases = tuple(run.eval(base, head) for base in node.bases if not isinstance(base, ast.Starred))
    options = {keyword.arg or "**": run.eval(keyword.value, head) for keyword in node.keywords}
    closure = with_type_parameters(node, frame.environment.enclosing())
    environment = Environment(closure, is_class=True)
    body = Frame(
        environment, frame.module, frame.chain, frame.function, frame.receiver, frame.depth, frame.caught
    )
    environment.names["__qualname__"] = node.name
    if len(bases) == 1 and any(bases[0] is kind for kind in COUNTING):
        environment.names[BASE] = bases[0]
    run.block(node.body, body)
    names = environment.names
    names.pop(BASE, None)
    doc = docstring(node) if not frame.module.internal else None
    names.setdefault("__doc__", doc)
    cls = UserClass(node.name, node, frame.module, bases, names)
    run.at(node, frame)
    _resolve(run, cls)
    for value in names.values():
        _own(value, cls)
    _special_bases(run, cls)
    run.classes.append(cls)
    for name, value in list(names.items()):
        if type(value) is Instance and value.cls.find("__set_name__") is not MISSING:
            from torchlean.capture.calling import call

            call(run, value.cls.find("__set_name__"), [value, cls, name], {})
    _made_by_others(run, cls, options)
    return cls


def _made_by_others(run: Interpreter, cls: UserClass, options: dict[str, Value]) -> None:
    """A metaclass may make anything of a class; `__init_subclass__` of a base is called."""
    metaclass = options.pop("metaclass", type)
    if isinstance(metaclass, UserClass) and metaclass.builtin is type and _sets_attributes_only(metaclass):
        cls.metaclass = metaclass
    elif metaclass is not type:
        cls.open = Unknown(f"the metaclass of `{cls.name}` is not followed", run.place())
    for base in cls.mro[1:]:
        hook = base.names.get("__init_subclass__")
        if isinstance(hook, Descriptor):
            hook = hook.function
        if isinstance(hook, UserFunction):
            from torchlean.capture.calling import call

            call(run, hook, [cls], options)
            return


def _sets_attributes_only(metaclass: UserClass) -> bool:
    names = {name for cls in metaclass.mro for name, value in cls.names.items() if value is not None}
    return names <= {"__setattr__", "__doc__", "__qualname__"}


def _own(value: Value, cls: UserClass) -> None:
    """Tell the functions of a class body where they stand, for `super()`."""
    if isinstance(value, UserFunction) and value.owner is None:
        value.owner = cls
    elif isinstance(value, Descriptor):
        _own(value.function, cls)
        _own(value.setter, cls)


def _resolve(run: Interpreter, cls: UserClass) -> None:
    """Method resolution order (Python's C3), built-in base and what is not known of the bases."""
    parents = [base for base in cls.bases if isinstance(base, UserClass)]
    merged = merge_orders([list(parent.mro) for parent in parents] + [parents])
    if merged is None:
        run.error("TL103", f"the bases of `{cls.name}` contradict each other: no method resolution order")
        merged = []
    cls.mro = (cls, *merged)
    for base in cls.bases:
        if isinstance(base, Unknown):
            cls.open = Unknown(
                f"`{cls.name}` derives from a class that is not followed: {base.reason}", base.span
            )
            cls.open.reported = base.reported
        elif base in (collections.abc.Mapping, collections.abc.MutableMapping):
            from torchlean.capture.stub_modules import stub_module

            mixin = stub_module("collections.abc")
            assert mixin is not None
            cls.mro = (*cls.mro, *mixin.environment.names[base.__name__].mro)
        elif isinstance(base, type) and base.__module__ in ("collections.abc", "numbers"):
            cls.open = Unknown(f"what `{cls.name}` has from `{base.__name__}` is not followed")
        elif isinstance(base, type):
            cls.builtin = base
        elif not isinstance(base, UserClass) and base is not None:
            cls.open = Unknown(f"`{cls.name}` derives from something that is not followed")
    for parent in parents:
        cls.builtin = cls.builtin or parent.builtin
        cls.open = cls.open or parent.open
        cls.is_module = cls.is_module or parent.is_module
        cls.metaclass = cls.metaclass or parent.metaclass
        cls.fields = cls.fields or parent.fields
    if cls.module.internal and cls.name == "Module":
        cls.is_module = True


def merge_orders(orders: list[list[UserClass]]) -> list[UserClass] | None:
    """C3 merge; None where there is no order."""
    result: list[UserClass] = []
    orders = [list(order) for order in orders if order]
    while orders:
        for order in orders:
            head = order[0]
            if not any(head in other[1:] for other in orders):
                break
        else:
            return None
        result.append(head)
        orders = [[cls for cls in order if cls is not head] for order in orders]
        orders = [order for order in orders if order]
    return result


def _special_bases(run: Interpreter, cls: UserClass) -> None:
    if cls.builtin is not None and issubclass(cls.builtin, enum.Enum):
        make_members(run, cls)
    elif NamedTupleBase in cls.bases:
        cls.fields = annotated_names(cls)


def construct(run: Interpreter, cls: UserClass, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """`cls(*arguments, **keywords)`."""
    from torchlean.capture.calling import call

    if cls.builtin is not None and issubclass(cls.builtin, enum.Enum):
        return member(run, cls, arguments)
    maker = cls.find("__new__")
    if isinstance(maker, (UserFunction, Descriptor)):
        made = call(run, maker, [cls, *arguments], keywords)
        if not isinstance(made, Instance) or cls not in made.cls.mro:
            return made
        instance = made
    else:
        instance = Instance(cls)
        run.makes(instance.attributes)
    if cls.is_module:
        made_here(run, instance)
        run.created(instance, arguments, keywords)
    _initialise(run, instance, arguments, keywords)
    return instance


def _initialise(
    run: Interpreter, instance: Instance, arguments: list[Value], keywords: dict[str, Value]
) -> None:
    from torchlean.capture.calling import call

    cls = instance.cls
    method = cls.find("__init__")
    if cls.builtin is property and method is MISSING:
        names = ("fget", "fset", "fdel")
        instance.attributes.update(
            dict.fromkeys(names) | dict(zip(names, arguments, strict=False)) | keywords
        )
        return
    if cls.builtin is not None and issubclass(cls.builtin, DATA):
        _fill(run, instance, arguments if method is MISSING else [], keywords if method is MISSING else {})
    if method is not MISSING:
        try:
            call(run, method, [instance, *arguments], keywords)
        except Raised:
            instance.open = Unknown(f"the constructor of `{cls.name}` raises", run.place(), reported=True)
            raise
    elif cls.fields is not None:
        fill_fields(run, instance, cls.fields, arguments, keywords)
    elif (arguments or keywords) and cls.open is None and cls.builtin is None:
        run.error("TL103", f"`{cls.name}()` takes no arguments: it has no `__init__`")


def _fill(run: Interpreter, instance: Instance, arguments: list[Value], keywords: dict[str, Value]) -> None:
    """The content of an object that derives from a built-in type."""
    from torchlean.capture.calling import call

    builtin = instance.cls.builtin
    assert builtin is not None
    if issubclass(builtin, BaseException):
        instance.data = tuple(arguments)
    elif builtin is not NamedTupleBase:
        plain = next(base for base in DATA if issubclass(builtin, base))
        data = call(run, plain, arguments, keywords)
        instance.data = plain() if isinstance(data, Unknown) else data


def slots(cls: UserClass, name: str) -> tuple[str, ...]:
    """The attributes that `__slots__` lets objects of a class have; `name` where any are possible."""
    found: tuple[str, ...] = ()
    for base in cls.mro:
        given = base.names.get("__slots__", MISSING)
        given = (given,) if isinstance(given, str) else given
        if not isinstance(given, (tuple, list)) or not all(isinstance(slot, str) for slot in given):
            return (name,)
        found += tuple(given)
    return (name,) if "__dict__" in found or cls.open is not None or cls.builtin is not None else found

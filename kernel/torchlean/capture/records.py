"""Dataclasses and named tuples: their fields, the constructor, and the methods that `@dataclass` adds to a class."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchlean.capture.values import (
    MISSING,
    Descriptor,
    Instance,
    Native,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    contains_unknown,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

OPTIONS = "__dataclass_params__"
"""Where a class keeps what its decorator was given, as in Python."""


class NamedTupleBase(tuple):  # type: ignore[type-arg] # a marker, never instantiated
    """What `class P(typing.NamedTuple)` derives from here."""


@dataclass(frozen=True)
class Options:
    """What `@dataclass(...)` is given."""

    init: bool = True
    repr: bool = True
    eq: bool = True
    order: bool = False
    frozen: bool = False
    kw_only: bool = False


@dataclass(eq=False)
class Field:
    """What `dataclasses.field(...)` gives."""

    default: Value = MISSING
    factory: Value = MISSING
    init: bool = True
    repr: bool = True
    compare: bool = True
    kw_only: bool | None = None


def annotated_names(cls: UserClass) -> list[str]:
    """Names with an annotation in the class body, in order: the fields of a dataclass or named tuple."""
    return [
        name for name, annotation in _annotations(cls) if not {"ClassVar", "KW_ONLY"} & _words(annotation)
    ]


def _annotations(cls: UserClass) -> list[tuple[str, ast.expr]]:
    return [
        (statement.target.id, statement.annotation)
        for statement in cls.node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]


def _words(annotation: ast.expr) -> set[str]:
    """The names in an annotation, which may be text."""
    found: set[str] = set()
    for inner in ast.walk(annotation):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.add(inner.attr)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            found |= {word.strip("[] ") for word in inner.value.replace("[", ".").split(".")}
    return found


def field_of(cls: UserClass, name: str) -> Field:
    """What is known of a field: of `x: int = 3`, the default."""
    found = cls.find(name)
    if isinstance(found, Field):
        return found
    # A function of that name is a default, a descriptor of `__slots__` is none.
    return Field(MISSING if isinstance(found, Descriptor) else found)


def _is_keyword(cls: UserClass, name: str) -> bool:
    """Whether a field is only given by its name."""
    given = field_of(cls, name).kw_only
    if given is not None:
        return given
    for base in cls.mro:
        annotations = _annotations(base)
        names = [own for own, _ in annotations]
        if name in names:
            marks = [place for place, (_, kind) in enumerate(annotations) if "KW_ONLY" in _words(kind)]
            options = base.names.get(OPTIONS, Options())
            return options.kw_only or any(place < names.index(name) for place in marks)
    return False


def positional_fields(cls: UserClass) -> list[str]:
    """The fields that the constructor takes by their place."""
    names = cls.fields or []
    return [name for name in names if field_of(cls, name).init and not _is_keyword(cls, name)]


def fill_fields(
    run: Interpreter,
    instance: Instance,
    fields: list[str],
    arguments: list[Value],
    keywords: dict[str, Value],
) -> None:
    """The generated constructor of a dataclass or named tuple."""
    from torchlean.capture.attributes import set_attribute
    from torchlean.capture.calling import call

    cls = instance.cls
    given_names = [name for name in fields if field_of(cls, name).init]
    places = [name for name in given_names if not _is_keyword(cls, name)]
    given = dict(zip(places, arguments, strict=False))
    if any(name not in given_names or name in given for name in keywords) or len(arguments) > len(places):
        shown = ", ".join(given_names)
        run.error("TL103", f"`{cls.name}()` takes the fields ({shown}); these arguments do not fit")
        return
    given.update(keywords)
    for name in fields:
        value = given.get(name, MISSING)
        if value is MISSING:
            value = _default(run, cls, name)
        if value is MISSING:
            continue
        if isinstance(cls.find("__setattr__"), UserFunction):
            set_attribute(run, instance, name, value)
        else:
            run.assign(instance.attributes, name, value)
    if NamedTupleBase in cls.bases:
        instance.data = tuple(instance.attributes[name] for name in fields)
    after = cls.find("__post_init__")
    if after is not MISSING:
        only = [name for name in fields if name in _only_for_construction(cls)]
        call(run, after, [instance, *(instance.attributes[name] for name in only)], {})


def _only_for_construction(cls: UserClass) -> list[str]:
    """Fields of a dataclass that are given to `__post_init__`: `x: InitVar[int]`."""
    return [name for base in cls.mro for name, kind in _annotations(base) if "InitVar" in _words(kind)]


def _default(run: Interpreter, cls: UserClass, name: str) -> Value:
    """The default of a field; `MISSING` where it is left to `__post_init__`."""
    from torchlean.capture.calling import call

    field = field_of(cls, name)
    if field.factory is not MISSING:
        return call(run, field.factory, [], {})
    if field.default is MISSING and field.init:
        return run.error("TL103", f"`{cls.name}()` is called without the field `{name}`")
    return field.default


# -- the methods that are added ------------------------------------------------------------------------------------


def added_methods(cls: UserClass, fields: list[str], options: Options) -> dict[str, Value]:
    """The methods that `@dataclass` adds to a class that does not define them itself."""
    methods: dict[str, Value] = {}
    if options.init:
        methods["__init__"] = _method(cls, "__init__", _initialise(fields))
    if options.repr:
        methods["__repr__"] = _method(cls, "__repr__", _repr(cls, fields))
    if options.eq:
        methods["__eq__"] = _method(cls, "__eq__", _equality(cls, fields))
    if options.order:
        for name, kind in (("lt", ast.Lt), ("le", ast.LtE), ("gt", ast.Gt), ("ge", ast.GtE)):
            methods[f"__{name}__"] = _method(cls, f"__{name}__", _order(cls, fields, kind))
    if options.frozen:
        methods["__setattr__"] = _method(cls, "__setattr__", _refuse)
        methods["__delattr__"] = _method(cls, "__delattr__", _refuse)
    return {name: method for name, method in methods.items() if name not in cls.names}


def _method(cls: UserClass, name: str, function: Callable[..., Value]) -> Native:
    return Native(f"{cls.name}.{name}", function, accepts_unknown=True)


def _initialise(fields: list[str]) -> Callable[..., Value]:
    """The constructor of a dataclass, which that of a derived class may call."""

    def initialise(run: Interpreter, instance: Instance, *arguments: Value, **keywords: Value) -> Value:
        fill_fields(run, instance, fields, list(arguments), keywords)
        return None

    return initialise


def _repr(cls: UserClass, fields: list[str]) -> Callable[..., Value]:
    shown = [name for name in fields if field_of(cls, name).repr]

    def text(run: Interpreter, instance: Instance) -> Value:
        from torchlean.capture.text import printed

        if instance.cls.node not in instance.cls.module.tree.body:
            return Unknown("the text of a class that is defined inside of something is not followed")
        parts = [printed(run, instance.attributes.get(name, MISSING), quoted=True) for name in shown]
        unknown = contains_unknown(parts)
        listed = ", ".join(f"{name}={part}" for name, part in zip(shown, parts, strict=True))
        return unknown if unknown is not None else f"{instance.cls.name}({listed})"

    return text


def _compared(cls: UserClass, fields: list[str]) -> list[str]:
    return [name for name in fields if field_of(cls, name).compare]


def _equality(cls: UserClass, fields: list[str]) -> Callable[..., Value]:
    names = _compared(cls, fields)

    def equal(run: Interpreter, left: Instance, right: Value) -> Value:
        from torchlean.capture.operators import equal_fields

        if not isinstance(right, Instance) or right.cls is not left.cls:
            return right if isinstance(right, Unknown) else NotImplemented
        return equal_fields(run, left, right, names)

    return equal


def _order(cls: UserClass, fields: list[str], kind: type[ast.cmpop]) -> Callable[..., Value]:
    names = _compared(cls, fields)

    def ordered(run: Interpreter, left: Instance, right: Value) -> Value:
        from torchlean.capture.operators import compare

        if not isinstance(right, Instance) or right.cls is not left.cls:
            return right if isinstance(right, Unknown) else NotImplemented
        sides = [tuple(side.attributes.get(name) for name in names) for side in (left, right)]
        if any(not isinstance(item, (int, float, str, bytes, tuple)) for side in sides for item in side):
            return contains_unknown(sides) or Unknown("an order of objects is not followed", run.place())
        return compare(run, kind, *sides)

    return ordered


def _refuse(run: Interpreter, instance: Instance, name: Value, *value: Value) -> Value:
    text = f"cannot assign to field {name!r}" if value else f"cannot delete field {name!r}"
    kind = dataclasses.FrozenInstanceError
    run.error("TL103", f"`{instance.cls.name}` is frozen: {text}", kind=kind, text=text)
    return None

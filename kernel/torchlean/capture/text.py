"""Text that is computed from values: formatting, with limits on its length."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

import numpy
import torch

from torchlean.capture.enumerations import real_member
from torchlean.capture.records import NamedTupleBase
from torchlean.capture.torch_names import is_tensor_class
from torchlean.capture.values import (
    MISSING,
    Abstract,
    ExceptionValue,
    Instance,
    Native,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    contains_unknown,
    type_name,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

LONG_NUMBER = re.compile(r"\d{5,}")
"""A width or precision of 10,000 or more: the text would be too long."""

COMPUTED_WIDTH = re.compile(r"%[-+ #0-9.]*\*")
"""A width or precision that `%` takes from the values."""

PRINTABLE = (int, float, complex, str, bytes, bool, type(None), numpy.generic)


def formatted(run: Interpreter, value: Value, spec: Value, conversion: str) -> Value:
    """`f"{value!conversion:spec}"`."""
    if not isinstance(spec, str) or LONG_NUMBER.search(spec):
        return run.over_budget("this text would be too long")
    if (
        isinstance(value, Instance)
        and not conversion
        and isinstance(value.cls.find("__format__"), UserFunction)
    ):
        return _by_method(run, value, "__format__", spec)
    real = real_member(value) if not conversion else None
    if real is not None and all(
        value.cls.find(name) is MISSING for name in ("__format__", "__str__", "__repr__")
    ):
        value = real
    elif conversion in ("r", "a") or not isinstance(value, PRINTABLE):
        value = printed(run, value, quoted=conversion in ("r", "a"))
    if conversion == "s" and not isinstance(value, Unknown):
        value = str(value)
    if isinstance(value, Unknown):
        return value
    try:
        return format(value, spec)
    except (ValueError, TypeError, OverflowError) as error:
        return run.error("TL103", f"{error}", kind=type(error))


def printed(run: Interpreter, value: Value, quoted: bool = False) -> str | Unknown:
    """`str(value)`, or `repr(value)`."""
    if isinstance(value, (Unknown, Abstract)):
        return value if isinstance(value, Unknown) else value.unknown
    if isinstance(value, PRINTABLE):
        try:
            return repr(value) if quoted else str(value)
        except ValueError:
            return run.over_budget("an integer with so many digits is not printed")
    if isinstance(value, Instance):
        return _instance(run, value, quoted)
    if isinstance(value, ExceptionValue):
        return _exception(run, value.kind.__name__, value.arguments, issubclass(value.kind, KeyError), quoted)
    if isinstance(value, UserClass):
        return f"<class '{value.module.name}.{value.name}'>"
    if is_tensor_class(value):
        return "<class 'torch.Tensor'>"
    if isinstance(value, TensorValue):
        return Unknown("the text of a tensor depends on its numbers")
    if isinstance(value, (list, tuple, set, dict, frozenset)):
        return _container(value)
    if isinstance(value, numpy.dtype):
        return repr(value) if quoted else str(value)
    if isinstance(value, (range, slice, type, torch.dtype)):
        return repr(value)
    return Unknown(f"the text of a value of type {type_name(value)} is not followed")


def _exception(
    run: Interpreter, name: str, arguments: tuple[Value, ...], of_key: bool, quoted: bool
) -> str | Unknown:
    """An exception prints its argument, or all of them as a tuple; `KeyError` quotes its only one."""
    if not quoted and len(arguments) < 2:
        return printed(run, arguments[0], quoted=of_key) if arguments else ""
    texts = [printed(run, argument, quoted=True) for argument in arguments]
    unknown = next((text for text in texts if isinstance(text, Unknown)), None)
    if unknown is not None:
        return unknown
    listed = f"({', '.join(map(str, texts))})"
    return f"{name}{listed}" if quoted else listed


def _named(run: Interpreter, cls: UserClass, items: tuple[Value, ...]) -> str | Unknown:
    """A named tuple."""
    texts = [printed(run, item, quoted=True) for item in items]
    listed = ", ".join(f"{name}={text}" for name, text in zip(cls.fields or [], texts, strict=False))
    return next((text for text in texts if isinstance(text, Unknown)), f"{cls.name}({listed})")


def _by_method(run: Interpreter, value: Instance, name: str, *arguments: Value) -> str | Unknown:
    from torchlean.capture.calling import call

    text = call(run, value.cls.find(name), [value, *arguments], {})
    return text if isinstance(text, (str, Unknown)) else Unknown("a text that is not followed")


def _instance(run: Interpreter, value: Instance, quoted: bool) -> str | Unknown:
    for name in ("__repr__", "__str__") if quoted else ("__str__", "__repr__"):
        method = value.cls.find(name)
        if isinstance(method, (UserFunction, Native)):
            return _by_method(run, value, name)
    real = real_member(value)
    if real is not None:
        return repr(real) if quoted else str(real)
    if value.cls.builtin is not None and issubclass(value.cls.builtin, BaseException):
        return _exception(
            run, value.cls.name, tuple(value.data or ()), issubclass(value.cls.builtin, KeyError), quoted
        )
    if value.cls.builtin is NamedTupleBase and isinstance(value.data, tuple):
        return _named(run, value.cls, value.data)
    if value.data is not None and not isinstance(value.data, Instance):
        return printed(run, value.data, quoted)
    return Unknown(f"the text of an object of `{value.cls.name}` is not followed")


def _container(value: Value) -> str | Unknown:
    """Containers of plain values print as in Python; others say nothing that a program should depend on."""
    unknown = contains_unknown(value)
    if unknown is not None:
        return unknown
    items = [*value.keys(), *value.values()] if isinstance(value, dict) else list(value)
    if len(items) > 1000 or not all(isinstance(item, PRINTABLE) for item in items):
        return Unknown("the text of this container is not followed")
    return repr(value)


def percent(run: Interpreter, template: str | bytes, values: Value) -> Value:
    """`"%d items" % n`."""
    text = template if isinstance(template, str) else template.decode("latin-1")
    if LONG_NUMBER.search(text) or COMPUTED_WIDTH.search(text):
        return run.over_budget("this text would be too long")
    given = values if isinstance(values, tuple) else (values,)
    unknown = contains_unknown(values)
    if unknown is not None:
        return unknown
    given = tuple(real_member(item) or item for item in given)
    if any(isinstance(item, Instance) for item in given):
        return Unknown("the text of an object between others is not followed")
    if not all(isinstance(item, PRINTABLE) for item in given):
        return Unknown("a text that is not followed")
    try:
        return template % (given if isinstance(values, tuple) else given[0])
    except (TypeError, ValueError, OverflowError) as error:
        return run.error("TL103", str(error), kind=type(error))


def format_method(
    run: Interpreter, template: str, arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    """`template.format(...)`: simple fields only; attributes and indices inside a template are not followed."""
    unknown = contains_unknown(arguments) or contains_unknown(keywords)
    if unknown is not None:
        return unknown
    try:
        fields = [
            (name or "", spec or "")
            for _, name, spec, _ in string.Formatter().parse(template)
            if name is not None
        ]
    except ValueError as error:
        return run.error("TL103", str(error), kind=ValueError)
    if any(LONG_NUMBER.search(spec) or "{" in spec for _, spec in fields):
        return run.over_budget("this text would be too long")
    if any(not (name.isidentifier() or name.isdigit() or not name) for name, _ in fields):
        return Unknown("a template with attributes or indices is not followed")
    if not all(isinstance(item, PRINTABLE) for item in (*arguments, *keywords.values())):
        return Unknown("a text that is not followed")
    try:
        return template.format(*arguments, **keywords)
    except (IndexError, KeyError, ValueError, TypeError) as error:
        return run.error("TL103", f"the template does not fit its values: {error}", kind=type(error))

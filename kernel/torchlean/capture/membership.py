"""`item in container`, by the equality that Python asks for."""

from __future__ import annotations

import ast
import enum
import sys
from typing import TYPE_CHECKING

from torchlean.capture.enumerations import is_enumeration, is_plain, real_class, real_member
from torchlean.capture.iteration import items_of
from torchlean.capture.operators import compare
from torchlean.capture.values import (
    MISSING,
    Instance,
    ListIterator,
    TensorValue,
    Unknown,
    UserClass,
    Value,
    contains_unknown,
    odd_key,
    type_name,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def contains(run: Interpreter, container: Value, item: Value) -> bool | Unknown:
    """`item in container`."""
    if is_enumeration(container):
        return _in_enumeration(run, container, item)
    if isinstance(container, Instance) and isinstance(real_member(container), enum.Flag):
        flag = real_member(item)
        return flag in real_member(container) if flag is not None else Unknown("a flag that is not followed")
    if isinstance(container, Instance):
        method = container.cls.find("__contains__")
        if method is not MISSING:
            from torchlean.capture.calling import call
            from torchlean.capture.conditions import known_truth

            return known_truth(run, call(run, method, [container, item], {}))
        if container.data is not None:
            container = container.data
    unknown = container if isinstance(container, Unknown) else contains_unknown(item)
    if unknown is None and isinstance(container, (dict, set, frozenset)):
        unknown = odd_key(item)
    if unknown is not None:
        return unknown
    if isinstance(container, (str, bytes, range, dict, set, frozenset)):
        try:
            return item in container
        except TypeError as error:
            return run.error("TL103", str(error))
    if isinstance(container, ListIterator):
        return _taken(run, container, item)
    items = items_of(run, container)
    if isinstance(items, Unknown):
        return items
    return _among(run, items, item)


def _in_enumeration(run: Interpreter, cls: UserClass, item: Value) -> bool | Unknown:
    """A member is in its class; of values, Python 3.12 says whether a member has them, and older ones raise."""
    if isinstance(item, Instance) and item.cls is cls:
        return True
    real, other = real_class(cls), real_member(item) if isinstance(item, Instance) else item
    if real is None or isinstance(other, Instance) or not (is_plain(other) or isinstance(other, enum.Enum)):
        return Unknown(f"whether this is in `{cls.name}` is not known")
    if sys.version_info < (3, 12) and not isinstance(other, enum.Enum):
        text = f"`in` asks `{cls.name}` for a member, got {type_name(item)} (values: from Python 3.12 on)"
        return run.error("TL103", text)
    return other in real


def _taken(run: Interpreter, iterator: ListIterator, item: Value) -> bool | Unknown:
    """`item in iterator` takes items until the one that is equal."""
    run.changes(iterator)
    while iterator.position < len(iterator.items):
        iterator.position += 1
        inside = _among(run, [iterator.items[iterator.position - 1]], item)
        if inside is not False:
            return inside
    iterator.ended()
    return iterator.rest_unknown or False


def _among(run: Interpreter, items: list[Value], item: Value) -> bool | Unknown:
    doubt: Unknown | None = None
    for other in items:
        if other is item:
            return True
        if isinstance(other, TensorValue) or isinstance(item, TensorValue):
            doubt = Unknown("membership among tensors compares their values")
            continue
        equal = compare(run, ast.Eq, other, item)
        if equal is True:
            return True
        if equal is not False:
            doubt = equal if isinstance(equal, Unknown) else Unknown("a comparison that is not followed")
    return doubt if doubt is not None else False

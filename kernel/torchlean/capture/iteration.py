"""Going through the items of a value."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from torchlean.capture.budgets import ELEMENTS, LOOP, TooBig
from torchlean.capture.values import (
    MISSING,
    ExceptionValue,
    Instance,
    ListIterator,
    Raised,
    TensorValue,
    Unknown,
    UserClass,
    Value,
    is_foreign,
    type_name,
)
from torchlean.ops import SPELLINGS

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

CONTAINERS = (list, tuple, dict, set, frozenset, str, bytes)


def items_of(run: Interpreter, value: Value) -> list[Value] | Unknown:
    """All items of an iterable, or why they are not known. An iterator is used up."""
    if isinstance(value, (set, frozenset)) and len(value) > 1 and not all(isinstance(i, int) for i in value):
        return Unknown("the order of a set differs between runs", run.place())
    if isinstance(value, CONTAINERS):
        return list(value)
    if isinstance(value, ListIterator):
        run.changes(value)
        value.whole = True
        if value.position:
            value.outdated()
        rest = value.items[value.position :]
        value.position = len(value.items)
        return value.rest_unknown if value.rest_unknown is not None else rest
    if isinstance(value, Unknown):
        return value
    if isinstance(value, range):
        return _range(run, value)
    if isinstance(value, TensorValue):
        return _rows(run, value)
    if isinstance(value, Instance):
        return _instance(run, value)
    if _is_view(value):
        return list(value)
    if isinstance(value, UserClass) and value.builtin is not None and issubclass(value.builtin, enum.Enum):
        return [member for member in value.names.values() if isinstance(member, Instance)]
    if is_foreign(value):
        return _foreign(run, value)
    return run.error("TL103", f"a value of type {type_name(value)} cannot be iterated over")


def unordered(run: Interpreter, value: Value) -> list[Value] | Unknown:
    """All items of an iterable, for what does not depend on their order."""
    return list(value) if isinstance(value, (set, frozenset)) else items_of(run, value)


def _foreign(run: Interpreter, value: Value) -> Unknown:
    from torchlean.capture.standard import Endless

    if isinstance(value, Endless):
        return run.over_budget("this iterator has no end")
    return Unknown(f"the items of a value of type {type_name(value)} are not followed", run.place())


def _is_view(value: Value) -> bool:
    return isinstance(value, (type({}.keys()), type({}.values()), type({}.items())))


def _range(run: Interpreter, value: range) -> list[Value] | Unknown:
    try:
        run.fuel.allocate(range_length(value), "this range")
    except TooBig as error:
        return run.over_budget(str(error))
    return list(value)


def range_length(value: range) -> int:
    """`len(value)`, which overflows a C integer for huge ranges."""
    return max(0, -(-(value.stop - value.start) // value.step))


def _rows(run: Interpreter, tensor: TensorValue) -> list[Value] | Unknown:
    """Iterating over a tensor goes along its first dimension."""
    from torchlean.capture.calling import call
    from torchlean.capture.torch_names import spelling

    if not tensor.shape:
        return run.error("TL103", "a 0-d tensor cannot be iterated over")
    if tensor.shape[0] > min(LOOP, ELEMENTS):
        return run.over_budget(f"the first dimension of this tensor has {tensor.shape[0]:,} items")
    if "torch.Tensor.unbind" not in SPELLINGS:
        return run.unfollowed("iterating over a tensor is not followed")
    rows = call(run, spelling("torch.Tensor.unbind"), [tensor], {})
    return rows if isinstance(rows, Unknown) else list(rows)


def _instance(run: Interpreter, instance: Instance) -> list[Value] | Unknown:
    from torchlean.capture.calling import call

    method = instance.cls.find("__iter__")
    if method is not MISSING:
        iterator = call(run, method, [instance], {})
        if isinstance(iterator, Instance):
            return _advance(run, iterator)
        return items_of(run, iterator)
    if instance.data is not None and isinstance(instance.data, CONTAINERS):
        return list(instance.data)
    if instance.cls.find("__getitem__") is not MISSING:
        return _by_index(run, instance)
    if instance.cls.open is not None:
        return instance.cls.open
    return run.error("TL103", f"`{instance.cls.name}` objects cannot be iterated over")


def _advance(run: Interpreter, iterator: Instance) -> list[Value] | Unknown:
    """Items of an object with `__next__`, until it raises StopIteration."""
    from torchlean.capture.calling import call

    method = iterator.cls.find("__next__")
    if method is MISSING:
        return run.error("TL103", f"`{iterator.cls.name}` objects cannot be iterated over")
    return _until(run, StopIteration, lambda index: call(run, method, [iterator], {}))


def _by_index(run: Interpreter, instance: Instance) -> list[Value] | Unknown:
    """Items of an object with `__getitem__`, until it raises IndexError."""
    from torchlean.capture.calling import call

    method = instance.cls.find("__getitem__")
    return _until(run, IndexError, lambda index: call(run, method, [instance, index], {}))


def _until(run: Interpreter, stop: type[BaseException], item: Value) -> list[Value] | Unknown:
    items: list[Value] = []
    frame = run.frame
    assert frame is not None
    depth, frame.caught = frame.caught, frame.caught + 1
    try:
        for index in range(LOOP):
            value = item(index)
            if isinstance(value, Unknown):
                return value
            items.append(value)
    except Raised as raised:
        if isinstance(raised.value, ExceptionValue) and issubclass(raised.value.kind, stop):
            return items
        raise
    finally:
        frame.caught = depth
    return run.over_budget(f"this iterator gives more than {LOOP:,} items")

"""Iterables whose items are described rather than known: data loaders, and lists whose items are taken as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchlean.capture.conditions import same_value
from torchlean.capture.ranges import Range, drawn, range_of
from torchlean.capture.values import (
    MISSING,
    Instance,
    ListIterator,
    TensorValue,
    Unknown,
    UserClass,
    Value,
    contains_unknown,
)
from torchlean.capture.varying import Number, Stream, counter, joined
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def stream_of(run: Interpreter, iterable: Value) -> Stream | None:
    """The stream behind an iterable; None where it is no stream."""
    if isinstance(iterable, Stream):
        return iterable
    if isinstance(iterable, Instance):
        method = iterable.cls.find("__iter__")
        if method is not MISSING and _is_internal(iterable.cls):
            from torchlean.capture.calling import call

            made = call(run, method, [iterable], {})
            return made if isinstance(made, Stream) else None
    return None


def _is_internal(cls: UserClass) -> bool:
    """Whether a class of ours says how its objects are gone through."""
    home = next((base for base in cls.mro if "__iter__" in base.names), cls)
    return home.module.internal and not home.is_module


def enumerated(stream: Stream, start: Value) -> Stream:
    """`enumerate(stream, start)`."""

    def item(run: Interpreter, value: Value) -> Value:
        first = start if isinstance(start, int) else 0
        return counter("the number of an iteration", first, float("inf")), value

    return stream.mapped(item)


def zipped(run: Interpreter, iterables: tuple[Value, ...]) -> Stream | Unknown | None:
    """`zip` with at least one stream among its arguments; None where there is none."""
    streams = [stream_of(run, iterable) for iterable in iterables]
    reason = next((stream.reason for stream in streams if stream is not None), None)
    if reason is None and run.in_script and any(items_before_unknown(iterable) for iterable in iterables):
        reason = "it is given by a generator without an end"
    if reason is None:
        return None
    makers: list[Callable[[Interpreter], Value]] = []
    for iterable, stream in zip(iterables, streams, strict=True):
        maker = stream.make if stream is not None else _maker(run, iterable)
        if maker is None:
            return Unknown(reason, reported=True)
        makers.append(maker)
    return Stream(reason, lambda run: tuple(make(run) for make in makers))


def _maker(run: Interpreter, iterable: Value) -> Callable[[Interpreter], Value] | None:
    from torchlean.capture.iteration import items_of
    from torchlean.capture.standard import Endless

    if isinstance(iterable, Endless):
        return lambda run: Unknown("an item of an endless iterator", reported=True)
    items = items_before_unknown(iterable) or items_of(run, iterable)
    return common_item(run, items) if isinstance(items, list) and items else None


def items_before_unknown(iterable: Value) -> list[Value] | None:
    """The items of an iterator after which more may follow that were not computed; None for all others."""
    if isinstance(iterable, ListIterator) and iterable.rest_unknown is not None and iterable.items:
        return iterable.items[iterable.position :]
    return None


def common_item(run: Interpreter, items: list[Value]) -> Callable[[Interpreter], Value] | None:
    """What makes any one of several items; None where they have no common description."""
    description = items[0]
    for item in items[1:]:
        description = _common(run, description, item)
        if isinstance(description, Unknown):
            return None
    return lambda run: _made(run, description)


@dataclass(frozen=True)
class _AnyTensor:
    """Stands for a tensor of a type, with numbers of a range, until one is made."""

    type: TensorType
    range: Range


def _common(run: Interpreter, left: Value, right: Value) -> Value:
    if isinstance(left, TensorValue) and isinstance(right, TensorValue) and same_value(run, left, right):
        return left
    if isinstance(left, (TensorValue, _AnyTensor)) and isinstance(right, TensorValue):
        if left.type != right.type:
            return Unknown("tensors of different types", reported=True)
        first = left.range if isinstance(left, _AnyTensor) else range_of(run, left.node)
        return _AnyTensor(left.type, first.hull(range_of(run, right.node)))
    if isinstance(left, (tuple, list)) and type(left) is type(right) and len(left) == len(right):
        parts = [_common(run, a, b) for a, b in zip(left, right, strict=True)]
        return contains_unknown(parts) or type(left)(parts)
    if same_value(run, left, right):
        return left
    number = joined(left, right, "the item of a loop")
    return number if number is not None else Unknown("items without a common description", reported=True)


def _made(run: Interpreter, description: Value) -> Value:
    if isinstance(description, _AnyTensor):
        return drawn(run, description.type, description.range)
    if isinstance(description, (tuple, list)):
        return type(description)(_made(run, part) for part in description)
    if isinstance(description, Number) and description.linear is None and description.integer:
        return counter(description.reason, description.lower, description.upper)
    return description

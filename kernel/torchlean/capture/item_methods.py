"""Operators of built-in containers as methods, for classes that derive from one: `super().__getitem__(key)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torchlean.capture.values import Native, Value

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


def _get(run: Interpreter, owner: Value, index: Value) -> Value:
    from torchlean.capture.subscripts import subscript

    return subscript(run, owner, index)


def _set(run: Interpreter, owner: Value, index: Value, value: Value) -> Value:
    from torchlean.capture.subscripts import set_subscript

    return set_subscript(run, owner, index, value)


def _delete(run: Interpreter, owner: Value, index: Value) -> Value:
    from torchlean.capture.subscripts import delete_subscript

    return delete_subscript(run, owner, index)


def _contains(run: Interpreter, owner: Value, item: Value) -> Value:
    from torchlean.capture.membership import contains

    return contains(run, owner, item)


def _length(run: Interpreter, owner: Value) -> Value:
    seen = run.seen(owner)
    return len(owner) if seen is owner else seen


def _items(run: Interpreter, owner: Value) -> Value:
    from torchlean.capture.iteration import items_of
    from torchlean.capture.values import ListIterator, Unknown

    items = items_of(run, owner)
    return items if isinstance(items, Unknown) else ListIterator(items)


METHODS: dict[str, Callable[..., Value]] = {
    "__getitem__": _get,
    "__setitem__": _set,
    "__delitem__": _delete,
    "__contains__": _contains,
    "__len__": _length,
    "__iter__": _items,
}


def item_method(owner: Value, name: str) -> Native | None:
    """The method bound to a list, tuple, dictionary or set; None for any other name or owner."""
    if name not in METHODS or not isinstance(owner, (list, tuple, dict, set)):
        return None

    def call(run: Interpreter, *arguments: Value) -> Value:
        return METHODS[name](run, owner, *arguments)

    return Native(name, call, accepts_unknown=True)

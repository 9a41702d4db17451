"""Going through the items of a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchlean.capture.array_values import ArrayValue
from torchlean.capture.budgets import ELEMENTS, LOOP, TooBig
from torchlean.capture.enumerations import is_enumeration, listed
from torchlean.capture.values import (
    MISSING,
    ExceptionValue,
    Instance,
    ListIterator,
    Raised,
    TensorValue,
    Unknown,
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
        value.ended()
        return value.rest_unknown if value.rest_unknown is not None else rest
    if isinstance(value, Unknown):
        return value
    if isinstance(value, range):
        return _range(run, value)
    if isinstance(value, TensorValue):
        return _rows(run, value)
    if isinstance(value, Instance):
        flags = listed(value)
        return _instance(run, value) if flags is None else flags
    if _is_view(value):
        return list(value)
    if is_enumeration(value):
        return listed(value) or []
    if is_foreign(value):
        return _foreign(run, value)
    return run.error("TL103", f"a value of type {type_name(value)} cannot be iterated over")


def one_by_one(run: Interpreter, value: Value) -> list[Value] | Unknown:
    """All items of an iterable, for what does something between two of them: `Walk` goes through them."""
    if not isinstance(value, ListIterator):
        return items_of(run, value)
    _ = value.items  # before anything says that all of them are taken at once
    if value.position:
        value.outdated()
    return value.rest_unknown if value.rest_unknown is not None else value.items[value.position :]


class ItemsUnknown(Exception):
    """Which items come next is not known."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__()
        self.unknown = unknown


VIEWS: tuple[Any, ...] = (type({}.keys()), type({}.values()), type({}.items()))


RESIZABLE: tuple[Any, ...] = (dict, set, frozenset, *VIEWS)
"""What Python refuses to go on with where its size changed."""


class Walk:
    """The items of an iterable one by one, while other code may change it or take items of the same iterator."""

    def __init__(self, run: Interpreter, iterable: Value, items: list[Value]) -> None:
        self._run = run
        self._source: Any = iterable.data if isinstance(iterable, Instance) else iterable
        self._items = self._source if isinstance(self._source, list) else items
        self._taken = 0
        if isinstance(self._source, ListIterator):
            self._start = len(self._source.items) - len(items)
            self._source.position = self._start
        elif isinstance(self._source, RESIZABLE):
            self._size = len(self._source)
            self._keys = list(self._source.mapping) if isinstance(self._source, VIEWS) else items

    @property
    def rest(self) -> list[Value]:
        """What was not taken yet, as far as it is there."""
        return self._items[self._taken :]

    def next(self) -> Value:
        """The next item; `MISSING` at the end.

        Raises:
            Raised: what Python raises where the iterable was changed, or the generator itself.
            ItemsUnknown: it was changed in another way.
        """
        if isinstance(self._source, ListIterator):
            return self._of_iterator(self._source)
        if isinstance(self._source, RESIZABLE):
            self._check()
        if self._taken >= len(self._items):
            return MISSING
        self._taken += 1
        if isinstance(self._source, (dict, *VIEWS)):
            return self._of_mapping(self._keys[self._taken - 1])
        return self._items[self._taken - 1]

    def _of_iterator(self, iterator: ListIterator) -> Value:
        self._taken = iterator.position - self._start
        changed = iterator.outdated() if self._taken else None
        if changed is not None:
            raise ItemsUnknown(self._run.enters(changed))
        if self._taken >= len(self._items):
            iterator.ended()
            return MISSING
        self._run.changes(iterator)
        iterator.position += 1
        self._taken += 1
        return self._items[self._taken - 1]

    def _check(self) -> None:
        seen = self._run.seen(self._source)
        if isinstance(seen, Unknown):
            raise ItemsUnknown(seen)
        if len(self._source) != self._size:
            unknown = self._added_in_doubt()
            if unknown is not None:
                raise ItemsUnknown(unknown)
            kind = "Set" if isinstance(self._source, set) else "dictionary"
            text = f"{kind} changed size during iteration"
            raise ItemsUnknown(self._run.error("TL103", text, kind=RuntimeError, text=text))

    def _added_in_doubt(self) -> Unknown | None:
        """Why a key may be there that was not there when the loop began."""
        mapping = self._source.mapping if isinstance(self._source, VIEWS) else self._source
        if isinstance(mapping, (set, frozenset)):
            return None
        added = (mapping[key] for key in mapping if key not in self._keys)
        return next((value for value in added if isinstance(value, Unknown)), None)

    def _of_mapping(self, key: Value) -> Value:
        mapping = self._source.mapping if isinstance(self._source, VIEWS) else self._source
        if key not in mapping:
            raise ItemsUnknown(self._run.enters(Unknown("a dictionary is changed while it is iterated over")))
        if isinstance(self._source, VIEWS[1]):
            return mapping[key]
        return (key, mapping[key]) if isinstance(self._source, VIEWS[2]) else key


def unordered(run: Interpreter, value: Value) -> list[Value] | Unknown:
    """All items of an iterable, for what does not depend on their order."""
    return list(value) if isinstance(value, (set, frozenset)) else items_of(run, value)


def _foreign(run: Interpreter, value: Value) -> Unknown:
    from torchlean.capture.standard import Endless

    if isinstance(value, Endless):
        return run.over_budget("this iterator has no end")
    return Unknown(f"the items of a value of type {type_name(value)} are not followed", run.place())


def _is_view(value: Value) -> bool:
    return isinstance(value, VIEWS)


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
    if isinstance(tensor, ArrayValue):
        return array_rows(run, tensor)
    rows = call(run, spelling("torch.Tensor.unbind"), [tensor], {})
    return rows if isinstance(rows, Unknown) else list(rows)


def array_rows(run: Interpreter, array: ArrayValue) -> list[Value] | Unknown:
    """Views, or scalars."""
    from torchlean.capture.array_attributes import call_item

    rows = [call_item(run, array, place) for place in range(array.shape[0])]
    return next((row for row in rows if isinstance(row, Unknown)), rows)


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

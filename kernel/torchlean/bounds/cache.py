"""The content-addressed store of bounds: incrementality without an invalidation rule.

A bound is stored under the hash of everything it depends on: the ops below it, their attributes and weights, and the
domain of the inputs. An edit changes the hashes of what it touches and of what follows from there, and nothing else,
so asking again finds all the rest. There is nothing to invalidate; old entries fall out when memory is needed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from torchlean.intervals import Interval

DEFAULT_BYTES = 512 * 2**20
"""Half a gigabyte: some hundred copies of a small image network's intermediate bounds."""


@dataclass(frozen=True, slots=True)
class Bound:
    """An interval, why it is unbounded where an op or a budget stopped the engine, and what gave it.

    `method` is `ibp` (the op's interval rule), `forward` (affine forms of the inputs, intersected with the interval),
    `crown` (backward linear bounds, intersected with both) or
    `alpha` (linear bounds with optimised slopes that improved on both). What is told of a bound again and again may be
    `kept` with it: it never changes, and many edits see it.
    """

    interval: Interval
    reason: str | None = None
    method: str = "ibp"
    kept: dict[str, Any] = field(init=False, compare=False, repr=False, default_factory=dict)


Entry = TypeVar("Entry")


class Store(Generic[Entry]):
    """Least-recently-used store, limited by what its entries hold together (`size`). One thread at a time."""

    def __init__(self, limit: int, size: Callable[[Entry], int]) -> None:
        self._limit = limit
        self._size = size
        self._used = 0
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: bytes, entry: Entry) -> None:
        """Store a finished entry. Callers never store a result of an interrupted computation."""
        previous = self._entries.pop(key, None)
        if previous is not None:
            self._used -= self._size(previous)
        self._entries[key] = entry
        self._used += self._size(entry)
        while self._used > self._limit and len(self._entries) > 1:
            _, oldest = self._entries.popitem(last=False)
            self._used -= self._size(oldest)


class BoundsCache(Store[Bound]):
    """Least-recently-used store of bounds. One thread at a time."""

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        super().__init__(limit, _size)


def _size(bound: Bound) -> int:
    """Bytes held: the storage of both ends, once if they share it."""
    lower, upper = bound.interval.lower.untyped_storage(), bound.interval.upper.untyped_storage()
    shared = upper.data_ptr() == lower.data_ptr()
    return int(lower.nbytes()) + (0 if shared else int(upper.nbytes()))

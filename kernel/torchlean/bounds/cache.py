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
    """Least-recently-used store, limited by what its entries hold together (`size`). One thread at a time.

    Where `begin` marks rounds of requests that are much alike, such as the analyses of a text that is edited, what a
    round has used stays until its end. A round that needs more than there is room for would otherwise replace every
    entry shortly before the next one asks for it, and each would find nothing.
    """

    def __init__(self, limit: int, size: Callable[[Entry], int]) -> None:
        self._limit = limit
        self._size = size
        self._used = 0
        self._round = 0
        self._entries: OrderedDict[bytes, tuple[Entry, int]] = OrderedDict()

    def begin(self) -> None:
        """Another round begins."""
        self._round += 1

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> Entry | None:
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries[key] = found[0], self._round
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: bytes, entry: Entry) -> None:
        """Store a finished entry. Callers never store a result of an interrupted computation."""
        previous = self._entries.pop(key, None)
        if previous is not None:
            self._used -= self._size(previous[0])
        self._entries[key] = entry, self._round
        self._used += self._size(entry)
        while self._used > self._limit and len(self._entries) > 1:
            _, last_used = next(iter(self._entries.values()))
            # Where this round has used all that is there, the newest entry goes, and what came first stays.
            all_used = self._round > 0 and last_used == self._round
            _, (gone, _) = self._entries.popitem(last=all_used)
            self._used -= self._size(gone)


class BoundsCache(Store[Bound]):
    """Least-recently-used store of bounds. One thread at a time."""

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        super().__init__(limit, _size)


def _size(bound: Bound) -> int:
    """Bytes held: the storage of both ends, once if they share it."""
    lower, upper = bound.interval.lower.untyped_storage(), bound.interval.upper.untyped_storage()
    shared = upper.data_ptr() == lower.data_ptr()
    return int(lower.nbytes()) + (0 if shared else int(upper.nbytes()))

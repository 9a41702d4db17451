"""Changes that can be undone: needed where a branch is followed that the program may not take.

A journal remembers the old content of everything that was changed since it began. `Interpreter.assign` and
`Interpreter.changes` are the only writers, so a branch can be followed, undone, and compared with the other branch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torchlean.capture.values import CLOCK, MISSING, ListIterator, TensorValue, Value


@dataclass(eq=False, slots=True)
class Entry:
    """One key of a dictionary, with the value it had."""

    names: dict[Any, Value]
    key: Any
    old: Value


@dataclass(eq=False, slots=True)
class Content:
    """A container or tensor that changed as a whole, with the content it had."""

    container: Any
    old: Any


class Journal:
    """What changed since the journal began, each place once, with its first content.

    Attributes:
        began: when, by `CLOCK`.
        made: scopes, attributes and containers that came to be since then, as far as that was said, by identity. What
            has such an identity later is as new: an older one had it never.
    """

    def __init__(self, outer: Journal | None) -> None:
        self.outer = outer
        self.began = next(CLOCK)
        self.entries: dict[tuple[int, Any], Entry] = {}
        self.contents: dict[int, Content] = {}
        self.made: set[int] = set()

    def makes(self, container: object) -> None:
        """The container is new: nothing of what it holds is part of the state when the journal began."""
        journal: Journal | None = self
        while journal is not None:
            journal.made.add(id(container))
            journal = journal.outer

    def entry(self, names: dict[Any, Value], key: Any) -> int:
        """`names[key]` is about to change; returns how many journals did not know it yet.

        What an inner journal knows, the outer ones know too: they were there when it was written down.
        """
        place = (id(names), key)
        journal: Journal | None = self
        written = 0
        while journal is not None and place not in journal.entries:
            if not written:
                entry = Entry(names, key, names.get(key, MISSING))
            journal.entries[place] = entry
            journal = journal.outer
            written += 1
        return written

    def content(self, container: object) -> int:
        """The container is about to change in place; returns how many journals did not know it yet."""
        journal: Journal | None = self
        written = 0
        while journal is not None and id(container) not in journal.contents:
            if not written:
                content = Content(container, content_of(container))
            journal.contents[id(container)] = content
            journal = journal.outer
            written += 1
        return written

    def undo(self) -> tuple[dict[tuple[int, Any], Value], dict[int, Any]]:
        """Put everything back; returns what it was before that, by place."""
        entries = {place: entry.names.get(entry.key, MISSING) for place, entry in self.entries.items()}
        contents = {place: content_of(content.container) for place, content in self.contents.items()}
        for content in self.contents.values():
            restore(content.container, content.old)
        for entry in self.entries.values():
            put(entry.names, entry.key, entry.old)
        return entries, contents


def put(names: dict[Any, Value], key: Any, value: Value) -> None:
    """Write a value, or its absence."""
    if value is MISSING:
        names.pop(key, None)
    else:
        names[key] = value


def content_of(container: Any) -> Any:
    """A copy of what can change in a container."""
    if isinstance(container, TensorValue):
        return container.node, container.type, container.storage
    if isinstance(container, ListIterator):
        return container.state()
    return container.copy()


def restore(container: Any, content: Any) -> None:
    """Give a container back the content that `content_of` copied."""
    if isinstance(container, TensorValue):
        container.node, container.type, storage = content
        container.shares(storage)
    elif isinstance(container, ListIterator):
        container.restore(content)
    elif isinstance(container, list):
        container[:] = content
    else:
        container.clear()
        container.update(content)

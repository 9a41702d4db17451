"""Iterators whose items are computed at once, though the program asks for them one by one.

What happens between two items could change what the next one is, and the computing could change what the program sees
between them. So everything that the computing may read is listed first: where it writes into that, or where the program
does before the last item is taken, nothing is claimed of the items. Those of TorchLean's own stubs are trusted.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from torchlean.capture.conditions import forget_changes
from torchlean.capture.environment import Environment
from torchlean.capture.journal import Journal
from torchlean.capture.values import (
    MISSING,
    BoundMethod,
    Descriptor,
    Instance,
    ListIterator,
    ModuleValue,
    Partial,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    contains_unknown,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

REACHED = 20_000
"""Containers and names that are listed at most: more than that cost a second per loop to compare."""


class Reachable:
    """Everything mutable that some values or code may read, with its content now.

    Attributes:
        names: scopes with the names in them that the code mentions, and their values.
        contents: containers by identity, each with a shallow copy; tensors with their node.
        whole: nothing was left out because it was too much.
    """

    def __init__(
        self, roots: Sequence[Value], code: ast.AST | None = None, environment: Environment | None = None
    ) -> None:
        self.names: dict[tuple[int, str], tuple[dict[str, Value], Value]] = {}
        self.contents: dict[int, tuple[Any, Any]] = {}
        self._functions: set[int] = set()
        self._stack = list(roots)
        if code is not None:
            self._mentioned(code, environment)
        while self._stack and self.whole:
            self._visit(self._stack.pop())

    def _mentioned(self, code: ast.AST, environment: Environment | None) -> None:
        """The names that code mentions and does not bind itself, as it finds them in the scope around it."""
        inside = list(ast.walk(code))
        shared = {
            name for inner in inside if isinstance(inner, (ast.Global, ast.Nonlocal)) for name in inner.names
        }
        names = [inner for inner in inside if isinstance(inner, ast.Name)]
        bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
        bound |= {inner.arg for inner in inside if isinstance(inner, ast.arg)}
        for name in {name.id for name in names} - (bound - shared):
            self._name(name, environment)

    def _name(self, name: str, environment: Environment | None) -> None:
        while environment is not None:
            value = environment.names.get(name, MISSING)
            if value is not MISSING:
                self.names[id(environment.names), name] = (environment.names, value)
                self._stack.append(value)
                return
            environment = environment.parent

    @property
    def whole(self) -> bool:
        return len(self.contents) + len(self.names) < REACHED

    def _visit(self, value: Value) -> None:
        if isinstance(value, (list, dict, set)):
            if id(value) not in self.contents:
                self.contents[id(value)] = (value, value.copy())
                self._stack += value.values() if isinstance(value, dict) else value
        elif isinstance(value, tuple):
            self._stack += value
        elif isinstance(value, TensorValue):
            self.contents[id(value)] = (value, value.node)
        elif isinstance(value, ListIterator):
            self.contents[id(value)] = (value, value.position)
        elif isinstance(value, Instance):
            self._stack += [value.attributes, value.data, value.cls]
        elif isinstance(value, UserClass):
            self._stack += [cls.names for cls in value.mro if not cls.module.internal]
        elif isinstance(value, UserFunction):
            self._function(value)
        elif isinstance(value, BoundMethod):
            self._stack += [value.receiver, value.function]
        elif isinstance(value, Descriptor):
            self._stack += [value.function, value.setter, value.deleter]
        elif isinstance(value, Partial):
            self._stack += [value.function, value.arguments, value.keywords]
        elif isinstance(value, ModuleValue) and not value.module.internal:
            self._stack.append(value.environment.names)

    def _function(self, function: UserFunction) -> None:
        if function.module.internal or id(function) in self._functions:
            return
        self._functions.add(id(function))
        self._stack += function.defaults.values()
        self._mentioned(function.node, function.environment)

    def written(self, journal: Journal, taken: Sequence[ListIterator]) -> bool:
        """Whether a journal saw changes of it, but for the items that were taken from these iterators."""
        own = {id(iterator) for iterator in taken}
        return any(place in self.names or place[0] in self.contents for place in journal.entries) or any(
            id in self.contents and id not in own for id in journal.contents
        )

    def unchanged(self, tensors: bool) -> bool:
        """Whether all of it still is what it was; of tensors the numbers only where they were computed with."""
        return all(
            names.get(key, MISSING) is value for (_, key), (names, value) in self.names.items()
        ) and all(_same(container, content, tensors) for container, content in self.contents.values())


def _same(container: Any, content: Any, tensors: bool) -> bool:
    if isinstance(container, TensorValue):
        return not tensors or container.node == content
    if isinstance(container, ListIterator):
        return True  # only this computation is known to have taken items
    if len(container) != len(content):
        return False
    if isinstance(container, dict):
        return all(container.get(key, MISSING) is value for key, value in content.items())
    if isinstance(container, set):
        return bool(container == content)
    return all(one is other for one, other in zip(container, content, strict=True))


def at_once(
    run: Interpreter,
    iterator: ListIterator,
    reach: Callable[[], Reachable],
    follow: Callable[[], list[Value] | Unknown],
    what: str,
    internal: bool,
    sources: Sequence[Value] = (),
) -> list[Value] | Unknown:
    """All items of an iterator that is asked for its first one.

    Args:
        reach: everything that `follow` may read.
        follow: computes the items.
        what: the iterator, in words.
        internal: our own code makes it, which changes nothing that it reads.
        sources: what `follow` takes items from.
    """
    if internal or iterator.whole:
        return follow()
    iterators = [source for source in sources if isinstance(source, ListIterator)]
    for source in iterators:
        _ = source.items  # asked for one by one
    reachable = reach()
    nodes = len(run.builder.nodes)
    journal = run.journal = Journal(run.journal)
    try:
        items = follow()
    finally:
        run.journal = journal.outer
    if not reachable.whole or reachable.written(journal, iterators):
        unknown = Unknown(f"{what} changes something while its items are used", run.place())
        forget_changes(run, journal, unknown)
        return unknown
    computed = len(run.builder.nodes) > nodes
    watches = [source.watch for source in iterators if source.watch is not None]
    for source in iterators:
        source.stop_at(Unknown(f"{what} takes its items one by one"))
    iterator.watch = lambda: reachable.unchanged(computed) and all(watch() for watch in watches)
    return items


def lazily(
    run: Interpreter,
    sources: Sequence[Value],
    compute: Callable[[list[list[Value]]], list[Value] | Unknown],
    what: str,
    function: Value = None,
) -> ListIterator | Unknown:
    """An iterator over what `compute` makes of the items of several iterables, once something asks for an item.

    Args:
        function: what `compute` calls.
    """
    from torchlean.capture.iteration import items_of

    unknown = contains_unknown(sources, depth=1)
    if unknown is not None:
        return unknown

    def follow() -> list[Value] | Unknown:
        columns: list[list[Value]] = []
        for source in sources:
            items = items_of(run, source)
            if isinstance(items, Unknown):
                return items
            columns.append(items)
        return compute(columns)

    internal = run.frame is not None and run.frame.module.internal

    def begin(iterator: ListIterator) -> list[Value] | Unknown:
        run.changes(iterator)
        for source in sources:
            failure = source.failure if isinstance(source, ListIterator) else None
            if failure is not None and len(sources) > 1:
                return Unknown(f"{what} of a generator that raises is not followed", run.place())
            if failure is not None:
                source.stop_at(Unknown(f"{what} takes its items one by one"))
                items = source.items[source.position :]
                found = compute([items])
                iterator.stop_at(failure)
                return found
        held = [source for source in sources if isinstance(source, (list, dict, set, Instance))]
        return at_once(run, iterator, lambda: Reachable([function, *held]), follow, what, internal, sources)

    return ListIterator([], begin=begin)

"""Parts of Python's standard library that models are written with, on followed values.

Everything here computes what Python computes; what is missing is unknown. Importing this module registers the natives.
"""

from __future__ import annotations

import functools
import itertools
import math
import os.path
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from torchlean.capture.array_values import ArrayValue, fresh, of_kind
from torchlean.capture.attributes import attribute
from torchlean.capture.budgets import ELEMENTS, TooBig
from torchlean.capture.iteration import items_of
from torchlean.capture.torch_names import CONSTANTS
from torchlean.capture.values import (
    MISSING,
    Descriptor,
    Instance,
    ListIterator,
    Namespace,
    Native,
    Partial,
    Storage,
    TensorValue,
    Unknown,
    UserFunction,
    Value,
    contains_unknown,
    native,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

LARGEST_FACTORIAL = 1000
"""`math.factorial(1000)` has 8,500 bits, below the limit for integers."""


def _mathematical(name: str, function: Callable[..., Value]) -> None:
    @native(f"math.{name}")
    def compute(run: Interpreter, *arguments: Value, **keywords: Value) -> Value:
        from torchlean.capture.builtin_types import construct_builtin

        if name in ("factorial", "comb", "perm") and any(abs(a) > LARGEST_FACTORIAL for a in arguments):
            raise TooBig(f"`math.{name}` of a number above {LARGEST_FACTORIAL:,}")
        numbers = [
            construct_builtin(run, float, [a], {}) if isinstance(a, TensorValue) else _as_list(run, a)
            for a in arguments
        ]
        return contains_unknown(numbers) or function(*numbers, **keywords)


def _as_list(run: Interpreter, value: Value) -> Value:
    return items_of(run, value) if isinstance(value, ListIterator) else value


for _name, _function in vars(math).items():
    if callable(_function) and not _name.startswith("_"):
        _mathematical(_name, _function)
CONSTANTS.update({f"math.{name}": getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")})


def _operator(name: str, method: str) -> None:
    @native(f"operator.{name}", unknowns=True)
    def compute(run: Interpreter, left: Value, right: Value) -> Value:
        from torchlean.capture.operators import binary

        return binary(run, method, left, right)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    _operator(_name, _name)


@native("operator.index")
def _index(run: Interpreter, value: Value) -> Value:
    if isinstance(value, TensorValue):
        from torchlean.capture.builtin_types import construct_builtin

        return construct_builtin(run, int, [value], {})
    if not isinstance(value, int):
        from torchlean.capture.values import type_name

        return run.error("TL103", f"an index must be an integer, got {type_name(value)}")
    return int(value)


@native("operator.itemgetter")
def _itemgetter(run: Interpreter, *items: Value) -> Value:
    from torchlean.capture.subscripts import subscript
    from torchlean.capture.values import Native

    def get(run: Interpreter, owner: Value) -> Value:
        found = tuple(subscript(run, owner, item) for item in items)
        return found[0] if len(found) == 1 else found

    return Native("itemgetter", get)


@native("operator.attrgetter")
def _attrgetter(run: Interpreter, name: str) -> Value:
    from torchlean.capture.attributes import attribute
    from torchlean.capture.values import Native

    return Native(
        "attrgetter",
        lambda run, owner: functools.reduce(lambda o, n: attribute(run, o, n), name.split("."), owner),
    )


# -- collections -------------------------------------------------------------------------------------------------------


class DefaultDict(dict):  # type: ignore[type-arg] # any keys and values
    """A `defaultdict`: what is missing is made by `default_factory`."""

    def __init__(self, factory: Callable[[Value], Value] | None, content: Value = ()) -> None:
        super().__init__(content)
        self.default_factory = factory

    def copy(self) -> DefaultDict:
        return DefaultDict(self.default_factory, self)


@native("collections.defaultdict", unknowns=True)
def _defaultdict(run: Interpreter, factory: Value = None, *content: Value, **keywords: Value) -> Value:
    from torchlean.capture.calling import call

    start = call(run, dict, list(content), keywords)
    if isinstance(start, Unknown) or isinstance(factory, Unknown):
        return start if isinstance(start, Unknown) else factory
    result = DefaultDict(None, start)

    def make(key: Value) -> Value:
        value = call(run, factory, [], {})
        run.assign(result, key, value)
        return value

    result.default_factory = None if factory is None else make
    return result


@native("collections.Counter")
def _counter(run: Interpreter, iterable: Value = (), /, **counts: Value) -> Value:
    items = items_of(run, iterable) if not isinstance(iterable, dict) else iterable
    return items if isinstance(items, Unknown) else Counter(items, **counts)


@native("collections.namedtuple")
def _namedtuple(run: Interpreter, name: str, fields: Value, **options: Value) -> Value:
    import ast

    from torchlean.capture.records import NamedTupleBase
    from torchlean.capture.values import UserClass

    assert run.frame is not None
    names = fields.replace(",", " ").split() if isinstance(fields, str) else list(fields)
    tree = ast.ClassDef(name=name, bases=[], keywords=[], body=[], decorator_list=[])
    cls = UserClass(name, tree, run.frame.module, (NamedTupleBase,), {})
    cls.mro, cls.builtin, cls.fields = (cls,), NamedTupleBase, names
    return cls


CONSTANTS["collections.OrderedDict"] = OrderedDict


# -- functools, itertools, copy ----------------------------------------------------------------------------------------


@native("functools.partial", unknowns=True)
def _partial(run: Interpreter, function: Value, *arguments: Value, **keywords: Value) -> Value:
    return function if isinstance(function, Unknown) else Partial(function, arguments, keywords)


@native("functools.reduce", unknowns=True)
def _reduce(run: Interpreter, function: Value, iterable: Value, start: Value = MISSING) -> Value:
    from torchlean.capture.calling import call

    items = items_of(run, iterable)
    if isinstance(items, Unknown):
        return items
    items = items if start is MISSING else [start, *items]
    if not items:
        return run.error("TL103", "`reduce` of nothing without a start value")
    return functools.reduce(lambda left, right: call(run, function, [left, right], {}), items)


@native("functools.wraps", unknowns=True)
def _wraps(run: Interpreter, wrapped: Value, *options: Value, **more: Value) -> Value:
    """The decorated function has the names of the wrapped one."""

    def named(run: Interpreter, function: Value) -> Value:
        if isinstance(function, UserFunction):
            run.assign(function.attributes, "__wrapped__", wrapped)
            for name in ("__name__", "__qualname__", "__module__"):
                value = wrapped if isinstance(wrapped, Unknown) else attribute(run, wrapped, name)
                run.assign(function.attributes, name, value)
        return function

    return Native("wraps", named, accepts_unknown=True)


@native("functools.lru_cache", "functools.cache", unknowns=True)
def _cached(run: Interpreter, function: Value = None, *options: Value, **more: Value) -> Value:
    """A function that is called once for each of its arguments."""
    if isinstance(function, UserFunction):
        return replace(function, results={})
    return Native("lru_cache", _cached, accepts_unknown=True)


@native("functools.cached_property", unknowns=True)
def _cached_property(run: Interpreter, function: Value) -> Value:
    """A property whose first value becomes an attribute of the object."""
    return Descriptor("cached_property", function)


class Endless:
    """`itertools.count` and `itertools.cycle`: items without an end, given out as far as something asks."""

    def __init__(self, item: Callable[[int], Value]) -> None:
        self._item = item
        self._position = 0

    def first(self, count: int) -> list[Value]:
        return [self._item(self._position + index) for index in range(count)]

    def advance(self, run: Interpreter) -> Value:
        if run.journal is not None:
            return Unknown("how far an endless iterator has come depends on an unknown condition")
        self._position += 1
        return self._item(self._position - 1)


@native("itertools.count")
def _count(run: Interpreter, start: Value = 0, step: Value = 1) -> Value:
    return Endless(lambda index: start + index * step)


@native("itertools.cycle", unknowns=True)
def _cycle(run: Interpreter, iterable: Value) -> Value:
    items = items_of(run, iterable)
    return (
        items if isinstance(items, Unknown) or not items else Endless(lambda index: items[index % len(items)])
    )


@native("itertools.chain", unknowns=True)
def _chain(run: Interpreter, *iterables: Value) -> Value:
    parts = [items_of(run, iterable) for iterable in iterables]
    unknown = next((part for part in parts if isinstance(part, Unknown)), None)
    return unknown or ListIterator([item for part in parts if isinstance(part, list) for item in part])


@native("itertools.chain.from_iterable", unknowns=True)
def _flatten(run: Interpreter, iterables: Value) -> Value:
    items = items_of(run, iterables)
    return items if isinstance(items, Unknown) else _chain(run, *items)


@native("itertools.repeat", unknowns=True)
def _repeat(run: Interpreter, item: Value, times: Value = None) -> Value:
    if times is None:
        return Endless(lambda index: item)
    if not isinstance(times, int):
        return contains_unknown(times) or Unknown("this `repeat` is not followed")
    run.fuel.allocate(times, "this iterator")
    return ListIterator([item] * times)


@native("itertools.pairwise", unknowns=True)
def _pairwise(run: Interpreter, iterable: Value) -> Value:
    items = items_of(run, iterable)
    return items if isinstance(items, Unknown) else ListIterator(list(itertools.pairwise(items)))


@native("itertools.accumulate", unknowns=True)
def _accumulate(run: Interpreter, iterable: Value, function: Value = None) -> Value:
    from torchlean.capture.calling import call
    from torchlean.capture.operators import binary

    items = items_of(run, iterable)
    if isinstance(items, Unknown):
        return items
    totals: list[Value] = []
    for item in items:
        if not totals:
            totals.append(item)
        elif function is None:
            totals.append(binary(run, "add", totals[-1], item))
        else:
            totals.append(call(run, function, [totals[-1], item], {}))
    return ListIterator(totals)


def _combinatoric(name: str, function: Callable[..., Value], size: Callable[[int, int], int]) -> None:
    @native(f"itertools.{name}", unknowns=True)
    def combine(run: Interpreter, iterable: Value, count: Value = MISSING) -> Value:
        items = items_of(run, iterable)
        length = len(items) if count is MISSING and isinstance(items, list) else count
        if isinstance(items, Unknown) or not isinstance(length, int):
            return contains_unknown([items, length]) or Unknown(f"this `{name}` is not followed")
        if len(items) > 100 or size(len(items), length) > ELEMENTS:
            raise TooBig(f"`itertools.{name}` of {len(items)} items")
        return ListIterator(list(function(items, length)))


_combinatoric("permutations", itertools.permutations, math.perm)
_combinatoric("combinations", itertools.combinations, math.comb)
_combinatoric(
    "combinations_with_replacement", itertools.combinations_with_replacement, lambda n, k: math.comb(n + k, k)
)


@native("itertools.product", unknowns=True)
def _product(run: Interpreter, *iterables: Value, repeat: Value = 1) -> Value:
    parts = [items_of(run, iterable) for iterable in iterables]
    unknown = next((part for part in parts if isinstance(part, Unknown)), None) or contains_unknown(repeat)
    if unknown is not None:
        return unknown
    lists = [part for part in parts if isinstance(part, list)]
    if not isinstance(repeat, int) or repeat > 64:
        raise TooBig("`itertools.product` with so many repetitions")
    run.fuel.allocate(math.prod(len(part) for part in lists) ** max(repeat, 0), "this product")
    return ListIterator(list(itertools.product(*lists, repeat=repeat)))


@native("itertools.islice", unknowns=True)
def _islice(run: Interpreter, iterable: Value, *bounds: Value) -> Value:
    stop = bounds[0] if len(bounds) == 1 else bounds[1] if len(bounds) > 1 else None
    if isinstance(iterable, Endless) and isinstance(stop, int):
        run.fuel.allocate(max(stop, 0), "this slice")
        items: list[Value] | Unknown = iterable.first(max(stop, 0))
    elif isinstance(iterable, ListIterator) and isinstance(stop, int):
        return contains_unknown(bounds) or _first_of(run, iterable, bounds, stop)
    else:
        items = items_of(run, iterable)
    if isinstance(items, Unknown):
        return items
    return contains_unknown(bounds) or ListIterator(items[slice(*bounds)])


def _first_of(run: Interpreter, iterator: ListIterator, bounds: tuple[Value, ...], stop: int) -> Value:
    """A slice of an iterator takes its items up to the slice's end, and leaves the others."""
    run.changes(iterator)
    first = iterator.position
    rest = iterator.items[first : first + stop]
    if len(rest) < stop and iterator.rest_unknown is not None:
        return iterator.rest_unknown
    if len(rest) < stop and iterator.failure is not None:
        return Unknown("`islice` of a generator that raises is not followed", run.place())
    iterator.position += len(rest)
    return ListIterator(rest[slice(*bounds)])


@native("copy.copy", unknowns=True)
def _copy(run: Interpreter, value: Value) -> Value:
    from torchlean.capture.calling import call

    if isinstance(value, (list, dict, set)):
        return value.copy()
    if isinstance(value, Instance) and isinstance(value.cls.find("__copy__"), UserFunction):
        return call(run, value.cls.find("__copy__"), [value], {})
    if isinstance(value, Instance):
        return Instance(value.cls, dict(value.attributes), _copy(run, value.data), value.open)
    if isinstance(value, ArrayValue) and not value.scalar:
        return fresh(run, run.emitter.emit("clone", value), (value,), scalar=False)
    return value


@native("copy.deepcopy", unknowns=True)
def _deepcopy(run: Interpreter, value: Value, memo: Value = None) -> Value:
    return deep_copy(run, value, {}, 0)


DEEP = 200
"""Nesting up to which `deepcopy` is followed."""


def deep_copy(run: Interpreter, value: Value, made: dict[int, Value], depth: int) -> Value:
    """A copy that shares nothing mutable; what is met twice is copied once."""
    if id(value) in made:
        return made[id(value)]
    if depth > DEEP:
        raise TooBig("this value is nested too deeply to be copied")
    copied: Value = value
    if isinstance(value, TensorValue):
        storage = made.setdefault(id(value.storage), Storage())  # views stay views of one another
        copied = made[id(value)] = of_kind(value, TensorValue(value.node, value.type, storage))
        copied.parameter = value.parameter
    elif isinstance(value, Instance) and isinstance(value.cls.find("__deepcopy__"), UserFunction):
        from torchlean.capture.calling import call

        copied = made[id(value)] = call(run, value.cls.find("__deepcopy__"), [value, {}], {})
    elif isinstance(value, list):
        run.fuel.allocate(len(value), "this copy")
        copied = made[id(value)] = []
        copied += [deep_copy(run, item, made, depth + 1) for item in value]
    elif isinstance(value, dict):
        copied = made[id(value)] = value.copy()
        copied.update({key: deep_copy(run, item, made, depth + 1) for key, item in value.items()})
    elif isinstance(value, set):
        copied = value.copy()
    elif type(value) is tuple:
        copied = tuple(deep_copy(run, item, made, depth + 1) for item in value)
    elif isinstance(value, Instance):
        copied = made[id(value)] = Instance(value.cls, {}, None, value.open, value.creation, value.label)
        copied.attributes = deep_copy(run, value.attributes, made, depth + 1)
        copied.data = deep_copy(run, value.data, made, depth + 1)
    return copied


@native("torchlean.capture.identity", unknowns=True)
def _identity(run: Interpreter, value: Value = None, *rest: Value, **options: Value) -> Value:
    """Gives back what it is called with: a decorator that changes nothing."""
    return identity if value is None and not rest else value


def _identity_value() -> Value:
    from torchlean.capture.values import NATIVES

    return NATIVES["torchlean.capture.identity"]


identity = _identity_value()


# -- paths, as plain strings -------------------------------------------------------------------------------------------

for _name in (
    "join",
    "dirname",
    "basename",
    "abspath",
    "realpath",
    "normpath",
    "splitext",
    "split",
    "expanduser",
):

    def _path_function(name: str) -> None:
        @native(f"os.path.{name}")
        def compute(run: Interpreter, *arguments: Value) -> Value:
            return getattr(os.path, name)(*arguments)

    _path_function(_name)

CONSTANTS.update({"os.sep": os.sep, "os.path": Namespace("os.path"), "os.linesep": "\n"})


@native("typing.cast", "typing_extensions.cast", unknowns=True)
def _cast(run: Interpreter, kind: Value, value: Value) -> Value:
    return value

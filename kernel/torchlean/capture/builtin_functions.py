"""Python's built-in functions on followed values, and the table of everything that needs no import."""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from torchlean.capture.array_operators import unary
from torchlean.capture.array_values import ArrayValue
from torchlean.capture.builtin_types import MAKERS
from torchlean.capture.enumerations import is_enumeration, listed
from torchlean.capture.iteration import items_of, range_length, unordered
from torchlean.capture.journal import Journal
from torchlean.capture.kinds import is_instance
from torchlean.capture.streams import stream_of
from torchlean.capture.values import (
    MISSING,
    ExceptionValue,
    Instance,
    ListIterator,
    ModuleValue,
    Namespace,
    Native,
    Raised,
    TensorValue,
    Unknown,
    UserClass,
    Value,
    contains_unknown,
    is_foreign,
    type_name,
)
from torchlean.capture.varying import Number, Stream, absolute, extreme
from torchlean.capture.watching import lazily

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

BUILTINS: dict[str, Value] = {
    "True": True,
    "False": False,
    "None": None,
    "NotImplemented": NotImplemented,
    "Ellipsis": ...,
    "__debug__": True,
    "__doc__": None,
}
"""Values of the names that Python has without an import."""

Function = Callable[..., Value]


def builtin(name: str, unknowns: bool = True) -> Callable[[Function], Function]:
    """Decorator: the function is the built-in of that name."""

    def decorate(function: Function) -> Function:
        BUILTINS[name] = Native(name, function, accepts_unknown=unknowns)
        return function

    return decorate


BUILTINS.update({kind.__name__: kind for kind in MAKERS if kind.__module__ == "builtins"})
BUILTINS.update(
    {
        name: value
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
)


@builtin("print")
def _print(run: Interpreter, *values: Value, **options: Value) -> Value:
    return None


@builtin("len")
def _len(run: Interpreter, value: Value) -> Value:
    from torchlean.capture.calling import call

    if isinstance(value, Unknown):
        return value
    if isinstance(value, Stream):
        return value.unknown if value.length is None else value.length
    if isinstance(value, range):
        return range_length(value)
    if is_enumeration(value):
        return len(listed(value) or [])
    if isinstance(value, TensorValue):
        if not value.shape:
            return run.error("TL103", "a 0-d tensor has no length")
        return value.shape[0]
    if isinstance(value, Instance):
        method = value.cls.find("__len__")
        if method is not MISSING:
            return call(run, method, [value], {})
        flags = listed(value)
        if flags is not None:
            return len(flags)
        value = value.data if value.data is not None else value
    if is_foreign(value) and not isinstance(value, (ListIterator, Instance)):
        return Unknown(f"the length of a value of type {type_name(value)} is not followed", run.place())
    if isinstance(value, ListIterator) or not hasattr(type(value), "__len__"):
        return run.error("TL103", f"a value of type {type_name(value)} has no length")
    return len(value)


@builtin("isinstance")
def _isinstance(run: Interpreter, value: Value, kinds: Value) -> Value:
    if isinstance(value, Unknown):
        return value
    doubt: Unknown | None = None
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        answer = _isinstance(run, value, kind) if isinstance(kind, tuple) else is_instance(run, value, kind)
        if answer is True:
            return True
        doubt = answer if isinstance(answer, Unknown) else doubt
    return doubt if doubt is not None else False


@builtin("issubclass")
def _issubclass(run: Interpreter, cls: Value, kinds: Value) -> Value:
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        if isinstance(cls, UserClass) and cls.is_subclass(kind):
            return True
        if isinstance(cls, type) and isinstance(kind, type) and issubclass(cls, kind):
            return True
    return contains_unknown([cls, kinds]) or (cls.open if isinstance(cls, UserClass) and cls.open else False)


@builtin("callable")
def _callable(run: Interpreter, value: Value) -> Value:
    from torchlean.capture.calling import CALLERS

    if isinstance(value, Unknown):
        return value
    if isinstance(value, Instance):
        return value.cls.find("__call__") is not MISSING
    return isinstance(value, type) or (type(value) in CALLERS and not isinstance(value, Namespace))


@builtin("getattr")
def _getattr(run: Interpreter, owner: Value, name: Value, default: Value = MISSING) -> Value:
    from torchlean.capture.attributes import attribute, quiet_attribute

    if isinstance(name, Unknown):
        return name
    if not isinstance(name, str):
        return run.error("TL103", f"an attribute name must be a string, got {type_name(name)}")
    if default is MISSING:
        return run.seen(attribute(run, owner, name))
    value = quiet_attribute(run, owner, name)
    return default if value is MISSING else run.seen(value)


@builtin("hasattr")
def _hasattr(run: Interpreter, owner: Value, name: Value) -> Value:
    from torchlean.capture.attributes import quiet_attribute

    if not isinstance(name, str):
        return name if isinstance(name, Unknown) else run.error("TL103", "an attribute name must be a string")
    value = quiet_attribute(run, owner, name)
    doubtful = isinstance(value, Unknown) and not isinstance(owner, (TensorValue, Namespace))
    return value if doubtful else value is not MISSING


@builtin("setattr")
def _setattr(run: Interpreter, owner: Value, name: Value, value: Value) -> Value:
    from torchlean.capture.attributes import set_attribute

    if isinstance(name, str):
        set_attribute(run, owner, name, value)
    elif isinstance(owner, Instance):
        owner.open = name if isinstance(name, Unknown) else None
    return None


@builtin("dir", unknowns=False)
def _dir(run: Interpreter, owner: Value = MISSING) -> Value:
    """Names in a module or an object. `MISSING`: those of the scope, which are not followed."""
    from torchlean.capture.torch_names import real_object

    if isinstance(owner, Namespace) and real_object(owner.path) is not MISSING:
        return dir(real_object(owner.path))
    if isinstance(owner, ModuleValue) and owner.whole and not owner.environment.stars:
        return sorted(owner.environment.names)
    if isinstance(owner, Instance) and not (
        owner.open or owner.cls.open or owner.cls.is_module or owner.cls.builtin
    ):
        return sorted(
            {*dir(object), *owner.attributes, *(name for cls in owner.cls.mro for name in cls.names)}
        )
    return Unknown("this `dir` is not followed", run.place())


@builtin("delattr", unknowns=False)
def _delattr(run: Interpreter, owner: Value, name: str) -> Value:
    from torchlean.capture.attributes import delete_attribute

    delete_attribute(run, owner, name)
    return None


@builtin("vars")
def _vars(run: Interpreter, owner: Value = MISSING) -> Value:
    from torchlean.capture.attributes import attribute

    return _scope(run) if owner is MISSING else attribute(run, owner, "__dict__")


@builtin("locals")
def _scope(run: Interpreter) -> Value:
    frame = run.frame
    assert frame is not None
    if frame.environment.parent is None:
        return frame.environment.names
    return Unknown("the local names as a dictionary are not followed")


@builtin("globals")
def _globals(run: Interpreter) -> Value:
    frame = run.frame
    assert frame is not None
    return frame.environment.root().names


@builtin("id")
def _id(run: Interpreter, value: Value) -> Value:
    return Unknown("the address of an object")


@builtin("hash", unknowns=False)
def _hash(run: Interpreter, value: Value) -> Value:
    return hash(value) if isinstance(value, (int, float)) else Unknown("a hash differs between runs")


@builtin("repr")
def _repr(run: Interpreter, value: Value) -> Value:
    from torchlean.capture.text import printed

    return printed(run, value, quoted=True)


@builtin("format", unknowns=False)
def _format(run: Interpreter, value: Value, spec: Value = "") -> Value:
    from torchlean.capture.text import formatted

    return formatted(run, value, spec, "")


@builtin("abs")
def _abs(run: Interpreter, value: Value) -> Value:
    from torchlean.capture.attributes import attribute
    from torchlean.capture.calling import call

    if isinstance(value, ArrayValue):
        return unary(run, "abs", value)
    if isinstance(value, TensorValue):
        return call(run, attribute(run, value, "abs"), [], {})
    if isinstance(value, Instance):
        return call(run, attribute(run, value, "__abs__"), [], {})
    if isinstance(value, Number):
        return absolute(value)
    return value if isinstance(value, Unknown) else abs(value)


@builtin("round")
def _round(run: Interpreter, value: Value, digits: Value = None) -> Value:
    from torchlean.capture.attributes import attribute
    from torchlean.capture.calling import call

    if isinstance(value, TensorValue):
        keywords = {} if digits is None else {"decimals": digits}
        return call(run, attribute(run, value, "round"), [], keywords)
    return contains_unknown([value, digits]) or round(value, digits)


@builtin("pow")
def _pow(run: Interpreter, base: Value, exponent: Value, modulus: Value = None) -> Value:
    from torchlean.capture.operators import binary

    if modulus is None:
        return binary(run, "pow", base, exponent)
    return contains_unknown([base, exponent, modulus]) or pow(base, exponent, modulus)


@builtin("divmod", unknowns=False)
def _divmod(run: Interpreter, left: Value, right: Value) -> Value:
    from torchlean.capture.operators import binary

    return binary(run, "floordiv", left, right), binary(run, "mod", left, right)


@builtin("sum")
def _sum(run: Interpreter, iterable: Value, start: Value = 0) -> Value:
    from torchlean.capture.sums import summed

    items = unordered(run, iterable)
    return items if isinstance(items, Unknown) else summed(run, items, start)


def _extreme(run: Interpreter, name: str, arguments: tuple[Value, ...], key: Value, default: Value) -> Value:
    from torchlean.capture.calling import call
    from torchlean.capture.conditions import known_truth
    from torchlean.capture.operators import compare

    items = unordered(run, arguments[0]) if len(arguments) == 1 else list(arguments)
    if isinstance(items, Unknown):
        return items
    if key is None and any(isinstance(item, Number) for item in items):
        return extreme(name, items)
    if not items:
        if default is MISSING:
            return run.error("TL103", f"`{name}` of nothing", kind=ValueError)
        return default
    best = items[0]
    best_key = best if key is None else call(run, key, [best], {})
    for item in items[1:]:
        item_key = item if key is None else call(run, key, [item], {})
        better = known_truth(run, compare(run, ast.Lt if name == "min" else ast.Gt, item_key, best_key))
        if isinstance(better, Unknown):
            return better
        if better:
            best, best_key = item, item_key
    return best


@builtin("min")
def _min(run: Interpreter, *arguments: Value, key: Value = None, default: Value = MISSING) -> Value:
    return _extreme(run, "min", arguments, key, default)


@builtin("max")
def _max(run: Interpreter, *arguments: Value, key: Value = None, default: Value = MISSING) -> Value:
    return _extreme(run, "max", arguments, key, default)


def _quantified(run: Interpreter, iterable: Value, stops_at: bool) -> Value:
    from torchlean.capture.conditions import connected, forget_changes, known_truth

    journal = run.journal = Journal(run.journal)
    try:
        items = unordered(run, iterable)
    finally:
        run.journal = journal.outer
    if isinstance(items, Unknown):
        return items
    open: list[tuple[Value, Unknown]] = []
    for position, item in enumerate(items, 1):
        truth = known_truth(run, item)
        if (truth is stops_at or isinstance(truth, Unknown)) and position < len(items):
            reason = f"`{'any' if stops_at else 'all'}` asks for no items after the one that decides"
            forget_changes(run, journal, Unknown(reason, run.place()))
        if truth is stops_at:
            return stops_at
        if isinstance(truth, Unknown):
            open.append((item, truth))
    return connected(run, [item for item, _ in open], stops_at, open[-1][1]) if open else not stops_at


@builtin("any")
def _any(run: Interpreter, iterable: Value) -> Value:
    return _quantified(run, iterable, True)


@builtin("all")
def _all(run: Interpreter, iterable: Value) -> Value:
    return _quantified(run, iterable, False)


@builtin("sorted")
def _sorted(run: Interpreter, iterable: Value, *, key: Value = None, reverse: Value = False) -> Value:
    return sorted_items(run, iterable, key, reverse)


def sorted_items(run: Interpreter, iterable: Value, key: Value, reverse: Value) -> list[Value] | Unknown:
    """The items in order; unknown where a comparison is."""
    from torchlean.capture.calling import call
    from torchlean.capture.operators import compare

    items = unordered(run, iterable)
    if isinstance(items, Unknown):
        return items
    keys = items if key is None else [call(run, key, [item], {}) for item in items]
    unknown = contains_unknown(keys) or contains_unknown(reverse)
    if unknown is not None:
        return unknown
    doubts: list[Unknown] = []

    def order(left: tuple[Value, Value], right: tuple[Value, Value]) -> int:
        if doubts:
            return 0
        for answer, less, greater in ((-1, left, right), (1, right, left)):
            smaller = compare(run, ast.Lt, less[0], greater[0])
            if smaller is True:
                return answer
            if smaller is not False:
                doubts.append(smaller if isinstance(smaller, Unknown) else Unknown("an order of tensors"))
                return 0
        return 0

    pairs = sorted(zip(keys, items, strict=True), key=functools.cmp_to_key(order), reverse=bool(reverse))
    return doubts[0] if doubts else [item for _, item in pairs]


@builtin("iter")
def _iter(run: Interpreter, iterable: Value, *sentinel: Value) -> Value:
    if isinstance(iterable, (ListIterator, Unknown)):
        return iterable
    stream = stream_of(run, iterable)
    if stream is not None:
        return stream
    if sentinel:
        return Unknown("`iter` with a sentinel is not followed")
    if isinstance(iterable, list):
        return lazily(run, [iterable], lambda columns: columns[0], "this iterator")
    items = items_of(run, iterable)
    return items if isinstance(items, Unknown) else ListIterator(items)


@builtin("next")
def _next(run: Interpreter, iterator: Value, default: Value = MISSING) -> Value:
    from torchlean.capture.calling import call
    from torchlean.capture.standard import Endless

    if isinstance(iterator, Unknown):
        return iterator
    if isinstance(iterator, Stream):
        return iterator.make(run)
    if isinstance(iterator, Instance):
        method = iterator.cls.find("__next__")
        if method is not MISSING:
            return call(run, method, [iterator], {})
    if isinstance(iterator, Endless):
        return iterator.advance(run)
    if not isinstance(iterator, ListIterator):
        return run.error("TL103", f"a value of type {type_name(iterator)} is not an iterator")
    return next_item(run, iterator, default)


def next_item(run: Interpreter, iterator: ListIterator, default: Value = MISSING) -> Value:
    """The next item; StopIteration at the end where there is no default."""
    run.changes(iterator)
    if iterator.position:
        iterator.outdated()
    if iterator.position < len(iterator.items):
        iterator.position += 1
        return run.seen(iterator.items[iterator.position - 1])
    if iterator.rest_unknown is not None:
        return iterator.rest_unknown
    iterator.ended()
    if default is MISSING:
        raise Raised(ExceptionValue(StopIteration))
    return default


@builtin("chr", unknowns=False)
def _chr(run: Interpreter, code: int) -> Value:
    return chr(code)


@builtin("ord", unknowns=False)
def _ord(run: Interpreter, character: str) -> Value:
    return ord(character)


@builtin("bin", unknowns=False)
def _bin(run: Interpreter, number: int) -> Value:
    return bin(number)


@builtin("hex", unknowns=False)
def _hex(run: Interpreter, number: int) -> Value:
    return hex(number)


@builtin("exit")
@builtin("quit")
def _exit(run: Interpreter, *arguments: Value) -> Value:
    raise Raised(ExceptionValue(SystemExit), lambda: None)

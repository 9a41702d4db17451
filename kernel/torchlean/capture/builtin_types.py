"""Calls of Python's built-in classes: `int(...)`, `list(...)`, `ValueError(...)`."""

from __future__ import annotations

import math
import types
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy
import torch

from torchlean.capture.array_values import ArrayValue
from torchlean.capture.budgets import INTEGER_BITS, TooBig
from torchlean.capture.iteration import items_of, unordered
from torchlean.capture.values import (
    MISSING,
    BoundMethod,
    Descriptor,
    ExceptionValue,
    Instance,
    ListIterator,
    Native,
    Super,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    contains_unknown,
    odd_key,
    type_name,
)
from torchlean.capture.varying import Number, Stream, counter
from torchlean.capture.watching import lazily

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

Maker = Callable[..., Value]


def construct_builtin(
    run: Interpreter, kind: type, arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    """`kind(*arguments, **keywords)`."""
    if issubclass(kind, BaseException):
        return ExceptionValue(kind, tuple(arguments))
    if issubclass(kind, numpy.generic):
        return numpy_scalar(run, kind, arguments, keywords)
    maker = MAKERS.get(kind)
    if maker is None:
        return Unknown(f"`{kind.__name__}` is not followed", run.place())
    try:
        return maker(run, *arguments, **keywords)
    except TooBig as error:
        return run.over_budget(str(error))
    except (TypeError, ValueError, ArithmeticError) as error:
        shown = ", ".join(type_name(argument) for argument in arguments)
        return run.error("TL103", f"`{kind.__name__}({shown})`: {error}", kind=type(error))


def numpy_scalar(
    run: Interpreter, kind: type[numpy.generic], arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    """`numpy.float32(x)`: a number, or the array of such numbers."""
    from torchlean.capture.array_attributes import astype
    from torchlean.capture.array_values import as_array
    from torchlean.capture.calling import call_native

    if not keywords and all(isinstance(value, (bool, int, float, numpy.generic)) for value in arguments):
        try:
            return kind(*arguments)
        except (TypeError, ValueError, OverflowError) as error:
            return run.error("TL103", f"`{kind.__name__}`: {error}", kind=type(error))

    def convert(run: Interpreter, value: Value) -> Value:
        array = as_array(run, value)
        converted = astype(run, array, kind)
        converted.scalar = not converted.shape
        return converted

    return call_native(run, Native(f"numpy.{kind.__name__}", convert), arguments, keywords)


def _number(run: Interpreter, kind: type, value: Value, *rest: Value) -> Value:
    if isinstance(value, Number) and not rest:
        return _converted(kind, value)
    unknown = contains_unknown([value, *rest])
    if unknown is not None:
        return unknown
    if isinstance(value, TensorValue):
        return _tensor_number(run, kind, value)
    if isinstance(value, Instance):
        return _instance_number(run, kind, value)
    if isinstance(value, (str, bytes)) and len(value) > INTEGER_BITS // 4:
        return run.over_budget("this number has too many digits")
    return kind(value, *rest)


def _converted(kind: type, number: Number) -> Value:
    """`int(x)` cuts towards zero, so it lies between the whole numbers around the ends."""
    if kind is float or number.integer:
        return (
            number
            if number.integer == (kind is int)
            else Number(number.reason, False, number.lower, number.upper)
        )
    lower, upper = (
        math.floor(end) if math.isfinite(end) else end for end in (number.lower, number.upper + 1)
    )
    return Number(number.reason, True, lower, upper)


def _tensor_number(run: Interpreter, kind: type, tensor: TensorValue) -> Value:
    if tensor.type.numel != 1:
        text = f"only tensors with one element can be converted to a number, this one is {tensor.type}"
        return run.error("TL101", text, kind=RuntimeError)
    numbers = run.emitter.value_of(tensor)
    if numbers is None:
        if run.in_script:
            return Number("a number that the program computes", kind is int)
        return Unknown("a number that depends on the input of the network", run.place())
    return kind(numbers.item())


def _instance_number(run: Interpreter, kind: type, value: Instance) -> Value:
    from torchlean.capture.calling import call

    for name in (f"__{kind.__name__}__", "__index__"):
        method = value.cls.find(name)
        if method is not MISSING:
            return call(run, method, [value], {})
    if value.data is not None:
        return kind(value.data)
    return value.cls.open or run.error("TL103", f"`{value.cls.name}` cannot be converted to {kind.__name__}")


def _int(run: Interpreter, value: Value = 0, base: Value = MISSING) -> Value:
    return _number(run, int, value, *(() if base is MISSING else (base,)))


def _float(run: Interpreter, value: Value = 0.0) -> Value:
    return _number(run, float, value)


def _complex(run: Interpreter, real: Value = 0.0, imag: Value = 0.0) -> Value:
    return contains_unknown([real, imag]) or complex(real, imag)


def _bool(run: Interpreter, value: Value = False) -> Value:
    from torchlean.capture.conditions import known_truth

    return known_truth(run, value)


def _str(run: Interpreter, value: Value = "", *encoding: Value) -> Value:
    from torchlean.capture.text import printed

    return printed(run, value)


def _items(
    run: Interpreter, iterable: Value, among: Callable[..., list[Value] | Unknown] = items_of
) -> list[Value] | Unknown:
    items = among(run, iterable)
    if not isinstance(items, Unknown):
        run.fuel.allocate(len(items), "this container")
    return items


def _list(run: Interpreter, iterable: Value = ()) -> Value:
    return _items(run, iterable)


def _tuple(run: Interpreter, iterable: Value = ()) -> Value:
    items = _items(run, iterable)
    return items if isinstance(items, Unknown) else tuple(items)


def _set(run: Interpreter, iterable: Value = ()) -> Value:
    items = _items(run, iterable, unordered)
    return items if isinstance(items, Unknown) else contains_unknown(items) or odd_key(items) or set(items)


def _frozenset(run: Interpreter, iterable: Value = ()) -> Value:
    items = _items(run, iterable, unordered)
    return (
        items if isinstance(items, Unknown) else contains_unknown(items) or odd_key(items) or frozenset(items)
    )


def _size(run: Interpreter, iterable: Value = ()) -> Value:
    items = _items(run, iterable)
    return items if isinstance(items, Unknown) else contains_unknown(items) or torch.Size(items)


def _dict(run: Interpreter, source: Value = (), **keywords: Value) -> Value:
    if isinstance(source, Instance):
        from torchlean.capture.attributes import quiet_attribute
        from torchlean.capture.calling import call

        if source.data is not None:
            source = source.data
        else:
            method = quiet_attribute(run, source, "items")
            source = call(run, method, [], {}) if method is not MISSING else source
    if isinstance(source, dict):
        return {**source, **keywords}
    items = _items(run, source)
    if isinstance(items, Unknown):
        return items
    pairs = [items_of(run, item) for item in items]
    for pair in pairs:
        if isinstance(pair, Unknown):
            return pair
        if len(pair) != 2:
            return run.error(
                "TL103", f"`dict` needs pairs, but an item has {len(pair)} parts", kind=ValueError
            )
        unknown = contains_unknown(pair[0])
        if unknown is not None:
            return unknown
    return {**{pair[0]: pair[1] for pair in pairs if not isinstance(pair, Unknown)}, **keywords}


def _ordered_dict(run: Interpreter, source: Value = (), **keywords: Value) -> Value:
    result = _dict(run, source, **keywords)
    return OrderedDict(result) if isinstance(result, dict) else result


def _range(run: Interpreter, *bounds: Value) -> Value:
    if run.in_script and bounds and isinstance(bounds[-1], Number) and len(bounds) <= 2:
        first = bounds[0] if len(bounds) == 2 and isinstance(bounds[0], int) else 0
        return Stream(
            "how often this loop runs is not known",
            lambda run: counter("the variable of a loop", first, math.inf),
        )
    unknown = contains_unknown(bounds)
    if unknown is not None:
        return unknown
    integers = [_int_index(run, bound) for bound in bounds]
    return contains_unknown(integers) or range(*integers)


def _int_index(run: Interpreter, value: Value) -> Value:
    if not isinstance(value, TensorValue):
        return value
    if value.dtype.is_floating_point:
        raise TypeError("a floating-point tensor cannot be interpreted as an integer")
    return _tensor_number(run, int, value)


def _slice(run: Interpreter, *parts: Value) -> Value:
    return slice(*parts)


def _bytes(run: Interpreter, source: Value = b"", *encoding: Value) -> Value:
    if isinstance(source, str) and not contains_unknown(encoding):
        return source.encode(*encoding)
    if isinstance(source, bytes):
        return source
    if isinstance(source, int):
        run.fuel.allocate(abs(source), "this text")
        return bytes(source)
    return Unknown("these bytes are not followed")


def _type(run: Interpreter, value: Value, *rest: Value) -> Value:
    """The class of a value; making classes by `type(name, bases, names)` is not followed."""
    if rest:
        return Unknown("a class that is made by calling `type` is not followed")
    return class_of(run, value)


def class_of(run: Interpreter, value: Value) -> Value:
    """`type(value)`."""
    if isinstance(value, (Unknown, Instance)):
        return value if isinstance(value, Unknown) else value.cls
    if isinstance(value, ArrayValue):
        from torchlean.capture.array_attributes import class_of_array

        return class_of_array(value)
    if isinstance(value, TensorValue):
        from torchlean.capture.torch_names import member

        name = ("torch.nn", "Parameter") if value.parameter else ("torch", "Tensor")
        return member(*name)
    if isinstance(value, UserFunction) and not value.module.internal and value.results is None:
        return types.FunctionType
    if isinstance(value, BoundMethod) and isinstance(value.function, UserFunction):
        return types.MethodType
    if isinstance(value, (UserFunction, BoundMethod, Native, Super)):
        return Unknown("the type of a function")
    if isinstance(value, UserClass):
        return type
    if isinstance(value, ExceptionValue):
        return value.kind
    return type(value)


def _object(run: Interpreter) -> Value:
    return Unknown("a bare object", reported=False)


def _descriptor(kind: str) -> Maker:
    def make(run: Interpreter, function: Value = None, setter: Value = None, *rest: Value) -> Value:
        return Descriptor(kind, function, setter)

    return make


def _enumerate(run: Interpreter, iterable: Value, start: Value = 0) -> Value:
    from torchlean.capture.streams import enumerated, stream_of

    stream = stream_of(run, iterable)
    if stream is not None:
        return enumerated(stream, start)
    return contains_unknown(start) or lazily(
        run, [iterable], lambda columns: list(enumerate(columns[0], start)), "`enumerate`"
    )


def _zip(run: Interpreter, *iterables: Value, strict: Value = False) -> Value:
    from torchlean.capture.standard import Endless
    from torchlean.capture.streams import zipped

    stream = zipped(run, iterables)
    if stream is not None:
        return stream
    iterators = [id(iterable) for iterable in iterables if isinstance(iterable, (ListIterator, Instance))]
    if len(set(iterators)) < len(iterators):
        twice = Unknown("`zip` of one iterator with itself is not followed", run.place())
        for iterable in iterables:
            if isinstance(iterable, ListIterator):
                run.changes(iterable)
                iterable.stop_at(twice)
        return twice

    def rows(columns: list[list[Value]]) -> list[Value] | Unknown:
        lengths = [len(column) for column in columns]
        if strict is True and len(set(lengths)) > 1:
            message = f"`zip(..., strict=True)` of different lengths: {lengths}"
            return run.error("TL103", message, kind=ValueError)
        count = min(lengths, default=0)
        for iterable, length in zip(finite, lengths, strict=True):
            if length > count and isinstance(iterable, ListIterator):
                iterable.stop_at(Unknown("`zip` took a part of its items"))
        given = iter(columns)
        every = [i.first(count) if isinstance(i, Endless) else next(given) for i in iterables]
        return list(zip(*every, strict=False))

    finite = [iterable for iterable in iterables if not isinstance(iterable, Endless)]
    return lazily(run, finite, rows, "`zip`")


def _map(run: Interpreter, function: Value, *iterables: Value) -> Value:
    from torchlean.capture.calling import call

    rows = _zip(run, *iterables)
    if isinstance(rows, Stream):
        return rows.mapped(lambda run, row: call(run, function, list(row), {}))
    if isinstance(rows, Unknown):
        return rows
    return lazily(
        run,
        [rows],
        lambda columns: [call(run, function, list(row), {}) for row in columns[0]],
        "`map`",
        [function, *iterables],
    )


def _filter(run: Interpreter, function: Value, iterable: Value) -> Value:
    from torchlean.capture.calling import call
    from torchlean.capture.conditions import known_truth

    def kept(columns: list[list[Value]]) -> list[Value] | Unknown:
        items: list[Value] = []
        for item in columns[0]:
            truth = known_truth(run, item if function is None else call(run, function, [item], {}))
            if isinstance(truth, Unknown):
                return truth
            if truth:
                items.append(item)
        return items

    return lazily(run, [iterable], kept, "`filter`", function)


def _reversed(run: Interpreter, sequence: Value) -> Value:
    return lazily(run, [sequence], lambda columns: columns[0][::-1], "`reversed`")


def _super(run: Interpreter, cls: Value = MISSING, receiver: Value = MISSING) -> Value:
    frame = run.frame
    if cls is MISSING:
        if frame is None or frame.function is None:
            return run.error("TL103", "`super()` is called outside a method", kind=RuntimeError)
        cls, receiver = frame.function.owner, frame.environment.lookup(_first_parameter(frame.function))
    if isinstance(cls, UserClass) and isinstance(receiver, (Instance, UserClass)):
        return Super(cls, receiver)
    return contains_unknown([cls, receiver]) or Unknown("this use of `super` is not followed")


def _first_parameter(function: UserFunction) -> str:
    parameters = [*function.node.args.posonlyargs, *function.node.args.args]
    return parameters[0].arg if parameters else "self"


MAKERS: dict[type, Maker] = {
    int: _int,
    float: _float,
    complex: _complex,
    bool: _bool,
    str: _str,
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _frozenset,
    torch.Size: _size,
    dict: _dict,
    OrderedDict: _ordered_dict,
    range: _range,
    slice: _slice,
    bytes: _bytes,
    type: _type,
    object: _object,
    staticmethod: _descriptor("staticmethod"),
    classmethod: _descriptor("classmethod"),
    property: _descriptor("property"),
    enumerate: _enumerate,
    zip: _zip,
    map: _map,
    filter: _filter,
    reversed: _reversed,
    super: _super,
}
"""How to make an object of each built-in class from followed values."""

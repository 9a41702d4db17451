"""Operators: on Python values as Python computes them (with limits on size), on tensors through torch spellings."""

from __future__ import annotations

import ast
import enum
from typing import TYPE_CHECKING

import numpy
import torch

from torchlean.capture import array_operators
from torchlean.capture.array_values import ArrayValue
from torchlean.capture.budgets import INTEGER_BITS, TooBig
from torchlean.capture.enumerations import combined, followed, real_member
from torchlean.capture.journal import restore
from torchlean.capture.memory import overwritten
from torchlean.capture.operator_tables import (
    COMPARISONS,
    KINDS,
    MIRRORED,
    PYTHON,
    SYMBOLS,
    UNARY,
)
from torchlean.capture.values import (
    MISSING,
    Abstract,
    Instance,
    Namespace,
    Native,
    TensorValue,
    Unknown,
    UserClass,
    Value,
    contains_unknown,
    is_foreign,
    type_name,
)
from torchlean.capture.varying import Number, arithmetic, as_tensor, compared

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

CONCRETE = (
    int,
    float,
    complex,
    str,
    bytes,
    list,
    tuple,
    dict,
    set,
    frozenset,
    range,
    slice,
    type(None),
    torch.dtype,
    numpy.dtype,
    numpy.generic,
)


def binary(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    """`left op right`."""
    if isinstance(left, ArrayValue) or isinstance(right, ArrayValue):
        return array_operators.binary(run, name, left, right)
    if isinstance(left, Number) or isinstance(right, Number):
        return _on_numbers(run, name, left, right)
    if isinstance(left, TensorValue) or isinstance(right, TensorValue):
        return _on_tensors(run, name, left, right)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return left if isinstance(left, Unknown) else right
    if isinstance(left, Instance) or isinstance(right, Instance):
        return on_instances(run, name, left, right)
    if name == "or" and _is_type(left) and _is_type(right):
        return Unknown("a union of types")
    return _on_python(run, name, left, right)


def _on_numbers(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    """Numbers that vary join tensors as 0-d tensors, and give such numbers among each other."""
    if isinstance(left, TensorValue) or isinstance(right, TensorValue):
        sides = [as_tensor(run, side) if isinstance(side, Number) else side for side in (left, right)]
        return _on_tensors(run, name, sides[0], sides[1])
    for side in (left, right):
        if isinstance(side, Unknown):
            return side
    if isinstance(left, Instance) or isinstance(right, Instance):
        return on_instances(run, name, left, right)
    return arithmetic(name, left, right)


def _is_type(value: Value) -> bool:
    """Whether a value can stand in an annotation; our own functions stand for classes of torch and of typing."""
    return value is None or isinstance(value, (type, UserClass, Namespace, Native))


def in_place(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    """The value of `left op= right`; lists, sets, dictionaries and tensors change themselves."""
    if isinstance(left, Unknown):
        overwritten(run, left, left)
    if isinstance(left, ArrayValue):
        return array_operators.in_place(run, name, left, right)
    if isinstance(left, TensorValue):
        if isinstance(right, Unknown):
            overwritten(run, left, right)
            return right
        if isinstance(right, Number):
            right = as_tensor(run, right)
        return _tensor_method(run, f"__i{name}__", left, right)
    if isinstance(left, Instance):
        method = left.cls.find(f"__i{name}__")
        if method is not MISSING:
            from torchlean.capture.calling import call

            result = call(run, method, [left, right], {})
            if result is not NotImplemented:
                return result
        elif isinstance(left.data, (list, set, dict)):
            result = in_place(run, name, left.data, right)
            return left if result is left.data else result
    if isinstance(left, list) and name == "add":
        return _extended(run, left, right)
    result = binary(run, name, left, right)
    if isinstance(left, (list, set, dict)) and type(result) is type(left):
        run.changes(left)
        restore(left, result)
        return left
    if isinstance(left, (list, set, dict)) and isinstance(result, Unknown):
        run.taint(left, result)
    return result


def _extended(run: Interpreter, left: list[Value], right: Value) -> Value:
    from torchlean.capture.iteration import items_of

    items = items_of(run, right)
    if isinstance(items, Unknown):
        run.taint(left, items)
        return items
    try:
        run.fuel.allocate(len(left) + len(items), "this list")
    except TooBig as error:
        return run.over_budget(str(error))
    run.changes(left)
    left += items
    return left


def unary(run: Interpreter, kind: type[ast.unaryop], value: Value) -> Value:
    """`-value`, `+value`, `~value`."""
    name, compute = UNARY[kind]
    if isinstance(value, ArrayValue):
        return array_operators.unary(run, name, value)
    if isinstance(value, TensorValue):
        return _tensor_method(run, name, value)
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Number):
        return (
            arithmetic("mul", value, -1) if kind is ast.USub else value if kind is ast.UAdd else value.unknown
        )
    if isinstance(value, Instance):
        from torchlean.capture.calling import call

        method = value.cls.find(name)
        if method is not MISSING:
            return call(run, method, [value], {})
        flag = real_member(value)
        if isinstance(flag, enum.Flag) and name == "__invert__":
            return followed(value.cls, ~flag)
        value = _content(value)
    try:
        return compute(value)
    except TypeError:
        return run.error("TL103", f"bad operand for `{name}`: {type_name(value)}")


def compare(run: Interpreter, kind: type[ast.cmpop], left: Value, right: Value) -> Value:
    """One comparison of a chain."""
    if kind in (ast.Is, ast.IsNot):
        same = _identical(left, right)
        return same if isinstance(same, Unknown) else same == (kind is ast.Is)
    if kind in (ast.In, ast.NotIn):
        from torchlean.capture.membership import contains

        inside = contains(run, right, left)
        return inside if isinstance(inside, Unknown) or kind is ast.In else not inside
    name = COMPARISONS[kind]
    if isinstance(left, ArrayValue) or isinstance(right, ArrayValue):
        return array_operators.binary(run, name, left, right)
    if isinstance(left, Number) or isinstance(right, Number):
        if not isinstance(left, TensorValue) and not isinstance(right, TensorValue):
            return compared(name, left, right)
        left, right = (as_tensor(run, side) if isinstance(side, Number) else side for side in (left, right))
    if isinstance(left, TensorValue) or isinstance(right, TensorValue):
        return _compare_tensors(run, name, left, right)
    unknown = contains_unknown(left) or contains_unknown(right)
    if unknown is not None:
        return unknown
    if isinstance(left, Instance) or isinstance(right, Instance):
        return _compare_instances(run, name, left, right)
    try:
        with numpy.errstate(all="ignore"):
            result = PYTHON[name](left, right)
    except TypeError:
        return _mismatch(run, name, left, right)
    except RecursionError:
        return Unknown("values that contain themselves are not compared")
    return result if isinstance(result, (bool, numpy.bool_)) else Unknown("a comparison that is not followed")


def _identical(left: Value, right: Value) -> bool | Unknown:
    for side, other in ((left, right), (right, left)):
        if isinstance(side, Unknown):
            return side
        if isinstance(side, Abstract):
            return False if other is None else side.unknown
        if isinstance(side, type) and isinstance(other, UserClass):
            return False
    if isinstance(left, (int, str, float, bytes, tuple)) and type(left) is type(right):
        # Small values are shared in CPython; programs that compare them so mean equality.
        return left is right or bool(left == right)
    return left is right or (
        type(left) is type(right) and not isinstance(left, Instance) and _equal_handles(left, right)
    )


def _equal_handles(left: Value, right: Value) -> bool:
    """Namespaces and natives are made anew on each look-up, but stand for one object."""
    return hasattr(left, "path") and left == right


# -- tensors -----------------------------------------------------------------------------------------------------------


def _on_tensors(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    for side in (left, right):
        if isinstance(side, Unknown):
            return run.enters(side)
    if isinstance(left, TensorValue):
        if isinstance(right, Instance) and right.cls.find(f"__r{name}__") is not MISSING:
            return on_instances(run, name, left, right)
        return _tensor_method(run, f"__{name}__", left, right)
    if isinstance(left, Instance) and left.cls.find(f"__{name}__") is not MISSING:
        return on_instances(run, name, left, right)
    return _tensor_method(run, f"__r{name}__", right, left)


def _number_of(value: Value) -> Value:
    """A member of an `IntEnum`, or another object that is a number, as that number."""
    if isinstance(value, numpy.generic):
        return value.item()
    return value.data if isinstance(value, Instance) and isinstance(value.data, (int, float)) else value


def _tensor_method(run: Interpreter, method: str, tensor: TensorValue, *others: Value) -> Value:
    from torchlean.capture.calling import call
    from torchlean.capture.torch_names import tensor_operator

    others = tuple(_number_of(other) for other in others)
    for other in others:
        if not isinstance(other, (TensorValue, int, float, complex)):
            symbol = SYMBOLS.get(method.strip("_").removeprefix("r").removeprefix("i"), method)
            symbol = SYMBOLS.get(method.strip("_"), symbol)
            left, right = (
                (other, tensor) if method.startswith("__r") and method != "__rshift__" else (tensor, other)
            )
            text = f"`{symbol}` does not work between {type_name(left)} and {type_name(right)}"
            return run.error("TL103", text)
    return call(run, tensor_operator(method), [tensor, *others], {})


def _compare_tensors(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    for side in (left, right):
        if isinstance(side, Unknown):
            return run.enters(side)
    tensor, other, method = (
        (left, right, name) if isinstance(left, TensorValue) else (right, left, MIRRORED[name])
    )
    if name in ("eq", "ne") and not isinstance(other, (TensorValue, int, float, complex)):
        return name == "ne"
    return _tensor_method(run, f"__{method}__", tensor, other)


# -- objects of user classes -------------------------------------------------------------------------------------------


def on_instances(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    from torchlean.capture.calling import call

    sides = [(left, f"__{name}__", right), (right, f"__r{name}__", left)]
    if _derived(left, right) and left.cls.find(f"__r{name}__") is not right.cls.find(f"__r{name}__"):
        sides.reverse()
    for receiver, method, other in sides:
        if isinstance(receiver, Instance):
            function = receiver.cls.find(method)
            if function is not MISSING:
                result = call(run, function, [receiver, other], {})
                if result is not NotImplemented:
                    return result
            elif receiver.data is not None:
                continue
            elif receiver.cls.open is not None:
                return receiver.cls.open
    flags = combined(name, left, right)
    if flags is not MISSING:
        return flags
    if name == "mod" and isinstance(left, (str, bytes)):
        return _on_python(run, name, left, right)
    left_data = left.data if isinstance(left, Instance) else left
    right_data = right.data if isinstance(right, Instance) else right
    if left_data is not None and right_data is not None:
        return _on_python(run, name, left_data, right_data)
    return _mismatch(run, name, left, right)


def _derived(left: Value, right: Value) -> bool:
    """Whether the right operand is of a class derived from the left one's, so that it is asked first."""
    return (
        isinstance(left, Instance)
        and isinstance(right, Instance)
        and left.cls is not right.cls
        and right.cls.is_subclass(left.cls)
    )


def _compare_instances(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    from torchlean.capture.calling import call

    sides = [(left, name, right), (right, MIRRORED[name], left)]
    if _derived(left, right):
        sides.reverse()
    for receiver, method, other in sides:
        if isinstance(receiver, Instance):
            function = receiver.cls.find(f"__{method}__")
            inverted = function is MISSING and method == "ne"
            function = receiver.cls.find("__eq__") if inverted else function
            if function is not MISSING:
                result = call(run, function, [receiver, other], {})
                if result is not NotImplemented:
                    return _negated(run, result) if inverted else result
            if receiver.cls.open is not None:
                return receiver.cls.open
    sides = [_content(left), _content(right)]
    if sides != [left, right] and not any(isinstance(side, Instance) for side in sides):
        return compare(run, KINDS[name], *sides)
    if name in ("eq", "ne"):
        return (left is right) == (name == "eq")
    return _mismatch(run, name, left, right)


def _content(value: Value) -> Value:
    """What an object of a class derived from a built-in type is compared by."""
    if not isinstance(value, Instance) or value.data is None:
        return value
    builtin = value.cls.builtin
    return value if builtin is not None and issubclass(builtin, BaseException) else value.data


def _negated(run: Interpreter, value: Value) -> bool | Unknown:
    from torchlean.capture.conditions import known_truth

    truth = known_truth(run, value)
    return truth if isinstance(truth, Unknown) else not truth


def equal_fields(run: Interpreter, left: Instance, right: Instance, fields: list[str]) -> bool | Unknown:
    doubt: Unknown | None = None
    for field in fields:
        equal = compare(run, ast.Eq, left.attributes.get(field), right.attributes.get(field))
        if equal is False:
            return False
        if equal is not True:
            doubt = equal if isinstance(equal, Unknown) else Unknown("a comparison that is not followed")
    return True if doubt is None else doubt


# -- Python values -----------------------------------------------------------------------------------------------------


def _on_python(run: Interpreter, name: str, left: Value, right: Value) -> Value:
    from torchlean.capture.text import percent

    if name == "mod" and isinstance(left, (str, bytes)) and isinstance(right, (Instance, UserClass)):
        return percent(run, left, right)
    if not isinstance(left, CONCRETE) or not isinstance(right, CONCRETE):
        return _mismatch(run, name, left, right)
    if name == "mod" and isinstance(left, (str, bytes)):
        return percent(run, left, right)
    try:
        _pay(run, name, left, right)
        with numpy.errstate(all="ignore"):
            return PYTHON[name](left, right)
    except TooBig as error:
        return run.over_budget(str(error))
    except TypeError:
        return _mismatch(run, name, left, right)
    except (ArithmeticError, ValueError) as error:
        return run.error("TL103", f"this raises {type(error).__name__}: {error}", kind=type(error))


def _pay(run: Interpreter, name: str, left: Value, right: Value) -> None:
    """Refuse results that are too big, before they are computed.

    Raises:
        TooBig: with the reason.
    """
    left, right = (int(side) if isinstance(side, numpy.integer) else side for side in (left, right))
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length()
        if name == "pow":
            bits = bits * right if abs(left) > 1 and right > 0 else 0
        elif name == "lshift":
            bits += max(right, 0) if left else 0
        else:
            bits += right.bit_length()
        if bits > INTEGER_BITS:
            raise TooBig(f"this integer has more than {INTEGER_BITS:,} bits")
    elif name == "mul" and (isinstance(left, int) or isinstance(right, int)):
        sequence, count = (right, left) if isinstance(left, int) else (left, right)
        if isinstance(sequence, (str, bytes, list, tuple)):
            scale = 10 if isinstance(sequence, (str, bytes)) else 1
            run.fuel.allocate(len(sequence) * max(count, 0) // scale, "this sequence")
    elif name == "add" and isinstance(left, (str, bytes, list, tuple)) and type(left) is type(right):
        scale = 10 if isinstance(left, (str, bytes)) else 1
        run.fuel.allocate((len(left) + len(right)) // scale, "this sequence")


def _mismatch(run: Interpreter, name: str, left: Value, right: Value) -> Unknown:
    text = f"`{SYMBOLS[name]}` does not work between {type_name(left)} and {type_name(right)}"
    if is_foreign(left) or is_foreign(right):
        return Unknown(
            f"`{SYMBOLS[name]}` between {type_name(left)} and {type_name(right)} is not followed", run.place()
        )
    return run.error("TL103", text)

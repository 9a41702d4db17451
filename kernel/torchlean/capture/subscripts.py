"""`owner[index]`: reading, storing and deleting."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import torch

from torchlean.capture.array_attributes import call_item, plain_index, set_items
from torchlean.capture.array_values import ArrayValue, has_numpy, of_kind
from torchlean.capture.described import anything_in
from torchlean.capture.enumerations import by_name, is_enumeration
from torchlean.capture.memory import overwritten
from torchlean.capture.values import (
    MISSING,
    Instance,
    Namespace,
    Native,
    TensorValue,
    Unknown,
    UserClass,
    Value,
    contains_unknown,
    is_foreign,
    odd_key,
    type_name,
)
from torchlean.capture.varying import Number
from torchlean.capture.varying_items import varies, varying_item
from torchlean.capture.views import is_basic

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

ERRORS = (KeyError, IndexError, TypeError, ValueError)


def subscript(run: Interpreter, owner: Value, index: Value) -> Value:
    """`owner[index]`."""
    if isinstance(index, Instance) and isinstance(index.data, int) and not isinstance(owner, dict):
        index = index.data  # of a class derived from `int`
    if isinstance(index, Instance) and isinstance(owner, (list, tuple, str, bytes, range, TensorValue)):
        index = _by_index(run, index)
    if isinstance(owner, ArrayValue) and not (run.in_script and varies(index)):
        return call_item(run, owner, index)
    if isinstance(owner, TensorValue):
        return _tensor_item(run, owner, index)
    if isinstance(owner, Unknown):
        return owner
    if isinstance(owner, Instance):
        return _instance_item(run, owner, index)
    if isinstance(owner, UserClass) and owner.builtin is None and owner.find("__class_getitem__") is MISSING:
        return owner  # `Space[NDArray]`: what stands there need not be followed
    unknown = contains_unknown(index) or (odd_key(index) if isinstance(owner, dict) else None)
    if unknown is not None:
        return unknown
    if is_enumeration(owner):
        return by_name(run, owner, index)
    if isinstance(owner, UserClass) and owner.find("__class_getitem__") is not MISSING:
        return Unknown("`__class_getitem__` is not followed", run.place())
    if isinstance(owner, (UserClass, type, Native, Namespace)):
        return owner  # `list[int]`, `Generic[T]`: the parameters say something to type checkers only
    if isinstance(index, TensorValue):
        index = _as_index(run, index)
        if isinstance(index, Unknown):
            return index
    if is_foreign(owner):
        return Unknown(f"the items of a value of type {type_name(owner)} are not followed", run.place())
    if not isinstance(owner, (list, tuple, dict, str, bytes, range)):
        return run.error("TL103", f"a value of type {type_name(owner)} cannot be indexed")
    return _python_item(run, owner, index)


def _by_index(run: Interpreter, index: Instance) -> Value:
    """The integer that an object stands for, by its `__index__`."""
    from torchlean.capture.calling import call

    method = index.cls.find("__index__")
    return index if method is MISSING else call(run, method, [index], {})


def _python_item(run: Interpreter, owner: Value, index: Value) -> Value:
    try:
        return owner[index]
    except KeyError:
        missing = getattr(owner, "default_factory", None)
        if missing is not None:
            return missing(index)
        return run.error("TL103", _missing_key(owner, index), kind=KeyError)
    except IndexError:
        text = f"index {index} is out of range: there are {len(owner)} items"
        return run.error("TL103", text, kind=IndexError)
    except (TypeError, ValueError) as error:
        return run.error("TL103", f"{error}, got {type_name(index)}", kind=type(error))


def _missing_key(owner: Value, index: Value) -> str:
    from torchlean.capture.naming import closest

    keys = [key for key in owner if isinstance(key, str)]
    return f"there is no key {index!r}" + (closest(index, keys) if isinstance(index, str) else "")


NO_INDEX = "only integer tensors of a single element can be converted to an index"


def _as_index(run: Interpreter, index: TensorValue) -> Value:
    """A tensor with one known integer can index a list."""
    if index.type.numel != 1 or index.dtype.is_floating_point:
        return run.error("TL103", f"{NO_INDEX}, not {index.type}")
    numbers = run.emitter.value_of(index)
    if numbers is None:
        return Unknown("an index that depends on the input", run.place())
    return int(numbers.item())


def _tensor_item(run: Interpreter, tensor: TensorValue, index: Value) -> Value:
    from torchlean.capture.calling import call
    from torchlean.capture.torch_names import tensor_operator

    function = tensor_operator("__getitem__")
    if isinstance(function, Unknown):
        return run.enters(function)
    if run.in_script and _is_legacy_item(run, tensor, index):
        return Number("a number that the program computes", not tensor.dtype.is_floating_point)
    if run.in_script and varies(index):
        item = varying_item(run, tensor, index)
        return of_kind(tensor, item) if isinstance(item, TensorValue) else item
    if has_numpy(index):
        index = plain_index(run, index)
    item = call(run, function, [tensor, index], {})
    if (
        isinstance(item, TensorValue)
        and item is not tensor
        and item.storage is tensor.storage
        and is_basic(index)
    ):
        # One number of a NumPy array is a copy.
        item.base = tensor if item.shape or "numpy" not in run.state else None
    return item


def _is_legacy_item(run: Interpreter, tensor: TensorValue, index: Value) -> bool:
    """`loss.data[0]`, which was how `loss.item()` was written before torch 0.4."""
    node = run.node
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Attribute):
        return False
    return node.value.attr == "data" and not tensor.shape and index == 0


def _instance_item(run: Interpreter, owner: Instance, index: Value) -> Value:
    from torchlean.capture.calling import call

    method = owner.cls.find("__getitem__")
    if method is not MISSING:
        return call(run, method, [owner, index], {})
    if owner.data is not None:
        return subscript(run, owner.data, index)
    if owner.cls.open is not None:
        return owner.cls.open
    return run.error("TL103", f"`{owner.cls.name}` objects cannot be indexed: there is no `__getitem__`")


def check_cast(run: Interpreter, result: Value, owner: TensorValue) -> None:
    """torch refuses to change whole numbers in place to others; NumPy's items are no views, and are cast."""
    if isinstance(result, TensorValue) and not torch.can_cast(result.dtype, owner.dtype):
        text = f"the result is {result.dtype} and cannot be stored into a tensor of {owner.dtype} in place"
        run.error("TL103", text, kind=RuntimeError)


def set_subscript(run: Interpreter, owner: Value, index: Value, value: Value) -> None:
    """`owner[index] = value`."""
    from torchlean.capture.calling import call
    from torchlean.capture.torch_names import tensor_operator

    if isinstance(owner, Unknown):
        overwritten(run, owner, owner)
        return
    if isinstance(owner, ArrayValue) and not (run.in_script and varies(index)):
        set_items(run, owner, index, value)
        return
    if isinstance(owner, TensorValue) and run.in_script and varies(index):
        anything_in(run, owner)
        return
    if isinstance(owner, TensorValue):
        function = tensor_operator("__setitem__")
        result = (
            run.enters(function)
            if isinstance(function, Unknown)
            else call(run, function, [owner, index, value], {})
        )
        if isinstance(result, Unknown):
            run.taint(owner, result)
        return
    if isinstance(owner, Instance):
        method = owner.cls.find("__setitem__")
        if method is not MISSING:
            call(run, method, [owner, index, value], {})
            return
        owner = owner.data
    unknown = contains_unknown(index) or (odd_key(index) if isinstance(owner, dict) else None)
    if unknown is not None:
        run.taint(owner, unknown)
    elif isinstance(owner, (list, dict)):
        _python_store(run, owner, index, value)
    elif owner is None or isinstance(owner, (tuple, str, bytes, range, int, float)):
        run.error("TL103", f"items of a value of type {type_name(owner)} cannot be assigned")


def _python_store(
    run: Interpreter, owner: list[Value] | dict[Value, Value], index: Value, value: Value
) -> None:
    if isinstance(index, TensorValue) and isinstance(owner, list):
        index = _as_index(run, index)
        if isinstance(index, Unknown):
            run.taint(owner, index)
            return
    if isinstance(value, Unknown) and isinstance(index, slice):
        run.taint(owner, value)
        return
    try:
        if isinstance(owner, dict):
            hash(index)
            run.assign(owner, index, value)
        else:
            run.changes(owner)
            owner[index] = value
    except ERRORS as error:
        run.error("TL103", str(error), kind=type(error))


def delete_subscript(run: Interpreter, owner: Value, index: Value) -> None:
    """`del owner[index]`."""
    from torchlean.capture.calling import call

    if isinstance(owner, Instance):
        method = owner.cls.find("__delitem__")
        if method is not MISSING:
            call(run, method, [owner, index], {})
            return
        owner = owner.data
    unknown = contains_unknown(index) or (odd_key(index) if isinstance(owner, dict) else None)
    if unknown is not None and not isinstance(owner, Unknown):
        run.taint(owner, unknown)
    elif isinstance(owner, (list, dict)):
        run.changes(owner)
        try:
            del owner[index]
        except ERRORS as error:
            run.error("TL103", f"there is nothing to delete at {index!r}", kind=type(error))

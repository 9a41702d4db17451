"""Pickle files read as data: opcode by opcode, onto a stack of plain values, and nothing is ever called or imported.

A pickle is a program. Python's unpickler runs it, and may import and call anything while it does. This reader knows the
opcodes that build containers, numbers and texts, and the three ways in which NumPy's arrays are written, joblib's
included, which puts the numbers of an array between the opcodes. An object of any other class is its class's name and
its attributes; a call of any other function ends the reading.
"""

from __future__ import annotations

import io
import pickletools
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy

NUMBERS = re.compile(r"[<>|=]?[biuf][1248]")
"""Names of NumPy's types of numbers."""


class PickleError(Exception):
    """A pickle that is not read; the message says why, as the end of a sentence about the file."""


@dataclass(frozen=True)
class Symbol:
    """The name of a class or function."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class Made:
    """An object of a class that was not looked up, with the attributes that the file gives it."""

    symbol: Symbol
    state: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Type:
    """A NumPy type; its byte order comes in a second step."""

    name: str

    def numpy(self) -> numpy.dtype[Any]:
        if not NUMBERS.fullmatch(self.name):
            raise PickleError(f"holds an array of {self.name!r}, which is no type of numbers")
        return numpy.dtype(self.name)


@dataclass
class _Empty:
    """An array whose shape and numbers come in a second step."""


_MARK = object()

DAMAGE = (IndexError, KeyError, TypeError, ValueError, struct.error, OverflowError, AttributeError)
"""What a damaged file makes the steps below throw."""


def read_pickle(data: bytes) -> object:
    """The content of a pickle, or of an uncompressed file of joblib.

    Raises:
        PickleError: it is damaged, or asks for something that is not data.
    """
    if not data.startswith(b"\x80"):
        raise PickleError(
            "is no pickle of protocol 2 or later; a compressed file is saved anew with compress=0"
        )
    try:
        return _Machine(data).run()
    except DAMAGE as error:
        raise PickleError("is not a valid pickle, or it is truncated") from error


class _Machine:
    """The stack and the memo of one pickle."""

    def __init__(self, data: bytes) -> None:
        self.stream = io.BytesIO(data)
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> object:
        for opcode, argument, _ in pickletools.genops(self.stream):
            name = opcode.name
            if name == "STOP":
                return self.stack.pop()
            if name in _IGNORED:
                continue
            if name in _VALUES:
                self.stack.append(argument)
            elif name in _FIXED:
                self.stack.append(_FIXED[name]())
            elif name in _STEPS:
                _STEPS[name](self, argument)
            else:
                raise PickleError(f"uses the pickle opcode {name}, which is not read")
        raise PickleError("is not a valid pickle, or it is truncated")

    def since_mark(self) -> list[Any]:
        place = max(index for index, item in enumerate(self.stack) if item is _MARK)
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def tuple_of(self, count: int) -> None:
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(items)

    def append(self, argument: object) -> None:
        item = self.stack.pop()
        self.stack[-1].append(item)

    def set_items(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise PickleError(f"fills a {type(target).__name__} as if it were a dictionary")
        target.update(zip(pairs[::2], pairs[1::2], strict=True))

    def set_item(self, argument: object) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items([key, value])

    def stack_global(self, argument: object) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(Symbol(str(module), str(name)))

    def global_(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        self.stack.append(Symbol(module, name))

    def new_object(self, argument: object) -> None:
        self.stack.pop()
        symbol = self.stack.pop()
        self.stack.append(Made(_symbol(symbol)))

    def reduce(self, argument: object) -> None:
        arguments, symbol = self.stack.pop(), _symbol(self.stack.pop())
        rule = _CALLS.get(re.sub(r"\bcore\b", "_core", str(symbol)))
        if rule is None:
            raise PickleError(
                f"asks for `{symbol}`, which would be called when the file is loaded, and is refused"
            )
        self.stack.append(rule(*arguments))

    def build(self, argument: object) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _Type):
            order = state[1]
            target.name = (order if order in ("<", ">") else "") + target.name.lstrip("<>|=")
        elif isinstance(target, _Empty):
            _, shape, kind, by_columns, numbers = state
            self.replace(_array(numbers, kind, shape, "F" if by_columns else "C"))
        elif isinstance(target, Made) and str(target.symbol) == "joblib.numpy_pickle.NumpyArrayWrapper":
            self.replace(self.joblib_array(state))
        elif isinstance(target, Made) and isinstance(state, dict):
            target.state.update(state)
        else:
            raise PickleError(f"sets the state of a {type(target).__name__}")

    def joblib_array(self, state: dict[str, Any]) -> numpy.ndarray[Any, Any]:
        """The numbers stand in the file behind the opcode, at a place that is a multiple of so many bytes."""
        kind = state["dtype"].numpy()
        if state.get("numpy_array_alignment_bytes") is not None:
            self.stream.read(self.stream.read(1)[0])
        count = int(numpy.prod(state["shape"], dtype=object))
        numbers = self.stream.read(count * kind.itemsize)
        return _array(numbers, state["dtype"], state["shape"], state["order"])

    def replace(self, value: object) -> None:
        """An object turns out to be another, also where it was remembered."""
        old, self.stack[-1] = self.stack[-1], value
        self.memo = {key: value if item is old else item for key, item in self.memo.items()}


def _symbol(value: object) -> Symbol:
    if not isinstance(value, Symbol):
        raise PickleError(f"makes an object of a {type(value).__name__}")
    return value


def _array(numbers: object, kind: object, shape: Any, order: Any) -> numpy.ndarray[Any, Any]:
    if not isinstance(numbers, (bytes, bytearray)) or not isinstance(kind, _Type):
        raise PickleError("holds an array of Python objects, which are not read")
    flat = numpy.frombuffer(bytes(numbers), dtype=kind.numpy())
    made = flat.reshape(shape, order="F" if order == "F" else "C")
    return numpy.ascontiguousarray(made.astype(made.dtype.newbyteorder("=")))


def _scalar(kind: _Type, numbers: bytes) -> int | float | bool:
    value: int | float | bool = _array(numbers, kind, (1,), "C")[0].item()
    return value


_CALLS: dict[str, Callable[..., object]] = {
    "_codecs.encode": lambda text, encoding: text.encode("latin1"),  # bytes, in protocol 2
    "numpy.dtype": lambda name, *flags: _Type(str(name)),
    "numpy._core.multiarray._reconstruct": lambda *start: _Empty(),
    "numpy._core.multiarray.scalar": _scalar,
    "numpy._core.numeric._frombuffer": lambda numbers, kind, shape, order: _array(
        numbers, kind, shape, order
    ),
}
"""What calls in a pickle mean, by the name of the function; no others are made."""

_IGNORED = frozenset({"PROTO", "FRAME"})

_VALUES = frozenset(
    {
        *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE"),
        *("BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
"""Opcodes whose argument is the value."""

_FIXED: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "MARK": lambda: _MARK,
}
"""Opcodes for one value each."""


def _remember(machine: _Machine, place: Any) -> None:
    machine.memo[len(machine.memo) if place is None else int(place)] = machine.stack[-1]


def _appends(machine: _Machine, argument: object) -> None:
    items = machine.since_mark()
    machine.stack[-1].extend(items)


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MEMOIZE": _remember,
    "BINPUT": _remember,
    "LONG_BINPUT": _remember,
    "BINGET": lambda machine, place: machine.stack.append(machine.memo[int(place)]),
    "LONG_BINGET": lambda machine, place: machine.stack.append(machine.memo[int(place)]),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": _Machine.append,
    "APPENDS": _appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    "NEWOBJ": _Machine.new_object,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}

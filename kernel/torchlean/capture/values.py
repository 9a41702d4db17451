"""What an expression of a user's file can be while it is followed without being run.

Numbers, strings, `None`, lists, dictionaries and the like are the Python objects themselves. Everything else is one
of the classes below. `Value` is therefore any object; what an operation does with it is decided by its class.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy
import torch

from torchlean.capture.tensor_values import Storage as Storage
from torchlean.capture.tensor_values import TensorValue as TensorValue
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.deferred_imports import DeferredImports
    from torchlean.capture.environment import Environment
    from torchlean.capture.source_module import SourceModule

Value = Any
"""A concrete Python object or an instance of a class of this module."""


class Unknown:
    """A value that is not followed, and why.

    Everything computed from it is the same object, so that it is reported at most once: where it first meets a
    tensor (`reported` is set there, or from the start where an error was diagnosed already). `source` is the dotted
    name of the module it came from, where it came from one; of what one of torch's functions gave, with `()` behind.
    """

    __slots__ = ("reason", "reported", "source", "span")

    def __init__(
        self, reason: str, span: Span | None = None, reported: bool = False, source: str = ""
    ) -> None:
        self.reason = reason
        self.source = source
        self.span = span
        self.reported = reported

    def __repr__(self) -> str:
        return f"Unknown({self.reason!r})"


class Abstract:
    """A value of which only a description is known (`varying`).

    Whatever does not know the kind of description takes it as `unknown`, which is never reported.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason

    @property
    def unknown(self) -> Unknown:
        return Unknown(self.reason, reported=True)


@dataclass(eq=False, slots=True)
class UserFunction:
    """A `def` or `lambda` of an interpreted file, with what it closes over.

    Attributes:
        node: the definition.
        defaults: evaluated defaults by parameter name.
        owner: the class in whose body it stands, for `super()`.
        attributes: attributes the program sets on the function object.
    """

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    environment: Environment
    module: SourceModule
    defaults: dict[str, Value]
    owner: UserClass | None = None
    is_generator: bool = False
    attributes: dict[str, Value] = field(default_factory=dict)
    results: dict[Any, Value] | None = None  # by arguments, under `functools.lru_cache`


@dataclass(eq=False, slots=True)
class BoundMethod:
    """`object.method`: any callable with its first argument filled in."""

    receiver: Value
    function: Value


@dataclass(eq=False, slots=True)
class Descriptor:
    """`staticmethod`, `classmethod`, `property` or `cached_property` around a function (`kind` says which)."""

    kind: str
    function: Value
    setter: Value = None
    deleter: Value = None


@dataclass(eq=False, slots=True)
class UserClass:
    """A class of an interpreted file.

    Attributes:
        bases: what stands in the parentheses; a base may be unknown.
        names: the class's own namespace.
        mro: method resolution order over interpreted classes, itself first.
        builtin: the Python type it derives from (`dict`, `Exception`, ...), if any.
        open: a base is not followed, so attributes may exist that are not known here.
        is_module: derives from `torch.nn.Module`.
        metaclass: what is asked where the program sets attributes of the class.
    """

    name: str
    node: ast.ClassDef
    module: SourceModule
    bases: tuple[Value, ...]
    names: dict[str, Value]
    mro: tuple[UserClass, ...] = ()
    builtin: type | None = None
    open: Unknown | None = None
    is_module: bool = False
    fields: list[str] | None = None  # of a dataclass, in order
    metaclass: UserClass | None = None

    def find(self, name: str) -> Value:
        """The class attribute, or `MISSING`."""
        for cls in self.mro:
            if name in cls.names:
                return cls.names[name]
        return MISSING

    def is_subclass(self, other: Value) -> bool:
        if isinstance(other, UserClass):
            return other in self.mro
        return isinstance(other, type) and issubclass(self.builtin or object, other)


@dataclass(eq=False, slots=True)
class Instance:
    """An object of a user's class.

    Attributes:
        attributes: its `__dict__`.
        data: the contents, where the class derives from `dict`, `list`, an exception, ...
        open: attributes may exist that are not known (its `__init__` was not followed to the end).
        creation: the place in the file that made it, for layers.
        label: what to call it (`Linear(4, 64)`).
    """

    cls: UserClass
    attributes: dict[str, Value] = field(default_factory=dict)
    data: Value = None
    open: Unknown | None = None
    creation: Span | None = None
    label: str = ""


@dataclass(eq=False, slots=True)
class Super:
    """`super()`: attribute lookup after `cls` in the order of `receiver`'s class."""

    cls: UserClass
    receiver: Value


@dataclass(eq=False, slots=True)
class Partial:
    """`functools.partial(function, ...)`."""

    function: Value
    arguments: tuple[Value, ...]
    keywords: dict[str, Value]


class Native:
    """A function that TorchLean implements in Python: `call(interpreter, *arguments, **keywords)`.

    Attributes:
        is_spelling: a torch spelling: its first argument is the emitter, not the interpreter.
        accepts_unknown: it is called with unknown arguments too; else its result is then unknown at once.
    """

    __slots__ = ("accepts_unknown", "call", "is_spelling", "name")

    def __init__(
        self,
        name: str,
        call: Callable[..., Value],
        is_spelling: bool = False,
        accepts_unknown: bool = False,
    ) -> None:
        self.name = name
        self.call = call
        self.is_spelling = is_spelling
        self.accepts_unknown = accepts_unknown

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Namespace:
    """A module that is resolved attribute by attribute under its dotted name: `torch.nn`, `math`, `torchlean`."""

    path: str


@dataclass(eq=False, slots=True)
class ModuleValue:
    """An imported file of the workspace (or a stub): its names are those of its environment.

    `whole` is false while the file is being followed, and where that met something that may define more names;
    `deferred` is what the file imports when it is asked for.
    """

    module: SourceModule
    environment: Environment
    whole: bool = True
    deferred: DeferredImports | None = None


@dataclass(eq=False, slots=True)
class ExceptionValue:
    """An exception object of a built-in type."""

    kind: type[BaseException]
    arguments: tuple[Value, ...] = ()


CLOCK = itertools.count()
"""Tells which of two things came to be first."""


class ListIterator:
    """An iterator or generator: it is run to its end when its first item is asked for.

    Attributes:
        born: when it came to be, by `CLOCK`.
        position: how many items were taken.
        begin: what computes the items, until it has.
        whole: all items are asked for at once, so that nothing happens between two of them.
        watch: whether what the items were computed from is what it was then (`watching`).
        items: the items that were computed.
        rest_unknown: why more of them may follow.
        failure: the exception that a generator raises after them.
    """

    __slots__ = ("_items", "_rest", "begin", "born", "position", "watch", "whole")

    def __init__(
        self,
        items: list[Value],
        rest_unknown: Unknown | Raised | None = None,
        begin: Callable[[ListIterator], list[Value] | Unknown] | None = None,
    ) -> None:
        self.born = next(CLOCK)
        self._items = items
        self._rest = rest_unknown
        self.begin = begin
        self.position = 0
        self.whole = False
        self.watch: Callable[[], bool] | None = None

    @property
    def items(self) -> list[Value]:
        self._run()
        return self._items

    @property
    def rest_unknown(self) -> Unknown | None:
        self._run()
        return self._rest if isinstance(self._rest, Unknown) else None

    @property
    def failure(self) -> Raised | None:
        self._run()
        return self._rest if isinstance(self._rest, Raised) else None

    def ended(self) -> None:
        """More is asked for than there is; after its exception a generator has ended.

        Raises:
            Raised: what the generator raises after its last item.
        """
        failure = self.failure
        if failure is not None:
            self._rest = None
            raise failure

    def _run(self) -> None:
        if self.begin is not None:
            begin, self.begin = self.begin, None
            result = begin(self)
            if isinstance(result, Unknown):
                self._rest = result
            else:
                self._items = result

    def stop_at(self, rest: Unknown | Raised) -> None:
        """More items may follow than were computed, or an exception."""
        self._rest = rest

    def outdated(self) -> Unknown | None:
        """Set where the program changed what the items not taken yet were computed from: they are forgotten then."""
        if self.begin is not None or self.watch is None or self.watch():
            return None
        del self._items[self.position :]
        unknown = Unknown("what is iterated over is changed while its items are used")
        self._rest = unknown
        return unknown

    def state(self) -> tuple[Any, ...]:
        """All of it, for `restore`."""
        return self._items, self._rest, self.begin, self.position

    def restore(self, state: tuple[Any, ...]) -> None:
        self._items, self._rest, self.begin, self.position = state


class _Missing:
    """The absence of a value, where None is one."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()

Interpreted = (UserFunction, BoundMethod, UserClass, Instance, Native, Partial)


def type_name(value: Value) -> str:
    """The type of a value in words a user knows: `int`, `tensor (2, 3) float32`, `Net`."""
    if isinstance(value, TensorValue):
        return repr(value)
    if isinstance(value, Instance):
        return value.cls.name
    if isinstance(value, (UserFunction, BoundMethod, Native, Partial)):
        return "function"
    if isinstance(value, UserClass):
        return f"class {value.name}"
    if isinstance(value, (Namespace, ModuleValue)):
        return "module"
    if isinstance(value, ExceptionValue):
        return value.kind.__name__
    if value is None:
        return "None"
    return type(value).__name__


def is_foreign(value: Value) -> bool:
    """Whether a value is of a kind whose behaviour is not modelled, so that nothing about it is a certain error."""
    if isinstance(
        value, (int, float, str, bytes, list, tuple, dict, set, frozenset, TensorValue, numpy.generic)
    ):
        return False
    if isinstance(value, Abstract):
        return True
    return type(value).__module__ not in ("builtins", "torch", __name__)


NativeFunction = Callable[..., Value]

NATIVES: dict[str, Native] = {}
"""Functions implemented here by their dotted name, as a user's file reaches them: `math.sqrt`, `torchlean.box`."""


def native(*names: str, unknowns: bool = False) -> Callable[[NativeFunction], NativeFunction]:
    """Decorator: the function answers to these dotted names.

    It is called as `function(interpreter, *arguments, **keywords)` with the user's arguments bound as in Python; a
    mismatch is reported as the user's mistake. It may raise `ShapeError` and `UnsupportedError`, like a spelling.
    With `unknowns` it is called even if an argument is unknown.

    Raises:
        ValueError: a name is taken.
    """

    def decorate(function: NativeFunction) -> NativeFunction:
        for name in names:
            if name in NATIVES:
                raise ValueError(f"native {name} is defined twice")
            NATIVES[name] = Native(name, function, accepts_unknown=unknowns)
        return function

    return decorate


class GeneratorStopped(Exception):
    """A generator has given so many items that it may have no end: what it gave so far is kept."""


class Raised(Exception):
    """The followed program raises: unwinds to its `try`, or to the statement at the top.

    `report` is called when nothing in the program catches it.
    """

    def __init__(self, value: Value, report: Callable[[], None] | None = None) -> None:
        super().__init__()
        self.value = value
        self.report = report


KNOWN = frozenset(
    {TensorValue, Instance, Native, UserFunction, bool, int, float, str, type(None), torch.dtype}
)
"""Types, and not what derives from them, of most values: all that is unknown in them is what they refer to."""


def contains_unknown(value: Value, depth: int = 3) -> Unknown | None:
    """An unknown inside a value or the containers it consists of, to a small depth."""
    if type(value) in KNOWN:
        return None
    if depth and isinstance(value, (list, tuple, dict, set, frozenset)):
        for item in value.values() if isinstance(value, dict) else value:
            if type(item) not in KNOWN and (found := contains_unknown(item, depth - 1)) is not None:
                return found
        return None
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Abstract):
        return value.unknown
    if isinstance(value, slice):
        return contains_unknown((value.start, value.stop, value.step))
    return None


def odd_key(value: Value) -> Unknown | None:
    """An object that defines itself what it is equal to, as a key or in the items of a set; else None."""
    if isinstance(value, Instance):
        cls = value.cls
        if (
            cls.fields
            or value.data is not None
            or any("__eq__" in c.names or "__hash__" in c.names for c in cls.mro)
        ):
            return Unknown(f"`{cls.name}` objects as keys are not followed")
        return None
    if isinstance(value, (tuple, list)):
        return next((found for item in value if (found := odd_key(item))), None)
    return None


def contains_tensor(value: Value, depth: int = 3) -> bool:
    """Whether a tensor is the value or in the containers it consists of, to a small depth."""
    if isinstance(value, TensorValue):
        return True
    if depth and isinstance(value, (list, tuple)):
        return any(contains_tensor(item, depth - 1) for item in value)
    return (
        bool(depth) and isinstance(value, dict) and any(contains_tensor(i, depth - 1) for i in value.values())
    )

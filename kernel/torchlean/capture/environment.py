"""Names and where they are looked up: Python's scopes as linked dictionaries, and the frame of a running call."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torchlean.capture.values import MISSING, Namespace, Unknown, UserFunction, Value
from torchlean.source import Span

if TYPE_CHECKING:
    from torchlean.capture.source_module import SourceModule


class Environment:
    """One scope. Class bodies are scopes that the functions inside them do not see (`parent` skips them).

    Attributes:
        redirected: names declared `global` or `nonlocal`, and the scope they mean.
        own: names that the function assigns somewhere, which are its own even before that.
        around: the scope that a comprehension stands in, where its `:=` assigns.
        stars: namespaces imported with `*`, looked into last (in the global scope).
    """

    __slots__ = ("around", "is_class", "names", "own", "parent", "redirected", "stars")

    def __init__(self, parent: Environment | None = None, is_class: bool = False) -> None:
        self.names: dict[str, Value] = {}
        self.parent = parent
        self.is_class = is_class
        self.redirected: dict[str, Environment] | None = None
        self.around: Environment | None = None
        self.own: frozenset[str] | None = None
        self.stars: list[Namespace | Unknown] = []

    def lookup(self, name: str) -> Value:
        """The value of a name, or `MISSING`; stars and builtins are not looked into."""
        scope: Environment | None = self
        if self.redirected is not None and name in self.redirected:
            scope = self.redirected[name]
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            if scope.own and name in scope.own:
                return self._unassigned(name, scope.parent)
            scope = scope.parent
        return MISSING

    def _unassigned(self, name: str, outer: Environment | None) -> Value:
        """A function's own name that has no value yet hides the outer one; one that is nowhere is reported as such."""
        if hasattr(builtins, name) or (outer is not None and outer.lookup(name) is not MISSING):
            return Unknown(f"`{name}` may be used before it is assigned")
        return MISSING

    def target(self, name: str) -> dict[str, Value]:
        """The dictionary that an assignment to `name` writes."""
        if self.redirected is not None and name in self.redirected:
            return self.redirected[name].names
        return self.names

    def enclosing(self) -> Environment:
        """What functions defined here close over."""
        scope = self
        while scope.is_class and scope.parent is not None:
            scope = scope.parent
        return scope

    def root(self) -> Environment:
        """The global scope of the file."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def visible(self) -> list[str]:
        """Every name that can be read here, for suggestions."""
        names: list[str] = []
        scope: Environment | None = self
        while scope is not None:
            names += scope.names
            scope = scope.parent
        return names


@dataclass(eq=False, slots=True)
class Frame:
    """One running body: a file, a class body or a call.

    Attributes:
        chain: places of the calls that led here, innermost first; only places in users' files.
        function, receiver: the call's function and first argument, for `super()`.
        depth: number of interpreted calls on the stack.
        caught: number of `try` bodies around the statement that is running, in this call and its callers.
        has_fallback: the `try` body that is running has a handler for imports that fail.
        yielded: what a generator gave so far.
        at_yield: what the `yield` of a generator runs that manages a context (`managers`).
        maybe_returned: values that were returned under a condition that is not known.
        raising: the exception that an `except` body is handling.
        site: the call expression that made this frame, and the frame it stands in.
    """

    environment: Environment
    module: SourceModule
    chain: tuple[Span, ...] = ()
    function: UserFunction | None = None
    receiver: Value = None
    depth: int = 0
    caught: int = 0
    has_fallback: bool = False
    yielded: list[Value] | None = None
    at_yield: Callable[[Value], Value] | None = None
    maybe_returned: list[Value] = field(default_factory=list)
    raising: Value = None
    site: tuple[ast.AST, Frame] | None = None

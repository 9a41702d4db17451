"""`with` statements: managers that are objects, and generators under `contextlib.contextmanager`.

Such a generator is followed as a function whose `yield` runs the body of the statement: so its own `try` and `finally`
see the body's exceptions, as in Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torchlean.capture.builtin_types import class_of
from torchlean.capture.calling import call, call_function
from torchlean.capture.conditions import known_truth
from torchlean.capture.environment import Frame
from torchlean.capture.function_syntax import yields
from torchlean.capture.intrinsics import MODULE
from torchlean.capture.statements import follows, store
from torchlean.capture.values import (
    MISSING,
    Abstract,
    BoundMethod,
    Instance,
    Native,
    Raised,
    Unknown,
    UserFunction,
    Value,
    native,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


@dataclass(eq=False, slots=True)
class Managed:
    """What a call of a function under `contextmanager` gives: it is followed by the `with` statement."""

    function: Value
    arguments: list[Value]
    keywords: dict[str, Value]


@native(f"{MODULE}.managed", unknowns=True)
def managed(run: Interpreter, func: Value) -> Value:
    """`contextlib.contextmanager(func)`."""
    return Native(
        "contextmanager", lambda run, *given, **named: Managed(func, list(given), named), accepts_unknown=True
    )


@follows(ast.With)
@follows(ast.AsyncWith)
def _with(run: Interpreter, node: ast.With | ast.AsyncWith, frame: Frame) -> object:
    """What a context manager of the file gives (`__enter__`) is bound, and its `__exit__` is called."""
    return _inside(run, node, node.items, frame)


def _inside(
    run: Interpreter, node: ast.With | ast.AsyncWith, items: list[ast.withitem], frame: Frame
) -> object:
    if not items:
        return run.block(node.body, frame)
    item, rest = items[0], items[1:]
    manager = run.eval(item.context_expr, frame)
    run.at(item.context_expr, frame)

    def body(entered: Value) -> object:
        if item.optional_vars is not None:
            store(run, item.optional_vars, entered, frame)
        return _inside(run, node, rest, frame)

    if isinstance(manager, Managed):
        return _managed(run, item.context_expr, manager, frame, body)
    entered = _entered(run, manager)
    leave = manager.cls.find("__exit__") if isinstance(manager, Instance) else MISSING
    if leave is not MISSING:
        return _left(run, item.context_expr, manager, leave, frame, lambda: body(entered))
    if not isinstance(manager, Unknown) or manager.source.startswith("torch"):
        return body(entered)
    return _under_unknown(run, manager, lambda: body(entered))


def _left(
    run: Interpreter,
    place: ast.expr,
    manager: Instance,
    leave: Value,
    frame: Frame,
    body: Callable[[], object],
) -> object:
    """The body, and `__exit__` with what it raises, which it may swallow."""
    frame.caught += 1
    try:
        flow = body()
    except Raised as raised:
        frame.caught -= 1
        run.at(place, frame)
        traceback = Unknown("the traceback that a context manager gets is not followed")
        arguments = [manager, class_of(run, raised.value), raised.value, traceback]
        swallowed = known_truth(run, call(run, leave, arguments, {}))
        if swallowed is True:
            return None
        if isinstance(swallowed, Unknown):
            run.unfollowed(
                f"whether this context manager lets an exception pass is not known: {swallowed.reason}"
            )
        raise
    frame.caught -= 1
    run.at(place, frame)
    call(run, leave, [manager, None, None, None], {})
    return flow


def _under_unknown(run: Interpreter, manager: Unknown, body: Callable[[], object]) -> object:
    """A manager that is not followed may swallow what the body raises: that it is raised is no certain error."""
    try:
        return body()
    except Raised as raised:
        reason = f"whether this context manager lets an exception pass is not known: {manager.reason}"
        raise Raised(raised.value, lambda: run.report("TL102", f"unknown from here: {reason}")) from raised


def _managed(
    run: Interpreter, place: ast.expr, manager: Managed, frame: Frame, body: Callable[[Value], object]
) -> object:
    """The generator up to its `yield`, the body there, and the rest of the generator."""
    function = manager.function
    arguments = manager.arguments
    if isinstance(function, BoundMethod):
        arguments, function = [function.receiver, *arguments], function.function
    node = function.node if isinstance(function, UserFunction) else None
    if not isinstance(node, ast.FunctionDef) or not yields(node):
        unknown = Unknown("the function of this context manager is not followed", run.place())
        return _under_unknown(run, unknown, lambda: body(unknown))
    flows: list[object] = []
    uncertain = run.uncertain

    def at_yield(value: Value) -> Value:
        if flows and run.uncertain == uncertain:
            return run.error(
                "TL103", "a context manager's generator gives more than one value", kind=RuntimeError
            )
        flows.append(None)
        place = len(flows) - 1
        inner, node = run.frame, run.node
        frame.caught += 1
        try:
            flows[place] = body(value)
        finally:
            frame.caught -= 1
            run.frame, run.node = inner, node
        return None

    call_function(run, function, arguments, manager.keywords, at_yield)
    run.at(place, frame)
    if not flows:
        run.error("TL103", "a context manager's generator gives no value", kind=RuntimeError)
    return flows[-1] if flows else None


def _entered(run: Interpreter, manager: Value) -> Value:
    if isinstance(manager, Instance):
        enter = manager.cls.find("__enter__")
        if enter is not MISSING:
            return call(run, enter, [manager], {})
    if isinstance(manager, (Unknown, Abstract)):
        return manager if isinstance(manager, Unknown) else manager.unknown
    return Unknown("what this context manager gives is not followed", run.place())

"""Exceptions: `raise`, and `try` with what stands around it."""

from __future__ import annotations

import ast
import builtins
import functools

from torchlean.capture.calling import call
from torchlean.capture.conditions import forget_changes, perhaps, perhaps_raises, perhaps_returned
from torchlean.capture.environment import Frame
from torchlean.capture.flow import PERHAPS, Returned
from torchlean.capture.interpreter import STATEMENTS, Interpreter
from torchlean.capture.journal import Journal
from torchlean.capture.statements import follows
from torchlean.capture.values import ExceptionValue, Instance, Raised, Unknown, UserClass, Value


@follows(ast.Raise)
def _raise(run: Interpreter, node: ast.Raise, frame: Frame) -> None:
    value = _being_handled(frame) if node.exc is None else run.eval(node.exc, frame)
    run.at(node, frame)
    if isinstance(value, (UserClass, type)):
        value = call(run, value, [], {})
    raise Raised(value, None if frame.module.internal else lambda: _report_raise(run, node, frame, value))


def _being_handled(frame: Frame) -> Value:
    """The exception that a bare `raise` raises again: of the innermost `except` body, which may be a caller's."""
    while frame.raising is None and frame.site is not None:
        frame = frame.site[1]
    return frame.raising


def _report_raise(run: Interpreter, node: ast.Raise, frame: Frame, value: Value) -> None:
    run.at(node, frame)
    run.report("TL103", raised_text(value))


def raised_text(value: Value) -> str:
    """What to say of an exception that nothing catches."""
    if isinstance(value, Unknown) or value is None:
        return "an exception is raised here"
    name = value.kind.__name__ if isinstance(value, ExceptionValue) else getattr(value, "cls", value)
    name = name.name if isinstance(name, UserClass) else name
    arguments = value.arguments if isinstance(value, ExceptionValue) else getattr(value, "data", None)
    texts = [item for item in arguments or () if isinstance(item, str)]
    return f"this raises {name}" + (f": {texts[0]}" if texts else "")


@follows(ast.Try)
def _try(run: Interpreter, node: ast.Try, frame: Frame) -> object:
    """The body; if it raises, the first handler that catches; then `else`; then `finally`, whatever happened."""
    try:
        flow = _before_finally(run, node, frame)
    except Raised:
        final = run.block(node.finalbody, frame)
        if final is None or final is PERHAPS:
            raise
        return final  # it leaves the `finally`, and the exception is forgotten
    final = run.block(node.finalbody, frame)
    return final if final is not None else flow


def _before_finally(run: Interpreter, node: ast.Try, frame: Frame) -> object:
    frame.caught += bool(node.finalbody)
    try:
        flow, raised, doubt = _try_body(run, node, frame)
        if raised is not None and type(node) is not ast.Try:
            return _in_groups(run, node, raised, frame)
        if raised is not None:
            return _caught(run, node, raised, raised.value, frame)
        if flow is not None or doubt is None:
            return run.block(node.orelse, frame) if flow is None else flow
        flow = perhaps(run, lambda: run.block(node.orelse, frame), doubt)
        perhaps_returned(run, frame, flow, doubt)
        return None
    finally:
        frame.caught -= bool(node.finalbody)


def _try_body(run: Interpreter, node: ast.Try, frame: Frame) -> tuple[object, Raised | None, Unknown | None]:
    """Follow the body. Where it may have been left by an exception, its and the handlers' changes are unknown.

    Returns:
        The control flow signal, the exception that certainly left the body, and why another one may have left it.
    """
    depth, fallback, before = frame.caught, frame.has_fallback, run.perhaps_raised
    frame.caught, frame.has_fallback, run.perhaps_raised = depth + 1, _falls_back(node), None
    journal = run.journal = Journal(run.journal)
    flow: object = None
    raised: Raised | None = None
    try:
        flow = run.block(node.body, frame)
    except Raised as problem:
        raised = problem
    finally:
        run.journal = journal.outer
        frame.caught, frame.has_fallback = depth, fallback
    unknown = run.taken_doubt(before)
    if unknown is not None:
        forget_changes(run, journal, unknown)
        _perhaps_handled(run, node, unknown, frame)
        if isinstance(flow, Returned):
            perhaps_returned(run, frame, flow, unknown)
            flow = None
    return flow, raised, unknown


if hasattr(ast, "TryStar"):
    STATEMENTS[ast.TryStar] = _try


def _in_groups(run: Interpreter, node: ast.Try, raised: Raised, frame: Frame) -> object:
    """The handlers of `except*` (Python 3.11): the first that catches an exception gets a group around it.

    A group that was raised is shared out among the handlers, and what no handler takes is raised again: which part goes
    where is not followed.
    """
    run.at(node, frame)
    group = Unknown("groups of exceptions are not followed", run.place())
    if isinstance(raised.value, ExceptionValue) and not _is_group(raised.value.kind):
        return _caught(run, node, raised, group, frame)
    _perhaps_handled(run, node, group, frame)
    run.at(node, frame)
    perhaps_raises(run, group)
    return None


def _is_group(kind: type[BaseException]) -> bool:
    return hasattr(builtins, "BaseExceptionGroup") and issubclass(kind, builtins.BaseExceptionGroup)


def _falls_back(node: ast.Try) -> bool:
    """Whether a failing import has a substitute here: a handler for it that does not raise itself."""
    for handler in node.handlers:
        names = (
            {inner.id for inner in ast.walk(handler.type) if isinstance(inner, ast.Name)}
            if handler.type
            else set()
        )
        if handler.type is None or names & {"ImportError", "ModuleNotFoundError", "Exception"}:
            return not any(isinstance(inner, ast.Raise) for part in handler.body for inner in ast.walk(part))
    return False


def _catches(run: Interpreter, handler: ast.ExceptHandler, value: Value, frame: Frame) -> bool:
    if handler.type is None:
        return True
    kinds = run.eval(handler.type, frame)
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        if isinstance(kind, type) and isinstance(value, ExceptionValue) and issubclass(value.kind, kind):
            return True
        if (
            isinstance(value, Instance)
            and isinstance(kind, (UserClass, type))
            and value.cls.is_subclass(kind)
        ):
            return True
        if isinstance(value, Unknown) or isinstance(kind, Unknown):
            return True
    return False


def _caught(run: Interpreter, node: ast.Try, raised: Raised, value: Value, frame: Frame) -> object:
    """Follow the first handler that catches an exception, which is given the value; without one it goes on."""
    handler = next((h for h in node.handlers if _catches(run, h, raised.value, frame)), None)
    if handler is None:
        raise raised
    return _handle(run, handler, value, frame)


def _perhaps_handled(run: Interpreter, node: ast.Try, value: Unknown, frame: Frame) -> None:
    """Follow every handler, as one that may have been given the value."""
    for handler in node.handlers:
        handled = perhaps(run, functools.partial(_handle, run, handler, value, frame), value)
        perhaps_returned(run, frame, handled, value)


def _handle(run: Interpreter, handler: ast.ExceptHandler, value: Value, frame: Frame) -> object:
    if handler.name:
        run.assign(frame.environment.target(handler.name), handler.name, value)
    before, frame.raising = frame.raising, value
    try:
        return run.block(handler.body, frame)
    finally:
        frame.raising = before
        if handler.name:
            names = frame.environment.target(handler.name)
            if handler.name in names:
                run.remove(names, handler.name)

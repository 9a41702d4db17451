"""Statements: assignments, definitions, returns, conditions. Loops, exceptions, imports have modules of their own."""

from __future__ import annotations

import ast
from collections.abc import Callable

from torchlean.capture.attributes import delete_attribute, set_attribute
from torchlean.capture.conditions import (
    branch,
    forget_assigned,
    known_truth,
    merged,
)
from torchlean.capture.decorators import decorated
from torchlean.capture.environment import Frame
from torchlean.capture.families import FamilyDefinition, name_family
from torchlean.capture.flow import BREAK, CONTINUE, Returned
from torchlean.capture.interpreter import STATEMENTS, Interpreter, Statement
from torchlean.capture.iteration import items_of
from torchlean.capture.layers import name_layer
from torchlean.capture.naming import undefined_name
from torchlean.capture.operator_tables import BINARY, IN_PLACE
from torchlean.capture.operators import binary, in_place
from torchlean.capture.result import Role
from torchlean.capture.subscripts import check_cast, delete_subscript, set_subscript, subscript
from torchlean.capture.values import (
    Instance,
    TensorValue,
    Unknown,
    Value,
)


def follows(kind: type[ast.AST]) -> Callable[[Statement], Statement]:
    """Decorator: the function follows this kind of statement."""

    def decorate(function: Statement) -> Statement:
        STATEMENTS[kind] = function
        return function

    return decorate


@follows(ast.Expr)
def _expression(run: Interpreter, node: ast.Expr, frame: Frame) -> None:
    if type(node.value) is not ast.Constant:
        before, run.discarded = run.discarded, node.value
        run.eval(node.value, frame)
        run.discarded = before


@follows(ast.Pass)
def _pass(run: Interpreter, node: ast.Pass, frame: Frame) -> None:
    return None


@follows(ast.Return)
def _return(run: Interpreter, node: ast.Return, frame: Frame) -> Returned:
    value = None if node.value is None else run.eval(node.value, frame)
    if node.value is not None and isinstance(value, TensorValue) and frame.module.analysed:
        span = frame.module.span(node.value)
        run.observer.see(span, value.node, Role.RETURN, frame.module.label(node.value))
    return Returned(value)


@follows(ast.Break)
def _break(run: Interpreter, node: ast.Break, frame: Frame) -> object:
    return BREAK


@follows(ast.Continue)
def _continue(run: Interpreter, node: ast.Continue, frame: Frame) -> object:
    return CONTINUE


@follows(ast.Assign)
def _assign(run: Interpreter, node: ast.Assign, frame: Frame) -> None:
    value = run.eval(node.value, frame)
    if type(value) is Instance:
        name_layer(run, node, value, frame)
    elif type(value) is FamilyDefinition:
        name_family(run, node, value, frame)
    for target in node.targets:
        store(run, target, value, frame)


@follows(ast.AnnAssign)
def _annotated(run: Interpreter, node: ast.AnnAssign, frame: Frame) -> None:
    if node.value is not None:
        value = run.eval(node.value, frame)
        if type(value) is Instance:
            name_layer(run, node, value, frame)
        elif type(value) is FamilyDefinition:
            name_family(run, node, value, frame)
        store(run, node.target, value, frame)


@follows(ast.AugAssign)
def _augmented(run: Interpreter, node: ast.AugAssign, frame: Frame) -> None:
    """`target op= value`: the target's parts are evaluated once, as Python does."""
    method = IN_PLACE[type(node.op)]
    target = node.target
    if isinstance(target, ast.Subscript):
        owner, index = run.eval(target.value, frame), run.eval(target.slice, frame)
        right = run.eval(node.value, frame)
        run.at(target, frame)
        current = subscript(run, owner, index)
        # On a tensor, `t[i] += v` is `t[i] = t[i] + v`: the selected part is a view that is then stored back.
        operation = binary if isinstance(owner, TensorValue) else in_place
        name = BINARY[type(node.op)] if isinstance(owner, TensorValue) else method
        run.at(node, frame)
        result = operation(run, name, current, right)
        del current  # a view that is still alive would keep the tensor from being changed
        if isinstance(owner, TensorValue) and "numpy" not in run.state:
            check_cast(run, result, owner)
        set_subscript(run, owner, index, result)
        return
    owner = run.eval(target.value, frame) if isinstance(target, ast.Attribute) else None
    current = _current(run, target, owner, frame)
    right = run.eval(node.value, frame)
    run.at(node, frame)
    result = in_place(run, method, current, right)
    if isinstance(target, ast.Attribute):
        set_attribute(run, owner, target.attr, result)
    else:
        store(run, target, result, frame)


def _current(run: Interpreter, target: ast.expr, owner: Value, frame: Frame) -> Value:
    if isinstance(target, ast.Attribute):
        from torchlean.capture.attributes import attribute

        run.at(target, frame)
        return run.seen(attribute(run, owner, target.attr))
    assert isinstance(target, ast.Name)
    return run.eval(ast.copy_location(ast.Name(target.id, ast.Load()), target), frame)


def store(run: Interpreter, target: ast.expr, value: Value, frame: Frame) -> None:
    """Assign to a name, attribute, item, or a pattern of them."""
    if type(target) is ast.Name:
        run.assign(frame.environment.target(target.id), target.id, value)
        if isinstance(value, TensorValue) and frame.module.analysed:
            run.observer.see(frame.module.span(target), value.node, Role.ASSIGNMENT, target.id)
        elif isinstance(value, Unknown) and frame.module.analysed:
            run.observer.see_unknown(frame.module.span(target), Role.ASSIGNMENT)
    elif isinstance(target, ast.Attribute):
        owner = run.eval(target.value, frame)
        run.at(target, frame)
        set_attribute(run, owner, target.attr, value)
        if isinstance(value, TensorValue) and frame.module.analysed:
            label = frame.module.label(target)
            run.observer.see(frame.module.span(target), value.node, Role.ASSIGNMENT, label)
    elif isinstance(target, ast.Subscript):
        owner, index = run.eval(target.value, frame), run.eval(target.slice, frame)
        run.at(target, frame)
        set_subscript(run, owner, index, value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(run, target, value, frame)
    elif isinstance(target, ast.Starred):
        store(run, target.value, value, frame)


def _unpack(run: Interpreter, target: ast.Tuple | ast.List, value: Value, frame: Frame) -> None:
    run.at(target, frame)
    items = items_of(run, value)
    count = len(target.elts)
    star = next((i for i, element in enumerate(target.elts) if isinstance(element, ast.Starred)), None)
    if not isinstance(items, Unknown):
        if len(items) < count - (star is not None) or (star is None and len(items) > count):
            items = _wrong_count(run, count, star is not None, len(items))
        elif star is not None:
            after = count - star - 1
            middle = items[star : len(items) - after]
            items = [*items[:star], middle, *items[len(items) - after :]]
    for position, element in enumerate(target.elts):
        store(run, element, items if isinstance(items, Unknown) else items[position], frame)


def _wrong_count(run: Interpreter, count: int, starred: bool, got: int) -> Unknown:
    expected = f"at least {count - 1}" if starred else str(count)
    return run.error("TL103", f"{expected} values are unpacked here, but there are {got}", kind=ValueError)


@follows(ast.Delete)
def _delete(run: Interpreter, node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            names = frame.environment.target(target.id)
            if target.id in names:
                run.remove(names, target.id)
            else:
                run.at(target, frame)
                undefined_name(run, target.id, frame)
        elif isinstance(target, ast.Attribute):
            owner = run.eval(target.value, frame)
            run.at(target, frame)
            delete_attribute(run, owner, target.attr)
        elif isinstance(target, ast.Subscript):
            owner, index = run.eval(target.value, frame), run.eval(target.slice, frame)
            run.at(target, frame)
            delete_subscript(run, owner, index)
        elif isinstance(target, (ast.Tuple, ast.List)):
            _delete(run, ast.Delete(targets=target.elts), frame)


@follows(ast.FunctionDef)
@follows(ast.AsyncFunctionDef)
def _function(run: Interpreter, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
    from torchlean.capture.expressions import function_of

    value = decorated(run, node.decorator_list, lambda: function_of(run, node, frame, node.name), frame)
    name = getattr(node, "torchlean_private", node.name)
    run.assign(frame.environment.target(name), name, value)


@follows(ast.ClassDef)
def _class(run: Interpreter, node: ast.ClassDef, frame: Frame) -> None:
    from torchlean.capture.classes import define_class

    value = decorated(run, node.decorator_list, lambda: define_class(run, node, frame), frame)
    run.assign(frame.environment.target(node.name), node.name, value)


@follows(ast.Global)
def _global(run: Interpreter, node: ast.Global, frame: Frame) -> None:
    scope = frame.environment
    if scope.parent is not None:
        scope.redirected = {**(scope.redirected or {}), **dict.fromkeys(node.names, scope.root())}


@follows(ast.Nonlocal)
def _nonlocal(run: Interpreter, node: ast.Nonlocal, frame: Frame) -> None:
    scope = frame.environment
    for name in node.names:
        outer = scope.parent
        while outer is not None and name not in outer.names:
            outer = outer.parent
        if outer is not None:
            scope.redirected = {**(scope.redirected or {}), name: outer}


@follows(ast.Assert)
def _assert(run: Interpreter, node: ast.Assert, frame: Frame) -> None:
    value = run.eval(node.test, frame)
    run.at(node.test, frame)
    truth = known_truth(run, value)
    if isinstance(truth, Unknown):
        run.promise(value, truth)
    if truth is False:
        message = "" if node.msg is None else run.eval(node.msg, frame)
        run.at(node.test, frame)
        text = f": {message}" if isinstance(message, str) and message else ""
        run.error("TL103", f"this assertion is false{text}", kind=AssertionError)


@follows(ast.If)
def _if(run: Interpreter, node: ast.If, frame: Frame) -> object:
    condition = run.eval(node.test, frame)
    run.at(node.test, frame)
    truth = known_truth(run, condition)
    if isinstance(truth, Unknown):
        return branch(run, node.body, node.orelse, frame, truth)
    return run.block(node.body if truth else node.orelse, frame)


@follows(ast.Match)
def _match(run: Interpreter, node: ast.Match, frame: Frame) -> object:
    from torchlean.capture.matching import chosen_case

    subject = run.eval(node.subject, frame)
    run.at(node.subject, frame)
    case = chosen_case(run, node, subject, frame)
    if isinstance(case, Unknown):
        forget_assigned(run, list(node.cases), frame, case)
        return _cases(run, node.cases, frame, case)
    return None if case is None else run.block(case.body, frame)


def _cases(run: Interpreter, cases: list[ast.match_case], frame: Frame, unknown: Unknown) -> object:
    """Each of the cases may be the one, or none: a chain of conditions that are not known."""
    if not cases:
        return None

    def follow(case: ast.match_case) -> object:
        forget_assigned(run, [case.pattern], frame, unknown)
        return run.block(case.body, frame)

    return merged(
        run, lambda: follow(cases[0]), lambda: _cases(run, cases[1:], frame, unknown), frame, unknown
    )


def _type_alias(run: Interpreter, node: ast.stmt, frame: Frame) -> None:
    """`type X = ...` (Python 3.12) says something to type checkers only; the program may hand the name on."""
    name = node.name.id  # type: ignore[attr-defined] # `ast.TypeAlias`, which older versions of `ast` do not have
    run.at(node, frame)
    value = Unknown(f"the type alias `{name}` is not followed", run.place())
    run.assign(frame.environment.target(name), name, value)


if hasattr(ast, "TypeAlias"):
    STATEMENTS[ast.TypeAlias] = _type_alias

"""Expressions: one function per kind of node, registered in `EXPRESSIONS`."""

from __future__ import annotations

import ast
import builtins as python
from collections.abc import Callable

from torchlean.capture.attributes import attribute
from torchlean.capture.budgets import TooBig
from torchlean.capture.builtin_functions import BUILTINS
from torchlean.capture.calling import call
from torchlean.capture.conditions import connected, either, is_one_truth, known_truth
from torchlean.capture.environment import Frame
from torchlean.capture.interpreter import EXPRESSIONS, Expression, Interpreter
from torchlean.capture.iteration import items_of
from torchlean.capture.naming import undefined_name
from torchlean.capture.operator_tables import BINARY
from torchlean.capture.operators import binary, compare, unary
from torchlean.capture.result import Role
from torchlean.capture.subscripts import subscript
from torchlean.capture.text import formatted
from torchlean.capture.torch_names import from_stars
from torchlean.capture.type_parameters import with_type_parameters
from torchlean.capture.values import (
    MISSING,
    Native,
    TensorValue,
    Unknown,
    UserFunction,
    Value,
    contains_unknown,
    odd_key,
)


def evaluates(kind: type[ast.AST]) -> Callable[[Expression], Expression]:
    """Decorator: the function evaluates this kind of node."""

    def decorate(function: Expression) -> Expression:
        EXPRESSIONS[kind] = function
        return function

    return decorate


def observed(run: Interpreter, node: ast.expr, frame: Frame, value: Value) -> Value:
    """Record a tensor-valued expression of the analysed file."""
    module = frame.module
    if module.analysed:
        if isinstance(value, TensorValue):
            run.observer.see(module.span(node), value.node, Role.EXPRESSION, module.label(node))
        elif isinstance(value, Unknown):
            run.observer.see_unknown(module.span(node), Role.EXPRESSION)
    return value


@evaluates(ast.Constant)
def _constant(run: Interpreter, node: ast.Constant, frame: Frame) -> Value:
    return node.value


@evaluates(ast.Name)
def name(run: Interpreter, node: ast.Name, frame: Frame) -> Value:
    value = frame.environment.lookup(node.id)
    if value is MISSING:
        value = from_stars(run, frame, node.id)
        if value is MISSING:
            value = BUILTINS.get(node.id, MISSING)
        if value is MISSING:
            run.at(node, frame)
            return undefined_name(run, node.id, frame)
    if run.tainted:
        value = run.seen(value)
    return observed(run, node, frame, value) if frame.module.analysed else value


@evaluates(ast.Attribute)
def _attribute(run: Interpreter, node: ast.Attribute, frame: Frame) -> Value:
    owner = run.eval(node.value, frame)
    run.at(node, frame)
    value = attribute(run, owner, node.attr)
    if run.tainted:
        value = run.seen(value)
    return observed(run, node, frame, value) if frame.module.analysed else value


@evaluates(ast.Subscript)
def _subscript(run: Interpreter, node: ast.Subscript, frame: Frame) -> Value:
    owner = run.eval(node.value, frame)
    index = run.eval(node.slice, frame)
    run.at(node, frame)
    value = subscript(run, owner, index)
    if run.tainted:
        value = run.seen(value)
    return observed(run, node, frame, value)


@evaluates(ast.Slice)
def _slice(run: Interpreter, node: ast.Slice, frame: Frame) -> Value:
    parts = [None if part is None else run.eval(part, frame) for part in (node.lower, node.upper, node.step)]
    return slice(*parts)


@evaluates(ast.Call)
def _call(run: Interpreter, node: ast.Call, frame: Frame) -> Value:
    function = run.eval(node.func, frame)
    arguments, keywords, unknown = call_arguments(run, node, frame)
    run.at(node, frame)
    if unknown is not None:
        return unknown
    value = call(run, function, arguments, keywords)
    if frame.module.analysed:
        _note_weight(run, node, frame, function, value, arguments)
    return observed(run, node, frame, value)


def _note_weight(
    run: Interpreter, node: ast.Call, frame: Frame, function: Value, value: Value, arguments: list[Value]
) -> None:
    """`nn.Parameter(...)` and `self.register_buffer(...)` are places that make weights."""
    if isinstance(function, Native) and function.name.endswith((".Parameter", ".Buffer")):
        tensor = value
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "register_buffer" and len(arguments) > 1:
        tensor = arguments[1]
    else:
        return
    if isinstance(tensor, TensorValue):
        run.weights.append((tensor, frame.module.span(node), frame.module.label(node)))


def call_arguments(
    run: Interpreter, node: ast.Call, frame: Frame
) -> tuple[list[Value], dict[str, Value], Unknown | None]:
    """Positional and keyword arguments; the third is set where a spread argument is not known."""
    arguments: list[Value] = []
    unknown: Unknown | None = None
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            spread = run.eval(argument.value, frame)
            run.at(argument, frame)
            items = items_of(run, spread)
            if isinstance(items, Unknown):
                unknown = items
            else:
                arguments += items
        else:
            arguments.append(run.eval(argument, frame))
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = run.eval(keyword.value, frame)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
            keywords.update(value)
        else:
            unknown = (
                value if isinstance(value, Unknown) else Unknown("keyword arguments that are not followed")
            )
    return arguments, keywords, unknown


@evaluates(ast.BinOp)
def _binary(run: Interpreter, node: ast.BinOp, frame: Frame) -> Value:
    """Long sums nest to the left: that spine is walked in a loop."""
    spine = [node]
    while isinstance(spine[-1].left, ast.BinOp):
        spine.append(spine[-1].left)
    value = run.eval(spine[-1].left, frame)
    for part in reversed(spine):
        right = run.eval(part.right, frame)
        run.at(part, frame)
        value = observed(run, part, frame, binary(run, BINARY[type(part.op)], value, right))
    return value


@evaluates(ast.UnaryOp)
def _unary(run: Interpreter, node: ast.UnaryOp, frame: Frame) -> Value:
    value = run.eval(node.operand, frame)
    run.at(node, frame)
    if isinstance(node.op, ast.Not):
        truth = known_truth(run, value)
        if isinstance(truth, Unknown):
            return unary(run, ast.Invert, value) if is_one_truth(value) else truth
        return not truth
    return observed(run, node, frame, unary(run, type(node.op), value))


@evaluates(ast.BoolOp)
def _bool(run: Interpreter, node: ast.BoolOp, frame: Frame) -> Value:
    stops_at = isinstance(node.op, ast.Or)
    value: Value = None
    for position, operand in enumerate(node.values):
        value = run.eval(operand, frame)
        if position == len(node.values) - 1:
            break
        run.at(operand, frame)
        truth = known_truth(run, value)
        if isinstance(truth, Unknown):
            return _rest_unknown(run, value, node.values[position + 1 :], frame, stops_at, truth)
        if truth is stops_at:
            break
    return value


def _rest_unknown(
    run: Interpreter, first: Value, rest: list[ast.expr], frame: Frame, stops_at: bool, unknown: Unknown
) -> Value:
    """The first operand is not known: the result is known where a later one decides alone (`? and False`), and is a
    tensor where all are tensors of one truth."""
    values = [first]
    for operand in rest:
        value = run.eval(operand, frame)
        if isinstance(value, bool) and value is stops_at:
            return value
        values.append(value)
    return connected(run, values, stops_at, unknown)


@evaluates(ast.Compare)
def _compare(run: Interpreter, node: ast.Compare, frame: Frame) -> Value:
    left = run.eval(node.left, frame)
    result: Value = True
    chained: list[Value] = []
    unknown: Unknown | None = None
    for position, (operator, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
        right = run.eval(comparator, frame)
        run.at(node, frame)
        result = compare(run, type(operator), left, right)
        chained.append(result)
        if position == len(node.ops) - 1:
            break
        if isinstance(result, TensorValue) and result.type.numel != 1:
            return _ambiguous_chain(run, node, result)
        truth = known_truth(run, result)
        if isinstance(truth, Unknown):
            unknown = truth
        elif not truth:
            return result
        else:
            chained.pop()
        left = right
    if unknown is not None:
        result = connected(run, chained, False, unknown)
    return observed(run, node, frame, result)


def _ambiguous_chain(run: Interpreter, node: ast.Compare, result: TensorValue) -> Value:
    """Python asks for the truth of each comparison of a chain but the last, which several elements do not have."""
    sides = [node.left, *node.comparators]
    links = [
        ast.unparse(ast.Compare(left, [operator], [right]))
        for left, operator, right in zip(sides, node.ops, node.comparators, strict=False)
    ]
    written = " & ".join(f"({link})" for link in links)
    message = f"the truth of a tensor of shape {result.shape} is not defined: write `{written}`"
    return run.error("TL101", message, kind=RuntimeError)


@evaluates(ast.IfExp)
def _if(run: Interpreter, node: ast.IfExp, frame: Frame) -> Value:
    condition = run.eval(node.test, frame)
    run.at(node.test, frame)
    truth = known_truth(run, condition)
    if isinstance(truth, Unknown):
        return either(run, node, frame, truth)
    return run.eval(node.body if truth else node.orelse, frame)


@evaluates(ast.Lambda)
def _lambda(run: Interpreter, node: ast.Lambda, frame: Frame) -> Value:
    return function_of(run, node, frame, "<lambda>")


def function_of(
    run: Interpreter,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
    frame: Frame,
    name: str,
) -> UserFunction:
    """The function object of a definition, with its defaults evaluated now."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    optional = positional[len(positional) - len(arguments.defaults) :]
    defaults = {
        parameter.arg: run.eval(default, frame)
        for parameter, default in zip(optional, arguments.defaults, strict=True)
    }
    for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            defaults[parameter.arg] = run.eval(default, frame)
    closure = with_type_parameters(node, frame.environment.enclosing())
    function = UserFunction(name, node, closure, frame.module, defaults)
    if frame.environment.is_class:
        function.attributes["__qualname__"] = f"{frame.environment.names.get('__qualname__')}.{name}"
    return function


@evaluates(ast.NamedExpr)
def _walrus(run: Interpreter, node: ast.NamedExpr, frame: Frame) -> Value:
    value = run.eval(node.value, frame)
    scope = frame.environment
    while scope.around is not None:
        scope = scope.around
    run.assign(scope.target(node.target.id), node.target.id, value)
    if isinstance(value, TensorValue) and frame.module.analysed:
        run.observer.see(frame.module.span(node.target), value.node, Role.ASSIGNMENT, node.target.id)
    return value


def _elements(run: Interpreter, nodes: list[ast.expr], frame: Frame) -> list[Value] | Unknown:
    """The items of a display, with stars spread."""
    result: list[Value] = []
    for element in nodes:
        if isinstance(element, ast.Starred):
            value = run.eval(element.value, frame)
            run.at(element, frame)
            items = items_of(run, value)
            if isinstance(items, Unknown):
                return items
            result += items
        else:
            result.append(run.eval(element, frame))
    run.makes(result)
    return result


@evaluates(ast.Tuple)
def _tuple(run: Interpreter, node: ast.Tuple, frame: Frame) -> Value:
    items = _elements(run, node.elts, frame)
    return items if isinstance(items, Unknown) else tuple(items)


@evaluates(ast.List)
def _list(run: Interpreter, node: ast.List, frame: Frame) -> Value:
    return _elements(run, node.elts, frame)


@evaluates(ast.Set)
def _set(run: Interpreter, node: ast.Set, frame: Frame) -> Value:
    items = _elements(run, node.elts, frame)
    run.at(node, frame)
    return items if isinstance(items, Unknown) else call(run, python.set, [items], {})


@evaluates(ast.Dict)
def _dict(run: Interpreter, node: ast.Dict, frame: Frame) -> Value:
    result: dict[Value, Value] = {}
    run.makes(result)
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        if key_node is None:
            value = run.eval(value_node, frame)
            if not isinstance(value, dict):
                return value if isinstance(value, Unknown) else Unknown("a mapping that is not followed")
            result.update(value)
            continue
        key = run.eval(key_node, frame)
        value = run.eval(value_node, frame)
        unknown = contains_unknown(key) or odd_key(key)
        if unknown is not None:
            return unknown
        try:
            result[key] = value
        except TypeError as error:
            run.at(key_node, frame)
            return run.error("TL103", str(error))
    return result


@evaluates(ast.JoinedStr)
def _f_string(run: Interpreter, node: ast.JoinedStr, frame: Frame) -> Value:
    parts = [run.eval(part, frame) for part in node.values]
    unknown = next((part for part in parts if isinstance(part, Unknown)), None)
    if unknown is not None:
        return unknown
    try:
        run.fuel.allocate(sum(map(len, parts)) // 10, "this string")
    except TooBig as error:
        run.at(node, frame)
        return run.over_budget(str(error))
    return "".join(parts)


@evaluates(ast.FormattedValue)
def _formatted(run: Interpreter, node: ast.FormattedValue, frame: Frame) -> Value:
    value = run.eval(node.value, frame)
    spec = "" if node.format_spec is None else run.eval(node.format_spec, frame)
    run.at(node.value, frame)
    if isinstance(value, Unknown) or isinstance(spec, Unknown):
        return value if isinstance(value, Unknown) else spec
    return formatted(run, value, spec, "" if node.conversion == -1 else chr(node.conversion))


@evaluates(ast.Starred)
def _starred(run: Interpreter, node: ast.Starred, frame: Frame) -> Value:
    """A star where Python allows none has been reported by the parser; in an index it stands for its items."""
    items = items_of(run, run.eval(node.value, frame))
    return items if isinstance(items, Unknown) else tuple(items)


@evaluates(ast.Await)
def _await(run: Interpreter, node: ast.Await, frame: Frame) -> Value:
    run.eval(node.value, frame)
    return Unknown("asynchronous code is not followed", frame.module.span(node))


@evaluates(ast.Yield)
def _yield(run: Interpreter, node: ast.Yield, frame: Frame) -> Value:
    value = None if node.value is None else run.eval(node.value, frame)
    if frame.at_yield is not None:
        return frame.at_yield(value)
    if frame.yielded is not None:
        run.changes(frame.yielded)
        frame.yielded.append(value)
    return None if node is run.discarded else Unknown("what is sent into a generator is not followed")


@evaluates(ast.YieldFrom)
def _yield_from(run: Interpreter, node: ast.YieldFrom, frame: Frame) -> Value:
    value = run.eval(node.value, frame)
    run.at(node, frame)
    items = items_of(run, value)
    if isinstance(items, Unknown):
        return items
    if frame.yielded is not None:
        run.changes(frame.yielded)
        frame.yielded += items
    return None if node is run.discarded else Unknown("what a generator returns is not followed")

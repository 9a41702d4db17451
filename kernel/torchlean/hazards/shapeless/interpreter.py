"""Expressions over tensors without shapes: names, operators, calls of torch and of the file's own functions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence

from torchlean.hazards.shapeless.operations import Operations
from torchlean.hazards.shapeless.options import Options
from torchlean.hazards.shapeless.selections import Selections, is_standardisation
from torchlean.hazards.shapeless.streams import BUILTINS, stream_of
from torchlean.hazards.shapeless.values import (
    ClassValue,
    Function,
    Items,
    Layer,
    Namespace,
    Number,
    Object,
    Opaque,
    Stream,
    TensorNode,
    Value,
    given_to_network,
    is_network,
    trained,
)
from torchlean.hazards.shapeless.vocabulary import MAKING, MOVES, SAME, WRAPPERS
from torchlean.hazards.written import Written
from torchlean.source import Span

DEPTH = 8
"""Calls within calls that are followed: a loss that calls a model that calls a layer needs five."""

STEPS = 50_000
"""Expressions that are followed in one file; what comes after is not looked at."""

ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

OPS: dict[type[ast.operator], str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}

DEVIATIONS = frozenset({"norm", "std", "var"})
"""Methods of what a network is given that are followed: zero for numbers that are all equal, or zero."""

Names = dict[str, Value]

PASS = "yield"
"""The name of what a generator gives; no Python name can be a keyword."""

ORDERS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
"""Comparisons that tensors answer element by element."""


class Exhausted(Exception):
    """The file is longer than what is followed."""


class Interpreter:
    """Follows expressions; statements are in `torchlean.hazards.shapeless.statements`.

    Attributes:
        operations: the graph that is being built.
        called: the functions of the file that were followed from a call.
        made: the first object of each class of the file.
    """

    def __init__(self, written: Written, run: Callable[[Interpreter, Function, Names], Value]) -> None:
        self.written = written
        self.operations = Operations()
        self.called: set[ast.AST] = set()
        self.made: dict[ast.ClassDef, Object] = {}
        self._selections = Selections(written.module.tree)
        self._options = Options(written.module.tree)
        self._run = run
        self._depth = 0
        self._steps = 0

    def span(self, node: ast.AST) -> Span:
        return self.written.module.span(node)

    def eval(self, node: ast.expr | None, names: Names) -> Value:
        """The value of an expression; everything in it is looked at.

        Raises:
            Exhausted: too many of them.
        """
        if node is None:
            return Opaque()
        self._steps += 1
        if self._steps > STEPS:
            raise Exhausted
        handler = HANDLERS.get(type(node))
        if handler is not None:
            return handler(self, node, names)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.eval(child, names)
        return Opaque()

    # -- names and parts -----------------------------------------------------------------------------------------------

    def _name(self, node: ast.Name, names: Names) -> Value:
        return names.get(node.id) or (Namespace(node.id) if node.id in BUILTINS else Opaque())

    def _constant(self, node: ast.Constant, names: Names) -> Value:
        return Number(float(node.value)) if type(node.value) in (int, float) else Opaque()  # type: ignore[arg-type]

    def _attribute(self, node: ast.Attribute, names: Names) -> Value:
        value = self.eval(node.value, names)
        if isinstance(value, Namespace):
            return Namespace(f"{value.path}.{node.attr}")
        if isinstance(value, Object):
            return self.attribute(value, node.attr)
        default = self._options.default(node) if isinstance(value, Opaque) else None
        if default is not None:
            return Number(default)
        if isinstance(value, Items) and node.attr == "values":
            return value.items[0]
        return value if isinstance(value, (TensorNode, Opaque)) and node.attr in (*SAME, "T") else Opaque()

    def attribute(self, value: Object, name: str) -> Value:
        """An attribute of an object, or a bound method of its class."""
        if name in value.attributes:
            return value.attributes[name]
        for statement in value.cls.node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == name:
                return Function(statement, value.cls.names, value)
        return Opaque()

    def _subscript(self, node: ast.Subscript, names: Names) -> Value:
        value, index = self.eval(node.value, names), self.eval(node.slice, names)
        if isinstance(value, Items):
            place = int(index.value) if isinstance(index, Number) else None
            inside = place is not None and -len(value.items) <= place < len(value.items)
            return value.items[place] if inside and place is not None else Opaque()
        if isinstance(value, Stream):
            return value if isinstance(node.slice, ast.Slice) else value.item
        if self.operations.is_mask(index) and (isinstance(value, TensorNode) or is_network(value)):
            asked = self._selections.asked(node)
            return value if asked else self.operations.selection(value, self.span(node))
        return value if isinstance(value, TensorNode) else Opaque(network=is_network(value))

    def _items(self, node: ast.Tuple | ast.List, names: Names) -> Value:
        return Items(tuple(self.eval(item, names) for item in node.elts))

    def _choice(self, node: ast.IfExp, names: Names) -> Value:
        self.eval(node.test, names)
        chosen, other = self.eval(node.body, names), self.eval(node.orelse, names)
        return chosen if chosen == other else Opaque()

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp, names: Names) -> Value:
        inner = dict(names)
        for generator in node.generators:
            self.eval(generator.iter, inner)
            for target in ast.walk(generator.target):
                if isinstance(target, ast.Name):
                    inner[target.id] = Opaque()
        return Stream(self.eval(node.elt, inner))

    def _yield(self, node: ast.Yield, names: Names) -> Value:
        names[PASS] = self.eval(node.value, names)
        return Opaque()

    def _lambda(self, node: ast.Lambda, names: Names) -> Value:
        return Function(node, names)

    # -- operators -----------------------------------------------------------------------------------------------------

    def _binary(self, node: ast.BinOp, names: Names) -> Value:
        return self.combined(node, node.op, self.eval(node.left, names), self.eval(node.right, names))

    def combined(self, node: ast.AST, op: ast.operator, left: Value, right: Value) -> Value:
        """`left op right` at the place of `node`."""
        if isinstance(left, Number) and isinstance(right, Number):
            return _folded(op, left.value, right.value)
        span = self.span(node)
        if isinstance(op, (ast.BitAnd, ast.BitOr)) and self.operations.is_mask(left):
            return self.operations.truth(span, (left, right))
        if isinstance(op, ast.MatMult):
            return self.operations.call("matmul", (left, right), {}, span, method=False)
        if isinstance(right, Opaque) and is_standardisation(node):
            right = self.operations.call("std", (left,), {}, span, method=False)
        if not any(isinstance(value, TensorNode) or is_network(value) for value in (left, right)):
            return Opaque()
        if isinstance(op, ast.Pow):
            return self.operations.power(left, right, span)
        name = OPS.get(type(op))
        return Opaque() if name is None else self.operations.binary(name, left, right, span)

    def _unary(self, node: ast.UnaryOp, names: Names) -> Value:
        value = self.eval(node.operand, names)
        if isinstance(node.op, ast.Invert) and self.operations.is_mask(value):
            return self.operations.truth(self.span(node), (value,))
        if not isinstance(node.op, ast.USub):
            return Opaque()
        if isinstance(value, Number):
            return Number(-value.value)
        if isinstance(value, TensorNode) or is_network(value):
            return self.operations.call("neg", (value,), {}, self.span(node), method=False)
        return Opaque()

    def _compare(self, node: ast.Compare, names: Names) -> Value:
        operands = [self.eval(part, names) for part in (node.left, *node.comparators)]
        if not isinstance(node.ops[0], ORDERS) or not all(
            isinstance(operand, (TensorNode, Opaque, Number)) for operand in operands
        ):
            return Opaque()
        return self.operations.truth(self.span(node), operands)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, names: Names) -> Value:
        arguments = [self.eval(a.value if isinstance(a, ast.Starred) else a, names) for a in node.args]
        keywords = {k.arg: self.eval(k.value, names) for k in node.keywords if k.arg is not None}
        for keyword in node.keywords:
            if keyword.arg is None:
                self.eval(keyword.value, names)
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, names, arguments, keywords)
        return self.call(self.eval(node.func, names), arguments, keywords, self.span(node))

    def _method(
        self,
        node: ast.Call,
        function: ast.Attribute,
        names: Names,
        arguments: list[Value],
        keywords: dict[str, Value],
    ) -> Value:
        receiver = self.eval(function.value, names)
        span = self.span(node)
        if isinstance(receiver, (Namespace, Object)):
            callee = self._attribute(function, names)
            if isinstance(receiver, Object) and isinstance(callee, Opaque) and function.attr in MOVES:
                return receiver
            return self.call(callee, arguments, keywords, span)
        if isinstance(receiver, Layer):
            return receiver if function.attr in MOVES else Opaque()
        given = isinstance(receiver, Opaque) and receiver.tensor and function.attr in DEVIATIONS | SAME
        if isinstance(receiver, TensorNode) or is_network(receiver) or given:
            if function.attr in ("chunk", "split", "unbind"):
                return Opaque(network=True)
            return self.operations.call(function.attr, [receiver, *arguments], keywords, span, method=True)
        for argument in arguments:
            if isinstance(argument, Function) and argument.node not in self.called:
                self.function(argument, (), {})  # `optimizer.step(closure)`
        return Opaque()

    def call(
        self, callee: Value, arguments: Sequence[Value], keywords: dict[str, Value], span: Span
    ) -> Value:
        """A call of anything."""
        if isinstance(callee, Namespace):
            return self._library(callee.path, arguments, keywords, span)
        if isinstance(callee, Layer):
            return self._layer(callee, arguments, span)
        if isinstance(callee, ClassValue):
            return self.instance(callee, arguments, keywords)
        if isinstance(callee, Object):
            method = self.attribute(callee, "forward")
            if isinstance(method, Function):
                given_to_network(arguments)
            else:
                method = self.attribute(callee, "__call__")
            return self.call(method, arguments, keywords, span) if isinstance(method, Function) else Opaque()
        return self.function(callee, arguments, keywords) if isinstance(callee, Function) else Opaque()

    def instance(self, cls: ClassValue, arguments: Sequence[Value], keywords: dict[str, Value]) -> Object:
        """An object of a class of the file, with what its `__init__` gives it."""
        made = Object(cls)
        self.made.setdefault(cls.node, made)
        start = self.attribute(made, "__init__")
        if isinstance(start, Function):
            self.function(start, arguments, keywords)
        return made

    def function(self, callee: Function, arguments: Sequence[Value], keywords: dict[str, Value]) -> Value:
        """A call of a function of the file."""
        if self._depth >= DEPTH:
            return Opaque()
        self.called.add(callee.node)
        parameters = callee.node.args
        positional = [a.arg for a in (*parameters.posonlyargs, *parameters.args)]
        given: list[Value] = [callee.this] if callee.this is not None else []
        given += arguments
        names: Names = callee.names | {name: Opaque() for name in positional}
        defaults: dict[str, ast.expr | None] = dict(
            zip(positional[::-1], parameters.defaults[::-1], strict=False)
        )
        defaults |= zip((a.arg for a in parameters.kwonlyargs), parameters.kw_defaults, strict=True)
        names |= {name: self.eval(default, callee.names) for name, default in defaults.items()}
        names.update(zip(positional, given, strict=False))
        names.update(keywords)
        self._depth += 1
        try:
            return self._run(self, callee, names)
        finally:
            self._depth -= 1

    def _layer(self, layer: Layer, arguments: Sequence[Value], span: Span) -> Value:
        made = self.operations.layer(layer, arguments, span)
        if made is not None:
            return made
        value = arguments[0]
        for part in layer.parts:
            value = self.call(part, [value], {}, span)
        return value

    def _library(
        self, path: str, arguments: Sequence[Value], keywords: dict[str, Value], span: Span
    ) -> Value:
        name = path.rsplit(".", 1)[-1]
        made = stream_of(self, name, arguments)
        if made is not None or not path.startswith("torch"):
            return made or Opaque()
        if arguments and (name == "Variable" or name in WRAPPERS):
            return arguments[0]
        if name in MAKING or path.startswith("torch.fft."):
            return self._tensor(arguments, span)
        if path.startswith("torch.optim."):
            trained(arguments)
            return Opaque()
        if name[:1].isupper() and path.startswith("torch.nn"):
            return self._made(name, arguments)
        if name in ("zeros", "ones", "full", "empty", "zeros_like", "ones_like", "tensor", "arange", "eye"):
            return Opaque()
        return self.operations.call(name, arguments, keywords, span, method=False)

    def _tensor(self, arguments: Sequence[Value], span: Span) -> Value:
        """A tensor made of something: of the same numbers, or of numbers that are not followed."""
        first = arguments[0] if arguments else Opaque()
        if isinstance(first, (TensorNode, Number)) or is_network(first):
            return Opaque() if isinstance(first, Number) else first
        return TensorNode(self.operations.leaf(Opaque(), span))

    def _made(self, name: str, arguments: Sequence[Value]) -> Value:
        """An instance of a class of torch.nn. Parameters are numbers that training may change to any others."""
        if name == "Parameter":
            return Opaque(network=True)
        if name == "Sequential":
            return Layer(name, tuple(arguments))
        if name == "ModuleList" and arguments and isinstance(arguments[0], Stream):
            return arguments[0]
        return Layer(name)


def _folded(op: ast.operator, left: float, right: float) -> Value:
    function = ARITHMETIC.get(type(op))
    if function is None or (right == 0 and isinstance(op, ast.Div)):
        return Opaque()
    return Number(function(left, right))


Handler = Callable[[Interpreter, ast.expr, Names], Value]

HANDLERS: dict[type[ast.AST], Handler] = {
    ast.Name: Interpreter._name,  # type: ignore[dict-item] # each handler takes its own kind of expression
    ast.Constant: Interpreter._constant,  # type: ignore[dict-item]
    ast.Attribute: Interpreter._attribute,  # type: ignore[dict-item]
    ast.Subscript: Interpreter._subscript,  # type: ignore[dict-item]
    ast.Tuple: Interpreter._items,  # type: ignore[dict-item]
    ast.List: Interpreter._items,  # type: ignore[dict-item]
    ast.IfExp: Interpreter._choice,  # type: ignore[dict-item]
    ast.ListComp: Interpreter._comprehension,  # type: ignore[dict-item]
    ast.GeneratorExp: Interpreter._comprehension,  # type: ignore[dict-item]
    ast.Lambda: Interpreter._lambda,  # type: ignore[dict-item]
    ast.BinOp: Interpreter._binary,  # type: ignore[dict-item]
    ast.UnaryOp: Interpreter._unary,  # type: ignore[dict-item]
    ast.Compare: Interpreter._compare,  # type: ignore[dict-item]
    ast.Yield: Interpreter._yield,  # type: ignore[dict-item]
    ast.Call: Interpreter._call,  # type: ignore[dict-item]
}

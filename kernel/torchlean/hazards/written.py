"""What the person wrote at the place of a node.

torch's layers and losses are captured as the Python they are made of: `F.binary_cross_entropy` has logarithms and
clamps in the graph, all at the place of the call. Those are torch's business, whose kernels know how to deal with them.
A hazard is reported only where the person wrote the operation: the expression at the node's place is that operation.
"""

from __future__ import annotations

import ast
from functools import cached_property

from torchlean.capture.parsing import parse
from torchlean.capture.source_module import Corners, SourceModule, corners_of
from torchlean.graph import Node
from torchlean.hazards.repetition import additions
from torchlean.hazards.syntax import walked
from torchlean.source import Span

OPERATORS: dict[type[ast.operator] | type[ast.cmpop] | type[ast.unaryop], frozenset[str]] = {
    ast.Add: frozenset({"add"}),
    ast.Sub: frozenset({"sub"}),
    ast.Mult: frozenset({"mul", "square"}),
    ast.Div: frozenset({"div", "reciprocal", "mul"}),
    ast.Pow: frozenset({"pow", "pow_tensor", "square", "sqrt", "reciprocal", "rsqrt"}),
    ast.MatMult: frozenset({"matmul"}),
    ast.Eq: frozenset({"eq"}),
    ast.NotEq: frozenset({"ne"}),
    ast.USub: frozenset({"neg"}),
}
"""The ops that an operator may become."""

CALLS: dict[str, frozenset[str]] = {
    "arccos": frozenset({"acos"}),
    "arcsin": frozenset({"asin"}),
    "arccosh": frozenset({"acosh"}),
    "arctanh": frozenset({"atanh"}),
    "clip": frozenset({"clamp", "maximum", "minimum"}),
    "clamp": frozenset({"clamp", "maximum", "minimum"}),
    "clamp_max": frozenset({"clamp", "minimum"}),
    "clamp_min": frozenset({"clamp", "maximum"}),
    "divide": frozenset({"div"}),
    "true_divide": frozenset({"div"}),
    "__div__": frozenset({"div"}),
    "dot": frozenset({"matmul"}),
    "mm": frozenset({"matmul"}),
    "bmm": frozenset({"matmul"}),
    "mv": frozenset({"matmul"}),
    "multiply": frozenset({"mul", "square"}),
    "mul": frozenset({"mul", "square"}),
    "subtract": frozenset({"sub"}),
    "pow": frozenset({"pow", "pow_tensor", "square", "sqrt", "reciprocal", "rsqrt"}),
    "float_power": frozenset({"pow", "pow_tensor", "square", "sqrt", "reciprocal", "rsqrt"}),
    "rdiv": frozenset({"div", "reciprocal"}),
    "half": frozenset({"cast"}),
    "bfloat16": frozenset({"cast"}),
    "float": frozenset({"cast"}),
    "type": frozenset({"cast"}),
    "type_as": frozenset({"cast"}),
    "to": frozenset({"cast"}),
    "tensor": frozenset({"cast"}),
    "equal": frozenset({"eq"}),
    "mean": frozenset({"div"}),
    "Softmax": frozenset({"softmax"}),
    "cosine_embedding_loss": frozenset({"square"}),
    "mse_loss": frozenset({"square"}),
}
"""Functions and methods that are not called like the op they become; without the underscore of in-place ones."""


KERNELS = frozenset({"vector_norm", "normalize", "layer_norm", "group_norm", "instance_norm", "rms_norm"})
"""Ops that are kernels of torch also where its layers and losses call them: what breaks inside breaks the call."""

DETACHING = frozenset({"data", "detach", "item", "numpy", "tolist"})
"""Attributes and methods whose results have no gradients."""

UNRECORDED = frozenset({"inference_mode", "no_grad"})
"""Contexts and decorators under which autograd records nothing."""

SWITCHING = (ast.Attribute, ast.With, ast.AsyncWith, ast.FunctionDef, ast.AsyncFunctionDef)
"""What may end the recording, in `_switches_gradients_off`."""


class Written:
    """The expressions of one file by their places."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.module = SourceModule(path, text, parse(text).tree, analysed=True)
        self._at: dict[Corners, list[ast.AST]] = {}
        self._unrecorded: list[Span] = []
        self._recorded: dict[Span, bool] = {}
        self._additions = {self.module.span(node): count for node, count in additions(self.module.tree)}
        self.syntax = walked(self.module.tree)
        corners = self.module.corners
        for node in self.syntax.nodes:
            if isinstance(node, (ast.expr, ast.AugAssign)):
                self._at.setdefault(corners(node), []).append(node)
        for node in self.syntax.of(*SWITCHING):
            if _switches_gradients_off(node):
                self._unrecorded.append(self.module.span(node))

    @property
    def calls(self) -> list[ast.Call]:
        """All calls of the file."""
        return self.syntax.of(ast.Call)

    @cached_property
    def imports(self) -> dict[str, str]:
        """What the file's imports bind (`imported`)."""
        return imported(self.module.tree)

    def package(self, function: ast.expr) -> str | None:
        """Whose function or object a dotted name begins with, by the file's imports; None where they do not say."""
        path = self.imports.get(dotted(function).split(".")[0])
        return None if path is None else path.split(".")[0]

    def place(self, node: Node) -> Span | None:
        """Where this file has the node's operation itself, or None where it is part of something else."""
        span = node.span
        if span is None or span.path != self.path:
            return None
        found = self._at.get(corners_of(span))
        if found is None:
            return span
        return span if any(_is(expression, node.op) for expression in found) else None

    def layer_place(self, node: Node) -> Span | None:
        """The innermost place of this file that leads to the node, whatever is written there."""
        return next((span for span in node.spans if span.path == self.path), None)

    def additions(self, span: Span) -> float:
        """How often the sum that stands there is added to, where the file says so; else 1."""
        return self._additions.get(span, 1.0)

    def is_recorded(self, span: Span) -> bool:
        """Whether autograd keeps what is computed there: not under `torch.no_grad()`, and not of `x.detach()`."""
        found = self._recorded.get(span)
        if found is None:
            found = self._recorded[span] = self._is_recorded(span)
        return found

    def _is_recorded(self, span: Span) -> bool:
        if any(off.contains(span.line, span.column) for off in self._unrecorded):
            return False
        parts = (part for expression in self.expressions(span) for part in ast.walk(expression))
        return not any(isinstance(part, ast.Attribute) and part.attr in DETACHING for part in parts)

    def expressions(self, span: Span) -> list[ast.AST]:
        """The expressions that stand exactly there."""
        return self._at.get(corners_of(span), [])


def _switches_gradients_off(node: ast.AST) -> bool:
    """`with torch.no_grad():`, `@torch.no_grad()`, and expressions that are detached as a whole."""
    if isinstance(node, ast.Attribute):
        return node.attr in DETACHING
    if isinstance(node, (ast.With, ast.AsyncWith)):
        switches = [item.context_expr for item in node.items]
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        switches = node.decorator_list
    else:
        return False
    names = {
        part.attr if isinstance(part, ast.Attribute) else part.id
        for switch in switches
        for part in ast.walk(switch)
        if isinstance(part, (ast.Attribute, ast.Name))
    }
    return bool(names & UNRECORDED)


def _is(expression: ast.AST, op: str) -> bool:
    """Whether the expression is an application of the op."""
    if isinstance(expression, ast.Call):
        name = called_name(expression)
        if op in KERNELS:
            return True
        if name is None:
            return False
        plain = name.rstrip("_") if not name.startswith("__") else name
        return plain == op or op in CALLS.get(plain, ())
    if isinstance(expression, (ast.BinOp, ast.AugAssign, ast.UnaryOp)):
        return op in OPERATORS.get(type(expression.op), ())
    if isinstance(expression, ast.Compare):
        return any(op in OPERATORS.get(type(operator), ()) for operator in expression.ops)
    return False


def called_name(call: ast.Call) -> str | None:
    """The last part of the called name: `log` of `torch.log(x)` and of `x.log()`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else None


def dotted(node: ast.AST) -> str:
    """`torch.backends.cuda` of an attribute chain; empty where something else is in it."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(tree: ast.Module) -> dict[str, str]:
    """What the imports of a file bind: local name to dotted path. Relative imports name nothing of a library."""
    bound: dict[str, str] = {}
    for node in walked(tree).of(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    bound[alias.asname] = alias.name
                else:
                    bound[alias.name.split(".")[0]] = alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return bound

"""Recognising calls of torch in their spellings: `torch.log(x)`, `x.log()`, `F.softmax(x, dim=1)`, `x.softmax(1)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from torchlean.fixes.definitions import resolved
from torchlean.fixes.source_file import SourceFile

ALIASES = {
    "special_expit": "sigmoid",
    "expit": "sigmoid",
    "arccos": "acos",
    "arcsin": "asin",
    "square": "square",
}
"""Other names of the same functions."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a torch function or tensor method, with its tensor apart from the other arguments.

    `operand` is the tensor; `rest` and `keywords` are what follows it, the same for both spellings.
    """

    node: ast.Call
    name: str
    operand: ast.expr
    rest: tuple[ast.expr, ...]
    keywords: dict[str, ast.expr]

    @property
    def plain(self) -> bool:
        """Nothing but the tensor is given."""
        return not self.rest and not self.keywords

    def argument(self, position: int, *names: str) -> ast.expr | None:
        """An argument behind the tensor, by position or by one of its names."""
        if position < len(self.rest):
            return self.rest[position]
        return next((self.keywords[name] for name in names if name in self.keywords), None)


class Matcher:
    """Patterns over one file. Names are followed to what was assigned to them.

    `quoted` collects the expressions whose text was asked for: new text is made of them.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.quoted: list[ast.expr] = []

    def resolve(self, node: ast.expr) -> ast.expr:
        return resolved(self.file, node)

    def source(self, node: ast.expr) -> str:
        """The text of an expression, as it may stand between commas."""
        self.quoted.append(node)
        return self.file.source(node)

    def operand(self, node: ast.expr) -> str:
        """The text of an expression, as an attribute may follow it."""
        self.quoted.append(node)
        return self.file.operand(node)

    def term(self, node: ast.expr) -> str:
        """The text of an expression, as `+` or `-` may follow it."""
        self.quoted.append(node)
        return self.file.term(node)

    def behind(self, node: ast.expr, inner: ast.expr) -> str:
        """The text of an expression behind the one that it begins with."""
        self.quoted.append(node)
        return self.file.text[self.file.offsets(inner)[1] : self.file.offsets(node)[1]]

    def call(self, node: ast.expr, *names: str) -> Call | None:
        """The node as a call of one of these functions, if it is one (a name stands for what was assigned to it)."""
        node = self.resolve(node)
        if not isinstance(node, ast.Call) or any(k.arg is None for k in node.keywords):
            return None
        keywords = {k.arg: k.value for k in node.keywords if k.arg}
        arguments = list(node.args)
        if any(isinstance(a, ast.Starred) for a in arguments):
            return None
        name = self.file.torch_name(node.func)
        if name is None and isinstance(node.func, ast.Attribute) and self.file.path_of(node.func) is None:
            name, arguments = node.func.attr, [node.func.value, *arguments]
        elif name is not None and not arguments and "input" in keywords:
            arguments = [keywords.pop("input")]
        name = ALIASES.get(name or "", name or "")
        if name not in names or not arguments:
            return None
        return Call(node, name, arguments[0], tuple(arguments[1:]), keywords)

    def plain(self, node: ast.expr, name: str) -> ast.expr | None:
        """The operand of a call without further arguments."""
        call = self.call(node, name)
        return call.operand if call is not None and call.plain else None

    def same(self, a: ast.expr, b: ast.expr) -> bool:
        """Whether two expressions are the same, names followed on both sides."""
        return _shape(a) == _shape(b) or _shape(self.resolve(a)) == _shape(self.resolve(b))

    def squared(self, node: ast.expr) -> ast.expr | None:
        """`x` of `x * x`, `x ** 2`, `x.pow(2)`, `torch.square(x)`."""
        node = self.resolve(node)
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Mult) and self.same(node.left, node.right):
                return node.left
            if isinstance(node.op, ast.Pow) and is_number(node.right, 2):
                return node.left
        call = self.call(node, "pow", "square")
        if call is None or call.keywords:
            return None
        if call.name == "square":
            return call.operand if call.plain else None
        return call.operand if len(call.rest) == 1 and is_number(call.rest[0], 2) else None

    def complement(self, node: ast.expr) -> ast.expr | None:
        """`x` of `1 - x`."""
        node = self.resolve(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and is_number(node.left, 1):
            return node.right
        return None

    def one_plus(self, node: ast.expr) -> ast.expr | None:
        """`x` of `1 + x` or `x + 1`."""
        node = self.resolve(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            if is_number(node.left, 1):
                return node.right
            if is_number(node.right, 1):
                return node.left
        return None

    def without_epsilon(self, node: ast.expr) -> ast.expr:
        """`x` of `x + 1e-8`: the guard that a stable form does not need."""
        node = self.resolve(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            for number, other in ((node.right, node.left), (node.left, node.right)):
                value = number_of(self.resolve(number))
                if value is not None and 0 < value < SMALL:
                    return self.resolve(other)
        return node


SMALL = 1e-3
"""A constant below is meant as a guard against zero and not as a part of the formula."""


def _shape(node: ast.expr) -> str:
    return ast.dump(node)


def number_of(node: ast.expr) -> float | None:
    """The value of a number that stands in the text."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number_of(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return None if isinstance(node.value, bool) else float(node.value)
    return None


def is_number(node: ast.expr, value: float) -> bool:
    return number_of(node) == value


def negated(node: ast.expr) -> ast.expr | None:
    """`x` of `-x`."""
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else None


def terms(node: ast.expr, sign: int = 1) -> Iterator[tuple[int, ast.expr]]:
    """The terms of a sum with their signs: `-(a + b) - c` is `-a`, `-b`, `-c`. A sign in front of a product counts."""
    inner = negated(node)
    if inner is not None:
        yield from terms(inner, -sign)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from terms(node.left, sign)
        yield from terms(node.right, sign if isinstance(node.op, ast.Add) else -sign)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and negated(node.left) is not None:
        inner = negated(node.left)
        assert inner is not None
        yield -sign, ast.copy_location(ast.BinOp(inner, ast.Mult(), node.right), node)
    else:
        yield sign, node


def factors(node: ast.expr) -> list[ast.expr]:
    """The factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    return [node]


def is_factor(node: ast.expr) -> bool:
    """Whether `/` may follow the text as it is."""
    factor = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult | ast.Pow)
    return factor or isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Constant)

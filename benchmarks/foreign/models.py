"""The lists of models beside this file, and the program that each entry stands for.

A list is Python text: what comes before the first entry is imported, and an entry `model(CONSTRUCTOR, INPUT)` is a
module and an example of what it takes. `call="name(x)"` is the method that is called in place of the module itself,
`result="name"` the attribute of the result that is meant.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("torchvision", "timm", "stable_baselines3", "transformers")

PROGRAM = '''"""{title}"""

import torch
import torchlean as tl
from torch import nn

{imports}


class Captured(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = {constructor}

    def forward(self, x):
        return self.model{call}{part}


def example():
    return {example}
'''

CALLED = """

model = Captured().eval()
model(example())
"""

LOADED = """

model = tl.load(Captured(), {weights!r})
model(example())
"""


@dataclass(frozen=True, slots=True)
class Model:
    """One entry: source text of imports, constructor, example, call of the model, and `.name` of the result."""

    imports: str
    constructor: str
    example: str
    call: str = "(x)"
    part: str = ""

    @property
    def program(self) -> str:
        """Defines `Captured` and `example`, and calls nothing."""
        return PROGRAM.format(
            title=self.constructor.replace('"', "'"),
            imports=self.imports,
            constructor=self.constructor,
            example=self.example,
            call=self.call,
            part=self.part,
        )


def models_of(package: str) -> list[Model]:
    """The entries of a package's list.

    Raises:
        ValueError: an entry is not written as one.
    """
    tree = ast.parse((Path(__file__).parent / f"{package}.txt").read_text(encoding="utf-8"))
    before = [node for node in tree.body if not isinstance(node, ast.Expr)]
    return [_entry(node.value, before) for node in tree.body if isinstance(node, ast.Expr)]


def _entry(call: ast.expr, before: list[ast.stmt]) -> Model:
    if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "model" and len(call.args) == 2):
        raise ValueError(f"not an entry: {ast.unparse(call)}")
    named = {keyword.arg: f".{ast.literal_eval(keyword.value)}" for keyword in call.keywords}
    constructor, example = call.args
    imports = "\n".join(map(ast.unparse, _needed(call, before)))
    called, part = named.get("call", "(x)"), named.get("result", "")
    return Model(imports, ast.unparse(constructor), ast.unparse(example), called, part)


def _needed(call: ast.expr, before: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that bind what an entry uses, in order: a program imports no models but its own."""
    used = _names(call)
    needed: list[ast.stmt] = []
    for statement in reversed(before):
        if isinstance(statement, ast.ImportFrom):
            aliases = [alias for alias in statement.names if (alias.asname or alias.name) in used]
            if aliases:
                needed.insert(0, ast.ImportFrom(statement.module, aliases, statement.level))
        elif isinstance(statement, ast.Import) or _names(statement) & used:
            needed.insert(0, statement)
            used |= _names(statement)
    return needed


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}

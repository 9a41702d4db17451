"""Options of the command line: `parser.add_argument("--temperature", type=float, default=1.0)`.

What a program does by default is what it is judged by, here as where shapes are known (`capture/stubs/argparse.py`).
"""

from __future__ import annotations

import ast

from torchlean.hazards.syntax import walked

PARSING = frozenset({"parse_args", "parse_known_args"})


class Options:
    """The options of one file that have a number as their default."""

    def __init__(self, tree: ast.Module) -> None:
        self._names = {
            name.id
            for statement in walked(tree).of(ast.Assign)
            if _calls(statement.value, PARSING)
            for target in statement.targets
            for name in ast.walk(target)
            if isinstance(name, ast.Name)
        }
        self._defaults = dict(map(_default, _declarations(tree))) if self._names else {}

    def default(self, node: ast.Attribute) -> float | None:
        """The number that `args.temperature` is by default, if that is what the expression is."""
        if not isinstance(node.value, ast.Name) or node.value.id not in self._names:
            return None
        return self._defaults.get(node.attr)


def _declarations(tree: ast.Module) -> list[ast.Call]:
    return [call for call in walked(tree).of(ast.Call) if _calls(call, frozenset({"add_argument"}))]


def _calls(node: ast.expr, methods: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods


def _default(call: ast.Call) -> tuple[str, float | None]:
    """The attribute that a declaration gives the parsed options, and its number."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    flags = [
        flag.value for flag in call.args if isinstance(flag, ast.Constant) and isinstance(flag.value, str)
    ]
    long = [flag for flag in flags if flag.startswith("--")] or flags or [""]
    dest = given.get("dest")
    name = dest.value if isinstance(dest, ast.Constant) else long[0].lstrip("-").replace("-", "_")
    value = given.get("default")
    number = value.value if isinstance(value, ast.Constant) else None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return str(name), None
    return str(name), float(number)

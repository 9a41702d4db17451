"""The syntax trees of files, walked once: several readers ask for all nodes of the same tree after every edit."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TypeVar, cast

Kind = TypeVar("Kind", bound=ast.AST)

KEPT = 2
"""Trees whose nodes are remembered: those of the file that is analysed, and of the one before."""

PLAIN = frozenset({"arg", "asname", "attr", "conversion", "ctx", "id", "is_async", "kind", "level", "module"})
"""Fields without nodes, and the context of names, which is the same object for all of them."""

OPERATORS = frozenset({"op", "ops"})
"""Fields with operators, which are the same objects wherever they stand."""


class Syntax:
    """One tree.

    Attributes:
        nodes: in the order of `ast.walk`; without operators and contexts.
    """

    def __init__(self, tree: ast.Module) -> None:
        nodes: list[ast.AST] = [tree]
        for node in nodes:  # the list grows meanwhile
            nodes.extend(_children(node))
        self.nodes: Sequence[ast.AST] = nodes
        self._of: dict[type, list[ast.AST]] = {}
        for node in nodes:
            self._of.setdefault(type(node), []).append(node)

    @cached_property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """The node that each node but the module is a part of."""
        return {child: parent for parent in self.nodes for child in _children(parent)}

    def of(self, *kinds: type[Kind]) -> list[Kind]:
        """The nodes of these classes, in the same order."""
        if len(kinds) == 1:
            return cast("list[Kind]", self._of.get(kinds[0], []))
        return [cast("Kind", node) for node in self.nodes if type(node) in kinds]


@lru_cache(KEPT)
def walked(tree: ast.Module) -> Syntax:
    """The tree's nodes."""
    return Syntax(tree)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for name in _fields(type(node)):
        value = getattr(node, name, None)
        if isinstance(value, list):
            for item in value:
                if isinstance(item, ast.AST):
                    yield item
        elif isinstance(value, ast.AST):
            yield value


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields that may hold nodes of their own."""
    found = _known_fields.get(kind)
    if found is None:
        names = tuple(name for name in kind._fields if name not in PLAIN and name not in OPERATORS)
        found = _known_fields[kind] = names
    return found


_known_fields: dict[type, tuple[str, ...]] = {}


__all__ = ["Syntax", "walked"]

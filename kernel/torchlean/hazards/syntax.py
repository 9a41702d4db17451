"""The syntax trees of files, walked once: several readers ask for all nodes of the same tree after every edit."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache

KEPT = 2
"""Trees whose nodes are remembered: those of the file that is analysed, and of the one before."""


@lru_cache(KEPT)
def walked(tree: ast.Module) -> Sequence[ast.AST]:
    """All nodes, in the order of `ast.walk`."""
    return tuple(ast.walk(tree))


__all__ = ["walked"]

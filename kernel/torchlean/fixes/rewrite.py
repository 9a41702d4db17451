"""What a rule yields: an expression, the text in its place, and the words for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torchlean.fixes.matching import Matcher


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Put `text` in the place of `target`. `words` say what that is, as an imperative.

    `nonnegative`: an expression that must be known not to be negative, where the new form is only right then.
    """

    target: ast.expr
    text: str
    words: str
    nonnegative: ast.expr | None = None


class Rule(Protocol):
    """Looks at one expression and yields what could stand there instead, the best first. A function."""

    @property
    def __name__(self) -> str: ...

    def __call__(self, match: Matcher, node: ast.expr, /) -> Iterator[Rewrite]: ...

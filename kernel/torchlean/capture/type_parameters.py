"""`def f[T](...)` and `class A[T]` (Python 3.12): the names between the brackets, and where they are seen."""

from __future__ import annotations

import ast

from torchlean.capture.environment import Environment
from torchlean.capture.values import Unknown


def with_type_parameters(node: ast.AST, around: Environment) -> Environment:
    """The scope inside of `around` that has the type parameters of a definition; `around` where it has none.

    As with `T = TypeVar("T")`, what they stand for is not known: it matters to type checkers only.
    """
    names = [parameter.name for parameter in getattr(node, "type_params", ())]
    if not names:
        return around
    scope = Environment(around)
    scope.names.update({name: Unknown(f"the type parameter `{name}` is not followed") for name in names})
    return scope

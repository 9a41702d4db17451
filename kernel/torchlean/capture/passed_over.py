"""A module was called, and what its `forward` does was not followed: what it may have changed on itself is not known.

That is so for modules inside of modules that a training loop calls with data of which nothing is known (`recursion`):
their weights are forgotten by the training, and beside these a forward pass changes running statistics, counters and
caches. Which ones shows in the text of its methods.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from torchlean.capture.function_syntax import MUTATING
from torchlean.capture.memory import in_place_name
from torchlean.capture.unit_parts import children
from torchlean.capture.values import Instance, TensorValue, Unknown, UserClass, UserFunction
from torchlean.capture.widening import anything, is_trainable

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

NEVER_NEGATIVE = frozenset({"running_var", "num_batches_tracked"})
"""Statistics of torch's layers that stay so however long they train."""


def passed_over(run: Interpreter, module: Instance, cause: Unknown) -> None:
    """Forget what the forward passes of a module and of those in it may write."""
    for part in _inside(module, set()):
        buffers = part.attributes.get("_buffers")
        own = buffers if isinstance(buffers, dict) else {}
        for name in _written(part, own):
            if name in own:
                _forget(run, own, name)
            elif name in part.attributes:
                run.assign(part.attributes, name, Unknown(cause.reason, cause.span, reported=True))


def _inside(module: Instance, seen: set[int]) -> Iterator[Instance]:
    if id(module) not in seen:
        seen.add(id(module))
        yield module
        for child in children(module):
            yield from _inside(child, seen)


def _written(module: Instance, buffers: dict[str, object]) -> list[str]:
    """Names of what forward passes may write, each once: of torch's layers the statistics, while they train.

    Their order is that of the program: graphs shall be numbered alike in every process.
    """
    if module.cls.module.internal:
        return list(buffers) if module.attributes.get("training") is not False else []
    own = (cls for cls in module.cls.mro if not cls.module.internal)
    return list(dict.fromkeys(name for cls in own for name in _by_methods(cls)))


def _by_methods(cls: UserClass) -> Iterator[str]:
    for name, method in cls.names.items():
        if isinstance(method, UserFunction) and name != "__init__":
            yield from _by_method(method.node)


def _by_method(node: ast.AST) -> list[str]:
    """The names that a method writes; remembered on its tree, as loops call modules again and again."""
    cached: list[str] | None = getattr(node, "torchlean_written", None)
    if cached is None:
        cached = node.torchlean_written = list(dict.fromkeys(_names_written(node)))  # type: ignore[attr-defined] # a cache
    return cached


def _names_written(node: ast.AST) -> Iterator[str]:
    """`name` of `self.name = ...`, `self.name[i] = ...`, `self.name.add_(...)`, `self.name.append(...)`."""
    for inner in ast.walk(node):
        if not isinstance(inner, (ast.Attribute, ast.Subscript)):
            continue
        writes = not isinstance(inner.ctx, ast.Load)
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and writes:
            yield inner.attr
        calls = isinstance(inner, ast.Attribute) and (inner.attr in MUTATING or in_place_name(inner.attr))
        if (writes or calls) and isinstance(inner.value, ast.Attribute):
            yield inner.value.attr


def _forget(run: Interpreter, buffers: dict[str, object], name: str) -> None:
    old = buffers[name]
    if isinstance(old, TensorValue):
        lower = 0.0 if name in NEVER_NEGATIVE else -math.inf
        run.assign(buffers, name, anything(run, old.type, is_trainable(old), old.parameter, lower))

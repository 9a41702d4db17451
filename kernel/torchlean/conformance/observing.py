"""What of a run is compared: the numbers that a claim compares, or what a module returns. In the sandbox only.

A claim's result is one truth value, which nearly always agrees. So the operands of its comparisons are returned beside
it, in the order in which they are compared; the graph has the same ones in the same order. That holds for every way to
run it: `torch.compile` and `torch.export` follow the function together with the mode that looks on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from torchlean.exported.subjects import Calling

COMPARISONS = {
    **dict.fromkeys(("lt", "__lt__", "less"), "lt"),
    **dict.fromkeys(("le", "__le__", "less_equal"), "le"),
    **dict.fromkeys(("gt", "__gt__", "greater"), "gt"),
    **dict.fromkeys(("ge", "__ge__", "greater_equal"), "ge"),
    **dict.fromkeys(("eq", "__eq__"), "eq"),
    **dict.fromkeys(("ne", "__ne__", "not_equal"), "ne"),
}
"""torch's names of comparisons, and the ops of our graph."""

MOST_RECORDS = 20_000
"""Results of one run that are kept to find where it parts: those of a network of some hundred layers."""


class NotThere(Exception):
    """The file has no such object after its import."""


class Comparing(TorchFunctionMode):  # type: ignore[misc]
    """Keeps the tensors that are compared, left before right."""

    def __init__(self) -> None:
        super().__init__()
        self.operands: list[Tensor] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in COMPARISONS and isinstance(result, Tensor):
            for operand in args:
                if isinstance(operand, Tensor):
                    self.operands.append(operand)
        return result


class Recording(TorchFunctionMode):  # type: ignore[misc]
    """Keeps the result of every call of torch's, with the lines of the user's code that led to it, innermost first."""

    def __init__(self, roots: Sequence[str]) -> None:
        super().__init__()
        self._roots = tuple(roots)
        self.records: list[tuple[list[tuple[str, int]], Tensor]] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, Tensor)]
        if tensors and len(self.records) < MOST_RECORDS:
            lines = user_lines(self._roots)
            # A later change in place must not change what is remembered.
            self.records += [(lines, tensor.detach().clone()) for tensor in tensors]
        return result


def user_lines(roots: Sequence[str]) -> list[tuple[str, int]]:
    """The places of this moment's call in the user's files, innermost first; lines count from zero."""
    found = []
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_filename.startswith(tuple(roots)):
            found.append((frame.f_code.co_filename, frame.f_lineno - 1))
    return found


class Observed(Calling):
    """Something to call with the unit's inputs, in order: gives the tensors to compare.

    `compares` is whether it is a claim, whose operands are returned, and its result last.
    """

    def __init__(
        self, function: Callable[..., Any], modules: Mapping[str, nn.Module], compares: bool
    ) -> None:
        super().__init__(function, modules)
        self.compares = compares

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        if not self.compares:
            result = self._function(*inputs)
            if isinstance(result, Tensor):
                return (result,)
            return tuple(leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, Tensor))
        comparing = Comparing()
        with comparing:  # not `as`: a compiler that goes on behind a `print` in here has lost what that names
            result = self._function(*inputs)
        return (*comparing.operands, torch.as_tensor(result))


def named(names: Mapping[str, Any], path: str) -> Any:
    """What `stable.inside` stands for in a file.

    Raises:
        NotThere: nothing of that name.
    """
    root, *rest = path.split(".")
    if root not in names:
        raise NotThere(f"after the import there is no `{root}`")
    value = names[root]
    for attribute in rest:
        if not hasattr(value, attribute):
            raise NotThere(f"after the import `{root}` has no `{attribute}`")
        value = getattr(value, attribute)
    return value

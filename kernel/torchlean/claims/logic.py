"""What composes conditions in a claim at run time, free of torch: `tl.implies`, `tl.all`, `tl.any`.

`capture/stubs/torchlean.py` is the same for the analysis, with the same words for the same mistakes; tests/claims holds
the two together.
"""

from __future__ import annotations

from typing import Any


def implies(premise: Any, conclusion: Any) -> Any:
    """Whether the conclusion is true wherever the premise is, element by element.

    Args:
        premise, conclusion: bools or bool tensors, which broadcast against each other.

    Returns:
        A bool where both are, else a bool tensor.

    Raises:
        TypeError: something else.

    Example:
        >>> import torch
        >>> x = torch.tensor([-2.0, 2.0])
        >>> implies(x > 0, x >= 1)
        tensor([True, True])
    """
    _check("implies", "premise", premise)
    _check("implies", "conclusion", conclusion)
    if isinstance(premise, bool):
        return conclusion if premise else True
    return ~premise | conclusion


def all(condition: Any) -> Any:
    """Whether a condition is true of every element: a bool for a bool, else a bool tensor of no dimension.

    Raises:
        TypeError: neither a bool nor a bool tensor.
    """
    _check("all", "condition", condition)
    return condition if isinstance(condition, bool) else condition.all()


def any(condition: Any) -> Any:
    """Whether a condition is true of some element: a bool for a bool, else a bool tensor of no dimension.

    Raises:
        TypeError: neither a bool nor a bool tensor.
    """
    _check("any", "condition", condition)
    return condition if isinstance(condition, bool) else condition.any()


def _check(function: str, name: str, value: Any) -> None:
    """Numbers have no truth here: `~x` of integers would turn their bits round."""
    dtype = getattr(value, "dtype", None)
    if not isinstance(value, bool) and str(dtype) != "torch.bool":
        got = f"a {type(value).__name__}" if dtype is None else f"a {dtype} tensor"
        raise TypeError(
            f"tl.{function}: the {name} must be a bool or a bool tensor, such as `x > 0`, got {got}"
        )

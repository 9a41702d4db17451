"""`tl.D` at run time, by torch's autograd, and running a claim so that its inputs record what is computed from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from torchlean.claims.errors import UntrackedError, independent, no_variable, not_differentiable, untracked


def derivative(u: Tensor, variables: tuple[Tensor, ...]) -> Tensor:
    """See `torchlean.claims.api.D`."""
    if not variables:
        raise TypeError(no_variable())
    for value in (u, *variables):
        if not isinstance(value, Tensor) or not value.is_floating_point():
            got = _type_of(value) if isinstance(value, Tensor) else repr(value)
            raise TypeError(not_differentiable(got))
    if not all(variable.requires_grad for variable in variables):
        raise UntrackedError(untracked())
    found = u
    for order, variable in enumerate(variables):
        slope = _gradient(found, variable)
        if slope is None and order == 0:
            raise ValueError(independent())
        found = torch.zeros_like(variable) if slope is None else slope
    return found


def _type_of(tensor: Tensor) -> str:
    return f"a {tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')} tensor"


def _gradient(of: Tensor, by: Tensor) -> Tensor | None:
    if not of.requires_grad:
        return None
    (found,) = torch.autograd.grad(of.sum(), by, create_graph=True, allow_unused=True)
    return found


def tracked(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The function's result, run with floating tensors that record what is computed from them.

    The caller's tensors are left as they are.
    """
    with torch.enable_grad():
        return function(*map(_recording, args), **{name: _recording(value) for name, value in kwargs.items()})


def _recording(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_floating_point() and not value.requires_grad:
        return value.detach().requires_grad_()
    return value

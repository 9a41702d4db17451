"""Arithmetic on small arrays, in numpy where it is on the processor: lines around functions are found by some fifty
operations on the elements of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchlean.intervals.approximation import Approximant
from torchlean.intervals.rounding import SMALLEST_SUBNORMAL, UNIT_ROUNDOFF

Array = Any
"""Of torch or of numpy."""


def module_of(x: Tensor) -> ModuleType:
    """numpy on the processor, whose calls take a third of the time of torch's, and no more for many elements; else
    torch. Their functions of the names used with it do the same."""
    return np if x.is_cpu else torch


def arrays(xp: ModuleType, tensors: Sequence[Tensor | None]) -> list[Array]:
    """The same numbers as arrays of the module; None stays."""
    return [each if each is None or xp is torch else each.numpy() for each in tensors]


def asked(xp: ModuleType, function: Approximant, points: Array) -> tuple[Array, Array]:
    """What a function has for its values, and their errors; both fresh."""
    if xp is torch:
        found = function(points)
        return found.value, found.error
    found = function(torch.from_numpy(points))
    return found.value.numpy(), found.error.numpy()


def margin(value: Array, product: Array, error: Array) -> Array:
    """A lower bound of `f - s x - loss` from the computed value of `f`, the computed product `s x` and `error`, its own
    plus the loss, each within four roundings: what follows are four roundings of at most `|f| + |s x| + error`."""
    size = abs(value) + abs(product)
    slack = (error + size * (4 * UNIT_ROUNDOFF)) * (1 + 16 * UNIT_ROUNDOFF)
    return (value - product) - (slack + 4 * SMALLEST_SUBNORMAL)


__all__ = ["Array", "arrays", "asked", "margin", "module_of"]

"""Rules for softmax, its logarithm, and logsumexp, as torch computes them: after subtracting the row's maximum.

With `d_j = max - x_j >= 0` the kernel forms `exp(-d_j (1 + δ))`, `|δ| <= u`, which is off by at most `expm1(u d)`
relative, and, since `d e^-d < 0.37`, by less than `u / 2` absolutely, however far below the maximum an element lies.
The sum S is at least 1 (the maximum's own term) and has n terms without cancellation. Without the subtraction (a
softmax written by hand) the ops have rules of their own, and overflow shows there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchlean.ops.noise import kernels
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise, Noisy, growth, infinite


@dataclass(frozen=True)
class Rows:
    """What the kernels of this family have in common, per row, with the reduced dimensions kept.

    Attributes:
        furthest: how far the largest error moves an element of the row.
        error: each element's error.
        sum_error: the relative error of the computed sum of exponentials.
        terms: of that sum.
    """

    furthest: Tensor
    error: Tensor
    sum_error: Tensor
    terms: int
    depth: Tensor


def rows_of(call: Call, dims: tuple[int, ...]) -> Rows:
    """Errors and the error of the sum, along `dims` of the only operand."""
    (x,) = call.operands
    unit = call.precision.unit
    masked = _masked(x)
    error = x.errors.masked_fill(masked, 0.0)
    top = x.reach.upper.amax(dims, keepdim=True)
    depth = torch.nan_to_num(top - torch.where(masked, top, x.reach.lower), nan=math.inf, posinf=math.inf)
    terms = math.prod(x.exact.shape[d] for d in dims)
    exponential = kernels.relative("softmax_exp", call.precision)
    arguments = (depth.amax(dims, keepdim=True) * (2.0 * unit)).clamp(max=0.5 * terms * unit)
    tiny = (terms + 4) * call.precision.smallest_normal
    sum_error = arguments + 1.1 * exponential + growth(terms + 2, unit) + tiny
    # From one half on nothing is said any more.
    sum_error = torch.where(sum_error < 0.5, sum_error / (1.0 - sum_error), math.inf)
    return Rows(error.amax(dims, keepdim=True), error, sum_error, terms, depth)


def _masked(x: Noisy) -> Tensor:
    """Where the logit is minus infinity from the start: its share is zero, exactly."""
    return infinite(x.exact) & (x.exact.upper < 0) & (x.errors == 0)


def _dims(call: Call) -> tuple[int, ...]:
    dim: Any = call.attributes["dim"]
    rank = len(call.operands[0].exact.shape)
    if isinstance(dim, int):
        return (dim,) if rank else ()
    return tuple(dim) or tuple(range(rank))


def _shapeless(call: Call) -> bool:
    """One logit, or none: its share is 1, and its logarithm 0, exactly, if it is a finite number."""
    return not call.operands[0].exact.shape or call.operands[0].exact.lower.numel() == 0


def _only(x: Noisy) -> Tensor | None:
    """What the error of a single logit makes of its share: nothing, or NaN where the logit may be NaN or infinite."""
    return None if x.error is None else torch.where(torch.isfinite(x.error), 0.0, math.inf)


@dataclass(frozen=True)
class Shares(Rule):
    """softmax. Errors of the logits multiply a share by `exp(e_i + max e)` at most."""

    def noise(self, call: Call) -> Noise:
        unit = call.precision.unit
        limits = (0.0, 1.0 + 4.0 * unit)
        if _shapeless(call):
            return Noise(passed=_only(call.operands[0]), least=0.0, greatest=1.0)
        rows = rows_of(call, _dims(call))
        share = call.exact.upper.clamp(min=0.0, max=1.0)
        passed: Tensor | None = None
        if call.noisy:
            moved = torch.expm1(rows.error + rows.furthest)
            known = torch.isfinite(rows.furthest)
            passed = torch.where(known, (share * moved).clamp(max=1.0), math.inf)
            passed = torch.where(share > 0, passed, torch.where(known, 0.0, math.inf))
            share = (share + torch.nan_to_num(passed, posinf=1.0)).clamp(max=1.0)
        exponential = kernels.relative("softmax_exp", call.precision)
        own = torch.minimum(share * rows.depth * (2.0 * unit), torch.full_like(share, 0.5 * unit))
        own = torch.where(share > 0, own, 0.0)
        local = (own + share * (rows.sum_error + 1.1 * exponential + 3.0 * unit)) * (1.0 + rows.sum_error)
        local = local + (rows.terms + 4) * call.precision.smallest_normal
        return Noise(local.clamp(max=1.0 + 4.0 * unit), passed, least=limits[0], greatest=limits[1])


@dataclass(frozen=True)
class LogShares(Rule):
    """log_softmax: `(x_i - max) - log(S)`. Errors of the logits move it by `e_i + max e` at most."""

    def noise(self, call: Call) -> Noise:
        if _shapeless(call):
            return Noise(passed=_only(call.operands[0]), greatest=0.0)
        rows = rows_of(call, _dims(call))
        passed = rows.error + rows.furthest if call.noisy else None
        unit = call.precision.unit
        logarithm = kernels.relative("log", call.precision)
        size = call.result_magnitude(passed)
        local = size * (3.0 * unit) + rows.sum_error * 1.1 + math.log(rows.terms + 1) * logarithm
        local = local + 4.0 * call.precision.smallest_normal
        if call.operands[0].exact.infinite:
            local = local.masked_fill(_masked(call.operands[0]), 0.0)
        return Noise(local, passed)


@dataclass(frozen=True)
class LogSum(Rule):
    """logsumexp: `max + log(S)`. It moves no further than the logit that moves most."""

    def noise(self, call: Call) -> Noise:
        if _shapeless(call):
            return Noise(passed=call.operands[0].error)
        dims = _dims(call)
        rows = rows_of(call, dims)
        shape = call.out.shape
        passed = rows.furthest.reshape(shape) if call.noisy else None
        logarithm = kernels.relative("log", call.precision)
        size = call.result_magnitude(passed)
        local = size * (2.0 * call.precision.unit) + rows.sum_error.reshape(shape) * 1.1
        local = local + math.log(rows.terms + 1) * (logarithm + 2.0 * call.precision.unit)
        return Noise(local + 4.0 * call.precision.smallest_normal, passed)


@dataclass(frozen=True)
class RunningLogSum(Rule):
    """logcumsumexp: `max + log1p(exp(min - max))`, element after element.

    A step moves no further than what it joins. Its own error is the module's `u / 2` and the exponential's for the
    term, at most 1, of which log1p makes no more; log1p's own on at most log 2; and the last sum's on the largest
    result so far.
    """

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        dim: Any = call.attributes["dim"]
        if not call.out.shape or 0 in call.out.shape:
            return Noise(passed=x.error)
        passed = x.error.cummax(dim).values if x.error is not None and call.noisy else None
        precision = call.precision
        step = precision.unit + kernels.relative("exp", precision)
        step += math.log(2.0) * (kernels.relative("log1p", precision) + 2.0 * precision.unit)
        largest = call.result_magnitude(passed).cummax(dim).values
        steps = torch.arange(call.out.shape[dim], dtype=largest.dtype)
        shape = [1] * largest.dim()
        shape[dim] = -1
        once = largest * (2.0 * precision.unit) + step + 4.0 * precision.smallest_normal
        # Errors of a step enlarge what later steps round, by their second order.
        return Noise(once * steps.reshape(shape) * 1.01, passed)

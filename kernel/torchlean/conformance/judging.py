"""Differences between an execution and the reference: how large, and whether they are inside of what is proved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.conformance.reference import Allowed, Reference
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic

ALONE = 64
"""Inputs that are judged one by one where no bound holds on the whole domain: each takes some milliseconds."""

NEAREST = 8
"""Inputs that are judged one by one where the domain has a bound: those that are closest to it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one mode.

    Attributes:
        difference, ulps, fraction: the largest; see `ModeResult`.
        judged: how many inputs have a finite bound at every element that is compared.
        outside: the place of the input that is furthest outside of its bound; None where all are inside.
    """

    difference: float
    ulps: float
    fraction: float
    judged: int
    outside: int | None


@dataclass(frozen=True, slots=True)
class _Excess:
    """For each input, over all elements: |executed - reference|, in ulps, as a share of the bound; and whether some
    element has no bound."""

    difference: Tensor
    ulps: Tensor
    share: Tensor
    open: Tensor


def judged(
    reference: Reference,
    nodes: Sequence[int],
    points: Mapping[str, Tensor],
    executed: Sequence[Tensor],
    arithmetic: Arithmetic | None = DEFAULT,
    double: bool = False,
) -> Judgement:
    """Compare what was observed, (inputs, *shape) each, with the reference at the same points.

    Args:
        nodes: what each observed tensor is in the graph.
        arithmetic: None for exact values.
    """
    count = len(executed[0])
    points = {name: value[:count] for name, value in points.items()}
    allowed = reference.allowed(nodes, points, arithmetic, double)
    dtype = _unit_type(arithmetic, double)
    excess = _joined(
        [
            _excess(values, expected, error.expand(expected.shape), dtype)
            for values, expected, error in zip(executed, allowed.values, allowed.errors, strict=True)
        ],
        count,
    )
    share = excess.share.clone()
    known = ~excess.open
    for place in [*_unknown(excess)[:ALONE], *_nearest(excess)]:
        one = reference.at_point({name: value[place] for name, value in points.items()}, arithmetic, double)
        alone = _at(one, nodes, executed, place, dtype)
        share[place], known[place] = torch.maximum(alone.share[0], share[place]), ~alone.open[0]
    worst = int(share.argmax())
    return Judgement(
        float(excess.difference.max()),
        float(excess.ulps.max()),
        float(share.max()) if bool(known.any()) else math.nan,
        int(known.sum()),
        worst if float(share[worst]) > 1.0 else None,
    )


def _unknown(excess: _Excess) -> list[int]:
    """The inputs without a bound, those with the largest differences first."""
    order = torch.where(excess.open, excess.ulps, torch.full_like(excess.ulps, -1.0)).argsort(descending=True)
    return [int(place) for place in order if bool(excess.open[place])]


def _nearest(excess: _Excess) -> list[int]:
    """The inputs that use up most of the domain's bound: at each of them alone, the bound is smaller."""
    return [
        int(place)
        for place in excess.share.argsort(descending=True)[:NEAREST]
        if not bool(excess.open[place])
    ]


def _at(
    allowed: Allowed, nodes: Sequence[int], executed: Sequence[Tensor], place: int, dtype: torch.dtype
) -> _Excess:
    parts = [
        _excess(values[place][None], allowed.values[id][None], allowed.errors[id][None], dtype)
        for id, values in zip(nodes, executed, strict=True)
    ]
    return _joined(parts, 1)


def _joined(parts: Sequence[_Excess], count: int) -> _Excess:
    """Of several tensors, for each input."""
    zero = torch.zeros(count, dtype=torch.float64)
    difference, ulps, share, open_ = zero, zero, zero, torch.zeros(count, dtype=torch.bool)
    for part in parts:
        difference = torch.maximum(difference, part.difference)
        ulps, share = torch.maximum(ulps, part.ulps), torch.maximum(share, part.share)
        open_ = open_ | part.open
    return _Excess(difference, ulps, share, open_)


def _excess(executed: Tensor, expected: Tensor, error: Tensor, dtype: torch.dtype) -> _Excess:
    """Of one tensor; all have shape (inputs, *shape)."""
    if executed.numel() == 0:
        zero = torch.zeros(len(executed), dtype=torch.float64)
        return _Excess(zero, zero, zero, zero.bool())
    count = len(executed)
    found, wanted, allowed = (tensor.double().reshape(count, -1) for tensor in (executed, expected, error))
    same = (found == wanted) | (torch.isnan(found) & torch.isnan(wanted))
    off = torch.where(same, torch.zeros_like(found), (found - wanted).abs())
    # NaN on one side only, or infinities that are not the same: as far off as can be.
    off = torch.nan_to_num(off, nan=math.inf, posinf=math.inf)
    open_ = ~torch.isfinite(allowed)
    share = torch.where(off == 0, torch.zeros_like(off), off / allowed)
    share = torch.where(open_, torch.zeros_like(off), share)
    steps = off / _spacing(wanted, dtype) if executed.is_floating_point() else off
    return _Excess(off.amax(1), steps.amax(1), share.amax(1), open_.any(1))


def _spacing(values: Tensor, dtype: torch.dtype) -> Tensor:
    """The distance of neighbouring numbers of the type at these values."""
    info = torch.finfo(dtype)
    size = torch.nan_to_num(values.abs(), nan=info.max, posinf=info.max).clamp(min=info.tiny, max=info.max)
    return torch.exp2(torch.floor(torch.log2(size))) * info.eps


def _unit_type(arithmetic: Arithmetic | None, double: bool) -> torch.dtype:
    return torch.float64 if double or arithmetic is None else arithmetic.autocast or torch.float32

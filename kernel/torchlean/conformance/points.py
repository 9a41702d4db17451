"""Inputs to compare executions on: random ones, corners, and such as rounding is hard on.

All are numbers of the inputs' own types inside the domain. Pairs that cancel, subnormal numbers and signed zeros, short
numbers with a last bit that makes ties, long ones whose products round the most: each where the domain has room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from torchlean.capture.result import Unit
from torchlean.claims.domain import Box
from torchlean.claims.search import representable
from torchlean.graph import Node
from torchlean.intervals import Interval

SEED = 0
"""The same inputs each time, so that results can be compared."""

Values = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""From the ends (points, *shape) of the domain to points, which may lie outside and are cut."""


class NoPoint(Exception):
    """No number of an input's type lies in its domain."""


def points(inputs: tuple[Node, ...], unit: Unit, domains: Mapping[str, Box], count: int) -> dict[str, Tensor]:
    """`count` inputs, (count, *shape) each, by name.

    Args:
        domains: a box for each input.

    Raises:
        NoPoint: see there.
    """
    generator = torch.Generator().manual_seed(SEED)
    found = {}
    for node in inputs:
        name = str(node.attributes["name"])
        low, high = _ends(unit, node, domains[name], count, generator)
        if not node.type.dtype.is_floating_point:
            found[name] = _whole(low, high, generator)
        else:
            found[name] = _floating(low, high, generator)
    return found


def _ends(unit: Unit, node: Node, box: Box, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The least and greatest number for each point; around samples, of one sample's region each."""
    dtype, shape = node.type.dtype, node.type.shape
    lower, upper = box.lower.expand(count, *shape), box.upper.expand(count, *shape)
    if unit.samples is not None and node.attributes["name"] == unit.sampled:
        chosen = torch.randint(len(unit.samples), (count,), generator=generator)
        lower = unit.samples.lower[chosen].reshape(count, *shape)
        upper = unit.samples.upper[chosen].reshape(count, *shape)
    low, high = representable(Interval(lower, upper), dtype)
    if dtype.is_floating_point:
        largest = torch.finfo(dtype).max
        low, high = low.clamp(min=-largest), high.clamp(max=largest)
    if bool((low > high).any()):
        raise NoPoint(
            f"no {str(dtype).removeprefix('torch.')} number lies in the domain of `{node.attributes['name']}`"
        )
    return low, high


def _whole(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    share = torch.rand(low.shape, generator=generator, dtype=torch.float64)
    share[:3] = torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64)[: len(low)].reshape(
        -1, *[1] * (low.dim() - 1)
    )
    if low.dtype == torch.bool:
        return torch.where(share < 0.5, low, high)
    return torch.minimum(low + ((high - low).double() * share).round().to(low.dtype), high)


def _floating(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """By turns one of `_KINDS`; the first ones are the middle and the two extreme corners."""
    result = torch.empty_like(low)
    for turn, kind in enumerate(_KINDS):
        part = slice(turn, None, len(_KINDS))
        if len(low[part]):
            drawn = kind(low[part], high[part], generator).to(low.dtype)
            result[part] = torch.minimum(torch.maximum(drawn, low[part]), high[part])
    for place, share in enumerate((0.5, 0.0, 1.0)[: len(low)]):
        result[place] = _between(low[place], high[place], torch.full(low.shape[1:], share))
    return result


def _between(low: Tensor, high: Tensor, share: Tensor) -> Tensor:
    """Each end is scaled before they are added, so that a box over most of the number range does not overflow."""
    share = share.to(low.dtype)
    point = low * (1 - share) + high * share
    return torch.minimum(torch.maximum(point, low), high)


def _uniform(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    return _between(low, high, torch.rand(low.shape, generator=generator))


def _corners(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """Half of them one number inside of the corner, where another binade may begin."""
    end = torch.where(torch.rand(low.shape, generator=generator) < 0.5, low, high)
    inside = torch.nextafter(end, torch.where(end == low, high, low))
    return torch.where(torch.rand(low.shape, generator=generator) < 0.5, end, inside)


def _cancelling(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """Neighbours that nearly cancel: what follows is minus what stands before, or the same, up to a last place."""
    flat = _uniform(low, high, generator).reshape(len(low), -1)
    half = flat.shape[1] // 2
    sign = torch.where(torch.rand(len(flat), 1, generator=generator) < 0.5, -1.0, 1.0)
    following = torch.nextafter(sign * flat[:, : 2 * half : 2], torch.zeros(()))
    flat[:, 1 : 2 * half : 2] = following.to(flat.dtype)
    return flat.reshape(low.shape)


def _tiny(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """Around zero, of all magnitudes down to subnormal numbers, and zeros of both signs."""
    info = torch.finfo(low.dtype)
    exponent = torch.rand(low.shape, generator=generator) * 46.0
    size = (10.0 ** -exponent.double()).to(low.dtype)
    size = torch.where(torch.rand(low.shape, generator=generator) < 0.2, torch.zeros_like(size), size)
    size = torch.where(
        torch.rand(low.shape, generator=generator) < 0.2, size * 0 + info.smallest_normal / 8, size
    )
    return torch.where(torch.rand(low.shape, generator=generator) < 0.5, -size, size)


def _ties(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers of few digits, with exact products and sums in the middle of two numbers, or next to it."""
    point = _uniform(low, high, generator)
    short = torch.round(point * 64.0) / 64.0
    return torch.where(torch.rand(low.shape, generator=generator) < 0.3, torch.nextafter(short, high), short)


def _long(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """Just below powers of two: all digits are ones, and products round by nearly half a unit in the last place."""
    point = _uniform(low, high, generator)
    power = torch.exp2(torch.ceil(torch.log2(point.abs().double().clamp(min=1e-30)))).to(low.dtype)
    return torch.copysign(torch.nextafter(power, torch.zeros(())), point)


_KINDS: tuple[Values, ...] = (_uniform, _corners, _uniform, _cancelling, _uniform, _ties, _tiny, _long)

"""Windows that slide over images: which elements stand under each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def places(count: int, kernel: int, stride: int, dilation: int, before: int) -> Tensor:
    """Along one dimension, where the elements of each window stand: int64 (windows, kernel).

    Args:
        count: how many windows there are.
        before: padding before the first element; places in the padding are negative or beyond the end.
    """
    return torch.arange(count)[:, None] * stride + torch.arange(kernel) * dilation - before


def laid(
    weight: Tensor,
    groups: int,
    windows: Sequence[Tensor],
    shape: Sequence[int],
    elements: Tensor,
) -> Tensor:
    """For some outputs of a convolution, the kernel of each one's channel laid on the image at its window.

    Args:
        weight: (channels out, channels in / groups, *kernel).
        windows: per dimension, `places`.
        shape: of the images, with or without a batch dimension: (batch, channels in, *sizes).
        elements: flat indices (n,) into (batch, channels out, *windows).

    Returns:
        (n, *shape), zero outside the window.
    """
    n, rank = len(elements), len(windows)
    sizes = shape[-rank:]
    rest, scale = elements, 1
    inside, target = torch.ones((), dtype=torch.bool), torch.zeros((), dtype=torch.int64)
    for d in reversed(range(rank)):
        count = len(windows[d])
        along = windows[d][rest % count]
        along = along.reshape(n, 1, *(along.shape[1] if i == d else 1 for i in range(rank)))
        inside = inside & (along >= 0) & (along < sizes[d])
        target = target + along * scale
        rest, scale = rest // count, scale * sizes[d]
    channels, in_group = weight.shape[:2]
    channel, sample = rest % channels, rest // channels
    first = (sample * groups + channel // (channels // groups)) * in_group
    planes = (first[:, None] + torch.arange(in_group)).reshape(n, in_group, *(1,) * rank)
    found = _put(weight.index_select(0, channel), target + planes * scale, inside, math.prod(shape))
    return found.reshape(n, *shape)


def _put(values: Tensor, target: Tensor, inside: Tensor, length: int) -> Tensor:
    """Rows of `length` with `values` at `target`, where `inside`; both (n, ...)."""
    rows = torch.zeros(len(values), length, dtype=torch.float64)
    target = target + (torch.arange(len(values)) * length).reshape(len(values), *(1,) * (values.dim() - 1))
    inside = inside.expand_as(target)
    rows.view(-1)[target[inside]] = values[inside]
    return rows


def elements_under(windows: Sequence[Tensor], sizes: Sequence[int]) -> Tensor | None:
    """The elements of an image under each window, as flat indices, for functions to which repeating one is no matter.

    Args:
        windows: per dimension, `places`; those in the padding are replaced by one in the image.

    Returns:
        int64 (windows of all dimensions, elements of a window), or None where a window stands on nothing but padding.
    """
    flat = torch.zeros(1, 1, dtype=torch.int64)
    for along, size in zip(windows, sizes, strict=True):
        inside = (along >= 0) & (along < size)
        if not bool(inside.any(1).all()):
            return None
        first = along.gather(1, inside.to(torch.int64).argmax(1, keepdim=True))
        along = torch.where(inside, along, first)
        flat = flat[:, None, :, None] * size + along[None, :, None, :]
        flat = flat.reshape(flat.shape[0] * flat.shape[1], -1)
    return flat


__all__ = ["elements_under", "laid", "places"]

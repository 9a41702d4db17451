"""Lower bounds of quadratic functions over the cube `-1 <= x_i <= 1`.

`q(x) = p + g . x + x . Q x` is split into a convex part and a rest: `Q = L L^T + N`. For any `y`,

    x . L L^T x = |L^T x|^2 >= 2 y . L^T x - |y|^2,

with equality where `L^T x = y`, so with `y` from the least point of the convex part nothing is lost there. The rest is
bounded coefficient by coefficient. Any `L` and any `y` are right, so that neither the eigenvectors nor the minimiser
need be exact, and only this last evaluation counts its roundings: where `Q` has no negative eigenvalue the bound is the
minimum, up to how far the search for the minimiser got. (Relaxing what is not convex by its diagonal and keeping the
rest is Adjiman, Dallwig, Floudas, Neumaier, "A global optimization method, alphaBB", 1998.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.intervals.rounding import gamma

SWEEPS = 4
"""Of the search for the minimiser, coordinate by coordinate."""

FLAT = 1e-12
"""Curvature, over the largest entry, below which a coordinate goes to an end."""

_TINY = 2.0**-1000
"""More than all products that underflow lose together."""


@dataclass(frozen=True, eq=False, slots=True)
class Minimum:
    """Attributes:
    lower: bounds, (n,); -inf where there is none.
    points: about the least points of the convex parts, (n, inputs).
    gaps: what each coordinate may have to do with the difference of the bound from the minimum, (n, inputs).
    """

    lower: Tensor
    points: Tensor
    gaps: Tensor


def minimum(constant: Tensor, linear: Tensor, matrix: Tensor, start: Tensor) -> Minimum:
    """Bounds of many functions.

    Args:
        constant, linear, matrix: `p` (n,), `g` (n, inputs), `Q` (n, inputs, inputs) symmetric.
        start: where the search begins, (n, inputs).
    """
    usable = (
        torch.isfinite(matrix).flatten(1).all(1) & torch.isfinite(linear).all(1) & torch.isfinite(constant)
    )
    matrix = torch.where(usable[:, None, None], matrix, 0.0)
    linear = torch.where(usable[:, None], linear, 0.0)
    root = _root(matrix)
    convex = root @ root.transpose(1, 2)
    points = _descended(linear, convex, start)
    touch = (root.transpose(1, 2) @ points.unsqueeze(2)).squeeze(2)
    slope = linear + 2 * (root @ touch.unsqueeze(2)).squeeze(2)
    rest = matrix - convex
    diagonal = rest.diagonal(dim1=1, dim2=2)
    mixed = rest.abs().sum(2) - diagonal.abs()
    lost = slope.abs() + mixed.clamp(min=0.0) + diagonal.clamp(max=0.0).abs()
    square = (touch * touch).sum(1)
    bound = (constant - square) - lost.sum(1)
    # All that was rounded: sums of no more than `terms` products of what is added up here in magnitude.
    size = root.abs()
    steep = 2 * (size @ touch.abs().unsqueeze(2)).flatten(1).sum(1) + linear.abs().sum(1)
    curved = matrix.abs().flatten(1).sum(1) + (size @ size.transpose(1, 2)).flatten(1).sum(1)
    met = constant.abs() + square + steep + curved
    terms = 4 * linear.shape[1] + 16
    bound = bound - met * (4 * gamma(terms)) - _TINY
    bound = torch.where(usable, bound, -math.inf).nan_to_num(nan=-math.inf, posinf=-math.inf)
    gaps = slope.abs() + slope * points + mixed + diagonal.clamp(max=0.0).abs()
    return Minimum(bound, points, gaps)


def _root(matrix: Tensor) -> Tensor:
    """About `L` with `L L^T` the convex part of each matrix."""
    scale = matrix.abs().amax((1, 2), keepdim=True).clamp(min=_TINY)
    values, vectors = torch.linalg.eigh(matrix / scale)
    return vectors * (values.clamp(min=0.0).unsqueeze(1) * scale).sqrt()


def _descended(linear: Tensor, convex: Tensor, start: Tensor) -> Tensor:
    """Near the minimiser of `g . x + x . C x` over the cube, by exact minimisation along each coordinate in turn."""
    points = start.clone()
    curvature = convex.diagonal(dim1=1, dim2=2)
    flat = curvature <= FLAT * curvature.amax(1, keepdim=True)
    safe = torch.where(flat, 1.0, 2 * curvature)
    slope = linear + 2 * (convex @ points.unsqueeze(2)).squeeze(2)
    for _ in range(SWEEPS):
        for i in range(points.shape[1]):
            before = points[:, i]
            free = before - slope[:, i] / safe[:, i]
            now = torch.where(flat[:, i], -slope[:, i].sign(), free).clamp(-1.0, 1.0)
            slope = torch.addcmul(slope, convex[:, i], (2 * (now - before)).unsqueeze(1))
            points[:, i] = now
    return points


__all__ = ["Minimum", "minimum"]

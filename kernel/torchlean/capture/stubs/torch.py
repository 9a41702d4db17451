"""`torch`: functions that are compositions of tensor operations."""

import math

import torch
import torch.nn.functional as F

from torchlean.capture.intrinsics import fail, fused


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    return F.cosine_similarity(x1, x2, dim, eps)


def dropout(input, p, train):
    return F.dropout(input, p, train)


def bilinear(input1, input2, weight, bias=None):
    return F.bilinear(input1, input2, weight, bias)


def deg2rad(input):
    return input * (math.pi / 180)


def rad2deg(input):
    return input * (180 / math.pi)


def logit(input, eps=None):
    if not input.dtype.is_floating_point:
        input = input.to(torch.get_default_dtype())
    x = input if eps is None else input.clamp(eps, 1 - eps)
    return torch.log(x / (1 - x))


def sinc(input):
    scaled = input * math.pi
    # The quotient is only used where it is defined; the 1 keeps the other branch finite.
    divisor = torch.where(scaled == 0, 1.0, scaled)
    return fused(torch.where(scaled == 0, 1.0, torch.sin(scaled) / divisor), "sinc", input)


def heaviside(input, values):
    return torch.where(input == 0, values, (input > 0).to(values.dtype))


def isclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False):
    if input.dtype == torch.bool:
        return input == other
    # Like torch: infinite numbers are close to equal ones only.
    close = (input == other) | (torch.isfinite(other) & ((input - other).abs() <= atol + rtol * other.abs()))
    return close | (torch.isnan(input) & torch.isnan(other)) if equal_nan else close


def trace(input):
    if input.dim() != 2:
        fail("TL101", RuntimeError, f"trace: expected a matrix, but got tensor with dim {input.dim()}")
    return fused(input.diagonal().sum(), "trace", input)


def cross(input, other, dim=None):
    a, b = torch.broadcast_tensors(input, other)
    if dim is None:
        threes = [axis for axis in range(a.dim()) if a.shape[axis] == 3]
        if not threes:
            fail("TL101", RuntimeError, "no dimension of size 3 in input")
        dim = threes[0]
    if a.shape[dim] != 3:
        fail("TL101", RuntimeError, f"inputs dimension {dim} must have length 3, got {a.shape[dim]}")
    # Each component is a_j b_k - a_k b_j for the two that follow it.
    first = torch.roll(a, -1, dim) * torch.roll(b, -2, dim)
    return fused(first - torch.roll(a, -2, dim) * torch.roll(b, -1, dim), "cross", a, b, dim=dim)


def kron(input, other):
    rank = max(input.dim(), other.dim())
    a_shape = (1,) * (rank - input.dim()) + tuple(input.shape)
    b_shape = (1,) * (rank - other.dim()) + tuple(other.shape)
    a_spread, b_spread, result = [], [], []
    for a_size, b_size in zip(a_shape, b_shape, strict=True):
        a_spread += [a_size, 1]
        b_spread += [1, b_size]
        result.append(a_size * b_size)
    return (input.reshape(a_spread) * other.reshape(b_spread)).reshape(result)


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    distances = (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)
    return fused(distances, "cdist", x1, x2, p=float(p), compute_mode=compute_mode)


def pdist(input, p=2.0):
    """The distances of all pairs of rows, each once."""
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    first, second = torch.triu_indices(input.shape[0], input.shape[0], 1)
    return fused((input[first] - input[second]).norm(p, -1), "pdist", input, p=float(p))


def trapezoid(y, x=None, *, dx=1, dim=-1):
    """In torch's own order: with equal widths the ends are taken off the sum by halves, which cancels."""
    if y.shape[dim] == 0:
        return y.sum(dim)
    if x is None:
        return (y.sum(dim) - (y.select(dim, 0) + y.select(dim, -1)) * 0.5) * dx
    count = y.shape[dim]
    pairs = y.narrow(dim, 0, count - 1) + y.narrow(dim, 1, count - 1)
    widths = x.diff(dim=-1)
    if x.dim() == 1:
        shape = [1] * y.dim()
        shape[dim] = count - 1
        widths = widths.reshape(shape)
    return (widths * pairs).sum(dim) / 2


trapz = trapezoid

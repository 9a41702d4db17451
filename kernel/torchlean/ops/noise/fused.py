"""Rules of rounding for functions that torch computes by a kernel of its own, beside steps with the same exact value.

The steps stand in the graph, and their error is that of their last one, the first operand here. It holds for every
order of summation and every fused multiply-add; so it holds for a kernel that does what the steps do, in whatever
order. What a kernel does besides is added.

Attention. With `e_s = exp(z_s - max z)` and `D = sum e_s`, kernels compute `(sum e_s v_s) / D` a block of keys at a
time (Dao et al. 2022, arXiv:2205.14135, algorithm 1), where the steps compute `sum (e_s / D) v_s`. If every `e_s` has
a relative error of at most `r`, and so has `D`, the quotient moves by no more than `2 r / (1 - r) max |v_s|`. The error
that softmax has counts the kernel's exponential function (`softmax_exp` of the stated table). In `r` are

- `z` in another form: torch multiplies both factors by the root of the scale where it has no fused kernel, and fused
  kernels of accelerators scale by `log2(e)` as well: five roundings of `z` more, each `u` times at most
  `Z = scale max sum |q| |k|`, and one to spare;
- a new maximum of a later block: one more exponential, and three roundings, for each block of 64 keys or more;
- the reciprocal of `D` and the product with it.

Distances. For `d = |a - b|` torch computes `d**2` as a sum of `M + 2` products, `-2 a_k b_k`, `|a|**2` and `|b|**2`, of
which two have a sum of squares as a factor. Statement 6 of the theory bounds its error by `((1 + u)^n - 1) p + n eta`
with `n = 2 M + 6` and `p` the sum of the products' magnitudes. If that is `e`, its root is off by at most `sqrt(e)`,
and by `e / d`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.ops.noise import kernels
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise, growth
from torchlean.ops.op import UnsupportedError

Beside = Callable[[Call], "tuple[Tensor, Tensor] | None"]
"""What a kernel adds to the error of the steps, and the largest magnitude of what it computes on the way."""


@dataclass(frozen=True)
class AsSteps(Rule):
    """The error of the first operand, and what the kernel does besides."""

    beside: Beside | None = None
    computes = False
    compares = False

    def noise(self, call: Call) -> Noise:
        steps = call.operands[0]
        parts = [steps.error, *[None] * (len(call.operands) - 1)]
        found = None if self.beside is None else self.beside(call)
        if found is None:
            return Noise(passed=steps.error, parts=parts, least=steps.least, greatest=steps.greatest)
        local, peak = (_sliced(tensor, call.out.shape) for tensor in found)
        return Noise(local, steps.error, parts, peak, least=0.0 if steps.least >= 0.0 else -math.inf)


def _sliced(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The greatest along each dimension of which the call is one slice, where all are alike but for these arguments."""
    dims = [d for d, size in enumerate(shape) if size == 1 < tensor.shape[d]]
    return tensor.amax(dims, keepdim=True) if dims else tensor


BLOCK = 64
"""Keys that a kernel takes at once, at least."""


def attention(call: Call) -> tuple[Tensor, Tensor]:
    """For query, key and value as the second to fourth operand."""
    query, key, value = (x.magnitude for x in call.operands[1:4])
    repeats = query.shape[-3] // key.shape[-3] if call.attributes["enable_gqa"] else 1
    if repeats > 1:
        key, value = (x.repeat_interleave(repeats, -3) for x in (key, value))
    scale = call.attributes["scale"]
    factor = 1.0 / math.sqrt(query.shape[-1]) if scale is None else abs(float(str(scale)))
    unit = call.precision.unit
    keys = key.shape[-2]
    scores = (query @ key.transpose(-2, -1)).amax(-1, keepdim=True) * factor
    blocks = -(-keys // BLOCK)
    later = kernels.relative("softmax_exp", call.precision) + 3.0 * unit
    relative = (4.0 + 6.0 * scores) * unit + (blocks - 1) * later
    greatest = value.amax(-2, keepdim=True)
    # Where 2 r is no small number, nothing is said: weights are at most 1, so the quotient is off by 2 max |v| at most.
    moved = torch.where(relative < 2.0**-4, 2.0 * relative * (1.0 + 2.0**-3), 2.0).clamp(max=2.0)
    tiny = keys * call.precision.smallest_normal
    return (moved + tiny) * greatest + tiny, keys * greatest * torch.ones_like(scores)


def distance(call: Call) -> tuple[Tensor, Tensor] | None:
    """For two sets of points, (..., P, M) and (..., R, M), as the second and third operand; None where the kernel
    computes differences, as the steps do."""
    points = tuple(x.exact.shape[-2] for x in call.operands[1:3])
    if not by_products(points, call.attributes["p"], str(call.attributes["compute_mode"])):
        return None
    if call.arithmetic.tf32 or call.arithmetic.autocast is not None:
        raise UnsupportedError(
            "no bound is known for the rounding of `cdist` by a matrix product of few digits"
        )
    first, second = (x.magnitude for x in call.operands[1:3])
    terms = 2 * first.shape[-1] + 6
    squares = first.square().sum(-1)[..., :, None] + second.square().sum(-1)[..., None, :]
    peak = squares + 2.0 * (first @ second.transpose(-2, -1))
    precision = call.precision
    error = peak * growth(terms, precision.unit) + terms * (precision.tiny + precision.tiny_sum)
    root = error.sqrt()
    least = call.operands[0].reach.lower.clamp(min=0.0)
    moved = torch.where(least > root, error / least, root)
    return moved + (call.operands[0].magnitude + root) * precision.unit + precision.tiny, peak + error


MANY = 25
"""Points in either set up to which torch computes differences, if it is left to it."""


def by_products(points: tuple[int, ...], p: object, mode: str) -> bool:
    """Whether torch computes the distances of two sets of so many points by a matrix product."""
    if p != 2.0 or 0 in points:
        return False
    many = mode == "use_mm_for_euclid_dist_if_necessary" and max(points) > MANY
    return many or mode == "use_mm_for_euclid_dist"


__all__ = ["AsSteps", "attention", "by_products", "distance"]

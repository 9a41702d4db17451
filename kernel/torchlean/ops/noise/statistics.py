"""Rules for variances, norms and normalisations.

What the kernels are taken to do: a mean over n elements by sums or by Welford's updates, in any order and grouping; a
variance from deviations (two passes or Welford, combined pairwise as Chan, Golub and LeVeque do), never from the
difference of two moments. Then, with M the largest magnitude, S the exact standard deviation and `k = 8 (n + 8) u`:

- the mean is off by at most `k M`: each of the n updates rounds numbers below `7 M` (Welford), or each sum does;
- the variance is off by at most `k S (M + S) + (k M)**2` (Chan, Golub and LeVeque 1983, Algorithms for computing the
  sample variance, section 3, with constants to spare).

Results that no constants of this size could spoil (`k > 1/16`) are left without a bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from torchlean.float32.kernels import KERNELS
from torchlean.intervals import Interval
from torchlean.intervals.arithmetic import div
from torchlean.intervals.dispersion import dispersion
from torchlean.ops.noise import kernels
from torchlean.ops.noise.rule import Rule
from torchlean.ops.noise.values import Call, Noise, Noisy, added, growth, times
from torchlean.ops.op import UnsupportedError

CONSTANT = 8.0
"""See the module's text: 7 for an update of Welford's mean, and one to spare."""


DOMINATED = "rows may be so nearly constant that rounding errors dominate their variance"


def moment_unit(terms: int, unit: float) -> float:
    """`k` of the module's text.

    Raises:
        UnsupportedError: so many elements that nothing is left of the result.
    """
    k = CONSTANT * (terms + 8) * unit
    if k > 1.0 / 16.0:
        raise UnsupportedError(f"no bound for moments of {terms:,} elements in so few digits")
    return k


def rows_under(x: Interval, shape: tuple[int, int]) -> Interval:
    """The same intervals as rows."""
    lower = x.lower.reshape(shape)
    return Interval(lower, lower if x.is_point else x.upper.reshape(shape))


def as_rows(tensor: Tensor, dims: Sequence[int]) -> Tensor:
    """(rows, elements of each): the dimensions `dims` together at the end."""
    kept = [d for d in range(tensor.dim()) if d not in dims]
    rows, count = (math.prod(tensor.shape[d] for d in some) for some in (kept, dims))
    return tensor.permute((*kept, *dims)).reshape(rows, count)


@dataclass(frozen=True)
class Variance(Rule):
    """var, and std with `root`: attributes `dim` and `correction`."""

    root: bool = False

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        dims: Any = call.attributes["dim"] or tuple(range(len(x.exact.shape)))
        correction: Any = call.attributes["correction"]
        size, low, high = (as_rows(t, dims) for t in (x.magnitude, x.reach.lower, x.reach.upper))
        count = size.shape[1]
        divisor = float(count - correction)
        if divisor <= 0 or count == 0:
            raise UnsupportedError("the variance of too few elements is undefined")
        k = moment_unit(count, call.precision.unit)
        spread = high.amax(1) - low.amin(1)
        passed = None if x.error is None else self._passed(as_rows(x.error, dims), spread, divisor)
        largest = size.amax(1)
        exact = call.exact.upper.reshape(-1)
        reached = exact if passed is None else exact + passed
        variance = reached.square() if self.root else reached
        # A divisor above the count makes the variance smaller than the elements are spread.
        deviation = (variance * max(divisor / count, 1.0)).sqrt()
        local = (deviation * (largest + deviation) * k + (largest * k).square()) * (count / divisor)
        local = local + (count + 4) * call.precision.tiny
        peak = torch.maximum(spread.square(), largest) * count
        if self.root:
            local = self._rooted(call, local, passed, reached)
        shape = call.out.shape
        return Noise(
            local.reshape(shape),
            None if passed is None else passed.reshape(shape),
            peak=peak.reshape(shape),
            least=0.0,
        )

    def _passed(self, error: Tensor, spread: Tensor, divisor: float) -> Tensor:
        """The derivative by x_i is `2 (x_i - mean) / divisor`; the deviation is a norm of what is left of x without its
        mean, over the root of the divisor."""
        if self.root:
            return (error.square().sum(1) / divisor).sqrt()
        return error.sum(1) * spread * (2.0 / divisor)

    @staticmethod
    def _rooted(call: Call, local: Tensor, passed: Tensor | None, reached: Tensor) -> Tensor:
        """`|sqrt(a) - sqrt(b)| <= min(|a - b| / sqrt(b), sqrt(|a - b|))`."""
        least = call.exact.lower.reshape(-1)
        least = (least if passed is None else least - passed).clamp(min=0.0)
        moved = torch.minimum(torch.nan_to_num(local / least, nan=math.inf, posinf=math.inf), local.sqrt())
        relative, absolute = kernels.bound(KERNELS["sqrt"], call.precision)
        return moved + (reached + moved) * relative + absolute


@dataclass(frozen=True)
class Norm(Rule):
    """vector_norm of order 1, 2 and infinity: it moves no further than the norm of the errors."""

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        order = call.attributes["ord"]
        dims: Any = call.attributes["dim"] or tuple(range(len(x.exact.shape)))
        if order not in (1.0, 2.0, math.inf):
            raise UnsupportedError(f"no bound for the rounding error of the norm of order {order}")
        if x.exact.lower.numel() == 0:
            return Noise(least=0.0)
        size = as_rows(x.magnitude, dims)
        count = size.shape[1]
        passed = None
        if x.error is not None:
            error = as_rows(x.error, dims)
            lengths = {1.0: error.sum(1), 2.0: error.square().sum(1).sqrt(), math.inf: error.amax(1)}
            passed = lengths[float(order)].reshape(call.out.shape)
        precision = call.precision
        reached = call.result_magnitude(passed)
        if order == math.inf:
            return Noise(reached * 0.0, passed, least=0.0)
        local = reached * growth(count + 4, precision.unit)
        if order == 1.0:
            return Noise(local, passed, least=0.0)
        # Squares that underflow are lost: n of them are n η, under the root.
        relative, absolute = kernels.bound(KERNELS["sqrt"], precision)
        lost = math.sqrt(count * 2.0 * (precision.tiny + precision.tiny_sum))
        local = local + reached * relative + lost + absolute
        return Noise(local, passed, peak=(reached + local).square(), least=0.0)


IMAGES = 4
"""Dimensions of images; of fewer there is no order with channels last."""

Parts = Callable[[Call], "tuple[tuple[int, int], tuple[int, ...]]"]
"""(rows, elements of each) that are standardised, and the shape that weight and bias are seen under."""


@dataclass(frozen=True)
class Standardised(Rule):
    """Layer, group and instance norm (and RMS norm, not `centred`): `N = (x - mean) r`, `r = 1 / sqrt(var + eps)`,
    times a weight, plus a bias.

    Where channels lie last in memory group norm takes the variance for the difference of two moments (`by_squares`):
    each has n + 3 roundings of numbers below `M**2`, so that it is off by at most `3 (n + 3) u (M r)**2` relative to
    `var + eps`.

    The derivatives of N are `r (δ_ij - 1/n - N_i N_j / n)`, so by Cauchy and Schwarz N_i moves by at most
    `r (e_i + mean e + |N_i| rms e)`, r its largest value over all that lies between. The kernel's own errors enter the
    same way: the mean's by `r k M`, the variance's relative to `var + eps`, where `S (M + S) / (var + eps)` is at most
    `M r + 1`; some write `x r - mean r` instead of a difference first, which rounds `r M` itself.
    """

    parts: Parts
    centred: bool = True
    by_squares: bool = False

    def noise(self, call: Call) -> Noise:
        x, weight, bias = _operands(call)
        shape, view = self.parts(call)
        if x.exact.lower.numel() == 0:
            return Noise()
        eps: Any = call.attributes["eps"]
        unit = call.precision.unit
        k = moment_unit(shape[1], unit)
        inverse = self._largest_inverse(rows_under(x.reach, shape), eps)
        size = x.magnitude.reshape(shape)
        largest = size.amax(1, keepdim=True)
        standard = self._standard(inverse, largest, shape[1])
        # How much the mean, the variance and the scale are off, relative to a standard deviation of one.
        relative = kernels.relative("rsqrt", call.precision)
        off = (largest * inverse + 1.0) * k if self.centred else torch.full_like(inverse, k)
        if self.by_squares and call.permuted and len(call.out.shape) >= IMAGES:
            off = off + (largest * inverse).square() * (0.5 * k)
        off = off + off.square() + relative + 2.0 * unit
        # What squares lose by underflow: n of them, and a few numbers on the way to their mean.
        off = off + inverse.square() * ((shape[1] + 8) * call.precision.tiny)
        dominated = not bool((off < 0.25).all())
        off = torch.where(off < 0.25, 2.0 * off, math.inf)
        local = off * (1.0 + standard) + (size * inverse if self.centred else standard) * (4.0 * unit)
        local = local + inverse * (8.0 * call.precision.smallest_normal)
        moved: Tensor | None = None
        if x.error is not None:
            error = x.error.reshape(shape)
            mean = error.mean(1, keepdim=True) if self.centred else torch.zeros_like(inverse)
            moved = inverse * (error + mean + standard * error.square().mean(1, keepdim=True).sqrt())
        peak = largest.square() * (4.0 * shape[1] if self.centred else shape[1])
        out = call.out.shape
        standard = standard.expand(shape).reshape(out)
        local = local.expand(shape).reshape(out)
        moved = None if moved is None else moved.expand(shape).reshape(out)
        noise = _scaled(call, local, moved, standard, weight, bias, view, peak.expand(shape).reshape(out))
        return replace(noise, reason=DOMINATED) if dominated else noise

    def _largest_inverse(self, rows: Interval, eps: float) -> Tensor:
        """An upper bound of r, (rows, 1)."""
        if self.centred:
            divided = div(
                dispersion(rows), Interval.point(torch.tensor(float(rows.shape[1]), dtype=torch.float64))
            )
            least = divided.lower.reshape(-1, 1).clamp(min=0.0)
        else:
            nearest = torch.maximum(rows.lower, -rows.upper).clamp(min=0.0)
            least = nearest.square().mean(1, keepdim=True) * (1.0 - 2.0**-30)
        return torch.rsqrt(least + eps)

    def _standard(self, inverse: Tensor, largest: Tensor, count: int) -> Tensor:
        """A bound of |N|: no element is further from the mean than `sqrt(n - 1)` deviations, or `2 M r`."""
        if self.centred:
            return (2.0 * largest * inverse).clamp(max=math.sqrt(max(count - 1, 1)))
        return (largest * inverse).clamp(max=math.sqrt(count))


def _operands(call: Call) -> tuple[Noisy, Noisy | None, Noisy | None]:
    rest = list(call.operands)
    bias = rest.pop() if call.attributes["has_bias"] else None
    weight = rest.pop() if call.attributes["has_weight"] else None
    return rest[0], weight, bias


def _scaled(
    call: Call,
    local: Tensor,
    moved: Tensor | None,
    standard: Tensor,
    weight: Noisy | None,
    bias: Noisy | None,
    view: tuple[int, ...],
    peak: Tensor,
) -> Noise:
    """`N w + b` from the errors of N."""
    parts: list[Tensor | None] = [None] * len(call.operands)
    parts[0] = moved
    unit = call.precision.unit
    place = 1
    if weight is not None:
        size = weight.magnitude.reshape(view)
        reached = standard + local + (0.0 if moved is None else moved)
        local, parts[0] = local * size, None if moved is None else times(moved, size.expand(moved.shape))
        if weight.error is not None:
            parts[place] = reached * weight.error.reshape(view)
        place += 1
    if bias is not None and bias.error is not None:
        parts[place] = bias.error.reshape(view).expand(call.out.shape)
    passed = added(*parts)
    size = call.result_magnitude(passed)
    if bias is not None:
        size = size + bias.magnitude.reshape(view)
    local = local + size * (4.0 * unit) + 4.0 * call.precision.tiny
    return Noise(local, passed, parts, peak)


@dataclass(frozen=True)
class FixedNormalised(Rule):
    """batch_norm with given statistics: `(x - m) a + b`, `a = w / sqrt(v + eps)`, or `x a + (b - m a)`."""

    def noise(self, call: Call) -> Noise:
        rest = list(call.operands)
        bias = rest.pop() if call.attributes["has_bias"] else None
        weight = rest.pop() if call.attributes["has_weight"] else None
        x, mean, variance = rest
        if any(part is not None and part.error is not None for part in (mean, variance, weight, bias)):
            raise UnsupportedError("no bound for `batch_norm` with statistics or weights that are computed")
        view = (-1,) + (1,) * (len(call.out.shape) - 2)
        eps: Any = call.attributes["eps"]
        least = variance.exact.lower + eps
        scale = torch.where(least > 0, torch.rsqrt(least), math.inf)
        if weight is not None:
            scale = scale * weight.magnitude
        scale, centre = scale.reshape(view), mean.magnitude.reshape(view)
        passed = None if x.error is None else times(x.error, scale.expand(x.error.shape))
        relative = kernels.relative("rsqrt", call.precision)
        unit = call.precision.unit
        # The factor: sum, root, quotient and product; then a product and two sums, in either form.
        size = (x.magnitude + centre) * scale
        local = size * (relative + 10.0 * unit) + call.result_magnitude(passed) * (2.0 * unit)
        if bias is not None:
            local = local + bias.magnitude.reshape(view) * (2.0 * unit)
        # A factor that underflows loses what x and the mean then multiply.
        lost = (x.magnitude + centre) * (2.0 * call.precision.tiny)
        local = local + lost + (scale + 4.0) * call.precision.smallest_normal
        return Noise(local, passed, peak=size)


@dataclass(frozen=True)
class Normalised(Rule):
    """`x / max(norm(x), eps)` of order 2. The derivatives are those of a projection over the norm: an element moves by
    at most `(e_i + |y_i| |e|) / max(norm, eps)`, over the least norm that is reached."""

    def noise(self, call: Call) -> Noise:
        (x,) = call.operands
        dims: Any = call.attributes["dim"]
        if call.attributes["p"] != 2.0:
            raise UnsupportedError("no bound for the rounding error of `normalize` with this order")
        eps: Any = call.attributes["eps"]
        nearest = torch.maximum(x.reach.lower, -x.reach.upper).clamp(min=0.0)
        least = nearest.square().sum(dims, keepdim=True).sqrt().clamp(min=eps) * (1.0 - 2.0**-30)
        passed = None
        if x.error is not None:
            length = x.error.square().sum(dims, keepdim=True).sqrt()
            passed = (x.error + length) / least
        precision = call.precision
        count = math.prod(x.exact.shape[d] for d in dims)
        relative, absolute = kernels.bound(KERNELS["sqrt"], precision)
        lost = math.sqrt(count * 2.0 * (precision.tiny + precision.tiny_sum)) + absolute
        off = growth(count + 4, precision.unit) + relative + lost / least + 4.0 * precision.unit
        off = torch.where(off < 0.25, 2.0 * off, math.inf)
        local = call.result_magnitude(passed) * off + precision.tiny * 4.0
        peak = x.magnitude.square().sum(dims, keepdim=True).expand(call.out.shape)
        return Noise(local, passed, peak=peak)


def trailing(call: Call) -> tuple[tuple[int, int], tuple[int, ...]]:
    """For layer norm and RMS norm: rows over the last dimensions."""
    shape: Any = call.attributes["normalized_shape"]
    return (call.out.numel // max(math.prod(shape), 1), math.prod(shape)), tuple(shape)


def grouped(call: Call) -> tuple[tuple[int, int], tuple[int, ...]]:
    """For group norm: rows of one group of one sample each."""
    groups: Any = call.attributes["num_groups"]
    batch, channels, *rest = call.out.shape
    return (batch * groups, channels // groups * math.prod(rest)), (channels, *[1] * len(rest))


def by_channel(call: Call) -> tuple[tuple[int, int], tuple[int, ...]]:
    """For instance norm: rows of one channel of one sample each."""
    batch, channels, *rest = call.out.shape
    return (batch * channels, math.prod(rest)), (channels, *[1] * len(rest))

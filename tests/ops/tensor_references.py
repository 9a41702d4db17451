"""What tensor ops mean, written as plainly as possible on arrays of exact numbers (`Fraction`, or `mpf` of mpmath).

Arrays are NumPy's with dtype object: indexing and shapes come from NumPy, every number is exact.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf
from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]


def exact(tensor: Tensor) -> Array:
    """The tensor's numbers as fractions."""
    array = np.empty(tuple(tensor.shape), dtype=object)
    for place in np.ndindex(*tensor.shape):
        array[place] = Fraction(tensor[place].item())
    return array


def real(array: Array) -> Array:
    """The same numbers for mpmath."""
    return each(lambda v: mpf(v.numerator) / v.denominator, array)


def each(function: Callable[..., Any], *arrays: Array) -> Array:
    """Apply to every element."""
    result = np.empty(arrays[0].shape, dtype=object)
    for place in np.ndindex(*arrays[0].shape):
        result[place] = function(*(array[place] for array in arrays))
    return result


def einsum(equation: str, *operands: Array) -> Array:
    """By definition: for all values of all letters, add up the products."""
    inputs, output = equation.split("->")
    sizes: dict[str, int] = {}
    for letters, operand in zip(inputs.split(","), operands, strict=True):
        for letter, size in zip(letters, operand.shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    result = np.full([sizes[letter] for letter in output], Fraction(0), dtype=object)
    for values in itertools.product(*(range(size) for size in sizes.values())):
        at = dict(zip(sizes, values, strict=True))
        term = Fraction(1)
        for letters, operand in zip(inputs.split(","), operands, strict=True):
            place = tuple(at[c] if n > 1 else 0 for c, n in zip(letters, operand.shape, strict=True))
            term *= operand[place]
        result[tuple(at[letter] for letter in output)] += term
    return result


def over(function: Callable[[Array], Any], x: Array, dims: Sequence[int]) -> Array:
    """Apply `function` to the flattened elements along `dims`; the result has the other dimensions."""
    kept = [d for d in range(x.ndim) if d not in dims]
    rows = x.transpose(*kept, *dims).reshape(*[x.shape[d] for d in kept], -1)
    result = np.empty(rows.shape[:-1], dtype=object)
    for place in np.ndindex(*result.shape):
        result[place] = function(rows[place])
    return result


def along(function: Callable[[Array], Array], x: Array, dims: Sequence[int]) -> Array:
    """Apply `function`, which keeps the length, to the flattened elements along `dims`."""
    kept = [d for d in range(x.ndim) if d not in dims]
    moved = x.transpose(*kept, *dims)
    rows = moved.reshape(*[x.shape[d] for d in kept], -1)
    result = np.empty(rows.shape, dtype=object)
    for place in np.ndindex(*rows.shape[:-1]):
        result[place] = function(rows[place])
    return result.reshape(moved.shape).transpose(*np.argsort([*kept, *dims]))


def windows(
    x: Array, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> Any:
    """For every output place, the places of `x`'s last dimensions under the window (inside the tensor only)."""
    spatial = x.shape[-len(kernel) :]
    outputs = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(spatial, kernel, stride, padding, dilation, strict=True)
    ]
    for out in np.ndindex(*outputs):
        under = []
        for offset in np.ndindex(*kernel):
            place = tuple(
                o * s + k * d - p
                for o, s, k, d, p in zip(out, stride, offset, dilation, padding, strict=True)
            )
            if all(0 <= i < n for i, n in zip(place, spatial, strict=True)):
                under.append((offset, place))
        yield out, under


def convolution(x: Array, w: Array, b: Array | None, attributes: dict[str, Any]) -> Array:
    """x (batch, channels, ...), w (out, channels / groups, ...)."""
    kernel, groups = w.shape[2:], attributes["groups"]
    stride, dilation, padding = attributes["stride"], attributes["dilation"], attributes["padding"]
    if padding == "valid":
        padding = (0,) * len(kernel)
    if padding == "same":
        spans = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        x = np.pad(x, [(0, 0), (0, 0)] + [(s // 2, s - s // 2) for s in spans], constant_values=Fraction(0))
        padding = (0,) * len(kernel)
    found = dict(windows(x, kernel, stride, padding, dilation))
    spatial = tuple(i + 1 for i in max(found))
    result = np.full((x.shape[0], w.shape[0], *spatial), Fraction(0), dtype=object)
    inside = w.shape[1]
    for n, o in np.ndindex(x.shape[0], w.shape[0]):
        first = (o // (w.shape[0] // groups)) * inside
        for out, under in found.items():
            total = Fraction(0) if b is None else b[o]
            for c in range(inside):
                for offset, place in under:
                    total += w[(o, c, *offset)] * x[(n, first + c, *place)]
            result[(n, o, *out)] = total
    return result


def transposed_convolution(x: Array, w: Array, b: Array | None, attributes: dict[str, Any]) -> Array:
    """Every element of x (batch, in, ...) adds itself times the kernel w (in, out / groups, ...) to the output."""
    kernel, groups = w.shape[2:], attributes["groups"]
    geometry = [attributes[name] for name in ("stride", "padding", "dilation", "output_padding")]
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for n, k, s, p, d, extra in zip(x.shape[2:], kernel, *geometry, strict=True)
    ]
    result = np.full((x.shape[0], w.shape[1] * groups, *sizes), Fraction(0), dtype=object)
    for n, c in np.ndindex(*x.shape[:2]):
        first = (c // (x.shape[1] // groups)) * w.shape[1]
        for place in np.ndindex(*x.shape[2:]):
            for o, offset in itertools.product(range(w.shape[1]), np.ndindex(*kernel)):
                out = tuple(
                    i * s - p + k * d for i, k, s, p, d in zip(place, offset, *geometry[:3], strict=True)
                )
                if all(0 <= i < size for i, size in zip(out, sizes, strict=True)):
                    result[(n, first + o, *out)] += x[(n, c, *place)] * w[(c, o, *offset)]
    return result if b is None else result + b.reshape(1, -1, *[1] * len(kernel))


def pool(x: Array, attributes: dict[str, Any], function: Callable[[list[Any]], Any]) -> Array:
    """`function` of the elements under each window; x (channels, ...)."""
    kernel = attributes["kernel_size"]
    dilation = attributes.get("dilation", (1,) * len(kernel))
    found = dict(windows(x, kernel, attributes["stride"], attributes["padding"], dilation))
    spatial = tuple(i + 1 for i in max(found))
    result = np.empty((*x.shape[: -len(kernel)], *spatial), dtype=object)
    for lead in np.ndindex(*x.shape[: -len(kernel)]):
        for out, under in found.items():
            result[(*lead, *out)] = function([x[(*lead, *place)] for _, place in under])
    return result


def adaptive_pool(x: Array, output: Sequence[int], function: Callable[[list[Any]], Any]) -> Array:
    """Output `i` of `m` covers inputs `floor(i n / m)` to `ceil((i + 1) n / m)`."""
    spatial = x.shape[-len(output) :]
    result = np.empty((*x.shape[: -len(output)], *output), dtype=object)
    for place in np.ndindex(*result.shape):
        ranges = [
            range(i * n // m, -((-(i + 1) * n) // m))
            for i, n, m in zip(place[-len(output) :], spatial, output, strict=True)
        ]
        lead = place[: -len(output)]
        result[place] = function([x[(*lead, *inner)] for inner in itertools.product(*ranges)])
    return result


def mean(values: Any) -> Any:
    return sum(values) / len(values)


def squared_deviations(values: Any) -> Any:
    centre = mean(values)
    return sum((v - centre) ** 2 for v in values)


def softmax(values: Array) -> Array:
    top = max(values)
    weights = [mpmath.exp(v - top) for v in values]
    return np.array([w / mpmath.fsum(weights) for w in weights], dtype=object)


def log_softmax(values: Array) -> Array:
    """By `log1p`, which keeps shares near 1 apart from 1."""
    return np.array(
        [
            -mpmath.log1p(mpmath.fsum(mpmath.exp(other - v) for j, other in enumerate(values) if j != i))
            for i, v in enumerate(values)
        ],
        dtype=object,
    )


def logsumexp(values: Array) -> Any:
    top = max(values)
    return top + mpmath.log(mpmath.fsum(mpmath.exp(v - top) for v in values))


def running(function: Callable[[Array], Any]) -> Callable[[Array], Array]:
    """The function of the first element, of the first two, and so on."""
    return lambda values: np.array([function(values[: k + 1]) for k in range(len(values))], dtype=object)


def standardised(eps: float) -> Callable[[Array], Array]:
    def function(values: Array) -> Array:
        centre = mean(values)
        length = mpmath.sqrt(squared_deviations(values) / len(values) + mpf(eps))
        return np.array([(v - centre) / length for v in values], dtype=object)

    return function


def by_root_mean_square(eps: float) -> Callable[[Array], Array]:
    def function(values: Array) -> Array:
        length = mpmath.sqrt(sum(v * v for v in values) / len(values) + mpf(eps))
        return np.array([v / length for v in values], dtype=object)

    return function


def norm(order: float) -> Callable[[Array], Any]:
    def function(values: Array) -> Any:
        sizes = [abs(v) for v in values]
        if math.isinf(order):
            return max(sizes) if order > 0 else min(sizes)
        if order == 0:
            return mpf(sum(v != 0 for v in sizes))
        if order < 0 and 0 in sizes:
            return mpf(0)
        return mpmath.fsum(v ** mpf(order) for v in sizes) ** (1 / mpf(order))

    return function


def by_norm(order: float, eps: float) -> Callable[[Array], Array]:
    def function(values: Array) -> Array:
        length = max(norm(order)(values), mpf(eps))
        shares = [v / length for v in values]
        if order > 0:  # never beyond 1, whatever the rounding of the length
            shares = [max(mpf(-1), min(mpf(1), share)) for share in shares]
        return np.array(shares, dtype=object)

    return function

"""Batch normalisation in evaluation: an affine map of each channel, `x a + (b - m a)` with `a = w / sqrt(v + eps)`.

`a` is no dyadic number; it is kept to 2^-80 of its weight, and what is dropped becomes noise. The noise of an execution
is what `torchlean.ops.noise.statistics.FixedNormalised` states of torch's kernels, in either of the two forms they use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from torchlean.certificate.assembly import Element, Place
from torchlean.certificate.lowering import Lowering, NotCheckableError, place
from torchlean.certificate.machine import Machine, OverflowPossibleError
from torchlean.graph import Node
from torchlean.ops.noise import kernels
from torchlean.ops.noise.arithmetic import DEFAULT

ROOT_BITS = 80
"""Binary places of `1 / sqrt(v + eps)`; beyond what any noise can tell."""

ROOT_ERROR = Fraction(4, 1 << ROOT_BITS)
"""Of the integer root: one for rounding its operand down, one for rounding itself down, and as much to spare."""


def normalized(lowering: Lowering, node: Node) -> list[Element]:
    """`batch_norm` with known statistics, weight and bias."""
    names = ["mean", "variance"]
    names += ["weight"] if node.attributes["has_weight"] else []
    names += ["bias"] if node.attributes["has_bias"] else []
    vectors: dict[str, list[Fraction]] = {}
    for number, name in enumerate(names, start=1):
        found = [element for element in lowering.operand(node, number) if isinstance(element, Fraction)]
        if len(found) < lowering.graph[node.inputs[number]].type.numel:
            raise NotCheckableError(f"{place(node)} with a computed {name} is outside the Lean checker")
        vectors[name] = found
    channels = node.type.shape[1]
    weight = vectors.get("weight", [Fraction(1)] * channels)
    bias = vectors.get("bias", [Fraction(0)] * channels)
    eps = node.attributes["eps"]
    assert isinstance(eps, float)
    roots = [_inverse_root(variance + Fraction(eps), node) for variance in vectors["variance"]]
    elements, inner = lowering.operand(node), math.prod(node.type.shape[2:])
    channel = [number // inner % channels for number in range(len(elements))]
    return _mapped(lowering, node, elements, channel, vectors["mean"], weight, bias, roots)


def _mapped(
    lowering: Lowering,
    node: Node,
    elements: Sequence[Element],
    channel: Sequence[int],
    mean: Sequence[Fraction],
    weight: Sequence[Fraction],
    bias: Sequence[Fraction],
    roots: Sequence[Fraction],
) -> list[Element]:
    rows: list[dict[Place, Fraction]] = []
    offsets: list[Fraction] = []
    errors: list[Fraction] = []
    for element, c in zip(elements, channel, strict=True):
        factor, offset = weight[c] * roots[c], bias[c] - mean[c] * weight[c] * roots[c]
        if isinstance(element, Fraction):
            rows.append({})
            offset += factor * element
        else:
            rows.append({element: factor})
        offsets.append(offset)
        size = lowering.assembly.magnitude(element) + abs(mean[c])
        scale = abs(weight[c]) * (roots[c] + ROOT_ERROR)
        errors.append(
            abs(weight[c]) * ROOT_ERROR * size + _executed(lowering, node, size * scale, scale, abs(bias[c]))
        )
    remaining = iter(errors)
    return lowering.assembly.linear(rows, offsets, None, lambda _: next(remaining))


def _executed(lowering: Lowering, node: Node, size: Fraction, scale: Fraction, bias: Fraction) -> Fraction:
    """The rounding of one element, where `(|x| + |m|) a` is at most `size`."""
    machine: Machine = lowering.machine(node)
    if machine.model is None:
        return Fraction(0)
    precision = DEFAULT.precision(node.type.dtype)
    relative, unit = Fraction(kernels.relative("rsqrt", precision)), machine.model.u
    error = (
        size * (relative + 12 * unit) + bias * 4 * unit + (scale + 4) * Fraction(precision.smallest_normal)
    )
    if size + bias + error >= machine.model.overflow:
        raise OverflowPossibleError
    return error


def _inverse_root(number: Fraction, node: Node) -> Fraction:
    """`1 / sqrt(number)`, off by less than `ROOT_ERROR`."""
    if number <= 0:
        raise NotCheckableError(f"{place(node)} takes the root of a number that is not positive")
    scaled = (number.denominator << (2 * ROOT_BITS)) // number.numerator
    return Fraction(math.isqrt(scaled), 1 << ROOT_BITS)

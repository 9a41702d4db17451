"""Affine ops: each becomes one node whose matrix holds the program's own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from torchlean.certificate.assembly import Element, Place, dyadic
from torchlean.certificate.convolution import Layout, laid_out
from torchlean.certificate.lowering import Lowering, NotCheckableError, place, sources
from torchlean.certificate.network import Hinge, Role
from torchlean.graph import Node
from torchlean.ops import OPS
from torchlean.ops.convolution import Convolution
from torchlean.ops.noise.contractions import Accumulated, Contraction

FEW = 128
"""Elements up to which sums and scalings become matrices, so that the checker can bound them backward; larger ones are
added and scaled element by element, which costs no cells but is bounded by intervals only."""


def broadcast(lowering: Lowering, node: Node, number: int) -> list[Element]:
    """An operand's elements in the shape of the result, as the op reads them."""
    operand = lowering.graph[node.inputs[number]]
    elements = read(lowering, node, number)
    return [elements[source] for source in sources(operand.type.shape, node.type.shape)]


def read(lowering: Lowering, node: Node, number: int) -> list[Element]:
    """An operand's elements. Numbers are converted to the dtype the op is executed in.

    Raises:
        NotCheckableError: values that vary would be.
    """
    operand = lowering.graph[node.inputs[number]]
    elements = lowering.operand(node, number)
    if operand.type.dtype == node.type.dtype:
        return elements
    if not all(isinstance(element, Fraction) for element in elements):
        raise NotCheckableError(f"{place(node)} mixes {operand.type.dtype} and {node.type.dtype}")
    numbers = torch.tensor([float(e) for e in elements if isinstance(e, Fraction)], dtype=torch.float64)
    return [Fraction(x) for x in numbers.to(node.type.dtype).double().tolist()]


def contracted(lowering: Lowering, node: Node) -> list[Element]:
    """A matrix product or convolution with known weights, and the bias."""
    known = [lowering.known(node, number) for number in range(len(node.inputs))]
    unknown = [number for number, value in enumerate(known) if value is None]
    if len(unknown) != 1 or unknown[0] > 1:
        raise NotCheckableError(f"{place(node)} of two values that vary is outside the Lean checker")
    op = OPS[node.op]
    assert isinstance(op.rounding, Contraction)
    terms = op.rounding.terms([lowering.graph[id].type.shape for id in node.inputs], node.attributes)
    machine = lowering.machine(node)
    rows, bias, plain = _read(lowering, node, unknown[0], known)
    layout = windows(lowering, node) if unknown == [0] else None
    if plain:
        return lowering.assembly.linear(rows, bias, Role.OPERATION, machine.row, layout)
    return lowering.assembly.linear(
        rows, bias, None, lambda size: machine.sum_of_products(size.magnitude, terms), layout
    )


def windows(lowering: Lowering, node: Node) -> Layout | None:
    """What a convolution or average pooling of its first operand slides along; None for other ops, where windows are of
    unequal size, and where there are no elements."""
    shape, result = lowering.graph[node.inputs[0]].type.shape, node.type.shape
    attributes: Any = node.attributes
    if 0 in (*shape, *result):
        return None
    if node.op == "conv":
        weight = lowering.graph[node.inputs[1]].type.shape
        op = OPS[node.op]
        assert isinstance(op, Convolution)
        padding, _ = op.padding(attributes, weight)
        sizes = weight[2:], attributes["stride"], attributes["dilation"], padding
        return laid_out(shape, result, *sizes, kernels=weight[0], groups=attributes["groups"])
    if node.op == "avg_pool":
        kernel, stride, padding = (attributes[name] for name in ("kernel_size", "stride", "padding"))
    elif node.op == "adaptive_avg_pool":
        rank = len(attributes["output_size"])
        ends = list(zip(shape[-rank:], result[-rank:], strict=True))
        if any(size % count for size, count in ends):
            return None
        kernel = stride = tuple(size // count for size, count in ends)
        padding = (0,) * rank
    else:
        return None
    channels = shape[-len(kernel) - 1]
    return laid_out(
        shape, result, kernel, stride, [1] * len(kernel), padding, kernels=channels, groups=channels
    )


def _read(
    lowering: Lowering, node: Node, unknown: int, known: Sequence[Tensor | None]
) -> tuple[list[dict[Place, Fraction]], list[Fraction], bool]:
    """The matrix and the constant part, from the op itself on unit vectors; and whether they are the op's own, rather
    than sums of products with known numbers, or of several weights of one element.

    Each coefficient is one weight, or none: products with 1 and 0 and sums with 0 are exact in float64.
    """
    op, shape = OPS[node.op], lowering.graph[node.inputs[unknown]].type.shape
    elements = lowering.operand(node, unknown)
    operands: list[Any] = [None if value is None else value.double() for value in known]

    def run(x: Tensor) -> Tensor:
        operands[unknown] = x.reshape(shape)
        return op.evaluate(operands, node.attributes).flatten()

    zero = torch.zeros(len(elements), dtype=torch.float64)
    offset = run(zero)
    for number in range(2, len(operands)):
        operands[number] = torch.zeros_like(operands[number])
    rows: list[dict[Place, Fraction]] = [{} for _ in range(len(offset))]
    bias = [Fraction(b) for b in offset.tolist()]
    plain = True
    for number, element in enumerate(elements):
        unit = zero.clone()
        unit[number] = 1.0
        column = run(unit)
        for row in column.nonzero().flatten().tolist():
            plain &= not element if isinstance(element, Fraction) else element not in rows[row]
            _accumulate(rows[row], bias, row, element, Fraction(column[row].item()))
    return rows, bias, plain


def _accumulate(
    row: dict[Place, Fraction], bias: list[Fraction], number: int, element: Element, coefficient: Fraction
) -> None:
    if isinstance(element, Fraction):
        bias[number] += coefficient * element
    else:
        row[element] = row.get(element, Fraction(0)) + coefficient


def combined(lowering: Lowering, node: Node, sign: int) -> list[Element]:
    """A sum or difference, rounded once."""
    left, right = broadcast(lowering, node, 0), broadcast(lowering, node, 1)
    machine = lowering.machine(node)
    if sign > 0 and len(left) > FEW:
        first, second = _whole(lowering, left), _whole(lowering, right)
        if first is not None and second is not None:
            return lowering.assembly.add(first, second, lambda result: machine.sum_of_terms(result, 2))
    rows: list[dict[Place, Fraction]] = [{} for _ in left]
    bias = [Fraction(0)] * len(left)
    plain = True
    for number, pair in enumerate(zip(left, right, strict=True)):
        # Two numbers are added here and now, and twice one element is one product: neither is what is executed.
        plain &= pair[0] != pair[1] and not all(isinstance(element, Fraction) for element in pair)
        for element, factor in zip(pair, (1, sign), strict=True):
            _accumulate(rows[number], bias, number, element, Fraction(factor))
    if plain:
        return lowering.assembly.linear(rows, bias, Role.OPERATION, machine.row)
    return lowering.assembly.linear(rows, bias, None, lambda size: machine.sum_of_terms(size.result, 2))


def _whole(lowering: Lowering, elements: Sequence[Element]) -> int | None:
    """The value that these are all elements of, in order."""
    first = elements[0]
    if isinstance(first, Fraction):
        return None
    return first[0] if list(elements) == lowering.assembly.whole(first[0]) else None


def negated(lowering: Lowering, node: Node) -> list[Element]:
    """Exact, so that it is no node of its own where a sum reads it; here a hinge without a kink."""
    return lowering.assembly.hinge(
        lowering.operand(node), lambda value: Hinge(value, 0, 0, 0, -1, -1), lambda number: -number
    )


def multiplied(lowering: Lowering, node: Node) -> list[Element]:
    """A product with known factors, rounded once."""
    left, right = broadcast(lowering, node, 0), broadcast(lowering, node, 1)
    if all(isinstance(element, Fraction) for element in left):
        left, right = right, left
    factors = [element for element in right if isinstance(element, Fraction)]
    if len(factors) < len(right):
        raise NotCheckableError(f"{place(node)} of two values that vary is outside the Lean checker")
    return _scaled(lowering, node, left, factors)


def divided(lowering: Lowering, node: Node) -> list[Element]:
    """A quotient by known divisors, rounded once."""
    right = broadcast(lowering, node, 1)
    factors = [1 / element for element in right if isinstance(element, Fraction) and element]
    if node.attributes or len(factors) < len(right):
        raise NotCheckableError(
            f"{place(node)} by a value that varies (or by zero) is outside the Lean checker"
        )
    return _scaled(lowering, node, broadcast(lowering, node, 0), factors)


def _scaled(
    lowering: Lowering, node: Node, elements: Sequence[Element], factors: Sequence[Fraction]
) -> list[Element]:
    machine = lowering.machine(node)
    rows: list[dict[Place, Fraction]] = [{} for _ in elements]
    bias = [Fraction(0)] * len(elements)
    for number, (element, factor) in enumerate(zip(elements, factors, strict=True)):
        _accumulate(rows[number], bias, number, element, factor)
    if len(elements) > FEW and len(set(factors)) == 1 and dyadic(factors[0]):
        factor = factors[0]
        scale = factor.denominator.bit_length() - 1
        slope = factor.numerator
        return lowering.assembly.hinge(
            elements,
            lambda value: Hinge(value, scale, 0, 0, slope, slope),
            lambda number: _exactly(node),
            lambda low, high: machine.product(abs(factor) * max(-low, high)),
        )
    if any(bias):
        return lowering.assembly.linear(rows, bias, None, lambda size: machine.product(size.magnitude))
    # A quotient by a power of two is the product with its inverse; other inverses are no numbers of the machine.
    return lowering.assembly.linear(rows, bias, Role.OPERATION, machine.row)


def _exactly(node: Node) -> Fraction:
    raise NotCheckableError(f"{place(node)} of numbers that are partly known is outside the Lean checker")


def averaged(lowering: Lowering, node: Node) -> list[Element]:
    """Sums and means of elements, pooling among them."""
    op = OPS[node.op]
    assert isinstance(op.rounding, Accumulated)
    if node.attributes.get("divisor_override") is not None or node.attributes.get("dtype") is not None:
        raise NotCheckableError(
            f"{place(node)} with a divisor or dtype of its own is outside the Lean checker"
        )
    shape = lowering.graph[node.inputs[0]].type.shape
    terms = op.rounding.terms([shape], node.attributes)
    machine = lowering.machine(node)
    rows, bias, plain = _read(lowering, node, 0, [None])
    rows = [{key: _reciprocal(node, value) for key, value in row.items()} for row in rows]
    layout = windows(lowering, node)
    if node.op == "sum":
        if plain:
            return lowering.assembly.linear(rows, bias, Role.OPERATION, machine.row)
        return lowering.assembly.linear(
            rows, bias, None, lambda size: machine.sum_of_terms(size.magnitude, terms)
        )
    shares = [set(row.values()) for row in rows]
    if plain and all(len(share) == 1 and dyadic(min(share)) for share in shares) and len(rows) <= FEW:
        # Executed as a sum, and one product with (or quotient by) a power of two.
        totals = [{key: Fraction(1) for key in row} for row in rows]
        sums = lowering.assembly.linear(totals, bias, Role.OPERATION, machine.row, layout)
        return _scaled(lowering, node, sums, [min(share) for share in shares])
    return lowering.assembly.linear(
        rows, bias, None, lambda size: machine.mean(size.magnitude, terms), layout
    )


def _reciprocal(node: Node, coefficient: Fraction) -> Fraction:
    """`1 / k` from its float64."""
    count = round(1 / coefficient)
    if count < 1 or float(coefficient) != 1.0 / count:
        raise NotCheckableError(
            f"{place(node)} reads an element more than once, which is outside the Lean checker"
        )
    return Fraction(1, count)

"""TL206: differences of nearly equal numbers, whose rounding errors become all there is.

Only formulas with a name are reported: for those a stable form exists. An ordinary residual `prediction - target` loses
as many digits, and that is no mistake: its operands are the data.
"""

from __future__ import annotations

from torchlean.graph import Graph, Node
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.integrality import is_integral
from torchlean.hazards.patterns import (
    is_number,
    one_minus,
    one_plus,
    scaled,
    square_of,
    square_root_of,
    strip,
    terms,
)

NEAR = 2.0**-12
"""An argument that comes this near to zero loses half of binary32's 24 bits against 1, and all where it counts by its
square."""

SMALL = 0.5
"""A known region up to this size is about small numbers: half of it is meant to be told apart from zero."""


def of_difference(case: Case, node: Node) -> Finding | None:
    """The patterns that are differences."""
    for pattern in (_of_moments, _of_exponential, _of_cosine, _of_root, _of_root_and_number):
        found = pattern(case, node)
        if found is not None:
            return found
    return None


def of_logarithm(case: Case, node: Node) -> Finding | None:
    """`log(1 + x)` and `log((1 + x) / (1 - x))` for small x."""
    graph, ratio = case.graph, strip(case.graph, node.inputs[0])
    if ratio.op == "div":
        x, less = one_plus(graph, ratio.inputs[0]), one_minus(graph, ratio.inputs[1])
        if x is None or less is None or strip(graph, less).digest != x.digest or not _near_zero(case, x.id):
            return None
        what = f"`{node.op}((1 + x) / (1 - x))` loses x where it is small: 1 + 1e-8 is 1 in float32, and"
        return _finding(case, node, x.id, what, "`2 * torch.atanh(x)`")
    other = one_plus(case.graph, node.inputs[0])
    if other is None or not _near_zero(case, other.id) or is_integral(case.graph, other.id):
        return None
    what = f"`{node.op}(1 + x)` loses x where it is small: 1 + 1e-8 is 1 in float32, and"
    scale = {"log2": " / math.log(2)", "log10": " / math.log(10)"}.get(node.op, "")
    return _finding(case, node, other.id, what, f"`torch.log1p(x){scale}`")


def _finding(case: Case, node: Node, x: int, what: str, instead: str) -> Finding:
    """`what` ends where the range of x is to follow."""
    message = f"{what} x ranges over {case.range_text(x)}. Use {instead}"
    return Finding(node.id, "TL206", message, x, Trouble.DIGITS)


def _near_zero(case: Case, id: int) -> bool:
    """Whether the region comes near zero, and is not so large that being near zero is the exception."""
    low, high = case.extent(id)
    small = case.unknown(id) or max(-low, high) <= SMALL
    return small and low < NEAR and high > -NEAR and low < high


def _minuend_and_one(case: Case, node: Node) -> Node | None:
    """The operand `a` of `a - 1` or `a + (-1)`."""
    graph = case.graph
    left, right = node.inputs
    if node.op == "sub" and is_number(graph, right, 1.0):
        return strip(graph, left)
    if node.op == "add":
        for number_side, other in ((left, right), (right, left)):
            if is_number(graph, number_side, -1.0):
                return strip(graph, other)
    return None


def _of_exponential(case: Case, node: Node) -> Finding | None:
    """`exp(x) - 1`."""
    exponential = _minuend_and_one(case, node)
    if exponential is None or exponential.op != "exp" or not _near_zero(case, exponential.inputs[0]):
        return None
    what = "`exp(x) - 1` cancels where x is near zero: for |x| below 6e-8 it is 0 in float32, and"
    return _finding(case, node, exponential.inputs[0], what, "`torch.expm1(x)`")


def _of_cosine(case: Case, node: Node) -> Finding | None:
    """`1 - cos(x)`."""
    graph = case.graph
    if node.op != "sub" or not is_number(graph, node.inputs[0], 1.0):
        return None
    cosine = strip(graph, node.inputs[1])
    if cosine.op != "cos" or not _near_zero(case, cosine.inputs[0]):
        return None
    what = "`1 - cos(x)` cancels where x is near zero: for |x| below 2e-4 it is 0 in float32, and"
    return _finding(case, node, cosine.inputs[0], what, "`2 * torch.sin(x / 2) ** 2`")


def _of_root(case: Case, node: Node) -> Finding | None:
    """`sqrt(1 + x) - 1`."""
    root = _minuend_and_one(case, node)
    if root is None:
        return None
    inside = square_root_of(root)
    other = None if inside is None else one_plus(case.graph, inside)
    if other is None or not _near_zero(case, other.id):
        return None
    what = "`sqrt(1 + x) - 1` cancels where x is near zero: for |x| below 1e-7 it is 0 in float32, and"
    return _finding(case, node, other.id, what, "`x / (torch.sqrt(1 + x) + 1)`")


def _of_root_and_number(case: Case, node: Node) -> Finding | None:
    """`sqrt(x ** 2 + c) - x`, which cancels where x is large, and `-b + sqrt(b ** 2 - c)` of a quadratic formula."""
    graph = case.graph
    parts = list(terms(graph, node.id))
    if len(parts) != 2:
        return None
    for (root, of_root), (other, of_other) in (parts, parts[::-1]):
        inside = square_root_of(strip(graph, root))
        x = strip(graph, other)
        rest = None if inside is None else _beside_square(graph, inside, x)
        if rest is None:
            continue
        low, high = case.extent(x.id)
        # The root is positive: it cancels against positive numbers if it is subtracted from them, or they from it.
        size = high if of_root != of_other else -low
        if size < 1 / NEAR or not _is_far_smaller(case, rest, size):
            continue
        what = (
            "a number and the root of its square plus something smaller cancel where the number is large: "
            "`sqrt(x ** 2 + 1) - x` is 0 in float32 for x = 10000, and"
        )
        return _finding(
            case, node, x.id, what, "`c / (torch.sqrt(x ** 2 + c) + x)`, the same without a difference"
        )
    return None


def _beside_square(graph: Graph, inside: int, x: Node) -> list[int] | None:
    """The other terms of `x ** 2 + ...`, or None where the square of x is not among them."""
    parts = list(terms(graph, strip(graph, inside).id))
    squares = [id for id, sign in parts if sign > 0 and _is_square(graph, id, x)]
    if len(squares) != 1 or len(parts) < 2:
        return None
    return [id for id, _ in parts if id != squares[0]]


def _is_square(graph: Graph, id: int, x: Node) -> bool:
    square = square_of(graph, id)
    return square is not None and strip(graph, square).digest == x.digest


def _is_far_smaller(case: Case, rest: list[int], size: float) -> bool:
    """Whether half of the digits are lost at the largest x, however large the rest is."""
    return (
        not any(case.unknown(id) for id in rest)
        and sum(max(map(abs, case.extent(id))) for id in rest) <= NEAR * size**2
    )


def _of_moments(case: Case, node: Node) -> Finding | None:
    """`E[x ** 2] - E[x] ** 2`, with sums, means, or sums divided by numbers."""
    if node.op != "sub":
        return None
    graph = case.graph
    first, _ = scaled(graph, node.inputs[0])
    if first.op not in ("mean", "sum"):
        return None
    data = square_of(graph, first.inputs[0])
    second = square_of(graph, scaled(graph, node.inputs[1])[0].id)
    if data is None or second is None:
        return None
    average, _ = scaled(graph, second)
    if (
        average.op not in ("mean", "sum")
        or strip(graph, average.inputs[0]).digest != strip(graph, data).digest
    ):
        return None
    what = (
        "the variance as E[x^2] - E[x]^2 cancels: where the mean is a thousand times the deviation, no digit is "
        "right and the result may be negative;"
    )
    return _finding(
        case, node, data, what, "`torch.var(x, unbiased=False)`, or the mean of `(x - x.mean()) ** 2`"
    )

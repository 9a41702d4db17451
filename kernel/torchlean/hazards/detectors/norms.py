"""TL219: a length written as the square root of a sum of squares; a deviation, as that of a variance.

The squares overflow from 1.8e19 on although the length would not, and the square root has an infinite gradient at zero:
multiplied by the zero gradient of the square it is NaN. `torch.norm` and `torch.hypot` know both.
"""

from __future__ import annotations

from torchlean.graph import Node
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.gradients import is_trained
from torchlean.hazards.masking import is_masked
from torchlean.hazards.patterns import COPIES, square_of, square_root_of, strip, terms


def of_root(case: Case, node: Node) -> Finding | None:
    """`sqrt((x ** 2).sum())`, `sqrt(a * a + b * b)`."""
    argument = square_root_of(node)
    if argument is None or is_masked(case, node, "positive"):
        return None
    squares = _squares(case, argument)
    if squares is None:
        return _of_deviation(case, node, argument)
    if any(id in case.ranges.overflow for id in (argument, *squares)):
        operand = case.graph[squares[0]].inputs[0]
        message = (
            f"the squares of this length overflow: a component ranges over {case.range_text(operand)}, and from "
            "1.8e19 on its square is infinite, though the length would not be. Use `torch.hypot(a, b)`, or divide by "
            "the largest first"
        )
        return Finding(node.id, "TL219", message, operand, Trouble.OVERFLOW, specific=True)
    low, high = case.extent(argument)
    # A sum that is exactly zero is that of weights which start at zero: nobody writes it for numbers.
    if low > 0 or not case.recorded[node.id] or not (high == 0 or is_trained(case, argument)):
        return None
    message = (
        "the gradient of this length is 0 * inf = NaN at zero: the sum of squares ranges over "
        f"{case.range_text(argument)}. Use `torch.linalg.vector_norm`, whose gradient is 0 there, or add an epsilon "
        "inside: `torch.sqrt(s + 1e-12)`"
    )
    return Finding(node.id, "TL219", message, argument, Trouble.NONE)


def _of_deviation(case: Case, node: Node, argument: int) -> Finding | None:
    """`sqrt(x.var())`, where nothing is divided by it: that is reported itself."""
    if strip(case.graph, argument).op != "var" or case.extent(argument)[0] > 0 or _divides(case, node):
        return None
    if not case.recorded[node.id] or not is_trained(case, argument):
        return None
    message = (
        "the gradient of this root is 0 * inf = NaN where all numbers are equal: the variance ranges over "
        f"{case.range_text(argument)}. Use `x.std(dim)`, whose gradient is 0 there, or add an epsilon inside: "
        "`torch.sqrt(v + 1e-12)`"
    )
    return Finding(node.id, "TL219", message, argument, Trouble.NONE)


def _divides(case: Case, node: Node) -> bool:
    """Whether a result is only used as a divisor."""
    stack, divides = list(case.users[node.id]), False
    while stack:
        user = case.graph[stack.pop()]
        if user.op in COPIES:
            stack += case.users[user.id]
        elif user.op == "div" and strip(case.graph, user.inputs[1]).id == node.id:
            divides = True
        else:
            return False
    return divides


def inside_length(case: Case, node: Node) -> bool:
    """Whether a square or a sum is only used for lengths, whose square root then carries the report."""
    stack = list(case.users[node.id])
    if not stack:
        return False
    while stack:
        user = case.graph[stack.pop()]
        if square_root_of(user) is not None and _squares(case, user.inputs[0]) is not None:
            continue
        if user.op not in COPIES and user.op not in ("add", "sum"):
            return False
        if not case.users[user.id]:
            return False
        stack += case.users[user.id]
    return True


def _squares(case: Case, argument: int) -> list[int] | None:
    """The squares that are added up, or None where something else is among them."""
    graph = case.graph
    squares = []
    for term, sign in terms(graph, strip(graph, argument).id):
        inner = strip(graph, term)
        if inner.op == "sum":
            inner = strip(graph, inner.inputs[0])
        if sign < 0 or square_of(graph, inner.id) is None:
            return None
        squares.append(inner.id)
    return squares

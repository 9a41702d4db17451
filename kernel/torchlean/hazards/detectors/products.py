"""TL208: products of many probabilities, which underflow to zero."""

from __future__ import annotations

from torchlean.graph import Node
from torchlean.hazards.case import Case, smallest
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.integrality import is_integral

MANY = 16
"""Factors from which on a product of probabilities underflows in practice: sixteen of a thousandth each are 1e-48."""


def of_product(case: Case, node: Node) -> Finding | None:
    """`prod` over numbers between 0 and 1."""
    operand = node.inputs[0]
    if node.type.numel == 0 or not case.floating(node.id) or is_integral(case.graph, operand):
        return None
    low, high = case.extent(operand)
    count = case.graph[operand].type.numel // node.type.numel
    if low < 0 or count < MANY or low >= 1.0:
        return None
    if low > 0 and low**count >= smallest(node.type.dtype):
        return None
    # Numbers above 1 may make up for small ones where the range is known; where it is not, nothing says so.
    if high > 1 and not case.unknown(operand):
        return None
    effect = "underflows to 0, below 1e-45" if high <= 1 else "underflows to 0 or overflows to infinity"
    message = (
        f"a product of {count} numbers in {case.range_text(operand)} {effect}. Add logarithms "
        "instead: `torch.log(p).sum()`, best with log-probabilities from `F.log_softmax` or `F.logsigmoid`"
    )
    return Finding(node.id, "TL208", message, operand, Trouble.DIGITS)


def of_chain(case: Case, node: Node) -> Finding | None:
    """The same as a running product: `p = p * q` again and again."""
    count = _factors(case, node.id)
    if count != MANY:
        # Reported where the chain grows to that length, once.
        return None
    if any(case.graph[user].op == "mul" for user in case.users[node.id]):
        return None
    message = (
        f"a running product of {count} numbers between 0 and 1 underflows to 0, below 1e-45. Add their logarithms "
        f"instead"
    )
    return Finding(node.id, "TL208", message, node.inputs[0], Trouble.DIGITS)


def _factors(case: Case, id: int) -> int:
    """How many numbers between 0 and 1 a product has, up to `MANY`; 0 where it has others."""
    count, stack = 0, [id]
    while stack and count < MANY:
        node = case.graph[stack.pop()]
        low, high = case.extent(node.id)
        if low < 0 or high > 1 or is_integral(case.graph, node.id):
            return 0
        if node.op == "mul":
            stack += node.inputs
        else:
            count += 1
    return count

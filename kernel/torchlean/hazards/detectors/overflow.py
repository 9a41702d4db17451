"""TL201: a finite computation whose binary32 result is infinite. TL210: the same inside a softmax written by hand."""

from __future__ import annotations

import torch

from torchlean.graph import Node
from torchlean.hazards.case import Case, largest, overflow_argument
from torchlean.hazards.detectors.norms import inside_length
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.masking import is_masked, only_clamped
from torchlean.hazards.patterns import (
    COPIES,
    MASKING,
    exponential_share,
    has_pole,
    number,
    one_plus_exponential,
    strip,
)
from torchlean.numbers import upper_text
from torchlean.ops import dtype_name

LARGEST_TEXT = {torch.float32: "3.4e38", torch.float16: "65504", torch.bfloat16: "3.39e38"}


GROWING = frozenset(
    {
        *(
            "add",
            "addcdiv",
            "addcmul",
            "addmm",
            "cumprod",
            "cumsum",
            "div",
            "dot",
            "linear",
            "matmul",
            "mean",
            "mul",
        ),
        *("pow", "pow_tensor", "prod", "square", "std", "sub", "sum", "var"),
    }
)
"""Ops whose infinite ends mean large numbers, rather than that nothing is known."""


def of_exponential(case: Case, node: Node) -> Finding | None:
    """`exp(x)` for x above 88.72."""
    if node.id not in case.ranges.overflow or is_masked(case, node, "exponent"):
        return None
    operand = node.inputs[0]
    limit = overflow_argument(node.type.dtype)
    what = f"`{node.op}` overflows to infinity: its argument ranges over {case.range_text(operand)}"
    if node.op == "exp":
        what += f", and above {limit:.2f} the result is beyond {_largest(node)}"
    if only_clamped(case, node.id, "max"):
        message = (
            f"the clamp comes after `{node.op}`, which overflows to infinity: its argument ranges over "
            f"{case.range_text(operand)}, and the gradient is 0 * inf = NaN there. Clamp the argument instead: "
            "`torch.exp(x.clamp(max=20))`"
        )
        return Finding(node.id, "TL213", message, operand, Trouble.NONE, specific=True)
    code, advice = _context(case, node)
    return Finding(node.id, code, f"{what}. {advice}", operand, Trouble.OVERFLOW)


def _context(case: Case, node: Node) -> tuple[str, str]:
    """Code and advice by what becomes of the exponential."""
    graph = case.graph
    direct = _below(case, node.id)
    masked = [after for user in direct if user.op in MASKING for after in _below(case, user.id)]
    for user in (*direct, *masked):
        if user.op == "sum":
            for quotient in _below(case, user.id):
                share = exponential_share(graph, quotient)
                if share is not None and share.digest == node.digest:
                    return "TL210", (
                        "This softmax is written without subtracting the maximum, so that it becomes inf/inf = NaN: "
                        "use `torch.softmax`, or subtract `x.max(dim, keepdim=True)` before the exponential"
                    )
            if any(after.op == "log" for after in _below(case, user.id)):
                return "TL201", "Use `torch.logsumexp`, which subtracts the maximum first"
        if user.op == "add" and one_plus_exponential(graph, user.id) is not None:
            return _of_one_plus(case, user)
    return "TL201", (
        "Infinity turns into NaN in differences and quotients, and in gradients: bound the argument before, e.g. "
        "`x.clamp(max=20)`, or work with its logarithm"
    )


def _of_one_plus(case: Case, node: Node) -> tuple[str, str]:
    if any(user.op == "log" for user in _below(case, node.id)):
        return "TL201", "`log(1 + exp(x))` is `F.softplus(x)`, which neither overflows nor loses small values"
    return "TL201", (
        "The quotient becomes 0 and its gradient 0 * inf = NaN: `torch.sigmoid` is the same function without overflow"
    )


def _below(case: Case, id: int) -> list[Node]:
    """The users of a node, looking through copies."""
    found, stack = [], list(case.users[id])
    while stack:
        user = case.graph[stack.pop()]
        if user.op in COPIES:
            stack += case.users[user.id]
        else:
            found.append(user)
    return sorted(found, key=lambda user: user.id)


def of_result(case: Case, node: Node) -> Finding | None:
    """Any other op whose result leaves the number range, and weights or constants that hold no numbers."""
    for id in node.inputs:
        if not case.graph[id].inputs and case.ranges[id].undefined:
            return _of_nan(node, case.graph[id])
    if node.id not in case.ranges.overflow or node.type.dtype == torch.float64:
        return None
    if node.op not in GROWING or inside_length(case, node) or _has_unknown_exponent(case, node):
        return None
    if has_pole(node) and is_masked(case, node, "nonzero", node.inputs[-1]):
        return None
    operand = max(node.inputs, key=lambda id: case.ranges.known[id])
    operands = " and ".join(
        f"an operand ranges over {case.range_text(id)}" for id in dict.fromkeys(node.inputs)
    )
    message = (
        f"`{node.op}` overflows to infinity: {operands}, and the largest {dtype_name(node.type.dtype)} is "
        f"{_largest(node)}. {_advice(node)}"
    )
    return Finding(node.id, "TL201", message, operand, Trouble.OVERFLOW)


def _of_nan(node: Node, leaf: Node) -> Finding:
    name = f"`{leaf.label}`" if leaf.label else f"an operand of `{node.op}`"
    message = (
        f"{name} holds NaN, and every result that it takes part in is NaN, whatever the other operands are"
    )
    return Finding(node.id, "TL202", message, leaf.id, Trouble.SINGULAR)


def _has_unknown_exponent(case: Case, node: Node) -> bool:
    """`a ** x` for unknown x: exponents of -10000 to 10000 are no region that programs have, unless a is one number."""
    if node.op != "pow_tensor" or not case.unknown(node.inputs[1]):
        return False
    return number(strip(case.graph, node.inputs[0])) is None


def _advice(node: Node) -> str:
    if node.op in ("pow", "pow_tensor", "square", "mul"):
        return "Scale the numbers down before multiplying them, or add their logarithms"
    return "Scale the numbers down before, or compute this in float64"


def _largest(node: Node) -> str:
    dtype = node.type.dtype
    return LARGEST_TEXT.get(dtype) or upper_text(largest(dtype), 3)

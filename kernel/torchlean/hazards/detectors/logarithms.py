"""Logarithms of numbers that reach zero: TL205, and by their causes TL211 (softmax), TL212 (sigmoid), TL213 (clamp).

`TL204` where the argument may be negative.
"""

from __future__ import annotations

from torchlean.graph import Node
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.masking import is_masked, only_clamped
from torchlean.hazards.patterns import PICKS, is_sigmoid, is_softmax, one_minus, strip


def of_logarithm(case: Case, node: Node) -> Finding | None:
    """`log(x)` where x may be zero, or negative."""
    argument = node.inputs[0]
    low, _ = case.extent(argument)
    if low > 0 or not case.floating(node.id) or is_masked(case, node, "positive"):
        return None
    for pattern in (_of_softmax, _of_sigmoid, _clamped_late):
        found = pattern(case, node, argument)
        if found is not None:
            return found
    where = f"its argument ranges over {case.range_text(argument)}"
    if low < 0:
        return Finding(
            node.id,
            "TL204",
            f"`{node.op}` of a negative number is NaN: {where}. Keep the argument positive before, e.g. "
            "`x.clamp(min=1e-12)`",
            argument,
            Trouble.SINGULAR,
        )
    gradient = ", and its gradient infinite" if case.recorded[node.id] else ""
    return Finding(
        node.id,
        "TL205",
        f"`{node.op}` of zero is -inf{gradient}: {where}. Keep the argument away from zero before, "
        f"e.g. `x.clamp(min=1e-12)`{_product_advice(case, node)}",
        argument,
        Trouble.SINGULAR,
    )


def of_log1p(case: Case, node: Node) -> Finding | None:
    """`log1p(x)` where x may reach -1."""
    argument = node.inputs[0]
    low, _ = case.extent(argument)
    if low > -1:
        return None
    code, what = ("TL204", "below -1 is NaN") if low < -1 else ("TL205", "at -1 is -inf")
    message = (
        f"`log1p` {what}: its argument ranges over {case.range_text(argument)}. Keep the argument above -1 before, "
        "e.g. `x.clamp(min=-1 + 1e-6)`"
    )
    return Finding(node.id, code, message, argument, Trouble.SINGULAR)


def _of_softmax(case: Case, node: Node, argument: int) -> Finding | None:
    graph = case.graph
    inner = one_minus(graph, argument)
    if not is_softmax(graph, argument) and (inner is None or not is_softmax(graph, inner)):
        return None
    if inner is not None:
        what, advice = "1 - softmax", "clamp it before, e.g. `(1 - p).clamp(min=1e-6)`"
    else:
        what, advice = "softmax", "use `F.log_softmax(x, dim)`, or `F.cross_entropy` for the whole loss"
    message = (
        f"the logarithm of a {what} is -inf where a probability underflows to 0, which happens for logits that are 104 "
        f"apart: it ranges over {case.range_text(argument)}. It turns the loss into inf or 0 * inf = NaN: {advice}"
    )
    return Finding(node.id, "TL211", message, argument, Trouble.SINGULAR, specific=True)


def _of_sigmoid(case: Case, node: Node, argument: int) -> Finding | None:
    graph = case.graph
    inner = one_minus(graph, argument)
    complement = inner is not None and is_sigmoid(graph, inner)
    if not complement and not is_sigmoid(graph, argument):
        return None
    if complement:
        what, point, advice = "1 - sigmoid(x)", "from x = 17 on", "F.logsigmoid(-x)"
    else:
        what, point, advice = "sigmoid(x)", "from x = -104 down", "F.logsigmoid(x)"
    message = (
        f"the logarithm of {what} is -inf {point}, where it rounds to 0: it ranges over {case.range_text(argument)}. "
        f"Use `{advice}`, or `F.binary_cross_entropy_with_logits` for the whole loss"
    )
    return Finding(node.id, "TL212", message, argument, Trouble.SINGULAR, specific=True)


def _clamped_late(case: Case, node: Node, argument: int) -> Finding | None:
    """`log(x).clamp(min=...)`: the value is repaired, the gradient is not."""
    if not only_clamped(case, node.id, "min"):
        return None
    low, _ = case.extent(argument)
    result = "NaN stays NaN" if low < 0 else "the gradient is 0 * inf = NaN where the argument is zero"
    message = (
        f"the clamp comes after the logarithm: {result}. The argument ranges over {case.range_text(argument)}: clamp "
        "it instead, `torch.log(x.clamp(min=1e-12))`"
    )
    return Finding(node.id, "TL213", message, argument, Trouble.NONE, specific=True)


def _product_advice(case: Case, node: Node) -> str:
    inner = strip(case.graph, node.inputs[0], PICKS)
    return "; the logarithm of a product is the sum of the logarithms" if inner.op == "prod" else ""

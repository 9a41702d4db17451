"""TL203: divisors that reach zero, or come so near that the quotient overflows."""

from __future__ import annotations

from torchlean.graph import Node
from torchlean.hazards.case import Case
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.masking import is_masked, only_clamped
from torchlean.hazards.patterns import COPIES, number, square_root_of, strip
from torchlean.hazards.zeros import never_zero, replaces_zero


def by_zero(case: Case, node: Node) -> Finding | None:
    """`a / b`, `1 / b`, `rsqrt(b)` where b may be zero."""
    divisor = node.inputs[-1]
    if not case.floating(node.id) or is_masked(case, node, "nonzero", divisor):
        return None
    low, high = case.extent(divisor)
    if replaces_zero(case.graph, case.ranges.intervals, divisor) or never_zero(case.graph, divisor):
        return None
    if low <= 0 <= high:
        danger = "may be zero, and the result infinite, or NaN for 0/0"
    elif node.id in case.ranges.overflow and not _is_large(case, node, min(abs(low), abs(high))):
        danger = "may be so small that the result is infinite"
    else:
        return None
    if only_clamped(case, node.id, "max"):
        what = f"the division: the divisor ranges over {case.range_text(divisor)}"
        message = (
            f"the clamp comes after {what}, 0/0 stays NaN, and the gradient is NaN too. Clamp the divisor instead: "
            "`a / d.clamp(min=1e-6)`"
        )
        if all(case.graph[user].op == "nan_to_num" for user in case.users[node.id]):
            message = (
                f"`nan_to_num` comes after {what}, infinity becomes the largest number unless `posinf` and `neginf` "
                "say otherwise, and the gradient is NaN. Keep zero out of the divisor: `a / torch.where(d == 0, 1, d)`"
            )
        return Finding(node.id, "TL213", message, divisor, Trouble.NONE, specific=True)
    what = "the argument of `rsqrt`" if node.op == "rsqrt" else "the divisor"
    message = f"{what} {danger}: it ranges over {case.range_text(divisor)}. {_advice(case, divisor, low)}"
    return Finding(node.id, "TL203", message, divisor, Trouble.SINGULAR)


def _is_large(case: Case, node: Node, least: float) -> bool:
    """Whether a quotient overflows by its numerator, which is further from one than the divisor's least size is."""
    if node.op != "div":
        return False
    low, high = case.extent(node.inputs[0])
    return max(-low, high) > 1.0 / least


def of_power(case: Case, node: Node) -> Finding | None:
    """`x ** -n` where x may be zero."""
    base = node.inputs[0]
    exponent = node.attributes.get("exponent")
    if node.op == "pow_tensor":
        exponent = case.extent(node.inputs[1])[0]
    low, high = case.extent(base)
    if not isinstance(exponent, (int, float)) or exponent >= 0 or not low <= 0 <= high:
        return None
    if is_masked(case, node, "nonzero", base):
        return None
    advice = _advice(case, base, low)
    message = f"a negative power of zero is infinite: the base ranges over {case.range_text(base)}. {advice}"
    return Finding(node.id, "TL203", message, base, Trouble.SINGULAR)


def _advice(case: Case, divisor: int, low: float) -> str:
    graph = case.graph
    node = strip(graph, divisor)
    if number(node) == 0.0 and node.op == "constant":
        return "The divisor is the number 0"
    root = square_root_of(node)
    if root is not None:
        return "Add the epsilon inside the square root: `torch.sqrt(v + 1e-8)`, so that the gradient stays finite too"
    if node.op in ("std", "var"):
        return "It is zero where all numbers are equal: add an epsilon, `x.std() + 1e-6`"
    if node.op == "vector_norm":
        return "It is the length of a zero vector: use `F.normalize`, or `norm.clamp(min=1e-12)`"
    if low >= 0:
        return "Keep the divisor away from zero: `d.clamp(min=1e-12)`, or `d + 1e-8`"
    if strip(graph, divisor, COPIES | {"sub"}).id != node.id:
        return "The difference may vanish: divide by `torch.where(d == 0, 1, d)`, or clamp its size"
    return "Keep the divisor away from zero on both sides, e.g. `torch.where(d.abs() < 1e-6, 1e-6, d)`"

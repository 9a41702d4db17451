"""Square roots, norms, variances and guards: what keeps an argument away from the edge of a function's domain."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlean.fixes.matching import Matcher, is_factor, is_number, number_of
from torchlean.fixes.rewrite import Rewrite

PROBABILITY_FLOORS = ("1e-12", "1e-6")
"""Lower limits for an argument of log: below what probabilities of interest are, far above float32's least number; the
second where the first is not enough."""

SQUARE_FLOOR = "1e-12"
"""Added to a sum of squares: a length of 1e-6, where the gradient of the root is still an ordinary number."""


def hypot(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`sqrt(x * x + y * y)`."""
    inside = _root(match, node)
    inside = None if inside is None else match.resolve(inside)
    if not (isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Add)):
        return
    x, y = match.squared(inside.left), match.squared(inside.right)
    if x is not None and y is not None:
        source = match.source
        yield Rewrite(node, f"{match.file.torch}.hypot({source(x)}, {source(y)})", "Use hypot")


def epsilon_inside_root(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`sqrt(s) + 1e-8` and `sqrt(s)`: only an epsilon under the root bounds the gradient."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        epsilon = number_of(match.resolve(node.right))
        inside = _root(match, node.left)
        if inside is not None and epsilon is not None and 0 < epsilon < 1:
            text = f"{match.file.torch}.sqrt({match.term(inside)} + {SQUARE_FLOOR})"
            yield Rewrite(node, text, f"Add {SQUARE_FLOOR} under the root instead")
        return
    inside = _root(match, node)
    if inside is not None:
        text = f"{match.file.torch}.sqrt({match.term(inside)} + {SQUARE_FLOOR})"
        yield Rewrite(node, text, f"Add {SQUARE_FLOOR} under the root")


def _root(match: Matcher, node: ast.expr) -> ast.expr | None:
    """What the square root is taken of. A name is not followed here: its assignment is where the change belongs."""
    return match.plain(node, "sqrt") if isinstance(node, ast.Call) else None


def variance(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`(x * x).mean(dim) - x.mean(dim) ** 2`."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)):
        return
    second = match.call(node.left, "mean")
    mean_of = match.squared(node.right)
    first = None if mean_of is None else match.call(mean_of, "mean")
    x = None if second is None else match.squared(second.operand)
    if second is None or first is None or x is None or not match.same(x, first.operand):
        return
    given = [ast.unparse(a) for a in (*second.rest, *second.keywords.values())]
    same = given == [ast.unparse(a) for a in (*first.rest, *first.keywords.values())]
    dim, keepdim = second.argument(0, "dim", "axis"), second.argument(1, "keepdim")
    if not same or set(second.keywords) - {"dim", "axis", "keepdim"}:
        return
    source = match.source
    over = "" if dim is None else f", dim={source(dim)}"
    over += "" if keepdim is None else f", keepdim={source(keepdim)}"
    yield Rewrite(node, f"{match.file.torch}.var({source(x)}{over}, unbiased=False)", "Use torch.var")


def clamp_before_log(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`log(x)`: keep the argument positive."""
    call = match.call(node, "log", "log2", "log10") if isinstance(node, ast.Call) else None
    if call is None or not call.plain:
        return
    for floor in PROBABILITY_FLOORS:
        inside = f"{match.operand(call.operand)}.clamp(min={floor})"
        text = f"{match.file.torch}.{call.name}({inside})"
        yield Rewrite(node, text, f"Clamp to at least {floor} before the {call.name}")


def clamp_before_division(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`a / b`, `rsqrt(b)`, `reciprocal(b)` with `b` not negative: keep it away from zero."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        for floor in PROBABILITY_FLOORS:
            left = match.term(node.left) if is_factor(node.left) else f"({match.source(node.left)})"
            text = f"({left} / {match.operand(node.right)}.clamp(min={floor}))"
            yield Rewrite(
                node, text, f"Clamp to at least {floor} before the division", nonnegative=node.right
            )
    call = match.call(node, "rsqrt", "reciprocal") if isinstance(node, ast.Call) else None
    if call is not None and call.plain:
        for floor in PROBABILITY_FLOORS:
            text = f"{match.file.torch}.{call.name}({match.operand(call.operand)}.clamp(min={floor}))"
            yield Rewrite(
                node, text, f"Clamp to at least {floor} before the {call.name}", nonnegative=call.operand
            )


def clamp_before_inverse_cosine(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`acos(x)` and `asin(x)`: rounding may put a cosine above one, and at one the slope is infinite."""
    call = match.call(node, "acos", "asin") if isinstance(node, ast.Call) else None
    if call is None or not call.plain:
        return
    inside = f"{match.operand(call.operand)}.clamp(-1 + 1e-6, 1 - 1e-6)"
    text = f"{match.file.torch}.{call.name}({inside})"
    yield Rewrite(node, text, f"Clamp to (-1, 1) before the {call.name}")


def double_sum(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """A sum, mean or product: accumulate in float64."""
    call = (
        match.call(node, "sum", "mean", "prod", "cumsum", "cumprod") if isinstance(node, ast.Call) else None
    )
    if call is None or "dtype" in call.keywords:
        return
    yield Rewrite(node, _with_dtype(match, call.node), "Accumulate in float64")


def _with_dtype(match: Matcher, call: ast.Call) -> str:
    """The text of a call, told to use float64."""
    dtype = f"{match.file.torch}.float64"
    start, end = match.file.offsets(call)
    for keyword in call.keywords:
        if keyword.arg == "dtype":
            old = match.file.offsets(keyword.value)
            return f"{match.file.text[start : old[0]]}{dtype}{match.file.text[old[1] : end]}"
    text = match.file.text[start : end - 1].rstrip().rstrip(",")
    comma = "" if text.endswith("(") else ", "
    return f"{text}{comma}dtype={dtype})"


def double_start(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`total = torch.zeros(3)`: what is added to it is then added in float64."""
    if isinstance(node, ast.Call) and match.file.torch_name(node.func) in (
        "full",
        "ones",
        "tensor",
        "zeros",
        "zeros_like",
    ):
        yield Rewrite(
            node,
            _with_dtype(match, node),
            "Accumulate in float64 from the start, exact for counts up to 2^53",
        )


def double_terms(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`a + b` with a small term beside a large one: add in float64."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        operator = "+" if isinstance(node.op, ast.Add) else "-"
        left, right = (_double(match, side) for side in (node.left, node.right))
        yield Rewrite(node, f"({left} {operator} {right})", "Add in float64")


def _double(match: Matcher, node: ast.expr) -> str:
    return match.source(node) if number_of(node) is not None else f"{match.operand(node)}.double()"


def double_conversion(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`i.float()` and `i.to(torch.float32)` of large integers: float64 holds them up to 2^53."""
    call = match.call(node, "float", "to", "type") if isinstance(node, ast.Call) else None
    if call is None or call.keywords:
        return
    single = [f"{match.file.torch}.float32", f"{match.file.torch}.float"]
    to_single = call.name in ("to", "type") and len(call.rest) == 1 and ast.unparse(call.rest[0]) in single
    if to_single or (call.name == "float" and call.plain):
        yield Rewrite(node, f"{match.operand(call.operand)}.double()", "Convert to float64")


def approximate_equality(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`a == b` of floats."""
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq)):
        return
    left, right = node.left, node.comparators[0]
    if any(is_number(side, number_of(side) or 0.0) for side in (left, right)):
        return
    source = match.source
    yield Rewrite(node, f"{match.file.torch}.isclose({source(left)}, {source(right)})", "Use isclose")

"""TL203 in a gradient: a root of a probability that saturates.

The derivative of `x ** g` with 0 < g < 1 is a negative power of x, infinite at zero. A focal loss `(1 - p) ** 0.5`, a
Hellinger distance `sqrt(p)` and a deviation `sqrt(p * (1 - p))` have right values everywhere; but p rounds to 0 or 1
for ordinary logits (1 from 17 on, 0 from -104 on), where the derivative of the sigmoid or softmax is exactly 0, and
autograd multiplies inf by it: NaN for every weight.
"""

from __future__ import annotations

from torchlean.graph import Graph, Node
from torchlean.hazards.case import Case
from torchlean.hazards.detectors.domains import is_fractional
from torchlean.hazards.directions import is_cosine
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.gradients import is_trained
from torchlean.hazards.masking import is_masked
from torchlean.hazards.patterns import (
    PICKS,
    is_sigmoid,
    is_softmax,
    number,
    one_minus,
    square_of,
    square_root_of,
    strip,
)

DEEPEST = 8
"""Products within complements within products that are looked through; formulas have two or three."""


def of_root(case: Case, node: Node) -> Finding | None:
    """`sqrt(p)`, `(1 - p) ** 0.5` and `p ** g` for a g between 0 and 1, where p saturates."""
    argument = node.inputs[0]
    low, _ = case.extent(argument)
    # A base that may be negative is another hazard, and one above zero none: `(1 - p + 1e-6) ** 0.5`.
    if low != 0 or not case.recorded[node.id] or not _is_root(case, node):
        return None
    if not vanishes(case, argument) or not is_trained(case, argument) or is_masked(case, node, "positive"):
        return None
    message = (
        f"the gradient of this root divides by zero where its base is saturated: inf * 0 = NaN reaches the weights. "
        f"The base ranges over {case.range_text(argument)}; add an epsilon to it, `(p + 1e-6) ** g`, or compute the "
        "root from its logarithm, `torch.exp(g * log_p)`"
    )
    return Finding(node.id, "TL203", message, argument, Trouble.NONE)


def _is_root(case: Case, node: Node) -> bool:
    """Whether this is a power with an exponent between 0 and 1, the same for all elements."""
    if square_root_of(node) is not None:
        return True
    if not is_fractional(case, node):
        return False
    exponent: object = node.attributes.get("exponent")
    if node.op == "pow_tensor":
        exponent = number(strip(case.graph, node.inputs[1]))
    return isinstance(exponent, float) and 0 < exponent < 1


def vanishes(case: Case, id: int, depth: int = DEEPEST) -> bool:
    """Whether the value is 0 because something below is saturated, so that its own derivative is 0 there."""
    graph = case.graph
    # A clamp hands gradients on at its very end, where the result is 0 because the operand is.
    node = strip(graph, id, PICKS | {"clamp"})
    if depth == 0 or case.extent(id)[0] != 0:
        return False
    if is_sigmoid(graph, node.id) or is_softmax(graph, node.id) or node.op == "exp":
        return True
    complement = one_minus(graph, node.id)
    if complement is not None:
        return _saturates_at_one(graph, complement)
    return node.op == "mul" and any(vanishes(case, factor, depth - 1) for factor in node.inputs)


def _saturates_at_one(graph: Graph, id: int) -> bool:
    """A sigmoid, a softmax, the exponential of a log-softmax, and the squares of a tanh and of a cosine."""
    node = strip(graph, id, PICKS)
    if node.op == "exp":
        return strip(graph, node.inputs[0], PICKS).op in ("log_softmax", "logsigmoid")
    square = square_of(graph, node.id)
    if square is not None:
        return strip(graph, square, PICKS).op == "tanh" or is_cosine(graph, square)
    return is_sigmoid(graph, node.id) or is_softmax(graph, node.id)

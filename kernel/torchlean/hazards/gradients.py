"""Where gradients flow: through operations that autograd records, over operands that weights lie below."""

from __future__ import annotations

from torchlean.graph.origin import Source, source_of
from torchlean.hazards.case import Case

SEARCHED = 1000
"""Nodes looked at when asking whether something is trained."""


STOPPING = frozenset({"relu"})
"""Ops whose backward passes select as well: where their result is 0 they hand on 0, even for a NaN."""


def is_trained(case: Case, id: int, stopping: frozenset[str] = frozenset()) -> bool:
    """Whether a gradient passes here: a weight, or an input that may come from one, lies below.

    None passes what is computed under `torch.no_grad()`: a teacher's probabilities have none.

    Args:
        stopping: ops that the gradient in question does not pass.
    """
    stack, seen = [id], set[int]()
    while stack and len(seen) < SEARCHED:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        node = case.graph[current]
        if node.op in ("parameter", "input") or current in case.differentiated:
            return True
        if node.op == "random" and source_of(node.attributes) in (Source.INITIALISER, Source.TRAINED):
            return True
        if node.type.dtype.is_floating_point and node.op not in stopping and case.recorded[current]:
            stack += node.inputs
    return False

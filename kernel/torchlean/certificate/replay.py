"""The Lean checker's answer, known before the kernel is asked.

Nothing is proved here. It serves to find plans that the kernel will accept, and to say why a certificate is refused,
which a kernel that answers "false" cannot.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy

from torchlean.certificate.checker import Box, Checker, Known, Refusal
from torchlean.certificate.network import (
    Both,
    Bound,
    Done,
    Formula,
    Literal,
    Plan,
    Proof,
    Split,
    Statement,
)


def proved(goal: Formula, box: Box) -> bool:
    """`Formula.proved`: the bounds of the output show the formula."""
    if isinstance(goal, Literal):
        if goal.element >= len(box.lower):
            return False
        lower = box.lower[goal.element]
        return bool(lower > 0 if goal.strict else lower >= 0)
    if isinstance(goal, Both):
        return proved(goal.left, box) and proved(goal.right, box)
    return proved(goal.left, box) or proved(goal.right, box)


def settled(goal: Formula, known: Known) -> bool:
    """Whether a plan may be done: the formula is shown, or no value is possible."""
    if any(box is not None and box.empty for box in known):
        return True
    output = known[-1]
    return output is not None and proved(goal, output)


def cut(known: Known, value: int, element: int, at: int) -> tuple[Known, Known]:
    """`changeAt` with `capAt` and `floorAt`: what is known of the two parts of a split."""
    if value >= len(known):
        raise Refusal(f"a split of value {value}, but there are {len(known)}")
    box = known[value]
    if box is None:
        raise Refusal(f"a split of value {value}, whose bounds are not known yet")
    if element >= len(box.lower):
        raise Refusal(f"a split of element {element} of value {value}, which has {len(box.lower)}")
    upper, lower = box.upper.copy(), box.lower.copy()
    upper[element] = min(upper[element], at)
    lower[element] = max(lower[element], at)
    low, high = list(known), list(known)
    low[value], high[value] = Box(box.lower, upper), Box(lower, box.upper)
    return low, high


def replay(statement: Statement, proof: Proof, observe: Callable[[], None] = lambda: None) -> None:
    """`check`: that the plan proves the statement.

    Args:
        observe: called before each step; may raise to stop.

    Raises:
        Refusal: it does not, with the leaf and the reason.
    """
    checker = Checker(statement.network, proof.params, proof.bits, proof.widths)
    checker.well_formed()
    closed = 0

    def follow(plan: Plan, known: Known) -> None:
        nonlocal closed
        observe()
        if isinstance(plan, Bound):
            entries = checker.build(plan.backward, known)
            follow(plan.next, [entry.box for entry in entries])
        elif isinstance(plan, Split):
            low, high = cut(known, plan.value, plan.element, plan.at)
            follow(plan.low, low)
            follow(plan.high, high)
        else:
            if not settled(statement.goal, known):
                raise Refusal(f"leaf {closed}: {_missing(statement, known)}")
            closed += 1

    follow(proof.plan, checker.start(statement.box))


def _missing(statement: Statement, known: Known) -> str:
    """Why a leaf is not shown."""
    output = known[-1]
    if output is None:
        return "nothing is known of the output: it was never bounded"
    place = int(numpy.argmin(output.lower)) if len(output.lower) else 0
    worst = int(output.lower[place]) / 2**statement.network.grid
    return f"the formula is not shown: the lower bound of output {place} is {worst:.6g}"


def leaves(plan: Plan) -> int:
    """Parts that a plan cuts the box into."""
    if isinstance(plan, Done):
        return 1
    return leaves(plan.next) if isinstance(plan, Bound) else leaves(plan.low) + leaves(plan.high)

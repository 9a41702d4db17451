"""One cause, one report: the first node that goes wrong carries it, what follows from it is only mentioned.

Wrong values travel: an overflow makes quotients zero or NaN, a NaN makes everything NaN. A finding downstream of
another is its consequence unless it would be there without it. The ranges were cut back to numbers after every wrong
node (`torchlean.hazards.ranges`), so poles and domains downstream are judged by themselves already; what is left
to see here are overflows of what was cut back, and zeros that only an exponential that is wrong anyway can reach.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from torchlean.graph import Node
from torchlean.hazards.case import Case, overflow_argument
from torchlean.hazards.detectors import DETECTORS, EVERYWHERE
from torchlean.hazards.finding import Finding, Trouble
from torchlean.hazards.patterns import PICKS
from torchlean.hazards.regions import LAYERS, WORKING

SETTLING = frozenset(
    {"argmax", "argmin", "eq", "ge", "gt", "isfinite", "isinf", "isnan", "le", "lt", "ne", "nan_to_num"}
)
"""Ops whose results are ordinary numbers whatever they are given: trouble ends there."""

VANISHING = frozenset({"exp", "exp2", "relu", "sigmoid", "softmax"})
"""Ops that are zero for ordinary arguments in binary32."""

KEEPING_ZERO = PICKS | {"abs", "add", "div", "mean", "mul", "prod", "square", "sum"}
"""Ops that are zero where operands are; of a quotient the numerator."""

EXPONENTIALS = frozenset({"exp", "exp2", "expm1"})

KEEPING_SIZE = PICKS | {"add", "mean", "sum"}
"""Ops that are large where an operand is, unless others happen to make up for it."""


def causes(case: Case) -> list[Finding]:
    """The findings that carry a report, in order of execution."""
    found: list[Finding] = []
    roots: list[tuple[Finding, ...]] = []
    for node in case.graph:
        upstream = _upstream(node, roots)
        finding = _detected(case, node)
        cause = None if finding is None else _cause(case, finding, upstream, roots)
        if finding is not None and cause is None:
            finding = replace(finding, known=case.ranges.known[finding.operand])
            found.append(finding)
            upstream = (*upstream, finding)
        elif cause is not None:
            cause.because.append(node.id)
        roots.append(upstream)
    return found


def _upstream(node: Node, roots: list[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """The findings that the node's operands suffer from."""
    if node.op in SETTLING:
        return ()
    seen = {id(finding): finding for operand in node.inputs for finding in roots[operand]}
    # A layer mixes wrong digits with others: what goes wrong after it goes wrong for all digits.
    mixed = node.op in LAYERS
    return tuple(finding for finding in seen.values() if not (mixed and finding.trouble is Trouble.DIGITS))


def _detected(case: Case, node: Node) -> Finding | None:
    if not case.mine[node.id] or not (case.floating(node.id) or node.type.dtype == torch.bool):
        return None
    if node.type.numel == 0:
        return None  # no element, no number that could go wrong
    for detector in DETECTORS.get(node.op, EVERYWHERE):
        found = detector(case, node)
        if found is not None:
            return found
    return None


def _cause(
    case: Case, finding: Finding, upstream: tuple[Finding, ...], roots: list[tuple[Finding, ...]]
) -> Finding | None:
    """The earlier finding that this one follows from, or None where it is a cause itself."""
    if finding.specific or (finding.trouble is Trouble.SINGULAR and _vanishes_alone(case, finding, upstream)):
        return None
    if _overflows_alone(case, finding, upstream, roots):
        return None
    if finding.trouble is Trouble.SINGULAR and not roots[finding.operand]:
        return None  # a divisor that suffers from nothing is zero by itself, whatever the numerator is
    for earlier in upstream:
        if earlier.trouble is Trouble.OVERFLOW:
            return earlier
        if (
            earlier.trouble is Trouble.SINGULAR
            and finding.trouble is Trouble.OVERFLOW
            and _is_cut_back(case, finding)
        ):
            return earlier
        if earlier.trouble is Trouble.DIGITS and finding.trouble in (Trouble.SINGULAR, Trouble.DIGITS):
            # A difference without correct digits is zero or negative by that; its epsilon was to prevent it.
            return earlier
    return None


def _overflows_alone(
    case: Case, finding: Finding, upstream: tuple[Finding, ...], roots: list[tuple[Finding, ...]]
) -> bool:
    """Whether an exponential's argument is large by a summand, or a factor, that suffers from nothing.

    The ratio of two policies overflows by what the network gives as their means, whatever becomes of the exponential
    that gives their deviations.
    """
    node = case.graph[finding.node]
    if finding.trouble is not Trouble.OVERFLOW or node.op not in EXPONENTIALS or not upstream:
        return False
    limit = overflow_argument(node.type.dtype)
    stack, seen = [(node.inputs[0], 1)], set[tuple[int, int]]()
    while stack:
        id, sign = stack.pop()
        low, high = case.extent(id)
        greatest = {1: high, -1: -low, 0: max(-low, high)}[sign]
        if (id, sign) in seen or greatest <= limit:
            continue
        seen.add((id, sign))
        if not roots[id]:
            return True
        stack += _parts(case, case.graph[id], sign)
    return False


def _parts(case: Case, node: Node, sign: int) -> list[tuple[int, int]]:
    """Operands by which a value is large, and with which sign each counts; 0 where either does."""
    if node.op == "sub":
        return [(node.inputs[0], sign), (node.inputs[1], -sign)]
    if node.op == "neg":
        return [(node.inputs[0], -sign)]
    if node.op in ("mul", "div"):
        left, right = node.inputs
        quotient = [(left, sign * _sign(case, right))]
        return quotient if node.op == "div" else [*quotient, (right, sign * _sign(case, left))]
    if node.op in ("square", "pow"):
        return [(node.inputs[0], 0)]
    return [(id, sign) for id in node.inputs] if node.op in KEEPING_SIZE else []


def _sign(case: Case, id: int) -> int:
    """The sign of all numbers of a node, or 0 where there are both."""
    low, high = case.extent(id)
    return 1 if low >= 0 else -1 if high <= 0 else 0


def _is_cut_back(case: Case, finding: Finding) -> bool:
    """Whether an operand is as large as what was cut back to numbers; smaller ones overflow by themselves."""
    ends = (case.extent(id) for id in case.graph[finding.node].inputs)
    return any(max(-low, high) >= WORKING for low, high in ends)


def _vanishes_alone(case: Case, finding: Finding, upstream: tuple[Finding, ...]) -> bool:
    """Whether the operand reaches zero by a factor or a summand that is not wrong itself.

    A mixture's density is 0 far from all its components, whatever becomes of the exponential that gives the deviations;
    the sum of a softmax written by hand is 0 only by the exponential that is reported already.
    """
    wrong = {id for earlier in upstream for id in (earlier.node, *earlier.because)}
    stack, seen = [finding.operand], set[int]()
    while stack:
        node = case.graph[stack.pop()]
        if node.id in seen or node.id in wrong:
            continue
        seen.add(node.id)
        low, high = case.extent(node.id)
        if node.op in VANISHING and low <= 0:
            return True
        if not node.inputs and low < 0 < high:
            return True  # a weight or a number of the data that may be zero
        if node.op in KEEPING_ZERO:
            stack += node.inputs[:1] if node.op == "div" else node.inputs
    return False

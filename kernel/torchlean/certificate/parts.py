"""Which branches of a plan are theorems of their own, and what the kernel spends on all of them.

What the kernel has evaluated in a proof it keeps until that proof is done, and the embedded Lean has 2 GiB. So a large
plan is proved in parts, each below one branch of the tree (`lean/TorchLean/Parts.lean`). Each part bounds anew what
stands above it: the fewer parts, the less is done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from torchlean.certificate.cost import Effort, convolved, effort, executions, formed
from torchlean.certificate.network import Bound, Network, Plan, Split

PART_SECONDS = 10.0
"""Estimated time in the kernel of one part, with what stands above it. The kernel keeps about 0.8 KiB for an unfolding,
so 300 MiB for that time."""

LARGEST_SECONDS = 35.0
"""Estimated time of a part beyond which the kernel may run out of memory: 1.1 GiB beside what Lean needs anyway."""

Branch: TypeAlias = tuple[bool, ...]
"""Sides of the splits from the root; False is the low one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A branch that one theorem proves."""

    branch: Branch


@dataclass(frozen=True, slots=True)
class Joined:
    """A branch that is proved because both sides of the split at its end are."""

    branch: Branch
    low: Parts
    high: Parts


Parts: TypeAlias = Part | Joined


def small(network: Network, plan: Plan) -> bool:
    """Whether all of a check may be one theorem."""
    return (convolved(network) + formed(network) + _effort(network, plan)).seconds <= PART_SECONDS


def parts(network: Network, plan: Plan) -> Parts:
    """The whole plan if it is small, or has no splits; else what stands below its first split, in parts."""
    return _divided(network, plan, (), convolved(network))[0]


def checking(network: Network, plan: Plan) -> Effort:
    """Of the kernel, for all theorems of a certificate."""
    rows = convolved(network)
    total = formed(network) + executions(network) + _divided(network, plan, (), rows)[1]
    # Beside the parts: `executed`, and `formed` where that is not said together with the plan.
    if network.roles:
        total = total + rows
    return total if small(network, plan) else total + rows


def _divided(network: Network, plan: Plan, branch: Branch, above: Effort) -> tuple[Parts, Effort]:
    """A branch in parts, and what all of these take. Where most of a part is what stands above it, smaller parts would
    take more in all."""
    below = _effort(network, plan)
    whole = above + below
    while isinstance(plan, Bound):
        above = above + effort(network, plan.backward)
        plan = plan.next
    if not isinstance(plan, Split) or whole.seconds <= max(PART_SECONDS, 2 * above.seconds):
        return Part(branch), whole
    low, first = _divided(network, plan.low, (*branch, False), above)
    high, second = _divided(network, plan.high, (*branch, True), above)
    return Joined(branch, low, high), first + second


def _effort(network: Network, plan: Plan) -> Effort:
    if isinstance(plan, Bound):
        return effort(network, plan.backward) + _effort(network, plan.next)
    if isinstance(plan, Split):
        return _effort(network, plan.low) + _effort(network, plan.high)
    return Effort(0.0)

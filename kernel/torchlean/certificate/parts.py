"""Which branches of a plan are theorems of their own.

What the kernel has evaluated in a proof it keeps until that proof is done, and the embedded Lean has 2 GiB. So a large
plan is proved in parts, each below one branch of the tree (`lean/TorchLean/Parts.lean`). A part bounds anew what stands
above it, which costs less than a leaf or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from torchlean.certificate.cost import Effort, effort, formed
from torchlean.certificate.network import Bound, Network, Plan, Split

PART_SECONDS = 10.0
"""Estimated time in the kernel of one part, for which it keeps about 400 MiB."""

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
    return (formed(network) + _effort(network, plan)).seconds <= PART_SECONDS


def parts(network: Network, plan: Plan, branch: Branch = ()) -> Parts:
    """The whole plan if it is small, or has no splits; else what stands below its first split, in parts."""
    inner = plan
    while isinstance(inner, Bound):
        inner = inner.next
    if not isinstance(inner, Split) or _effort(network, plan).seconds <= PART_SECONDS:
        return Part(branch)
    low = parts(network, inner.low, (*branch, False))
    return Joined(branch, low, parts(network, inner.high, (*branch, True)))


def _effort(network: Network, plan: Plan) -> Effort:
    if isinstance(plan, Bound):
        return effort(network, plan.backward) + _effort(network, plan.next)
    if isinstance(plan, Split):
        return _effort(network, plan.low) + _effort(network, plan.high)
    return Effort(0.0)

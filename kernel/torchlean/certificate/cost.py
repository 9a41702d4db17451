"""How long the Lean kernel takes for a plan, estimated from the work it does.

The work is counted in definitions that the kernel unfolds, which Lean tells (`set_option diagnostics true`) and which
no busy machine changes; the constants add up to what a trained network took. How long one takes is that of the embedded
(WebAssembly) Lean; the native one is several times faster. An estimate only decides whether a check is worth starting
and where a plan is cut into parts: the check itself has a time-out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchlean.certificate.network import Hinge, Linear, Network

STEP_SECONDS = 40e-6
"""One unfolding, with all that the kernel does until the next."""

ROW_STEPS = 70
"""Interval propagation: each row of a matrix takes a few products of large numbers."""

COLUMN_STEPS = 30
"""Interval propagation: each element of a matrix' operand becomes a digit of four numbers."""

HINGE_STEPS = 70
"""Interval and lines of one element of a hinge."""

PASS_STEPS = 25
"""A backward bound: each element of each value that a row passes."""

CELL_STEPS = 10
"""Once in a check: that a number of a matrix fits in its field."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Estimated seconds in the kernel."""

    seconds: float

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.seconds + other.seconds)


def effort(network: Network, backward: Sequence[bool]) -> Effort:
    """Of bounding all nodes once, those of `backward` by linear bounds too."""
    steps = 0
    passed = network.sizes[0]
    for index, node in enumerate(network.nodes):
        size = network.sizes[index + 1]
        if isinstance(node, Linear):
            steps += ROW_STEPS * size + COLUMN_STEPS * network.sizes[node.operand]
            if backward[index]:
                sides = 1 if index == len(network.nodes) - 1 else 2
                steps += PASS_STEPS * sides * size * passed
        elif isinstance(node, Hinge):
            steps += HINGE_STEPS * size
        passed += size
    return Effort(STEP_SECONDS * steps)


def formed(network: Network) -> Effort:
    """Of reading all matrices once, to see that their numbers fit in their fields."""
    return Effort(STEP_SECONDS * CELL_STEPS * network.weights)

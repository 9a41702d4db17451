"""How long the Lean kernel takes for a plan, estimated from the work it does.

Measured with the embedded (WebAssembly) Lean on trained networks (`benchmarks/certificates.py` prints the figures these
constants are fitted to); the native one is several times faster. An estimate only decides whether a check is worth
starting: the check itself has a time-out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torchlean.certificate.network import Linear, Network

CELL_SECONDS = 4e-3
"""Interval propagation: each number of each matrix takes part in a lower and an upper sum."""

ROW_SECONDS = 3e-3
"""A backward bound: each element of each value that a row passes."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Estimated seconds in the kernel."""

    seconds: float

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.seconds + other.seconds)


def effort(network: Network, backward: Sequence[bool]) -> Effort:
    """Of bounding all nodes once, those of `backward` by linear bounds too."""
    seconds = 0.0
    passed = network.sizes[0]
    for index, node in enumerate(network.nodes):
        if isinstance(node, Linear):
            rows, columns = len(node.weight), network.sizes[node.operand]
            seconds += CELL_SECONDS * rows * columns
            if backward[index]:
                seconds += ROW_SECONDS * 2 * rows * passed
        passed += network.sizes[index + 1]
    return Effort(seconds)

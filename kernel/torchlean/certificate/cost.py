"""How long Lean takes for a certificate, estimated from the work it does.

The kernel's work is counted in definitions that it unfolds, which Lean tells (`set_option diagnostics true`) and which
no busy machine changes. The constants are rounded least squares over seven relu networks of two to five matrices, 8 to
64 elements wide, whose `wellFormed`, `build` (intervals; the output bounded backward; all matrices) and `executionFits`
were counted each in a theorem of its own. How long an unfolding takes, and reading a certificate, is CPU time of the
embedded (WebAssembly) Lean; the native one is several times faster. An estimate only decides whether a check is worth
starting and where a plan is cut into parts: the check itself has a time-out. The constants of rows of convolutions are
from nine of these, of one and two axes, with one to four channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torchlean.certificate.convolution import Layout
from torchlean.certificate.network import Hinge, Linear, Network

STEP_SECONDS = 25e-6
"""One unfolding, with all that the kernel does until the next."""

NODE_STEPS = 120
"""Interval propagation: each node, whatever its size."""

ROW_STEPS = 110
"""Interval propagation: each row of a matrix takes a few products of large numbers."""

COLUMN_STEPS = 16
"""Interval propagation: each element of a matrix' operand becomes a digit of four numbers."""

HINGE_STEPS = 50
"""Interval and lines of one element of a hinge."""

START_STEPS = 180
"""A backward bound, whatever it passes."""

PASS_STEPS = 45
"""A backward bound: each element of each value that a row passes."""

FIELD_STEPS = 10
"""Once in a check: that a row's numbers fit in their fields."""

ROUNDED_STEPS = 80
"""For executions, beyond the interval: that a row's noise covers its rounding."""

SPREAD_STEPS = 7
"""Rows of a convolution: each time that a part of a kernel is spread along an axis."""

TAP_STEPS = 8
"""Rows of a convolution: each tap at each position of an axis."""

PLACE_STEPS = 10
"""Rows of a convolution: each number that this results in."""

READING_SECONDS = 3.0
"""Elaborating a certificate, whatever its size."""

WEIGHT_SECONDS = 0.5e-3
"""Elaborating a number of a matrix."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Estimated seconds of Lean."""

    seconds: float

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.seconds + other.seconds)


def reading(network: Network) -> Effort:
    """Of elaborating the certificate, before the kernel evaluates anything."""
    return Effort(READING_SECONDS + WEIGHT_SECONDS * network.weights)


def effort(network: Network, backward: Sequence[bool]) -> Effort:
    """Of bounding all nodes once in the kernel, those of `backward` by linear bounds too."""
    steps = _intervals(network)
    passed = network.sizes[0]
    for index, node in enumerate(network.nodes):
        size = network.sizes[index + 1]
        if isinstance(node, Linear) and backward[index]:
            sides = 1 if index == len(network.nodes) - 1 else 2
            steps += sides * size * (START_STEPS + PASS_STEPS * passed)
        passed += size
    return _kernel(steps)


def convolved(network: Network) -> Effort:
    """Of computing the rows of convolutions from their kernels, which every theorem does again; nothing where matrices
    are stated."""
    stated = (node.convolution for node in network.nodes if isinstance(node, Linear))
    return _kernel(sum(_spread(found.layout) for found in stated if found is not None))


def formed(network: Network) -> Effort:
    """Of reading all matrices once, to see that their numbers fit in their fields."""
    return _kernel(FIELD_STEPS * _rows(network))


def executions(network: Network) -> Effort:
    """Of seeing that the noise covers what executions round; nothing where nothing is stated of them."""
    return _kernel(_intervals(network) + ROUNDED_STEPS * _rows(network) if network.roles else 0)


def _kernel(steps: int) -> Effort:
    return Effort(STEP_SECONDS * steps)


def _spread(layout: Layout) -> int:
    """`kernelsRows`: the positive and the negative fields of each kernel, along one axis after the other. An axis
    further in is passed once for each tap of those further out."""
    steps, times = 0, 1
    for depth, axis in enumerate(layout.axes):
        places = math.prod(inner.count for inner in layout.axes[depth:])
        steps += times * (SPREAD_STEPS + TAP_STEPS * axis.count * axis.taps + PLACE_STEPS * places)
        times *= axis.taps
    return 2 * len(layout.firsts) * (steps + SPREAD_STEPS * times)


def _rows(network: Network) -> int:
    return sum(len(node.weight) for node in network.nodes if isinstance(node, Linear))


def _intervals(network: Network) -> int:
    steps = NODE_STEPS * len(network.nodes) + ROW_STEPS * _rows(network)
    for node, size in zip(network.nodes, network.sizes[1:], strict=True):
        if isinstance(node, Linear):
            steps += COLUMN_STEPS * network.sizes[node.operand]
        elif isinstance(node, Hinge):
            steps += HINGE_STEPS * size
    return steps

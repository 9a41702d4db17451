"""What a verification says: while it runs, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from torchlean.bounds.branching.tree import SplitTree


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification is.

    Attributes:
        share: of the property that is shown, from 0 to 1.
        doing: how many boxes there are and how many of them are open, or what else is being done.
        hardest: the open box with the least bound, with this bound, in words; empty where no box is open.
    """

    share: float
    doing: str
    hardest: str = ""


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An input of a region, and the outputs of its execution; flat, exact.

    Attributes:
        x: the input as a point of the region.
        y: what torch computed from the numbers of the network's type nearest to `x`.
    """

    x: tuple[Fraction, ...]
    y: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What is known of a property.

    Attributes:
        verdict: `unsat`, `sat`, `unknown` or `timeout`.
        message: one sentence for people, no stronger than its evidence.
        counterexample: for `sat`.
        boxes: into how many boxes the regions were split.
        verified: share of the regions that is shown, by volume in each region.
        tried: inputs executed.
        seconds: wall time.
        trees: per region how it was split, as far as it went.
    """

    verdict: str
    message: str
    seconds: float
    counterexample: Counterexample | None = None
    boxes: int = 0
    verified: float = 0.0
    tried: int = 0
    trees: tuple[SplitTree, ...] = ()

"""How much work one file may cost: steps, call depth, memory, and the caller's wish to stop.

A file in the editor is any text at all: it may loop for ever, or ask for `"a" * 10**12`. Nothing of that may hang or
fill the memory of the server, so every loop, call and growing value is paid for here.
"""

from __future__ import annotations

from collections.abc import Callable

from torchlean.cancellation import Cancelled as Cancelled

STEPS = 3_000_000
"""Expressions, statements and calls in one file: a few seconds. A change under unknown conditions is paid for once
for each of them, as each may undo it."""

SLICE = 1_000
"""Steps between two looks at `cancelled`: about a millisecond."""

CALL_DEPTH = 150
"""Interpreted calls inside each other; networks need a few dozen, and each costs about 15 Python frames."""

RECURSION_LIMIT = 8_000
"""Python frames: enough for `CALL_DEPTH` calls, each inside some nested expressions."""

NODE_STEPS = 25
"""Steps that one node of the graph counts for: inferring, hashing and keeping it takes as long as that."""

LOOP = 10_000
"""Iterations of one loop."""

ELEMENTS = 1_000_000
"""Items of one list, characters of one string (times 10)."""

TOTAL_ELEMENTS = 10_000_000
"""Items of all lists and tensors of a file, counted when they are made."""

INTEGER_BITS = 10_000
"""Bits of one integer; Python itself refuses to print more than 4300 digits (14,000 bits)."""

TENSOR_ELEMENTS = 1 << 24
"""Elements of one tensor: bounds for it fill 256 MB in float64."""


class OutOfFuel(Exception):
    """The file's steps are used up."""


class TooBig(Exception):
    """One value would be too big; the message says which."""


class Fuel:
    """Steps left, handed out in slices so that counting one is a decrement."""

    __slots__ = ("_cancelled", "_reserve", "elements", "slice")

    def __init__(self, cancelled: Callable[[], bool], steps: int = STEPS) -> None:
        self._cancelled = cancelled
        self._reserve = steps
        self.slice = 0
        self.elements = TOTAL_ELEMENTS

    @property
    def left(self) -> int:
        return self._reserve + self.slice

    def refill(self) -> None:
        """Called when a slice is used up.

        Raises:
            Cancelled: the caller wants to stop.
            OutOfFuel: nothing is left.
        """
        if self._cancelled():
            raise Cancelled
        if self._reserve <= 0:
            raise OutOfFuel
        granted = min(SLICE - min(self.slice, 0), self._reserve)  # what was spent beyond the last slice, too
        self.slice += granted
        self._reserve -= granted

    def set_aside(self, steps: int) -> int:
        """Leave only `steps`; returns what was put aside, for `give_back`."""
        kept = max(0, self._reserve - steps)
        self._reserve -= kept
        return kept

    def give_back(self, steps: int) -> None:
        self._reserve += steps

    def allocate(self, count: int, what: str) -> None:
        """Pay for a value of `count` elements before it is made.

        Raises:
            TooBig: it is too big by itself, or nothing is left for the file.
        """
        if count > ELEMENTS:
            raise TooBig(f"{what} would have {count:,} elements; TorchLean follows up to {ELEMENTS:,}")
        self.elements -= count
        if self.elements < 0:
            raise TooBig(
                f"the lists and tensors of this file have more than {TOTAL_ELEMENTS:,} elements together"
            )

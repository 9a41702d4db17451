"""What a group of corner cases is: see `corner_cases`."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Group:
    """Cases that share a law.

    Attributes:
        law: what torch does, as a sentence or two.
        x: the input of every case.
        start: statements before each body.
        bodies: the cases.
    """

    law: str
    x: Tensor
    bodies: str
    start: str = ""

    def cases(self) -> list[str]:
        """The bodies, one a line of the table."""
        return [line.strip() for line in self.bodies.strip().splitlines()]

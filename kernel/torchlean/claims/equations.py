"""What a family of claims about a differential equation is given, and the words for what can be wrong with it.

Read by the run time (`claims/residual.py`) and the analysis (`capture/torchlean_residual.py`); it imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from torchlean.claims.errors import ArgumentError

Given = TypeVar("Given")

FACTS = ("residual", "boundary", "initial")
"""Names of the facts; the parameter that gives the function of each is `equation` for the first."""


def check_region(x: object, t: object, domain: type, shown: Callable[[object], str]) -> None:
    """Space is a box, time one of a single number or left out.

    Raises:
        ArgumentError: neither.
    """
    for name, box in (("x", x), ("t", t)):
        if not isinstance(box, domain) and not (name == "t" and box is None):
            raise ArgumentError(
                f"`{name}` of tl.residual needs a domain, tl.box(lo, hi), got {shown(box)}", name
            )


def check_initial(initial: object, t: object) -> None:
    """An initial condition needs a time to start at."""
    if initial is not None and t is None:
        raise ArgumentError(
            "an initial condition needs `t`, the box of times: it holds at its lower end", "initial"
        )


def check_numbers(count: int, name: str) -> None:
    """Of a box."""
    if not count or (name == "t" and count != 1):
        wanted = "one number" if name == "t" else "at least one coordinate"
        raise ArgumentError(f"`{name}` of tl.residual needs {wanted}, its box has {count}", name)


def tolerance(
    name: str, value: Given, number: Callable[[Given], float | None], shown: Callable[[Given], str]
) -> float:
    """How far from zero a fact allows.

    Raises:
        ArgumentError: no finite number from 0 on.
    """
    found = number(value)
    if found is None or not 0.0 <= found < math.inf:
        raise ArgumentError(f"`{name}` must be a finite number, at least 0, got {shown(value)}", name)
    return found


def not_a_condition(name: str, got: str) -> str:
    """What should be a function is none."""
    return f"`{name}` must be a function of the coordinates that is zero for a solution, got {got}"

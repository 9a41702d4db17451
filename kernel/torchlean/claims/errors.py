"""What can be wrong with a domain, and the words for it.

Both sides that read domains say the same: the run time (`claims/plain.py`, which must not import torch) and
the analysis (`claims/domain.py`, which holds tensors). So the exception and the wording they share stand
alone here.
"""

from __future__ import annotations

from collections.abc import Iterable


class DomainError(ValueError):
    """A domain that makes no sense; the message says why."""


def unknown_argument(claim: str, argument: str, parameters: Iterable[str]) -> str:
    """The decorator gives a domain for an argument that the claim's function does not take."""
    names = ", ".join(f"`{name}`" for name in parameters)
    takes = f"it takes {names}" if names else "it takes none"
    return f"`{claim}` has no argument `{argument}` to give a domain to: {takes}"


def missing_domain(claim: str, argument: str) -> str:
    """The claim's function takes an argument that the decorator says nothing about."""
    return (
        f"argument `{argument}` of `{claim}` has no domain: "
        f"say where it ranges, such as `@tl.claim({argument}=tl.box(-1.0, 1.0))`"
    )


def no_inputs(claim: str) -> str:
    """The claim's function takes nothing, so there is nothing to quantify over."""
    return (
        f"`{claim}` takes no argument: a claim speaks about all inputs of a domain, so it needs at least one"
    )


def not_a_domain(argument: str, got: str) -> str:
    """The decorator's argument is something other than a box."""
    return f"`{argument}` needs a domain, `tl.box(lo, hi)` or `tl.ball(center, eps)`, got {got}"

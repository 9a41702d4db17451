"""`tl.residual` at run time: the same facts as the analysis proves, as claims that can be called and sampled.

Their bodies stand in `capture/stubs/torchlean_residual.py`, which the analysis interprets and this module executes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torchlean.claims.api import Claim
from torchlean.claims.equations import (
    check_initial,
    check_numbers,
    check_region,
    not_a_condition,
    tolerance,
)
from torchlean.claims.errors import ArgumentError, no_tensor
from torchlean.claims.facts import Facts
from torchlean.claims.plain import Domain, known_number, nested

if TYPE_CHECKING:
    from torch import Tensor

    Function = Callable[..., Tensor]


class Residual(Facts):
    """What `residual` states. Its facts are claims: `residual`, and `boundary` and `initial` where they were given."""

    stated = "this equation"

    def __repr__(self) -> str:
        return f"<residual {', '.join(self.facts)}>"


def residual(
    equation: Function,
    *,
    x: Domain,
    t: Domain | None = None,
    eps: float,
    boundary: Function | None = None,
    boundary_eps: float | None = None,
    initial: Function | None = None,
    initial_eps: float | None = None,
) -> Residual:
    """State that a function nearly solves a differential equation, on a whole box of space and time.

    Each fact is a claim of its own:

    * `residual`: `|equation(x, t)| <= eps` everywhere in the box, in exact arithmetic: derivatives are computed by
      autograd, whose rounding is not bounded;
    * `boundary`: `|boundary(x, t)| <= boundary_eps` on every face of the box of space, at all times;
    * `initial`: `|initial(x, t)| <= initial_eps` for all `x`, at the lower end of `t`.

    Args:
        equation: the residual at a point, zero for a solution, with its derivatives by `tl.D`; called as
            `equation(x, t)`, or `equation(x)` without `t`.
        x: the box of space, one element per coordinate.
        t: the box of times, one number; without it the equation is stationary.
        eps: how far from zero the residual may be, in its own units.
        boundary: what is zero on the border for a solution, such as the difference from given values; called like
            `equation`, with one coordinate at its end, rounded to the dtype of `x`.
        boundary_eps: `eps` where it is not given.
        initial: what is zero at the start.
        initial_eps: `eps` where it is not given.

    Raises:
        DomainError: an argument that makes no sense; the message says why.
    """
    check_region(x, t, Domain, repr)
    check_initial(initial, t)
    for name, box in (("x", x), ("t", t)):
        if box is not None:
            check_numbers(len(box.lower), name)
    given = {
        "residual": (equation, "equation", eps, "eps"),
        "boundary": (boundary, "boundary", eps if boundary_eps is None else boundary_eps, "boundary_eps"),
        "initial": (initial, "initial", eps if initial_eps is None else initial_eps, "initial_eps"),
    }
    functions, tolerances = {}, {}
    for name, (function, argument, allowed, allowance) in given.items():
        if function is None and name != "residual":
            continue
        if not callable(function):
            raise ArgumentError(not_a_condition(argument, repr(function)), argument)
        functions[name] = _checked(argument, function)
        tolerances[name] = tolerance(allowance, allowed, known_number, repr)
    domains = {"x": x} if t is None else {"x": x, "t": t}
    facts = {}
    for name in functions:
        body = _named(name, functions, tolerances, domains)
        facts[name] = Claim(body, {"x": x} if name == "initial" else {**domains})
    return Residual(facts)


def _checked(argument: str, function: Function) -> Function:
    """The user's function, with a look at what it gives."""

    def called(*point: Tensor) -> Tensor:
        import torch  # loaded by whoever has a point to give

        result: object = function(*point)
        if not isinstance(result, torch.Tensor):
            raise ArgumentError(no_tensor(argument, repr(result)), argument)
        return result

    return called


def _named(
    name: str,
    functions: Mapping[str, Function],
    tolerances: Mapping[str, float],
    domains: Mapping[str, Domain],
) -> Callable[..., Tensor]:
    """One fact; torch is imported when it is called first."""

    def fact(x: Tensor, *t: Tensor) -> Tensor:
        import torch

        from torchlean.capture.stubs import torchlean_residual

        def end(flat: tuple[float, ...], box: Domain) -> Tensor:
            return torch.tensor(nested(flat, box.shape), dtype=torch.float64)

        stub: Any = torchlean_residual  # stubs have no annotations: the interpreter reads none
        space, time = domains["x"], domains.get("t")
        ends = (end(space.lower, space), end(space.upper, space))
        if time is None:
            bodies = stub.facts_at_rest(functions, tolerances, *ends)
        else:
            bodies = stub.facts_in_time(functions, tolerances, *ends, end(time.lower, time))
        result: Tensor = bodies[name](x, *t)
        return result

    def at_rest(x: Tensor) -> Tensor:
        return fact(x)

    def in_time(x: Tensor, t: Tensor) -> Tensor:
        return fact(x, t)

    named = at_rest if name == "initial" or "t" not in domains else in_time
    named.__name__ = name
    return named

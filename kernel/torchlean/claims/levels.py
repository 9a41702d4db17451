"""What `tl.lyapunov` is told beside functions, and the words for what is wrong with it.

The run time (`claims/lyapunov.py`) and the analysis (`capture/torchlean_lyapunov.py`) read numbers in their own ways
and say the same about them. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torchlean.claims.errors import ArgumentError
from torchlean.source import Span

STEP_FACTS = ("inside", "decreases", "inner")
"""Facts about one step of a discrete-time system."""

FIELD_FACTS = ("decreases",)
"""Facts about a vector field."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Of a Lyapunov function: it decreases by `delta` above `rho0`, up to `rho`; from below `rho0` a step stays below
    `inner`. `rho0 < rho`, `rho0 <= inner <= rho`, `delta > 0`. `place` is where `level` is written, if known."""

    rho0: float
    inner: float
    rho: float
    delta: float
    place: Span | None = None


def levels_of(
    level: object,
    decrease: object,
    inner: object,
    number: Callable[[object], float | None],
    shown: Callable[[object], str],
) -> Levels:
    """The checked levels.

    Args:
        level, decrease, inner: as the program gives them; no `inner` (None) is `rho`.
        number: a value as a number, None where it is none.
        shown: a value as messages name it.

    Raises:
        ArgumentError: something is no finite number, or they are out of order.
    """

    def finite(value: object, what: str, argument: str) -> float:
        found = number(value)
        if found is None or not math.isfinite(found):
            raise ArgumentError(f"{what} must be a finite number, got {shown(value)}", argument)
        return found

    if not isinstance(level, (tuple, list)) or len(level) != 2:
        raise ArgumentError(f"level must be two numbers (rho0, rho), got {shown(level)}", "level")
    rho0, rho = (finite(value, what, "level") for value, what in zip(level, ("rho0", "rho"), strict=True))
    if rho0 >= rho:
        raise ArgumentError(
            f"level=(rho0, rho) needs rho0 < rho, got rho0 = {rho0:g} and rho = {rho:g}: "
            "V has to decrease between them, and nothing is between them",
            "level",
        )
    delta = finite(decrease, "decrease", "decrease")
    if delta <= 0:
        raise ArgumentError(
            f"decrease must be positive, got {delta:g}: without a least decrease a trajectory may never settle",
            "decrease",
        )
    settled = rho if inner is None else finite(inner, "inner", "inner")
    if not rho0 <= settled <= rho:
        raise ArgumentError(
            f"inner must lie between rho0 = {rho0:g} and rho = {rho:g}, got {settled:g}", "inner"
        )
    return Levels(rho0, settled, rho, delta)


def check_system(step: object, field: object, gradient: object, inner: object) -> tuple[str, ...]:
    """The names of the facts: of a system in discrete time (`step`) or in continuous time (`field`, `gradient`).

    Raises:
        ArgumentError: neither, both, or something of one beside the other.
    """
    if (step is None) == (field is None):
        raise ArgumentError(
            "tl.lyapunov needs either step (the state after one step) or field (the state's derivative in time)",
            None,
        )
    if step is not None:
        if gradient is not None:
            raise ArgumentError("gradient belongs to field: a step needs none", "gradient")
        return STEP_FACTS
    if inner is not None:
        raise ArgumentError("inner belongs to step: nothing is said about trajectories of a field", "inner")
    return FIELD_FACTS


def no_region(got: str) -> str:
    """The region is something other than a box."""
    return f"`region` needs a box, `tl.box(lo, hi)`, got {got}"


def not_a_function(argument: str, got: str) -> str:
    """What should be called on a state cannot be."""
    return f"`{argument}` needs a module or a function of one state, got {got}"


def empty_state() -> str:
    """The region has no coordinates."""
    return "`region` has no coordinates: a state needs at least one"


def unbounded_region() -> str:
    """A region without ends."""
    return "`region` must be bounded: a trajectory is to be kept in it, and an end is infinite"


def changed_state(argument: str) -> str:
    """A function that works in place on what it is given."""
    return f"`{argument}` must not change the state that it is given in place: the facts compare it with the next one"


def wrong_value(shape: tuple[int, ...]) -> str:
    """V gives no single number."""
    return f"V must give one number for one state, got shape {shape}"


def no_energy(dtype: str) -> str:
    """V gives a truth or a whole number."""
    return f"V must give a floating number, got {dtype}: levels and decreases of it are real numbers"


def wrong_state(argument: str, shape: tuple[int, ...], state: tuple[int, ...]) -> str:
    """A step, a field or a gradient whose result does not have the shape of a state."""
    return f"`{argument}` must keep the shape of the state {state}, got shape {shape}"


def changed_dtype(argument: str, dtype: str, state: str) -> str:
    """A step whose result is no state: the next step would compute in another arithmetic."""
    return (
        f"`{argument}` must keep the dtype of the state, {state}, got {dtype}: trajectories repeat the step"
    )

"""`tl.lyapunov` at run time: the same facts as the analysis proves, as claims that can be called and sampled.

Their bodies stand in `capture/stubs/torchlean_lyapunov.py`, which the analysis interprets and this module executes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torchlean.claims.api import Claim
from torchlean.claims.errors import ArgumentError, no_tensor
from torchlean.claims.facts import Facts
from torchlean.claims.levels import (
    Levels,
    changed_dtype,
    changed_state,
    check_system,
    empty_state,
    levels_of,
    no_energy,
    no_region,
    not_a_function,
    unbounded_region,
    wrong_state,
    wrong_value,
)
from torchlean.claims.plain import Domain, known_number, nested

if TYPE_CHECKING:
    from torch import Tensor

    Function = Callable[[Tensor], Tensor]


class Lyapunov(Facts):
    """What `lyapunov` states. Its facts are claims: `inside`, `decreases` and `inner`, or `decreases` alone of a field.

    Attributes:
        region: the box of states.
        levels: `rho0`, `inner`, `rho`, and the decrease `delta`.
    """

    stated = "this Lyapunov function"

    def __init__(self, region: Domain, levels: Levels, facts: Mapping[str, Claim[..., Any]]) -> None:
        super().__init__(facts)
        self.region = region
        self.levels = levels

    def __repr__(self) -> str:
        levels = self.levels
        return (
            f"<lyapunov {', '.join(self.facts)} on {self.region!r}, level=({levels.rho0:g}, {levels.rho:g})>"
        )


def lyapunov(
    V: Function,
    step: Function | None = None,
    *,
    region: Domain,
    level: tuple[float, float],
    decrease: float,
    inner: float | None = None,
    field: Function | None = None,
    gradient: Function | None = None,
) -> Lyapunov:
    """State that `V` is a Lyapunov function of a system, up to what rounding forbids: practical stability.

    With `S = {x in region : V(x) <= rho}`, of a system in discrete time three facts:

    * `inside`: from `S` a step does not leave the region;
    * `decreases`: from `S` above `rho0`, a step lowers `V` by at least `decrease`;
    * `inner`: from the region's states with `V(x) <= rho0`, a step ends at or below `inner`.

    All three together (theorem `PracticalLyapunov.practically_stable` of lean/TorchLean/Lyapunov.lean): a trajectory
    that starts in `S` stays there, enters `{V <= inner}` within `ceil((rho - rho0) / decrease)` steps, and stays there.

    Of a system in continuous time only the pointwise fact `decreases`: where `rho0 < V(x) <= rho`, the gradient of `V`
    times the field is at most `-decrease`. Nothing is said about trajectories, and without `gradient` the fact is about
    exact numbers, not about executions.

    Args:
        V: a state to one number, shape () or (1,).
        step: a state to the next one, of the same shape and dtype: plant, integrator and controller together.
        region: the box of states.
        level: `(rho0, rho)`, `rho0 < rho`, in the units of `V`.
        decrease: of `V` in one step, or per unit of time for a field; positive.
        inner: between `rho0` and `rho`; `rho` where it is not given.
        field: a state to its derivative in time, instead of `step`.
        gradient: a state to the gradient of `V` there, of the state's shape; for `field`. By default `tl.D(V(x), x)`.

    Raises:
        DomainError: an argument that makes no sense; the message says why.
    """
    names = check_system(step, field, gradient, inner)
    given = {"V": V, "step": step, "field": field, "gradient": gradient}
    functions = {name: _function(name, value) for name, value in given.items() if value is not None}
    if not isinstance(region, Domain):
        raise ArgumentError(no_region(repr(region)), "region")
    if not region.lower:
        raise ArgumentError(empty_state(), "region")
    if not all(map(math.isfinite, (*region.lower, *region.upper))):
        raise ArgumentError(unbounded_region(), "region")
    levels = levels_of(level, decrease, inner, known_number, repr)
    facts = {name: Claim(_named(name, functions, region, levels), {"x": region}) for name in names}
    return Lyapunov(region, levels, facts)


def _function(name: str, function: object) -> Function:
    """The user's function, with a look at what it gives."""
    if not callable(function):
        raise ArgumentError(not_a_function(name, repr(function)), name)

    def called(x: Tensor) -> Tensor:
        import torch  # loaded by whoever has a state to give

        version = None if x.is_inference() else x._version
        result: Tensor = function(x)
        if version is not None and x._version != version:
            raise ArgumentError(changed_state(name), name)
        if not isinstance(result, torch.Tensor):
            raise ArgumentError(no_tensor(name, repr(result)), name)
        if name == "V" and result.numel() != 1:
            raise ArgumentError(wrong_value(tuple(result.shape)), name)
        if name == "V" and not result.dtype.is_floating_point:
            raise ArgumentError(no_energy(str(result.dtype).removeprefix("torch.")), name)
        if name != "V" and result.shape != x.shape:
            raise ArgumentError(wrong_state(name, tuple(result.shape), tuple(x.shape)), name)
        if name == "step" and result.dtype != x.dtype:
            dtypes = (str(tensor.dtype).removeprefix("torch.") for tensor in (result, x))
            raise ArgumentError(changed_dtype(name, *dtypes), name)
        return result

    return called


def _named(
    name: str, functions: Mapping[str, Function], region: Domain, levels: Levels
) -> Callable[[Tensor], Tensor]:
    """One fact; torch is imported when it is called first."""

    def fact(x: Tensor) -> Tensor:
        import torch

        from torchlean.capture.stubs import torchlean_lyapunov

        stub: Any = torchlean_lyapunov  # stubs have no annotations: the interpreter reads none
        numbers = {"rho0": levels.rho0, "rho": levels.rho, "delta": levels.delta}
        if "field" in functions:
            found = stub.field_facts(**functions, **numbers)
        else:
            ends = {
                key: torch.tensor(nested(flat, region.shape), dtype=torch.float64)
                for key, flat in (("lower", region.lower), ("upper", region.upper))
            }
            found = stub.step_facts(**functions, **ends, **numbers, inner=levels.inner)
        result: Tensor = found[name](x)
        return result

    fact.__name__ = name
    return fact

"""`tl.lyapunov`: a function decreases along the steps of a system, each fact a claim of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torchlean.capture.calling import call
from torchlean.capture.families import FUNCTIONS, STATES, Fact, FamilyDefinition, new_family, stub_functions
from torchlean.capture.places import argument_span
from torchlean.capture.torchlean_api import bad_domain, first_unknown, known_number, refused, shown
from torchlean.capture.values import Native, TensorValue, Unknown, Value, native
from torchlean.claims.domain import Box
from torchlean.claims.errors import ArgumentError, no_tensor
from torchlean.claims.levels import (
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
from torchlean.ops import dtype_name

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

_POSITIONS = {"V": 0, "step": 1}
_FUNCTIONS = ("V", "step", "field", "gradient")


@native("torchlean.lyapunov", unknowns=True)
def lyapunov(
    run: Interpreter,
    V: Value,
    step: Value = None,
    *,
    region: Value,
    level: Value,
    decrease: Value,
    inner: Value = None,
    field: Value = None,
    gradient: Value = None,
) -> FamilyDefinition | Unknown:
    """`tl.lyapunov(V, step, region=box, level=(rho0, rho), decrease=delta)`: see `claims.lyapunov.lyapunov`."""
    given = {"V": V, "step": step, "field": field, "gradient": gradient}
    arguments = {**given, "region": region, "level": level, "decrease": decrease, "inner": inner}
    unknown = first_unknown(run, "lyapunov", arguments, _POSITIONS)
    if unknown is not None:
        return unknown
    try:
        names = check_system(step, field, gradient, inner)
        functions = {name: _function(run, name, value) for name, value in given.items() if value is not None}
        box = _region(region)
        levels = levels_of(level, decrease, inner, lambda value: known_number(run, value), shown)
        levels = replace(levels, place=argument_span(run, None, "level"))
    except ArgumentError as error:
        return bad_domain(run, str(error), error.argument, _POSITIONS)
    numbers = {"rho0": levels.rho0, "rho": levels.rho, "delta": levels.delta}
    if step is not None:
        numbers |= {"inner": levels.inner}
        ends = {"lower": run.emitter.constant(box.lower), "upper": run.emitter.constant(box.upper)}
        bodies = stub_functions(run, "lyapunov", "step_facts", **functions, **ends, **numbers)
    else:
        bodies = stub_functions(run, "lyapunov", "field_facts", **functions, **numbers)
    if isinstance(bodies, Unknown):
        return bodies
    executed = step is not None or gradient is not None
    facts = tuple(Fact(name, bodies[name], {"x": box}, executed) for name in names)
    return new_family(run, "lyapunov", facts, levels=levels)


def _region(region: Value) -> Box:
    if not isinstance(region, Box):
        raise ArgumentError(no_region(shown(region)), "region")
    if not region.lower.numel():
        raise ArgumentError(empty_state(), "region")
    if not bool((region.lower.isfinite() & region.upper.isfinite()).all()):
        raise ArgumentError(unbounded_region(), "region")
    return region


def _function(run: Interpreter, name: str, function: Value) -> Native:
    """The user's function, with a look at what it gives."""
    if not isinstance(function, FUNCTIONS):
        raise ArgumentError(not_a_function(name, shown(function)), name)
    place = argument_span(run, _POSITIONS.get(name), name)

    def called(run: Interpreter, x: TensorValue) -> Value:
        before = x.node
        result = call(run, function, [x], {})
        if x.node != before:
            return refused(run, changed_state(name), place)
        if isinstance(result, Unknown):
            return result
        if not isinstance(result, TensorValue):
            return refused(run, no_tensor(name, shown(result)), place)
        if name == "V" and result.type.numel != 1:
            return refused(run, wrong_value(result.shape), place)
        if name == "V" and not result.dtype.is_floating_point:
            return refused(run, no_energy(dtype_name(result.dtype)), place)
        if name != "V" and result.shape != x.shape:
            return refused(run, wrong_state(name, result.shape, x.shape), place)
        if name == "step" and result.dtype != x.dtype:
            return refused(run, changed_dtype(name, dtype_name(result.dtype), dtype_name(x.dtype)), place)
        # V is called on the state first, then on the state after it: the first is the state's.
        run.state.setdefault(STATES, {}).setdefault(name, result.node)
        return result

    return Native(f"torchlean.lyapunov.{name}", called)

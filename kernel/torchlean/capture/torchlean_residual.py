"""`tl.residual`: a function nearly solves a differential equation, each condition a claim of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.capture.calling import call
from torchlean.capture.families import FUNCTIONS, Fact, FamilyDefinition, new_family, stub_functions
from torchlean.capture.places import argument_span
from torchlean.capture.torchlean_api import bad_domain, first_unknown, known_number, refused, shown
from torchlean.capture.values import Native, TensorValue, Unknown, Value, native
from torchlean.claims.domain import Box
from torchlean.claims.equations import (
    check_initial,
    check_numbers,
    check_region,
    not_a_condition,
    tolerance,
)
from torchlean.claims.errors import ArgumentError, no_tensor

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

_POSITIONS = {"equation": 0}


@native("torchlean.residual", unknowns=True)
def residual(
    run: Interpreter,
    equation: Value,
    *,
    x: Value,
    t: Value = None,
    eps: Value,
    boundary: Value = None,
    boundary_eps: Value = None,
    initial: Value = None,
    initial_eps: Value = None,
) -> FamilyDefinition | Unknown:
    """`tl.residual(equation, x=box, t=box, eps=...)`: see `claims.residual.residual`."""
    given = {"equation": equation, "boundary": boundary, "initial": initial}
    allowed = {"eps": eps, "boundary_eps": boundary_eps, "initial_eps": initial_eps}
    unknown = first_unknown(run, "residual", {**given, **allowed, "x": x, "t": t}, _POSITIONS)
    if unknown is not None:
        return unknown
    try:
        check_region(x, t, Box, shown)
        check_initial(initial, t)
        boxes = {name: box for name, box in (("x", x), ("t", t)) if isinstance(box, Box)}
        for name, box in boxes.items():
            check_numbers(box.lower.numel(), name)
        functions, tolerances = _facts(run, given, allowed)
    except ArgumentError as error:
        return bad_domain(run, str(error), error.argument, _POSITIONS)
    space = {
        "lower": run.emitter.constant(boxes["x"].lower),
        "upper": run.emitter.constant(boxes["x"].upper),
    }
    given_in_time = {"start": run.emitter.constant(boxes["t"].lower)} if "t" in boxes else {}
    kind = "facts_in_time" if given_in_time else "facts_at_rest"
    bodies = stub_functions(
        run, "residual", kind, functions=functions, tolerances=tolerances, **space, **given_in_time
    )
    if isinstance(bodies, Unknown):
        return bodies
    facts = []
    for name in functions:
        domains = {"x": boxes["x"]} if name == "initial" else boxes
        facts.append(Fact(name, bodies[name], domains, executed=name != "residual"))
    return new_family(run, "residual", tuple(facts))


def _facts(
    run: Interpreter, given: dict[str, Value], allowed: dict[str, Value]
) -> tuple[dict[str, Value], dict[str, float]]:
    """The functions that were given, by the names of their facts, and how far from zero each may be."""
    functions: dict[str, Value] = {}
    tolerances: dict[str, float] = {}
    for (argument, function), (allowance, value) in zip(given.items(), allowed.items(), strict=True):
        if function is None and argument != "equation":
            continue
        if not isinstance(function, FUNCTIONS):
            raise ArgumentError(not_a_condition(argument, shown(function)), argument)
        fact = "residual" if argument == "equation" else argument
        functions[fact] = _checked(run, argument, function)
        named = "eps" if value is None else allowance
        tolerances[fact] = tolerance(named, allowed[named], lambda number: known_number(run, number), shown)
    return functions, tolerances


def _checked(run: Interpreter, argument: str, function: Value) -> Native:
    """The user's function, with a look at what it gives."""
    place = argument_span(run, _POSITIONS.get(argument), argument)

    def called(run: Interpreter, *point: Value) -> Value:
        result = call(run, function, list(point), {})
        if isinstance(result, (TensorValue, Unknown)):
            return result
        return refused(run, no_tensor(argument, shown(result)), place)

    return Native(f"torchlean.residual.{argument}", called)

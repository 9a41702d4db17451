"""Which units of a file are run, on which inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.analysis.units import UnitGraph, unit_graph
from torchlean.capture.result import Capture, Unit, UnitKind
from torchlean.claims.domain import Box
from torchlean.conformance.points import NoPoint, points
from torchlean.conformance.result import UnitAgreement
from torchlean.ops import dtype_name

RADIUS = 3.0
"""Where no range of an input is stated: what normalised data mostly keeps to."""


class NothingToCompare(Exception):
    """The file has no unit that could be run, or none of the name that is asked for; the message says it."""


@dataclass(slots=True)
class Subject:
    """A unit that can be run: its part of the graph, the box of each input, and inputs."""

    unit: Unit
    part: UnitGraph
    domains: dict[str, Box]
    inputs: dict[str, Tensor]
    drawn: str


def chosen(capture: Capture, name: str | None) -> list[Unit]:
    """Units that a program can be asked for; facts and claims before modules."""
    units = [unit for unit in capture.units if unit.kind is not UnitKind.SCRIPT]
    if name is not None:
        named = [unit for unit in units if unit.name == name or (unit.family and unit.family.name == name)]
        if not named:
            has = ", ".join(f"`{unit.name}`" for unit in units) or "none"
            raise NothingToCompare(f"there is no claim or module `{name}`; the file has {has}")
        return named
    claims = [unit for unit in units if unit.kind is not UnitKind.MODULE]
    if not units:
        raise NothingToCompare("the file states no claim and has no module that could be followed")
    return claims or units


def subject_of(
    capture: Capture, unit: Unit, samples: int, given: Mapping[str, Tensor] | None = None
) -> Subject | UnitAgreement:
    """The unit with inputs, or its result where it cannot be run.

    Args:
        samples: how many inputs are drawn.
        given: inputs to run instead, (inputs, *shape) by name.
    """
    part = unit_graph(capture, unit)
    if unit.failure is not None or not part.outputs:
        return UnitAgreement(
            unit.kind.value,
            unit.name,
            unit.span,
            failure=f"it is not captured: {unit.failure or 'it has no result'}",
        )
    inputs = part.graph.inputs
    stated = {str(node.attributes["name"]): node for node in inputs}
    domains, assumed = dict(unit.domains), []
    for name, node in stated.items():
        if name not in domains:
            radius = torch.full(node.type.shape, RADIUS, dtype=torch.float64)
            domains[name] = Box(-radius, radius, f"[-{RADIUS:g}, {RADIUS:g}]")
            assumed.append(name)
    drawn = ", ".join(f"{name} in {domains[name].text}" for name in stated)
    if assumed:
        drawn += f" (no range is stated for {', '.join(assumed)})"
    try:
        found = points(inputs, unit, domains, samples) if given is None else dict(given)
    except NoPoint as error:
        return UnitAgreement(unit.kind.value, unit.name, unit.span, failure=str(error))
    return Subject(unit, part, {name: domains[name] for name in stated}, found, drawn)


def request(subject: Subject) -> dict[str, object]:
    """The unit as the job of the sandbox wants it."""
    inputs = [
        [str(node.attributes["name"]), list(node.type.shape), dtype_name(node.type.dtype)]
        for node in sorted(subject.part.graph.inputs, key=lambda node: int(str(node.attributes["position"])))
    ]
    unit = subject.unit
    return {"kind": unit.kind.value, "name": unit.name, "inputs": inputs, "assumed": unit.assumed_input}

"""Every engine beside every other on random programs: what one proves of a point, no other may exclude for its box.

At single inputs intervals are nearly exact, so that they stand for the exact values here: a bound that lies beside
them, be it by one ulp of their ends, excludes a value that is reached. What torch computes in float32 has to be within
the stated error of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.bounds.random_programs import BOXES, Ends, Program
from tests.capture.probing import captured, unit_of
from torch import Tensor

from torchlean.bounds import Bounds, BoundsCache, propagate
from torchlean.bounds.alpha import alpha
from torchlean.bounds.crown import crown, crown_boxes
from torchlean.bounds.crown.structure import Structure, remembered
from torchlean.bounds.forward.climb import Climb
from torchlean.bounds.taylor import Expansion, Plan
from torchlean.bounds.taylor.arithmetic import reach
from torchlean.capture.result import Role
from torchlean.graph import Graph, validate
from torchlean.intervals import Interval
from torchlean.rounding import Errors, rounding_errors

POINTS = 6
ALPHA_STEPS = 3
MOST_TAYLOR_INPUTS = 12

Domains = dict[str, Interval]
Found = dict[int, Interval]


@pytest.mark.parametrize("seed", range(12))
def test_no_engine_excludes_what_is_reached(seed: int, tmp_path: Path) -> None:
    attack(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12, 400))
def test_no_engine_excludes_what_is_reached_in_many_programs(seed: int, tmp_path: Path) -> None:
    attack(seed, tmp_path)


def attack(seed: int, folder: Path) -> None:
    program = Program(seed, 3 + seed % 9)
    capture = captured(folder / "program.py", program.text())
    seen = {o.label: o.node for o in unit_of(capture, "program").observations if o.role is Role.ASSIGNMENT}
    lines = [name for name in program.lines if name in seen]
    assert lines, f"nothing of the program is followed\n{program.text()}"
    graph, renumbered = capture.graph.cone([seen[name] for name in lines])
    validate(graph)
    nodes = {name: renumbered[seen[name]] for name in lines}
    used = {str(node.attributes["name"]) for node in graph.inputs}
    for kind in program.source.sample(BOXES, 3):
        box = program.box(kind)
        bounded = {name: Interval(*(end.double() for end in box[name])) for name in used}
        points = program.points(box, POINTS)
        try:
            compare(program, graph, nodes, bounded, points)
        except AssertionError as error:
            raise AssertionError(f"{kind}: {error}\n{program.text()}{shown(box)}") from error


def compare(
    program: Program, graph: Graph, nodes: dict[str, int], domains: Domains, points: list[dict[str, Tensor]]
) -> None:
    if not domains:
        return
    wanted = list(nodes.values())
    intervals = propagate(graph, domains)
    linear = crown(graph, domains, wanted=wanted)
    searched = alpha(graph, domains, wanted=wanted, steps=ALPHA_STEPS)
    for id in wanted:
        assert no_wider(searched[id], linear[id]), f"alpha-CROWN is wider at {id}"
    engines: dict[str, Found] = {
        "intervals": {id: intervals[id] for id in wanted},
        "CROWN": {id: linear[id] for id in wanted},
        "alpha-CROWN": {id: searched[id] for id in wanted},
        "boxes": in_batch(graph, domains, wanted),
        **forms(graph, domains, intervals, wanted),
    }
    stated = [(bounds, rounding_errors(graph, bounds)) for bounds in (intervals, linear)]
    for point in points:
        exact = propagate(graph, {name: Interval.point(point[name]) for name in domains})
        executed = program.run(point)
        for name, id in nodes.items():
            for engine, found in engines.items():
                if id in found:
                    assert meets(found[id], exact[id]), f"{engine} exclude {name} at {point}: {exact[id]}"
            for bounds, errors in stated:
                inside = within(executed[name].detach().double(), id, exact[id], bounds, errors)
                assert inside, f"the error of {name} is exceeded at {point}: {executed[name]}"


def in_batch(graph: Graph, domains: Domains, wanted: list[int]) -> Found:
    """Bounds over the box and its parts at once; those of the box."""
    halves = {name: halved(x) for name, x in domains.items()}
    many = {
        name: Interval(torch.stack([x.lower, x.lower]), torch.stack([x.upper, halves[name]]))
        for name, x in domains.items()
    }
    found = crown_boxes(graph, many, domains, wanted=wanted)
    for x in found.values():
        assert not bool(torch.isnan(x.lower).any() or torch.isnan(x.upper).any())
    return {id: Interval(x.lower[0], x.upper[0], x.undefined) for id, x in found.items()}


def halved(x: Interval) -> Tensor:
    """A number inside, near the middle where the box is bounded."""
    middle = x.lower / 2 + x.upper / 2
    return torch.where(torch.isfinite(middle), middle, x.lower)


def forms(graph: Graph, domains: Domains, intervals: Bounds, wanted: list[int]) -> dict[str, Found]:
    """What affine forms say, and quadratic ones where there are few inputs and something is multiplied."""
    shape = remembered(graph, BoundsCache())
    inner = list(propagate(shape.graph, domains).bounds)
    places = {id: shape.lowered.places[id] for id in wanted if not intervals[id].undefined}
    places = {id: place for id, place in places.items() if shape.varies[place]}
    straight: Found = {}
    if len(shape.graph.inputs) == 1:
        climb = Climb(shape)
        for id, place in places.items():
            found = climb.interval(shape.graph[place], [bound.interval.batched() for bound in inner])
            if found is not None:
                straight[id] = Interval(found.lower[0], found.upper[0])
    curved: Found = {}
    for id, place in places.items():
        expansion = expanded(shape, place, domains, [bound.interval for bound in inner])
        if expansion is not None and expansion.rows is not None:
            found = reach(expansion.rows, expansion.plan.layout)
            curved[id] = Interval(found.lower[0], found.upper[0])
    return {"affine forms": straight, "quadratic forms": curved}


def expanded(shape: Structure, place: int, domains: Domains, inner: list[Interval]) -> Expansion | None:
    slices, length = {}, 0
    boxes = []
    for node in shape.graph.inputs:
        slices[node.id] = slice(length, length + node.type.numel)
        length += node.type.numel
        boxes.append(domains[str(node.attributes["name"])])
    if length > MOST_TAYLOR_INPUTS or not all(x.bounded() for x in boxes):
        return None
    plan = Plan.of(shape, place, slices, lambda: inner)
    if plan is None:
        return None
    low, high = (
        torch.cat([end.flatten() for end in ends])[None] for ends in zip(*map(ends_of, boxes), strict=True)
    )
    return Expansion(plan, low, high)


def ends_of(x: Interval) -> Ends:
    return x.lower, x.upper


def no_wider(inner: Interval, outer: Interval) -> bool:
    return bool(((inner.lower >= outer.lower) & (inner.upper <= outer.upper)).all())


def meets(found: Interval, exact: Interval) -> bool:
    """Whether the bounds have a value in common with those of a point, element by element."""
    if found.undefined or exact.undefined:
        return True
    return bool(((found.lower <= exact.upper) & (exact.lower <= found.upper)).all())


def within(executed: Tensor, id: int, exact: Interval, bounds: Bounds, errors: Errors) -> bool:
    """Whether an execution is no further off than is stated, wherever something is stated."""
    if exact.undefined or bounds[id].undefined:
        return True
    found = errors[id]
    error = torch.zeros(()).double() if found.error is None else found.error
    off = torch.maximum(exact.lower - executed, executed - exact.upper)
    limited = not bool(((executed < found.least) | (executed > found.greatest)).any())
    return limited and bool(((off <= error) | torch.isinf(error)).all())


def shown(box: dict[str, Ends]) -> str:
    return "\n".join(f"{name}: {low.tolist()} to {high.tolist()}" for name, (low, high) in box.items())

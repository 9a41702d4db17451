"""Corner cases of torch's ops: the graph computes what torch does, bit for bit, and intervals contain it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tests.capture.corner_cases import GROUPS, REFUSED
from tests.capture.corner_group import Group
from tests.capture.probing import captured, unit_of
from torch import Tensor

from torchlean.bounds import propagate
from torchlean.capture.result import Capture, Role
from torchlean.graph import Graph, evaluate, validate
from torchlean.intervals import Interval

PRELUDE = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\nimport torchlean as tl\n"

RADIUS = 0.75
"""Of the boxes around the inputs: wide enough for roundings, signs and orders to change inside."""


def statements(group: Group, body: str) -> list[str]:
    """The body of the function."""
    lines = [line.strip() for line in body.split(" ; ")]
    if len(lines) == 1:
        lines[0] = f"result = {lines[0]}"
    return [*filter(None, [group.start]), *lines]


@dataclass(frozen=True)
class Outcome:
    """What torch did with a case: its result, or the exception it raised."""

    result: Tensor | None
    error: Exception | None


@pytest.mark.filterwarnings("ignore")
def in_torch(group: Group, body: str) -> Outcome:
    names: dict[str, object] = {}
    exec(PRELUDE, names)
    names["x"] = group.x.clone()
    try:
        with torch.no_grad():
            exec("\n".join(statements(group, body)), names)
    except (RuntimeError, IndexError, TypeError, ValueError, NotImplementedError) as error:
        return Outcome(None, error)
    result = names["result"]
    assert isinstance(result, Tensor), f"{body}: {result!r}"
    return Outcome(result, None)


def followed(group: Group, folder: Path) -> Capture:
    """One file with a claim for each case of the group."""
    lines = [PRELUDE]
    for place, body in enumerate(group.cases()):
        lines.append(f"@tl.claim(x=tl.box(-1e9, 1e9, shape={tuple(group.x.shape)}))\ndef case_{place}(x):")
        lines += [f"    {line}" for line in statements(group, body)]
        lines += ["    probed = result", "    return probed == probed"]
    return captured(folder / "cases.py", "\n".join(lines) + "\n")


def graph_of(capture: Capture, place: int) -> tuple[Graph, int] | None:
    """The graph of one case and its result; None where it is not followed."""
    unit = unit_of(capture, f"case_{place}")
    found = [
        seen.node for seen in unit.observations if (seen.role, seen.label) == (Role.ASSIGNMENT, "probed")
    ]
    if not found:
        return None
    cone, renumbered = capture.graph.cone(found[-1:])
    return cone, renumbered[found[-1]]


def said(capture: Capture, place: int) -> str:
    """Everything that was reported inside of a case, and why its claim cannot be analysed."""
    unit = unit_of(capture, f"case_{place}")
    end = min((u.span.line for u in capture.units if u.span.line > unit.span.line), default=math.inf)
    inside = [d for d in capture.diagnostics if unit.span.line <= d.span.line < end]
    return " | ".join([f"{d.code} {d.message}" for d in inside] + [unit.failure or ""])


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.filterwarnings("ignore")
def test_the_graph_computes_what_torch_computes_bit_for_bit_or_says_that_it_does_not(
    name: str, tmp_path: Path
) -> None:
    group = GROUPS[name]
    capture = followed(group, tmp_path)
    validate(capture.graph)
    wrong = [message for message in (_compared(capture, *case) for case in _cases(group)) if message]
    assert not wrong, "\n".join(wrong)


def _cases(group: Group) -> Iterator[tuple[Group, int, str]]:
    return ((group, place, body) for place, body in enumerate(group.cases()))


def _compared(capture: Capture, group: Group, place: int, body: str) -> str | None:
    """What is wrong with a case, if anything."""
    real, ours, messages = in_torch(group, body), graph_of(capture, place), said(capture, place)
    if real.result is None:
        return None if "TL10" in messages else f"{body}: torch raises {real.error}; {messages}"
    if body in REFUSED:
        fine = ours is None and REFUSED[body] in messages
        return None if fine else f"{body}: should be refused because of {REFUSED[body]!r}, got {messages!r}"
    if ours is None or messages:
        return f"{body}: not followed, {messages}"
    graph, root = ours
    with torch.no_grad():
        result = evaluate(graph, {"x": group.x})[root]
    same = result.dtype == real.result.dtype and torch.equal(bits(result), bits(real.result))
    return None if same else f"{body}: torch computes {real.result}, the graph {result}"


def bits(tensor: Tensor) -> Tensor:
    """Numbers that are equal where the elements are the same, signs of zeros included; all NaNs are one."""
    if not tensor.dtype.is_floating_point:
        return tensor
    integer = {2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    return torch.where(tensor.isnan(), -1, tensor.contiguous().view(integer).to(torch.int64))


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.filterwarnings("ignore")
def test_intervals_contain_what_exact_arithmetic_gives(name: str, tmp_path: Path) -> None:
    group = GROUPS[name]
    capture = followed(group, tmp_path)
    outside = []
    for place, body in enumerate(group.cases()):
        found = graph_of(capture, place)
        if found is not None:
            outside += [f"{body}: {message}" for message in _outside(found[0], group.x)]
    assert not outside, "\n".join(outside)


def _outside(graph: Graph, x: Tensor) -> Iterator[str]:
    """The nodes that leave their interval, on the input itself and inside of a box around it."""
    generator = torch.Generator().manual_seed(0)
    shifts = (torch.rand(4, *x.shape, generator=generator) * 2 - 1) * RADIUS
    samples = [x, x - RADIUS, x + RADIUS, *(x + shift for shift in shifts)]
    point = Interval(x.double(), x.double())
    box = Interval(samples[1].double(), samples[2].double())
    for domain, inputs in ((point, samples[:1]), (box, samples)):
        bounds = propagate(graph, {"x": domain})
        for sample in inputs:
            yield from _left(graph, bounds, sample)


def _left(graph: Graph, bounds: object, sample: Tensor) -> Iterator[str]:
    with exact_division(), torch.no_grad():
        values = evaluate(graph, {"x": sample}, dtype=torch.float64)
    for node in graph:
        interval, value = bounds[node.id], values[node.id].to(torch.float64)  # type: ignore[index]
        fine = (value >= interval.lower) & (value <= interval.upper)
        if interval.undefined:
            continue  # nothing is claimed of it
        if not bool(fine.all()):
            yield f"{node.op} gives {value}, outside of [{interval.lower}, {interval.upper}]"


@contextlib.contextmanager
def exact_division() -> Iterator[None]:
    """Quotients and functions of integers in float64, which stands for real numbers here."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def test_every_refusal_is_a_case() -> None:
    cases = {body for group in GROUPS.values() for body in group.cases()}
    assert set(REFUSED) <= cases

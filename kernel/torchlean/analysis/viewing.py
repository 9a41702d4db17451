"""Computing a view (`views`): the unit's own graph, bounded for a domain that may be another than the file's.

A graph does not depend on the domain of its inputs: capture knows no boxes. So the boxes are exchanged after it, and
the caches, which go by content, do the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from torchlean.analysis.facts import is_row
from torchlean.analysis.session import Session
from torchlean.analysis.units import (
    UnitBounds,
    bound_unit,
    sharpen_unit,
    unit_graph,
    unit_result,
    with_errors,
)
from torchlean.analysis.views import Ends, Histogram, InputBox, Spread, View, Viewed, misfit, unit_id
from torchlean.bounds.crown import crown
from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Unit
from torchlean.claims.decide import too_much_work
from torchlean.claims.domain import Box, DomainError, box
from torchlean.graph import Node
from torchlean.intervals import Interval
from torchlean.intervals.rounding import up
from torchlean.ops import dtype_name

BINS = 24
"""Of a histogram: as many bars as can be told apart in a narrow panel."""

SAME = 1e-9
"""Relative difference up to which values are drawn as one: bounds in float64 differ by less from rounding alone, and no
bar shows it."""

MOST_COUNTED = 2**20
"""Elements of a tensor beyond which there is no histogram: sorting them takes longer than bounding them."""

MOST_ENDS = 4096
"""Elements of an input whose ends are listed one by one: nobody sets more of them by hand, and images stay small."""

SPELLED = 8
"""Elements of a box that its text spells out."""


def viewed(
    view: View,
    path: str,
    text: str,
    session: Session,
    cancelled: Callable[[], bool] = lambda: False,
) -> Viewed:
    """The bounds that a person asks to see.

    Raises:
        Cancelled: by the caller.
    """
    capture = capture_file(path, text, session.workspace, cancelled)
    unit = next((unit for unit in capture.units if unit_id(unit.kind.value, unit.name) == view.unit), None)
    if unit is None:
        return Viewed(None, refused=f"the file as it is now has no {view.unit}")
    return view_of(capture, unit, view.method, view.domain, session, cancelled)


def view_of(
    capture: Capture,
    unit: Unit,
    method: str,
    domain: Mapping[str, Ends],
    session: Session,
    cancelled: Callable[[], bool] = lambda: False,
) -> Viewed:
    """The same of a file that is captured already.

    Raises:
        Cancelled: by the caller.
    """
    part = unit_graph(capture, unit)
    inputs = [part.graph[part.ids[id]] for id in unit.inputs]
    try:
        boxes = _boxes({str(node.attributes["name"]): node for node in inputs}, domain, unit.domains)
    except DomainError as error:
        return Viewed(None, refused=str(error))
    part = replace(part, unit=replace(unit, domains={**unit.domains, **boxes}))
    bounded = bound_unit(part, session.bounds, cancelled)
    note = ""
    if method == "crown":
        bounded, note = _sharpened(bounded, session, cancelled)
    bounded = with_errors(bounded, session.errors, cancelled)
    return Viewed(
        unit_result(part, bounded, None, capture.path),
        tuple(_input(node, unit, boxes) for node in inputs),
        tuple(_spread(node, bounded.bounds[node.id]) for node in part.graph),
        note,
    )


def _boxes(
    inputs: Mapping[str, Node], domain: Mapping[str, Ends], stated: Mapping[str, Box]
) -> dict[str, Box]:
    """The boxes as tensors, of the types of those in whose place they stand.

    Raises:
        DomainError: of an input that is not there, of another shape, empty, with NaN, or beyond the type.
    """
    boxes = {}
    for name, ends in domain.items():
        node = inputs.get(name)
        if node is None:
            raise DomainError(f"there is no input `{name}`; there are: {', '.join(inputs) or 'none'}")
        shape = node.type.shape
        wrong = misfit(name, shape, ends)
        if wrong is not None:
            raise DomainError(wrong)
        lower, upper = (_tensor(numbers, shape) for numbers in (ends.lower, ends.upper))
        try:
            boxes[name] = box(lower, upper, _text(ends), dtype=stated[name].dtype if name in stated else None)
        except DomainError as error:
            raise DomainError(f"`{name}`: {error}") from error
    return boxes


def _tensor(numbers: tuple[float, ...], shape: tuple[int, ...]) -> Tensor:
    numel = math.prod(shape)
    flat = torch.tensor(numbers, dtype=torch.float64)
    return (flat if len(numbers) == numel else flat.expand(numel)).reshape(shape)


def _text(ends: Ends) -> str:
    if max(len(ends.lower), len(ends.upper)) > SPELLED:
        return f"a box from {min(ends.lower)!r} to {max(ends.upper)!r}"
    sides = [
        repr(numbers[0]) if len(numbers) == 1 else repr(list(numbers)) for numbers in (ends.lower, ends.upper)
    ]
    return f"box({', '.join(sides)})"


def _sharpened(
    bounded: UnitBounds, session: Session, cancelled: Callable[[], bool]
) -> tuple[UnitBounds, str]:
    """Linear bounds where there is a domain for them and they are affordable, and what stood in the way if not."""
    unit, graph = bounded.part.unit, bounded.part.graph
    whole = graph if bounded.question is None else bounded.question.margin.graph
    names = {str(graph[bounded.part.ids[id]].attributes["name"]) for id in unit.inputs}
    if not names <= unit.domains.keys():
        return bounded, "intervals alone: linear bounds need a box for every input"
    if any(node.op == "random" for node in whole):
        return bounded, "intervals alone: linear bounds need weights that are known"
    if too_much_work(whole):
        return bounded, "intervals alone: linear bounds of this network take too long for a panel"
    if bounded.question is not None:
        return sharpen_unit(bounded, session.bounds, cancelled), ""
    intervals = {name: domain.interval() for name, domain in unit.domains.items()}
    found = crown(graph, intervals, session.bounds, cancelled, bounded.part.outputs)
    return replace(bounded, bounds=found), ""


def _input(node: Node, unit: Unit, boxes: Mapping[str, Box]) -> InputBox:
    name = str(node.attributes["name"])
    return InputBox(
        node.id,
        name,
        node.type.shape,
        dtype_name(node.type.dtype),
        _ends(unit.domains.get(name)),
        _ends(boxes.get(name)),
    )


def _ends(box: Box | None) -> Ends | None:
    if box is None or not box.lower.numel():
        return None
    if box.lower.numel() > MOST_ENDS:
        return Ends((float(box.lower.min()),), (float(box.upper.max()),))
    return Ends(tuple(box.lower.flatten().tolist()), tuple(box.upper.flatten().tolist()))


def _spread(node: Node, interval: Interval) -> Spread | None:
    if not is_row(node) or node.type.dtype == torch.bool or not 0 < node.type.numel <= MOST_COUNTED:
        return None
    lower, upper = interval.lower.flatten(), interval.upper.flatten()
    widths = torch.where(lower == upper, 0.0, up(upper - lower))
    finite = torch.isfinite(lower) & torch.isfinite(upper) & torch.isfinite(widths)
    lower, upper, widths = lower[finite], upper[finite], widths[finite]
    if not lower.numel():
        return None
    return Spread(_reach(lower, upper), _counted(widths), int((~finite).sum()))


def _reach(lower: Tensor, upper: Tensor) -> Histogram:
    """How many intervals meet each bin, its ends included."""
    start, end = float(lower.min()), float(upper.max())
    edges = _edges(start, end)
    if edges is None:
        return Histogram(start, end, (lower.numel(),))
    first = (torch.searchsorted(edges, lower) - 1).clamp(min=0)
    last = _bin(edges, upper)
    change = torch.zeros(BINS + 1, dtype=torch.int64)
    ones = torch.ones_like(first)
    change.index_add_(0, first, ones).index_add_(0, last + 1, -ones)
    return Histogram(start, end, tuple(change.cumsum(0)[:-1].tolist()))


def _counted(widths: Tensor) -> Histogram:
    """How many widths lie in each bin, where one at a border belongs to the bin above it."""
    start, end = float(widths.min()), float(widths.max())
    edges = _edges(start, end)
    if edges is None:
        return Histogram(start, end, (widths.numel(),))
    counts = torch.bincount(_bin(edges, widths), minlength=BINS)
    return Histogram(start, end, tuple(counts.tolist()))


def _edges(start: float, end: float) -> Tensor | None:
    """The borders of the bins; None where all values are the same but for rounding."""
    if not end - start > SAME * max(abs(start), abs(end)) or not math.isfinite(end - start):
        return None
    edges = torch.linspace(start, end, BINS + 1, dtype=torch.float64)
    edges[0], edges[-1] = start, end
    return edges


def _bin(edges: Tensor, values: Tensor) -> Tensor:
    return (torch.searchsorted(edges, values, right=True) - 1).clamp(max=BINS - 1)

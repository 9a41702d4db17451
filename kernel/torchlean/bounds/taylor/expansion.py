"""Quadratic forms of the nodes of a graph over many boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.crown.structure import Structure
from torchlean.bounds.forward.forms import Form, between, finite, parallel
from torchlean.bounds.taylor.arithmetic import TINY, Bend, bend, product, reach, smooth, smooth_of
from torchlean.bounds.taylor.composition import Composed, compose
from torchlean.bounds.taylor.layout import Layout
from torchlean.graph import Node
from torchlean.intervals import Interval
from torchlean.intervals.periodic import LARGEST_ARGUMENT
from torchlean.intervals.rounding import UNIT_ROUNDOFF, gamma
from torchlean.ops import OPS, UnsupportedError
from torchlean.ops.elementwise import Elementwise

MOST_INPUTS = 12
"""Inputs up to which forms are small: 78 products of two for twelve."""

NEAR = 1.5
"""Width of an interval up to which smooth functions are not also put between planes, which takes longer."""

MOST_KINKS = 64
"""Elements of relus with a symbol of their own."""


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """How forms of one node are found, whatever the boxes.

    Attributes:
        shape: the graph.
        place: the node.
        inputs: per input node its place in flat vectors.
        layout: of the forms.
        order: the nodes that `place` depends on and that vary, itself included, operands first.
        kinks: per relu among them the place of its first symbol among the kinks.
        opaque: intervals over the whole domain of nodes whose ops have no forms over many boxes.
        base: per node that is not affine its place in the base (`composition`).
        composed: `place`, and the operands of what is not affine, as functions of the base.
    """

    shape: Structure
    place: int
    inputs: Mapping[int, slice]
    layout: Layout
    order: tuple[Node, ...]
    kinks: Mapping[int, int]
    opaque: Mapping[int, Interval]
    base: Mapping[int, slice]
    composed: Mapping[int, Composed]

    @staticmethod
    def of(
        shape: Structure,
        place: int,
        inputs: Mapping[int, slice],
        bounds: Callable[[], Sequence[Interval]],
    ) -> Plan | None:
        """None where forms would be large, or say no more than linear bounds: where nothing is multiplied.

        Args:
            place: a node of one dimension.
            bounds: finds intervals of all nodes over the whole domain; asked where some node needs that.
        """
        graph = shape.graph
        needed = {place}
        for node in reversed(graph.nodes[: place + 1]):
            if node.id in needed:
                needed.update(id for id in node.inputs if shape.varies[id])
        order = tuple(node for node in graph if node.id in needed)
        kinks, count = {}, 0
        for node in order:
            if node.op == "relu":
                kinks[node.id] = count
                count += node.type.numel
        variables = max(part.stop for part in inputs.values())
        multiplied = any(_squared(node) or _multiplied(shape, node) for node in order)
        leaves = all(node.inputs or node.id in inputs for node in order)
        if not (multiplied and leaves and variables <= MOST_INPUTS and count <= MOST_KINKS):
            return None
        hidden = [node.id for node in order if not _has_form(shape, node)]
        found = bounds() if hidden else ()
        opaque = {id: found[id].batched() for id in hidden}
        if any(not x.bounded() or x.undefined for x in opaque.values()):
            return None
        base: dict[int, slice] = {}
        length = 0
        for node in order:
            if node.id in opaque or node.id not in shape.parts:
                base[node.id] = slice(length, length + node.type.numel)
                length += node.type.numel
        below = {id for node in order if node.id in base and node.id not in opaque for id in node.inputs}
        wanted = [node.id for node in order if node.id in below or node.id == place]
        composed = compose(shape, order, base, wanted)
        if composed is None:
            return None
        return Plan(shape, place, inputs, Layout.of(variables, count), order, kinks, opaque, base, composed)


def _has_form(shape: Structure, node: Node) -> bool:
    if not node.inputs:
        return True
    if not node.type.dtype.is_floating_point:
        return False  # integers wrap around
    parts = shape.parts.get(node.id)
    if parts is not None:
        return all(part is None or part.forward is not None for part in parts)
    return isinstance(OPS[node.op], Elementwise)


def _multiplied(shape: Structure, node: Node) -> bool:
    return (
        node.op == "mul" and node.type.dtype.is_floating_point and all(shape.varies[id] for id in node.inputs)
    )


def _squared(node: Node) -> bool:
    return node.op == "pow" and node.attributes["exponent"] == 2 and node.type.dtype.is_floating_point


class Expansion:
    """Forms of the base, and of a plan's node, over some boxes.

    Attributes:
        rows: the form of the plan's node; None where none was found: something is unbounded or undefined.
        bends: of the relus, operands first.
    """

    def __init__(self, plan: Plan, lower: Tensor, upper: Tensor) -> None:
        """The boxes' flat ends are (boxes, inputs), float64, finite."""
        self.plan = plan
        self.centre = lower / 2 + upper / 2
        spread = torch.maximum(upper - self.centre, self.centre - lower).clamp(min=0.0)
        self.radius = spread * (1 + 4 * UNIT_ROUNDOFF) + TINY
        self.bends: list[Bend] = []
        length = max(place.stop for place in plan.base.values())
        boxes = len(lower)
        # Of the whole base: the coefficients of 1 and of all symbols, the errors, and the size of all that.
        self._terms = torch.zeros(length, 1 + plan.layout.count, boxes, dtype=torch.float64)
        self._errors = torch.zeros(length, boxes, dtype=torch.float64)
        self._sizes = torch.zeros(length, boxes, dtype=torch.float64)
        self.rows = self._climb()

    def _climb(self) -> Form | None:
        for node in self.plan.order:
            if node.id not in self.plan.base:
                continue
            form = self._form(node)
            if form is None:
                return None
            place = self.plan.base[node.id]
            count = place.stop - place.start
            own = self._terms[place]
            own[:, 0] = form.point.reshape(-1, count).t()
            own[:, 1:] = form.coefficients.reshape(len(form.coefficients), -1, count).permute(2, 0, 1)
            self._errors[place] = form.error.reshape(-1, count).t()
            # A sum of nonnegative numbers, off by far less than one part in a thousand.
            self._sizes[place] = (own.abs().sum(1) + self._errors[place]) * 1.001
        return self._composed(self.plan.place)

    def _composed(self, id: int) -> Form | None:
        """The form of a node that is affine in the base so far."""
        composed = self.plan.composed[id]
        count = len(composed.matrix)
        matrix = composed.matrix.t()
        terms = (matrix @ self._terms[:count].flatten(1)).unflatten(1, self._terms.shape[1:])
        terms[:, 0] += composed.offset.unsqueeze(1)
        share = 2 * gamma(count + composed.roundings + 8)
        error = matrix.abs() @ self._errors[:count] + (composed.size.t() * share) @ self._sizes[:count]
        error = error + (composed.radius + composed.offset.abs() * share).unsqueeze(1)
        error = error * (1 + 2 * gamma(count + 8)) + TINY
        shape = self.plan.shape.graph[id].type.shape
        boxes = error.shape[1]
        return finite(
            Form(
                terms[:, 0].t().reshape(boxes, *shape),
                terms[:, 1:].permute(1, 2, 0).reshape(-1, boxes, *shape),
                error.t().reshape(boxes, *shape),
            )
        )

    def _form(self, node: Node) -> Form | None:
        shape, layout = self.plan.shape, self.plan.layout
        if not node.inputs:
            return self._input(node)
        if node.id in self.plan.opaque:
            return Form.around(self.plan.opaque[node.id], layout.count)
        known = [self._composed(id) if shape.varies[id] else None for id in node.inputs]
        if any(form is None and shape.varies[id] for id, form in zip(node.inputs, known, strict=True)):
            return None
        first = known[0]
        if _multiplied(shape, node):
            second = known[1]
            assert first is not None and second is not None
            return product(first, second, node.type.shape, layout)
        if first is not None and _squared(node):
            return product(first, first, node.type.shape, layout)
        if first is not None and node.op == "relu":
            form, found = bend(first, reach(first, layout), self.plan.kinks[node.id], layout)
            self.bends.append(found)
            return form
        ranges = [
            reach(form, layout) if form is not None else shape.constants[id].interval.batched()
            for id, form in zip(node.inputs, known, strict=True)
        ]
        function = smooth_of(node.op, node.attributes)
        if first is None or function is None:
            return self._between(node, known, ranges)
        curved = finite(smooth(function, first, layout))
        if curved is not None and float((ranges[0].upper - ranges[0].lower).max()) <= NEAR:
            return curved if float(first.point.abs().max()) < LARGEST_ARGUMENT else None
        return _better(self._between(node, known, ranges), curved, ranges[0])

    def _input(self, node: Node) -> Form:
        """`centre + radius x`: every number of the box is that for some `x` between -1 and 1."""
        place = self.plan.inputs[node.id]
        boxes, size = len(self.centre), place.stop - place.start
        coefficients = torch.zeros(self.plan.layout.count, boxes, size, dtype=torch.float64)
        within = torch.arange(size)
        coefficients[place.start + within, :, within] = self.radius[:, place].t()
        shape = node.type.shape
        point = self.centre[:, place].reshape(boxes, *shape)
        return Form(point, coefficients.reshape(-1, boxes, *shape), torch.zeros_like(point))

    def _between(self, node: Node, known: Sequence[Form | None], ranges: Sequence[Interval]) -> Form | None:
        """Through an element-by-element op between planes."""
        if any(x.undefined or not x.bounded() for x in ranges):
            return None
        forms = [
            Form.around(x, self.plan.layout.count) if form is None else form
            for form, x in zip(known, ranges, strict=True)
        ]
        try:
            planes = parallel(node.op, ranges, node.attributes)
        except UnsupportedError:
            return None
        return between(planes, ranges, forms, node.type.shape)


def _better(straight: Form | None, curved: Form | None, range: Interval) -> Form | None:
    """Element by element the form with the smaller error; only planes where the kernels are not trusted."""
    near = (range.lower >= -LARGEST_ARGUMENT) & (range.upper <= LARGEST_ARGUMENT)
    if straight is None or curved is None:
        return straight if straight is not None else curved if bool(near.all()) else None
    use = near & (curved.error <= straight.error)
    return Form(
        torch.where(use, curved.point, straight.point),
        torch.where(use, curved.coefficients, straight.coefficients),
        torch.where(use, curved.error, straight.error),
    )


__all__ = ["Expansion", "Plan"]

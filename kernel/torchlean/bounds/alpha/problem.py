"""What rows with slopes of their own pass: each node twice, as a plain station for finding slopes and as a passage.

The passage is the sound form (`torchlean.bounds.crown.passages`); how a row's own choices go into it stands in `proof`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Multipliers
from torchlean.bounds.alpha.families import ENTRIES, Family, family_of
from torchlean.bounds.alpha.maps import maps_of
from torchlean.bounds.alpha.proof import apart, combined, having
from torchlean.bounds.alpha.stations import Between, End, Kink, Linear, Station
from torchlean.bounds.crown.passages import Magnitude, Passage, between, stop
from torchlean.bounds.crown.refine import known_operands, passage_of
from torchlean.bounds.crown.rows import lower_bounds
from torchlean.bounds.crown.structure import Structure
from torchlean.bounds.ibp import wraps
from torchlean.graph import LEAVES, Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, UnsupportedError
from torchlean.ops.linearization import Plane, Relaxation


@dataclass
class Problem:
    """The growing problem; nodes are admitted in order.

    Attributes:
        bounds: intervals of shape (boxes or 1, *node).
        magnitudes: valid on all boxes.
        signs: phases of relus' operands, (boxes, 1, *node) of -1, 0 and 1, float32.
        entries: of the tables of families.
        kinks: the relus and other nodes whose planes rows choose.
        lost: nodes where nothing bounded is known: rows that end there have no bound, whatever the slopes.
    """

    shape: Structure
    signs: Mapping[int, Tensor] = field(default_factory=dict)
    entries: int = ENTRIES
    bounds: dict[int, Interval] = field(default_factory=dict)
    magnitudes: dict[int, Magnitude] = field(default_factory=dict)
    stations: dict[int, Station] = field(default_factory=dict)
    passages: dict[int, Passage] = field(default_factory=dict)
    kinks: dict[int, Kink | Family] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)

    def admit(self, node: Node, interval: Interval, hull: Interval) -> None:
        """Make a node available to those above.

        Args:
            interval: its final bounds, (boxes or 1, *node).
            hull: bounds that hold on all boxes, of the node's shape.
        """
        self.bounds[node.id] = interval
        if not self.shape.varies[node.id]:
            return
        self.magnitudes[node.id] = Magnitude.of(hull)
        for id in known_operands(self.shape, node):
            self._end(id, self.bounds[id])
            self.magnitudes[id] = Magnitude.of(Interval(self.bounds[id].lower[0], self.bounds[id].upper[0]))
        if interval.undefined or not self._pass(node):
            self._end(node.id, interval)

    def _pass(self, node: Node) -> bool:
        """How rows pass the node; False where they end at its interval."""
        operands = [self.bounds[id] for id in node.inputs]
        if node.id in self.shape.parts:
            passage = passage_of(self.shape, node, operands, self.passages, self.magnitudes)
            assert passage is not None
            map = maps_of(self.shape)[node.id]
            shapes = tuple(self.shape.graph[id].type.shape for id, _ in map.back)
            self.stations[node.id] = Linear(map, shapes)
            self.passages[node.id] = passage
            if passage.fatal is not None:
                self.lost.add(node.id)
            return True
        if node.op in LEAVES or wraps(node.type):
            return False
        if any(x.undefined for x in operands) or not all(x.bounded() for x in operands):
            return False
        planes = self._planes(node, operands)
        if planes is None:
            return False
        if node.op == "relu":
            kink = Kink.of(node.inputs[0], operands[0], self.signs.get(node.inputs[0]))
            self.stations[node.id] = self.kinks[node.id] = kink
            # The steepest slope decides the penalty.
            planes = Relaxation(Plane((torch.ones_like(planes.lower.slopes[0]),)), planes.upper)
        else:
            shapes = tuple(self.shape.graph[id].type.shape for id in node.inputs)
            self.stations[node.id] = Between.of(node.inputs, shapes, node.type.shape, planes)
            out, entries = node.type.shape, self.entries
            family = family_of(node.op, node.attributes, node.inputs, operands, shapes, out, planes, entries)
            if family is not None:
                self.stations[node.id] = self.kinks[node.id] = family
        self.passages[node.id] = self._between(node, planes)
        return True

    def _planes(self, node: Node, operands: Sequence[Interval]) -> Relaxation | None:
        try:
            return OPS[node.op].relax(operands, node.attributes)
        except UnsupportedError:
            return None

    def _between(self, node: Node, planes: Relaxation) -> Passage:
        sizes = [self.magnitudes[id] for id in node.inputs]
        shapes = [self.shape.graph[id].type.shape for id in node.inputs]
        return between(node.inputs, shapes, node.type.shape, planes, sizes, self.shape.additions)

    def _end(self, id: int, interval: Interval) -> None:
        self.passages[id] = stop(interval, self.shape.additions)
        self.stations[id] = End.of(interval)
        if not interval.bounded() or interval.undefined:
            self.lost.add(id)

    def prove(
        self,
        node: int,
        rows: Tensor,
        alphas: Mapping[int, Tensor],
        multipliers: Mapping[int, Multipliers],
        check: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """Lower bounds of `sum(rows * value(node))` in exact arithmetic, whatever the alphas and betas are.

        Args:
            rows: (boxes, rows, *node), float64.
            alphas: for `kinks`, (boxes, rows, *node). Relus without get the steepest slope, others CROWN's planes.
            multipliers: by node; the bound then speaks of the inputs that satisfy the phases.
            check: called before every node; may raise to cancel.

        Returns:
            (boxes, rows); `-inf` where nothing is known.
        """
        passages = dict(self.passages)
        batch = rows.shape[:2]
        families = {id for id in alphas if isinstance(self.kinks[id], Family)}
        if families:
            # Each row has planes of its own: it becomes a box of its own.
            passages = {id: apart(passage, batch) for id, passage in passages.items() if id <= node}
            rows = rows.reshape(-1, 1, *rows.shape[2:])
        for id, alpha in alphas.items():
            kink = self.kinks[id]
            if isinstance(kink, Family):
                operands = [self.bounds[operand] for operand in kink.operands]
                passages[id] = self._between(self.shape.graph[id], kink.planes(alpha, operands))
            else:
                passages[id] = having(passages[id], alpha.reshape(*rows.shape[:2], *alpha.shape[2:]))
        top = node
        if multipliers:
            top = len(self.shape.graph)
            passages[top] = combined(node, rows, multipliers)
            rows = rows.reshape(*rows.shape[:2], -1)[..., :1]
        return lower_bounds(passages, self.magnitudes, top, rows, check).reshape(batch)


__all__ = ["Problem"]

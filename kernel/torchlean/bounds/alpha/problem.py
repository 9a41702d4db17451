"""What rows with slopes of their own pass: each node twice, as a plain station for finding slopes and as a passage.

The passage is the sound form (`torchlean.bounds.crown.passages`). A relu's holds for every slope that a row may choose:
its rounding penalty is that of the steepest, and any line through the origin with a slope in [0, 1] lies below a relu
exactly, on any interval, so proving a row only means to put the row's slopes in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from torchlean.bounds.alpha.descent import Multipliers
from torchlean.bounds.alpha.maps import maps_of
from torchlean.bounds.alpha.stations import Between, End, Kink, Linear, Station
from torchlean.bounds.crown.passages import Magnitude, Passage, between, stop
from torchlean.bounds.crown.refine import known_operands, passage_of
from torchlean.bounds.crown.rows import lower_bounds
from torchlean.bounds.crown.structure import Structure
from torchlean.graph import LEAVES, Node
from torchlean.intervals import Interval
from torchlean.ops import OPS, UnsupportedError
from torchlean.ops.linearization import Plane, Relaxation


def having(passage: Passage, alpha: Tensor) -> Passage:
    """A relu's passage for rows with these slopes below, (boxes, rows, *node); whatever is in them is made sound."""
    slopes = alpha.to(torch.float64).nan_to_num(0.0).clamp(0.0, 1.0)
    assert passage.slopes is not None
    ((_, above),) = passage.slopes
    return replace(passage, slopes=((slopes, above),))


@dataclass
class Problem:
    """The growing problem; nodes are admitted in order.

    Attributes:
        bounds: intervals of shape (boxes or 1, *node).
        magnitudes: valid on all boxes.
        signs: phases of relus' operands, (boxes, 1, *node) of -1, 0 and 1, float32.
        kinks: the relus, whose slopes rows choose.
        lost: nodes where nothing bounded is known: rows that end there have no bound, whatever the slopes.
    """

    shape: Structure
    signs: Mapping[int, Tensor] = field(default_factory=dict)
    bounds: dict[int, Interval] = field(default_factory=dict)
    magnitudes: dict[int, Magnitude] = field(default_factory=dict)
    stations: dict[int, Station] = field(default_factory=dict)
    passages: dict[int, Passage] = field(default_factory=dict)
    kinks: dict[int, Kink] = field(default_factory=dict)
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
        if node.op in LEAVES or any(x.undefined for x in operands) or not all(x.bounded() for x in operands):
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
            alphas: slopes for `kinks`, (boxes, rows, *node); those without get the steepest.
            multipliers: by node; the bound then speaks of the inputs that satisfy the phases.
            check: called before every node; may raise to cancel.

        Returns:
            (boxes, rows); `-inf` where nothing is known.
        """
        passages = dict(self.passages)
        for id, alpha in alphas.items():
            passages[id] = having(self.passages[id], alpha)
        if not multipliers:
            return lower_bounds(passages, self.magnitudes, node, rows, check)
        top = len(self.shape.graph)
        passages[top] = _sum_of(node, rows, multipliers)
        return lower_bounds(passages, self.magnitudes, top, rows.reshape(*rows.shape[:2], -1)[..., :1], check)


def _sum_of(node: int, rows: Tensor, multipliers: Mapping[int, Multipliers]) -> Passage:
    """Rows of a node minus multiples of phases, as the passage of a node above all others: it only sends coefficients.

    Multipliers are used exactly as stored (float32 numbers, whose negatives and products with a sign are exact).
    Negative or undefined ones count as zero. What adding coefficients at a node rounds, the pass accounts for.
    """
    nothing = torch.zeros(1, 1, 2, dtype=torch.float64)
    batch = rows.shape[:2]

    def sends(coefficients: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda _: coefficients.flatten(0, 1)

    onward = [(node, sends(rows))]
    for id, multiplier in multipliers.items():
        beta = multiplier.beta.to(torch.float64).nan_to_num(0.0, posinf=0.0).clamp(min=0.0)
        onward.append((id, sends(-(multiplier.sign * beta).expand(*batch, *beta.shape[2:]))))
    return Passage(nothing, nothing, onward=tuple(onward))


__all__ = ["Problem"]

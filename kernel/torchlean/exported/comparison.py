"""Whether two graphs say the same, and if not, where they first differ.

Both are brought to their normal form. What has the same content hash is the same; the rest is walked from the results
down, a node of one graph with a node of the other, to the deepest pair whose operands agree and that does not agree
itself.

Weights that no file gives are drawn at run time: static capture knows their range, the exported program one draw. They
agree when the draw lies in the range; each drawn tensor stands for one tensor of the other graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds import propagate
from torchlean.graph import Graph, Node, evaluate
from torchlean.graph.normal import normal_form
from torchlean.source import Span

COMMUTATIVE = frozenset(
    [
        *("add", "mul", "maximum", "minimum", "eq", "ne", "logical_and", "logical_or", "logical_xor"),
        *("bitwise_and", "bitwise_or", "bitwise_xor"),
    ]
)
"""Binary ops of IEEE 754 or of bits whose result is the same with the operands exchanged."""

FREE = frozenset({"serial", "source", "name"})
"""Attributes of leaves that tell one from another, and no number of them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference.

    Attributes:
        kind: `op`, `attribute`, `shape`, `dtype`, `parameter`, `order`, `results` or `operands`.
        message: what each graph has.
        captured, exported: where, as far as that is known: the innermost lines.
    """

    kind: str
    message: str
    captured: Span | None = None
    exported: Span | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`nodes` in the captured graph's normal form; `drawn` of its weights were compared by range alone."""

    nodes: int
    drawn: int
    difference: Difference | None

    @property
    def equal(self) -> bool:
        return self.difference is None


def compare(captured: Graph, exported: Graph) -> Comparison:
    """Compare the results of two graphs, in order."""
    ours, theirs = normal_form(captured), normal_form(exported)
    if len(ours.outputs) != len(theirs.outputs):
        counts = f"{len(ours.outputs)} results, the exported program {len(theirs.outputs)}"
        return Comparison(len(ours), 0, Difference("results", f"the captured graph has {counts}"))
    walk = _Walk(ours, theirs)
    difference = walk.first_difference()
    return Comparison(len(ours), len(walk.drawn), difference)


Pair = tuple[int, int]


class _Walk:
    """Pairs of nodes that have been compared, and what came of them."""

    def __init__(self, ours: Graph, theirs: Graph) -> None:
        self._ours, self._theirs = ours, theirs
        self._settled: dict[Pair, Difference | None] = {}
        self.drawn: dict[bytes, bytes] = {}
        self._taken: dict[bytes, bytes] = {}
        self._open = _depends_on(ours, "input"), _depends_on(theirs, "input")
        self._random = _depends_on(ours, "random"), _depends_on(theirs, "random")

    def first_difference(self) -> Difference | None:
        for place, pair in enumerate(zip(self._ours.outputs, self._theirs.outputs, strict=True)):
            difference = self._compare(pair)
            if difference is None:
                continue
            for other, result in enumerate(self._theirs.outputs):
                if self._compare((pair[0], result)) is None:
                    return _difference(
                        "order", f"result {place}", f"result {other} is it", *self._nodes(pair)
                    )
            return difference
        return None

    def _compare(self, root: Pair) -> Difference | None:
        """Operands before what is made of them, without recursion: graphs are deeper than Python's stack."""
        stack = [root]
        while stack:
            pair = stack[-1]
            if pair in self._settled:
                stack.pop()
                continue
            missing = [p for p in self._operands(pair) if p not in self._settled]
            if missing:
                # The first operand is compared first, so that its difference is the first one.
                stack += reversed(missing)
            else:
                self._settled[pair] = self._settle(pair)
                stack.pop()
        return self._settled[root]

    def _nodes(self, pair: Pair) -> tuple[Node, Node]:
        return self._ours[pair[0]], self._theirs[pair[1]]

    def _operands(self, pair: Pair) -> list[Pair]:
        """The pairs that decide a pair; none where it is decided as it stands."""
        ours, theirs = self._nodes(pair)
        if ours.digest == theirs.digest and not self._random[0][pair[0]]:
            return []
        if ours.op != theirs.op or len(ours.inputs) != len(theirs.inputs):
            return []
        direct = list(zip(ours.inputs, theirs.inputs, strict=True))
        if len(direct) == 2 and any(self._settled.get(p) is not None for p in direct):
            return [*direct, *_crossed(ours, theirs)]
        return direct

    def _settle(self, pair: Pair) -> Difference | None:
        ours, theirs = self._nodes(pair)
        if ours.digest == theirs.digest and not self._random[0][pair[0]]:
            return None
        if not self._open[0][pair[0]] and not self._open[1][pair[1]] and not (ours.inputs and theirs.inputs):
            return self._without_inputs(ours, theirs)
        if ours.op != theirs.op:
            return _difference("op", f"`{shown(ours)}`", f"`{shown(theirs)}`", ours, theirs)
        if ours.op == "input":
            return _inputs(ours, theirs)
        if len(ours.inputs) != len(theirs.inputs):
            counts = f"`{ours.op}` has {len(ours.inputs)} operands", f"{len(theirs.inputs)}"
            return _difference("operands", *counts, ours, theirs)
        direct = [self._settled[p] for p in zip(ours.inputs, theirs.inputs, strict=True)]
        found = next((d for d in direct if d is not None), None)
        if found is not None and not self._exchanged(ours, theirs):
            return found
        if found is not None and ours.op not in COMMUTATIVE:
            operands = " and ".join(f"`{shown(self._ours[id])}`" for id in ours.inputs)
            return _difference("order", f"`{ours.op}` of {operands}", "of the same, exchanged", ours, theirs)
        return _own(ours, theirs)

    def _exchanged(self, ours: Node, theirs: Node) -> bool:
        """Whether two operands agree crosswise."""
        return len(ours.inputs) == 2 and all(
            p in self._settled and self._settled[p] is None for p in _crossed(ours, theirs)
        )

    def _without_inputs(self, ours: Node, theirs: Node) -> Difference | None:
        """Two values that depend on no input, at least one of them a leaf: compared by what they are."""
        if ours.type != theirs.type:
            return _types(ours, theirs)
        if self._random[1][theirs.id]:
            return self._both_drawn(ours, theirs)
        if self._random[0][ours.id]:
            return self._drawn(ours, theirs)
        return _numbers(_value(self._ours, ours.id), _value(self._theirs, theirs.id), ours, theirs)

    def _both_drawn(self, ours: Node, theirs: Node) -> Difference | None:
        if ours.op != theirs.op:
            return _difference("op", f"`{shown(ours)}`", f"`{shown(theirs)}`", ours, theirs)
        return _own(ours, theirs) or self._bound(ours, theirs)

    def _drawn(self, ours: Node, theirs: Node) -> Difference | None:
        """A weight of which static capture knows the range, and the draw of one run."""
        cone, renumbered = self._ours.cone([ours.id])
        interval = propagate(cone, {})[renumbered[ours.id]]
        data = _value(self._theirs, theirs.id).to(torch.float64)
        outside = (data < interval.lower) | (data > interval.upper)
        if not interval.undefined:
            outside |= data.isnan()
        if bool(outside.any()):
            place = tuple(int(i) for i in outside.nonzero()[0])
            low, high = float(interval.lower[place]), float(interval.upper[place])
            mine = f"`{shown(ours)}` is drawn from [{low:g}, {high:g}] at {list(place)}"
            return _difference("parameter", mine, f"{float(data[place]):g} there", ours, theirs)
        return self._bound(ours, theirs)

    def _bound(self, ours: Node, theirs: Node) -> Difference | None:
        """One drawn tensor is one tensor of the other graph, wherever it is used."""
        if self.drawn.setdefault(ours.digest, theirs.digest) != theirs.digest:
            text = f"`{shown(ours)}` is one tensor, used in several places", "these are different tensors"
            return _difference("parameter", *text, ours, theirs)
        if self._taken.setdefault(theirs.digest, ours.digest) != ours.digest and theirs.type.numel > 1:
            text = f"`{shown(ours)}` is a tensor of its own", "it is shared with another place"
            return _difference("parameter", *text, ours, theirs)
        return None


def _crossed(ours: Node, theirs: Node) -> list[Pair]:
    return [(ours.inputs[0], theirs.inputs[1]), (ours.inputs[1], theirs.inputs[0])]


def _depends_on(graph: Graph, leaf: str) -> list[bool]:
    """For every node whether a leaf of this kind is below it."""
    found: list[bool] = []
    for node in graph:
        found.append(node.op == leaf or any(found[id] for id in node.inputs))
    return found


def _value(graph: Graph, id: int) -> Tensor:
    cone, renumbered = graph.cone([id])
    with torch.no_grad():
        return evaluate(cone, {})[renumbered[id]]


def _numbers(mine: Tensor, other: Tensor, ours: Node, theirs: Node) -> Difference | None:
    """Bit by bit, but for the payload of a NaN."""
    same = mine == other
    if mine.is_floating_point():
        same &= torch.signbit(mine) == torch.signbit(other)
        same |= mine.isnan() & other.isnan()
    if bool(same.all()):
        return None
    place = tuple(int(i) for i in (~same).nonzero()[0])
    count = int((~same).sum())
    text = f"`{shown(ours)}` has {mine[place].item()!r} at {list(place)}"
    rest = f"{other[place].item()!r} ({count:,} of {mine.numel():,} elements differ)"
    return _difference("parameter", text, rest, ours, theirs)


def _inputs(ours: Node, theirs: Node) -> Difference | None:
    if ours.attributes != theirs.attributes:
        return _difference("order", f"the input `{ours.label}`", f"the input `{theirs.label}`", ours, theirs)
    return _own(ours, theirs)


def _own(ours: Node, theirs: Node) -> Difference | None:
    """What two nodes with the same op and agreeing operands differ in."""
    names = sorted({*ours.attributes, *theirs.attributes} - (FREE if not ours.inputs else frozenset()))
    for name in names:
        mine, other = ours.attributes.get(name), theirs.attributes.get(name)
        if not _alike(mine, other):
            text = f"`{ours.op}` has {name} = {mine!r}", f"{name} = {other!r}"
            return _difference("attribute", *text, ours, theirs)
    return _types(ours, theirs) if ours.type != theirs.type else None


def _types(ours: Node, theirs: Node) -> Difference:
    kind = "shape" if ours.type.shape != theirs.type.shape else "dtype"
    mine, other = f"`{shown(ours)}` is a tensor {ours.type}", f"`{shown(theirs)}` is a tensor {theirs.type}"
    return _difference(kind, mine, other, ours, theirs)


def _alike(mine: object, other: object) -> bool:
    """Equal, and of one type: 2 and 2.0 are different exponents."""
    if isinstance(mine, tuple) and isinstance(other, tuple):
        return len(mine) == len(other) and all(map(_alike, mine, other))
    return type(mine) is type(other) and (mine == other or (mine != mine and other != other))


def _difference(kind: str, mine: str, other: str, ours: Node, theirs: Node) -> Difference:
    message = f"in the captured graph {mine}; in the exported program {other}"
    return Difference(kind, message, ours.span, theirs.span)


def shown(node: Node) -> str:
    """`linear`, or the name of a leaf."""
    return node.label if node.label and not node.inputs else node.op


__all__ = ["COMMUTATIVE", "Comparison", "Difference", "compare"]

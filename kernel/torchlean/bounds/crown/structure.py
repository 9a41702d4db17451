"""What backward passes need to know of a graph whatever the domain: computed once, used for every box."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from torchlean.bounds.cache import Bound, BoundsCache
from torchlean.bounds.crown.anchors import Constant
from torchlean.bounds.crown.links import Link, links
from torchlean.bounds.crown.lowered import Lowered, lower
from torchlean.bounds.crown.origins import Origin, origin
from torchlean.bounds.device import current
from torchlean.bounds.ibp import MAX_ELEMENTS, bound_node, content_key, wraps
from torchlean.graph import LEAVES, Graph
from torchlean.graph.hashing import DIGEST_BYTES
from torchlean.graph.node import Node
from torchlean.intervals import Interval
from torchlean.ops import OPS
from torchlean.ops.elementwise import Elementwise
from torchlean.ops.linearization import Affine


@dataclass(frozen=True, slots=True)
class Structure:
    """A graph seen as affine and nonlinear ops over what varies.

    Attributes:
        lowered: the graph that the engine works on, and what became of the original one.
        varies: per node, whether it depends on an input or a random draw.
        constants: bounds of the nodes that do not vary (points, up to rounding).
        parts: the linear maps of each varying node that is an affine map of its varying operands.
        offsets: the value of each such node where its varying operands are zero.
        starts: the same as passes over deviations need it.
        readers: per node, the varying nodes that read it and are not affine.
        uses: per node, how many operands of other nodes it is.
        widest: per node, the most elements of any varying node that it depends on, or is.
        work: per node, the multiplications of a row on its way down from there, along the longest way.
        symbols: elements of the only leaf that varies; 0 where there are several.
        optimal: nodes whose own interval rule leaves nothing to refine: affine in one leaf.
        maps: nodes whose elements are functions of single elements of one varying operand, or moved ones.
        links: the nodes that `chain` can bound.
        origins: of the nodes that only move elements of another.
        manners: kept by `refine`: what it adds to the key of a node's bound.
    """

    lowered: Lowered
    varies: tuple[bool, ...]
    constants: Mapping[int, Bound]
    parts: Mapping[int, Sequence[Affine | None]]
    offsets: Mapping[int, Interval]
    starts: Mapping[int, Constant]
    readers: Mapping[int, Sequence[Node]]
    uses: Sequence[int]
    widest: Sequence[int]
    work: Sequence[int]
    symbols: int
    optimal: frozenset[int]
    maps: frozenset[int]
    links: Mapping[int, Link]
    origins: Mapping[int, Origin]
    manners: dict[tuple[int, bytes], bytes] = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        return self.lowered.graph

    @property
    def additions(self) -> int:
        """At least the number of nodes, in steps: bounds depend on it, and shall be the same in graphs of one step."""
        return max(64, 1 << (len(self.graph) - 1).bit_length())

    def manner(self, node: Node, wanted: bool) -> bytes:
        """Which elements to refine: none, those on both sides of a kink at zero ("unstable"), or all that vary."""
        readers = self.readers.get(node.id, ())
        if node.op in LEAVES or not self.varies[node.id] or not (readers or wanted):
            return b"none"
        if node.type.numel > MAX_ELEMENTS:
            return b"none"
        return b"all" if wanted or any(reader.op != "relu" for reader in readers) else b"unstable"

    def settles(self, node: Node, refined: bool, settled: Collection[int]) -> bool:
        """Whether a backward pass from a node can give no more than its own interval rule.

        So it is for an affine op of one leaf, and once a pass has refined all its elements. And then for a function `f`
        of single elements, and what only moves them: a pass from there meets `f`'s planes first, and a plane `p <= f`
        on the operand's interval `[l, u]`. What it finds for `p` is what passes found for the operand, `p(l)` or
        `p(u)`, and no more than the least value of `f` there.

        Args:
            refined: whether a pass from the node has refined whatever varies.
            settled: the nodes below of which this is known.
        """
        if refined or node.id in self.optimal:
            return True
        below = [id for id in node.inputs if self.varies[id]]
        return node.id in self.maps and all(id in settled or self.graph[id].op in LEAVES for id in below)

    def origin(self, node: Node, settled: Mapping[int, str], method: str) -> str:
        """What gave the bounds that a settled node's are maps of; `method` where there are none."""
        return next((settled[id] for id in node.inputs if id in settled), method)

    def joins(self, node: Node) -> bool:
        """Whether the only operand of a nonlinear node is an affine node of its shape that nothing else reads."""
        if len(node.inputs) != 1 or node.id in self.parts:
            return False
        (id,) = node.inputs
        return id in self.parts and self.uses[id] == 1 and self.graph[id].type.shape == node.type.shape


SHIFTS = frozenset({"add", "sub", "cat", "stack"})
"""Ops whose linear part is the same whatever the known operands are: these may be known up to rounding only, such as
what a network gives at a fixed state, and go into the offset."""

KEPT = 4
"""Structures remembered; they hold the weights in float64."""

_structures: OrderedDict[bytes, Structure] = OrderedDict()


def remembered(graph: Graph, cache: BoundsCache) -> Structure:
    """The structure of a graph of the same content on the same device, from earlier or computed now."""
    state = hashlib.blake2b(str(current()).encode(), digest_size=DIGEST_BYTES)
    for node in graph:
        state.update(node.digest)
        state.update(repr(node.inputs).encode())
    key = state.digest()
    found = _structures.get(key)
    if found is None:
        found = _structures[key] = structure(graph, cache)
        if len(_structures) > KEPT:
            _structures.popitem(last=False)
    _structures.move_to_end(key)
    return found


def structure(original: Graph, cache: BoundsCache) -> Structure:
    """Lower the graph, find what varies, bound what does not, and ask each op for its affine form."""
    lowered = lower(original)
    graph = lowered.graph
    varies: list[bool] = []
    keys: list[bytes] = []
    constants: dict[int, Bound] = {}
    parts: dict[int, Sequence[Affine | None]] = {}
    offsets: dict[int, Interval] = {}
    starts: dict[int, Constant] = {}
    readers: dict[int, list[Node]] = {}
    uses = [0] * len(graph)
    widest: list[int] = []
    work: list[int] = []
    optimal: set[int] = set()
    origins: dict[int, Origin] = {}
    for node in graph:
        for id in node.inputs:
            uses[id] += 1
        varies.append(node.op in ("input", "random") or any(varies[id] for id in node.inputs))
        width = node.type.numel if varies[node.id] else 0
        widest.append(max([width, *(widest[id] for id in node.inputs)]))
        work.append(width + max((work[id] for id in node.inputs), default=0))
        keys.append(content_key(node, keys, {}))
        if not varies[node.id]:
            bound = cache.get(keys[node.id])
            if bound is None:
                bound = bound_node(node, [constants[id] for id in node.inputs], graph, {})
                cache.put(keys[node.id], bound)
            constants[node.id] = bound
        elif node.inputs:
            known = [None if varies[id] else constants[id].interval for id in node.inputs]
            usable = not wraps(node.type) and all(x is None or _usable(node, x) for x in known)
            form = (
                OPS[node.op].affine(known, [graph[id].type for id in node.inputs], node.attributes)
                if usable
                else None
            )
            if form is not None:
                parts[node.id] = form
                multiplied = zip(form, node.inputs, strict=True)
                work[-1] += sum(part.terms * graph[id].type.numel for part, id in multiplied if part)
                offsets[node.id] = _offset(graph, node, known, keys[node.id], cache)
                starts[node.id] = Constant.of(offsets[node.id])
                moved = origin(node, form, offsets[node.id], origins)
                if moved is not None:
                    origins[node.id] = moved
                unknown = [id for id in node.inputs if varies[id]]
                if len(unknown) == 1 and graph[unknown[0]].op in LEAVES:
                    optimal.add(node.id)
            else:
                for id in set(node.inputs):
                    readers.setdefault(id, []).append(node)
    leaves = [node.type.numel for node in graph if varies[node.id] and not node.inputs]
    return Structure(
        lowered,
        tuple(varies),
        constants,
        parts,
        offsets,
        starts,
        readers,
        uses,
        widest,
        work,
        leaves[0] if len(leaves) == 1 else 0,
        frozenset(optimal),
        frozenset(
            node.id for node in graph if varies[node.id] and _maps(node, graph, varies, parts.get(node.id))
        ),
        links(graph, varies, parts, starts),
        origins,
    )


def _maps(node: Node, graph: Graph, varies: Sequence[bool], parts: Sequence[Affine | None] | None) -> bool:
    if parts is None:
        alone = len(node.inputs) == 1 and graph[node.inputs[0]].type.shape == node.type.shape
        return alone and isinstance(OPS[node.op], Elementwise)
    present = [part for part in parts if part is not None]
    return sum(varies[id] for id in node.inputs) == 1 and all(not part.terms for part in present)


def _usable(node: Node, known: Interval) -> bool:
    """Whether an operand is known well enough for the op to be affine in the others."""
    return known.is_point or (node.op in SHIFTS and known.bounded() and not known.undefined)


def _offset(
    graph: Graph, node: Node, known: Sequence[Interval | None], key: bytes, cache: BoundsCache
) -> Interval:
    """An affine op's value where its unknown operands are zero, from its own interval rule."""
    key = hashlib.blake2b(key, key=b"offset", digest_size=DIGEST_BYTES).digest()
    bound = cache.get(key)
    if bound is None:
        zeros = [
            Interval.point(torch.zeros(graph[id].type.shape, dtype=torch.float64)) if value is None else value
            for id, value in zip(node.inputs, known, strict=True)
        ]
        bound = Bound(OPS[node.op].interval(zeros, node.attributes, node.type))
        cache.put(key, bound)
    return bound.interval

"""Interval bound propagation: one pass over the graph, each op's interval rule applied to the bounds of its operands.

The result contains, for every input in the domain and every draw of the random leaves, the exact (real-number) value
of every element (Moore, Interval Analysis, 1966; for networks Gowal et al. 2018, arXiv:1810.12715). All ends are
rounded outward.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import torch

from torchlean.bounds.cache import Bound, BoundsCache
from torchlean.bounds.device import current
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, Node
from torchlean.graph.hashing import DIGEST_BYTES, tensor_digest
from torchlean.intervals import Interval
from torchlean.intervals.repetition import narrowed, repeated
from torchlean.ops import OPS, Attributes, Infinities, Op, TensorType, UnsupportedError
from torchlean.ops.folding import WORTHWHILE, Folding

MAX_ELEMENTS = 2**26
"""Tensors beyond 64 million elements (1 GiB of bounds) are not bounded: the editor must not be starved of memory. What
repeats counts once."""

TERMS = frozenset({"alpha", "beta", "exponent", "negative_slope", "value"})
"""Arguments that ops calculate with or fill in. Others may be infinite and say something: limits, orders of norms."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of every node of a graph, indexed by node id.

    Attributes:
        bounds: one per node.
        keys: the content key each bound is stored under.
        computed, reused: how many of the nodes were computed now, and how many came from the cache.
    """

    bounds: tuple[Bound, ...]
    keys: tuple[bytes, ...]
    computed: int
    reused: int

    def __getitem__(self, id: int) -> Interval:
        return self.bounds[id].interval


def propagate(
    graph: Graph,
    domains: Mapping[str, Interval],
    cache: BoundsCache | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    begun: list[Bound] | None = None,
) -> Bounds:
    """Bound every node.

    Args:
        graph: any valid graph.
        domains: an interval of the input's shape per input name; an input without one is unbounded.
        cache: where finished bounds are looked up and stored.
        cancelled: asked before every node.
        begun: an empty list, to which each node's bound is added as soon as it is known.

    Raises:
        Cancelled: `cancelled()` became true.
        ValueError: a domain's shape differs from its input's.
    """
    cache = BoundsCache() if cache is None else cache
    bounds: list[Bound] = [] if begun is None else begun
    keys: list[bytes] = []
    computed = 0
    for node in graph:
        if cancelled():
            raise Cancelled
        key = content_key(node, keys, domains)
        bound = cache.get(key)
        if bound is None:
            bound = bound_node(node, [bounds[id] for id in node.inputs], graph, domains)
            cache.put(key, bound)
            computed += 1
        bounds.append(bound)
        keys.append(key)
    return Bounds(tuple(bounds), tuple(keys), computed, len(bounds) - computed)


def content_key(
    node: Node, keys: Sequence[bytes], domains: Mapping[str, Interval], manner: bytes = b""
) -> bytes:
    """Hash of everything the node's bound depends on; equal to that of the same computation in any other graph.

    Args:
        keys: those of the nodes before it.
        manner: how this node is bounded, where an engine has a choice.
    """
    state = hashlib.blake2b(node.digest, digest_size=DIGEST_BYTES, key=manner)
    for id in node.inputs:
        state.update(keys[id])
    if node.op == "input":
        domain = domains.get(str(node.attributes["name"]))
        if domain is not None:
            state.update(tensor_digest(domain.lower))
            state.update(tensor_digest(domain.upper))
            state.update(b"undefined" if domain.undefined else b"")
    return state.digest()


def bound_node(node: Node, operands: Sequence[Bound], graph: Graph, domains: Mapping[str, Interval]) -> Bound:
    """One node's bound from those of its operands, by its op's interval rule.

    Raises:
        ValueError: a domain's shape differs from its input's.
    """
    if node.op not in OPS:
        return _leaf(node, domains)
    op, out = OPS[node.op], node.type
    inputs = op.told([operand.interval for operand in operands])
    folding = Folding.of(op, [(x.lower, x.upper) for x in inputs], node.attributes, out)
    if folding is not None:
        out = folding.out
        inputs = [narrowed(x, dims) for x, dims in zip(inputs, folding.operands, strict=True)]
    largest = max([out.numel, *(x.lower.numel() for x in inputs)])
    if largest > MAX_ELEMENTS:
        reason = f"not bounded: {largest:,} elements are more than the limit of {MAX_ELEMENTS:,}"
        return Bound(Interval.unbounded(node.type.shape, undefined=True), reason)
    try:
        interval = _by_rule(op, inputs, node.attributes, out)
    except UnsupportedError as error:
        return Bound(Interval.unbounded(node.type.shape, undefined=True), str(error))
    return Bound(interval if folding is None else repeated(interval, node.type.shape))


def _by_rule(op: Op, inputs: Sequence[Interval], attributes: Attributes, out: TensorType) -> Interval:
    """What the op's interval rule says, with flags, and within the dtype.

    Raises:
        UnsupportedError: it has none for these operands.
    """
    special = {
        name: number
        for name, number in attributes.items()
        if isinstance(number, float) and not math.isfinite(number)
    }
    if any(map(math.isnan, special.values())):
        raise UnsupportedError(f"an argument of `{op.name}` is NaN")
    interval = op.interval(inputs, attributes, out)
    if special:
        interval = _with_infinite(interval, special, op.infinities)
    return _within_dtype(_flagged(interval, inputs, op.infinities), out)


def _leaf(node: Node, domains: Mapping[str, Interval]) -> Bound:
    if node.op == "input":
        name = str(node.attributes["name"])
        domain = domains.get(name)
        if domain is None:
            return Bound(Interval.unbounded(node.type.shape), f"no domain is stated for `{name}`")
        if domain.shape != node.type.shape:
            raise ValueError(f"the domain of `{name}` has shape {domain.shape}, the input {node.type.shape}")
        return Bound(domain)
    if node.op == "random":
        lower, upper = node.attributes["lower"], node.attributes["upper"]
        assert isinstance(lower, float) and isinstance(upper, float)
        return Bound(Interval.uniform(node.type.shape, lower, upper))
    assert node.data is not None, "parameters and constants carry data (graph/spec.py)"
    return Bound(_exact(node.data.to(current())))


def _exact(data: torch.Tensor) -> Interval:
    """A point, or its float64 neighbours where an int64 has more digits than float64 holds.

    Infinite numbers are not real numbers: they are flagged, and what is computed from them by most ops is undefined.
    """
    if data.numel() > MAX_ELEMENTS:
        return Interval.unbounded(tuple(data.shape), undefined=True)
    if _is_filled(data):
        # A state of zeros, a mask of ones: held once, so that what is computed from it can be.
        return repeated(_exact(data[(slice(1),) * data.dim()]), tuple(data.shape))
    if data.dtype == torch.int64 and data.numel() and int(data.abs().max()) > 2**53:
        rounded = data.to(torch.float64)
        return Interval(
            torch.nextafter(rounded, torch.full_like(rounded, -math.inf)),
            torch.nextafter(rounded, torch.full_like(rounded, math.inf)),
        )
    exact = Interval.point(data)
    infinite = bool(torch.isinf(data).any())
    return Interval(exact.lower, exact.upper, exact.undefined, infinite) if infinite else exact


def _is_filled(data: torch.Tensor) -> bool:
    """Whether all of many elements are one number, of one sign."""
    if data.numel() < WORTHWHILE or data.is_complex():
        return False
    first, last = data.flatten()[0], data.flatten()[-1]
    if not bool(first == last) or not bool((data == first).all()):
        return False
    return bool(first) or not data.dtype.is_floating_point or not bool(torch.signbit(data).any())


def _with_infinite(interval: Interval, arguments: Collection[str], infinities: Infinities) -> Interval:
    """The result of an op with infinite arguments, which may have put them, or what they make NaN, into it."""
    sure = (interval.lower == math.inf) | (interval.upper == -math.inf)
    if TERMS.isdisjoint(arguments) and not bool(sure.any()):
        return interval
    undefined = interval.undefined or infinities is Infinities.UNDEFINED
    return Interval(interval.lower, interval.upper, undefined, infinite=True)


def _flagged(interval: Interval, operands: Sequence[Interval], infinities: Infinities) -> Interval:
    """The rule's result, with what its operands' flags make of it."""
    infinite = sum(operand.infinite for operand in operands)
    allowed = {Infinities.UNDEFINED: 0, Infinities.MOVED_FROM_ONE: 1}.get(infinities, len(operands))
    undefined = interval.undefined or infinite > allowed or any(operand.undefined for operand in operands)
    moved = (interval.infinite or bool(infinite)) and not undefined and infinities is not Infinities.SETTLED
    if interval.undefined == undefined and interval.infinite == moved:
        return interval
    return Interval(interval.lower, interval.upper, undefined, moved)


def wraps(type: TensorType) -> bool:
    """Whether values wrap around at the ends of their dtype. Then a linear bound of the exact result says nothing, and
    engines stop at the node's interval (`_within_dtype`)."""
    return not (type.dtype == torch.bool or type.dtype.is_floating_point or type.dtype.is_complex)


def _within_dtype(interval: Interval, type: TensorType) -> Interval:
    """Integers wrap around: a result that may leave its dtype's range can be anything in the range."""
    if not wraps(type):
        return interval
    info = torch.iinfo(type.dtype)
    fits = (interval.lower >= info.min) & (interval.upper <= info.max)
    if bool(fits.all()):
        return interval
    return Interval(
        torch.where(fits, interval.lower, float(info.min)),
        torch.where(fits, interval.upper, float(info.max)),
        interval.undefined or interval.infinite,
    )

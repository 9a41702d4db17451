"""One pass over the graph: how far each value of an execution may be from its exact value.

The bound holds for every input in the domain, every order of summation and any use of fused multiply-add; what is
assumed of the kernels stands in docs/rounding.md. Inputs and parameters are what the program has: binary32 numbers,
without error. Each op's rule (`torchlean.ops.noise`) says what its own rounding adds and how far its operands' errors
move its result over the intervals that bounds give; the two add up.

Rules compute in float64, rounded to nearest, with numbers that are never negative: each result is off by a relative
error of some thousand units at most, which `SLACK` covers, and no term is so small that it underflows, since errors of
an execution are either zero or at least about its smallest number.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from torchlean.bounds import Bounds
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, Node
from torchlean.graph.hashing import DIGEST_BYTES
from torchlean.intervals import Interval
from torchlean.intervals.repetition import narrowed, one_of_each, repeated
from torchlean.ops import OPS, TensorType, UnsupportedError, dtype_name
from torchlean.ops.folding import Folding
from torchlean.ops.noise.arithmetic import DEFAULT, DTYPES, Arithmetic
from torchlean.ops.noise.reading import as_read
from torchlean.ops.noise.values import Call, Noise, Noisy, added, infinite
from torchlean.rounding.cache import ErrorsCache, NodeError

EXACT = b"exact"
"""The key of leaves, and of all that is computed from them without an error: it depends on nothing else."""

NOTHING = NodeError(None)

MARGIN = 1.0 + 2.0**-3
"""Peaks are stated without their own rounding: overflow is said to be possible from an eighth below the threshold."""

SMALL = 2**12
"""Elements of a leaf up to which its range is looked at."""

SLACK = 1.0 + 2.0**-40
"""More than 4000 roundings of float64."""


@dataclass(frozen=True, slots=True)
class Errors:
    """The error of every node of a graph, indexed by node id.

    Attributes:
        errors: one per node.
        keys: the content key each is stored under.
        computed, reused: how many were computed now, and how many came from the cache.
    """

    errors: tuple[NodeError, ...]
    keys: tuple[bytes, ...]
    computed: int
    reused: int

    def __getitem__(self, id: int) -> NodeError:
        return self.errors[id]


def rounding_errors(
    graph: Graph,
    bounds: Bounds,
    cache: ErrorsCache | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    arithmetic: Arithmetic = DEFAULT,
) -> Errors:
    """Bound the rounding error of every node.

    Args:
        graph: any valid graph.
        bounds: of the graph's exact values, by whatever engine.
        cache: where finished errors are looked up and stored.
        cancelled: asked before every node.
        arithmetic: how the machine computes.

    Raises:
        Cancelled: `cancelled()` became true.
    """
    cache = ErrorsCache() if cache is None else cache
    values: list[Noisy] = []
    errors: list[NodeError] = []
    keys: list[bytes] = []
    permuted: list[bool] = []
    settings = arithmetic.key
    computed = reused = 0
    for node in graph:
        if cancelled():
            raise Cancelled
        permuted.append(_permuted(node, permuted))
        if node.op not in OPS:
            keys.append(EXACT)
            errors.append(NOTHING)
            values.append(_leaf(node, bounds, cache))
            continue
        key = _key(settings + node.digest + bounds.keys[node.id], [keys[id] for id in node.inputs])
        error = cache.get(key)
        if error is None:
            operands = [values[id] for id in node.inputs]
            before = [errors[id] for id in node.inputs]
            error = node_error(node, bounds[node.id], operands, before, arithmetic, permuted[node.id])
            cache.put(key, error)
            computed += 1
        else:
            reused += 1
        keys.append(EXACT if error is NOTHING else key)
        errors.append(error)
        values.append(Noisy(bounds[node.id], error.error, node.type, error.least, error.greatest))
    return Errors(tuple(errors), tuple(keys), computed, reused)


def _permuted(node: Node, before: Sequence[bool]) -> bool:
    """Whether the node's numbers may lie in memory in another order than its shape says."""
    if node.op in ("permute", "contiguous"):
        return node.op == "permute"
    return any(before[id] for id in node.inputs)


def _key(content: bytes, operands: Sequence[bytes]) -> bytes:
    """Hash of everything the error depends on: the op with all below it, its bounds, and its operands' errors."""
    return hashlib.blake2b(content + b"".join(operands), digest_size=DIGEST_BYTES).digest()


def _leaf(node: Node, bounds: Bounds, cache: ErrorsCache) -> Noisy:
    """What a program starts from, without an error. The range of all elements helps where signs matter; of weights it
    does not pay. Small weights are remembered with their magnitudes, which take longer than to look them up."""
    exact, small = bounds[node.id], 0 < node.type.numel <= SMALL
    if node.op != "parameter":
        ends = (float(exact.lower.min()), float(exact.upper.max())) if small else (-math.inf, math.inf)
        return Noisy(exact, None, node.type, *ends)
    if not small:
        return Noisy(exact, None, node.type)
    known = cache.weights.get(bounds.keys[node.id])
    if known is None:
        known = Noisy(exact, None, node.type)
        cache.weights.put(bounds.keys[node.id], known)
    return known


def node_error(
    node: Node,
    exact: Interval,
    operands: Sequence[Noisy],
    before: Sequence[NodeError],
    arithmetic: Arithmetic = DEFAULT,
    permuted: bool = False,
) -> NodeError:
    """One node's error from those of its operands, by its op's rule.

    Args:
        exact: bounds of the node's exact value.
        before: the operands' errors as they are stored, for the reasons of infinite ones.
        permuted: see `Call`.
    """
    if node.type.numel == 0:
        return NOTHING
    for dtype in (node.type.dtype, *(x.type.dtype for x in operands)):
        if dtype not in DTYPES and (dtype.is_complex or dtype.is_floating_point):
            return _nothing(node.type, f"{dtype_name(dtype)} numbers are not analysed")
    op = OPS[node.op]
    described = [_described(x) for x in operands]
    folding = Folding.of(op, described, node.attributes, node.type, (exact.lower, exact.upper))
    if folding is None:
        return _unfolded_error(node, node.type, exact, operands, before, arithmetic, permuted)
    one = [_slice(x, dims) for x, dims in zip(operands, folding.operands, strict=True)]
    result = narrowed(exact, range(len(node.type.shape)))
    result = repeated(result, folding.out.shape)
    error = _unfolded_error(node, folding.out, result, one, before, arithmetic, permuted)
    return error if error.error is None else replace(error, error=error.error.expand(node.type.shape))


def _described(x: Noisy) -> tuple[Tensor, ...]:
    """All that says what the value can be, element by element."""
    ends = (x.exact.lower, x.exact.upper)
    return ends if x.error is None else (*ends, x.error)


def _slice(x: Noisy, dims: Collection[int]) -> Noisy:
    """One slice of the value along each of `dims`, along which it repeats."""
    if not any(x.type.shape[dim] > 1 for dim in dims):
        return x
    exact = narrowed(x.exact, dims)
    error = None if x.error is None else one_of_each(x.error, dims)
    return Noisy(exact, error, TensorType(exact.shape, x.type.dtype), x.least, x.greatest)


def _unfolded_error(
    node: Node,
    out: TensorType,
    exact: Interval,
    operands: Sequence[Noisy],
    before: Sequence[NodeError],
    arithmetic: Arithmetic,
    permuted: bool,
) -> NodeError:
    """`node_error` of a call with a result of type `out`, which may be a slice of the node's."""
    op = OPS[node.op]
    if op.rounding.computes:
        operands = [as_read(x, out.dtype, arithmetic) for x in operands]
    else:
        kept = replace(arithmetic, autocast=None)
        if op.rounding.converts:
            operands = [x if x.type.dtype == out.dtype else as_read(x, out.dtype, kept) for x in operands]
        if op.rounding.compares and arithmetic.flush_to_zero:
            operands = [as_read(x, x.type.dtype, kept) for x in operands]
    call = Call(op, operands, node.attributes, out, exact, arithmetic, permuted)
    try:
        noise = op.rounding.noise(call)
    except UnsupportedError as unsupported:
        return _nothing(out, str(unsupported))
    total = added(noise.local, noise.passed)
    if total is None:
        return NOTHING if _unlimited(noise) else NodeError(None, noise.least, noise.greatest)
    total = total * SLACK
    if tuple(total.shape) != out.shape:
        total = total.expand(out.shape)
    largest, place = _greatest(total)
    if not _surely_finite(noise, call, largest):
        total = _total(noise, call, total)
        largest, place = _greatest(total)
    if largest == 0.0:
        return NodeError(None, noise.least, noise.greatest)
    shares = _shares(noise, total, largest, place, operands)
    if math.isfinite(largest):
        return NodeError(total, noise.least, noise.greatest, largest, *shares)
    reason = next((e.reason for e in before if e.reason), None) or noise.reason or _reason(noise, call)
    return NodeError(total, noise.least, noise.greatest, largest, *shares, reason)


def _unlimited(noise: Noise) -> bool:
    return noise.least == -math.inf and noise.greatest == math.inf


def _greatest(total: Tensor) -> tuple[float, int]:
    """The greatest error (NaN where there is any) and where it is."""
    # numpy takes a quarter of torch's time where there are few elements, and as long where there are many.
    array = total.numpy()
    place = int(array.argmax())
    return float(array.item(place)), place


def _surely_finite(noise: Noise, call: Call, largest: float) -> bool:
    """Whether a few numbers show that nothing can overflow or be undefined; mostly they do, and spare the rest."""
    if not call.floating or call.exact.undefined or not math.isfinite(largest):
        return False
    if noise.local is None:
        return True  # nothing is computed
    limit = call.precision.largest
    if noise.share:
        return largest * (1.0 + 1.0 / noise.share) * MARGIN < limit
    exact = call.exact
    size = max(-float(exact.lower.min()), float(exact.upper.max()))
    if not (size + largest) * SLACK < limit:
        return False
    return noise.peak is None or float(noise.peak.max()) * MARGIN < limit


def _nothing(type: TensorType, reason: str) -> NodeError:
    everywhere = torch.tensor(math.inf, dtype=torch.float64).expand(type.shape)
    return NodeError(everywhere, largest=math.inf, reason=reason)


def _total(noise: Noise, call: Call, total: Tensor) -> Tensor:
    """The error with everything that can make it infinite."""
    total = torch.nan_to_num(total, nan=math.inf, posinf=math.inf)
    if call.exact.undefined:
        return torch.full_like(total, math.inf)
    if not call.floating:
        return _integral(total, call)
    return total.masked_fill(_overflows(noise, call, total), math.inf)


def _integral(total: Tensor, call: Call) -> Tensor:
    """The error of integers is one; near the ends of their dtype they wrap around."""
    total = torch.floor(total)
    if call.out.dtype == torch.bool:
        return total.clamp(max=1.0)
    info = torch.iinfo(call.out.dtype)
    beyond = (call.exact.upper + total > info.max) | (call.exact.lower - total < info.min)
    return total.masked_fill(beyond & (total > 0), math.inf)


def _overflows(noise: Noise, call: Call, total: Tensor) -> Tensor:
    """Where overflow of the result, or of what is computed on the way, cannot be excluded."""
    if noise.local is None:
        return torch.zeros((), dtype=torch.bool)
    largest = call.precision.largest
    beyond = call.result_magnitude(total) >= largest
    if call.exact.infinite:
        # A value that is infinite from the start (a mask) overflows nowhere.
        beyond = beyond & ~(infinite(call.exact) & (total == 0))
    return beyond if noise.peak is None else beyond | (noise.peak * MARGIN >= largest)


def _reason(noise: Noise, call: Call) -> str:
    if any(x.exact.undefined and x.error is None for x in call.operands):
        return f"an operand of `{call.op.name}` holds NaN"
    if call.exact.undefined:
        return f"`{call.op.name}` may be undefined (NaN)"
    if not call.exact.bounded():
        return f"the result of `{call.op.name}` has no finite bounds"
    size = call.result_magnitude(None)
    if not call.floating:
        return f"the result of `{call.op.name}` may leave its dtype's range"
    passed = noise.passed
    if passed is not None and not bool(torch.isfinite(passed).all()):
        return f"rounding may move an operand of `{call.op.name}` to where it is undefined"
    what = "overflow to infinity" if bool((size < math.inf).all()) else "be unbounded"
    return f"`{call.op.name}` may {what}"


def _shares(
    noise: Noise, error: Tensor, largest: float, place: int, operands: Sequence[Noisy]
) -> tuple[float, tuple[float, ...]]:
    """At the element with the largest error: what the op's own rounding contributes, and each operand's error.

    Where a rule does not tell the operands apart, in proportion to their largest errors. For blame, not for bounds.
    """
    noisy = sum(x.error is not None for x in operands)
    if noisy == 0:
        return largest, (0.0,) * len(operands)
    local = _at(noise.local, place, error)
    # At this element the two add up to the largest error.
    passed = largest if noise.local is None else max(largest - local, 0.0) if local < math.inf else largest
    if noisy == 1:
        return local, tuple(0.0 if x.error is None else passed for x in operands)
    if noise.parts is not None:
        return local, tuple(_at(part, place, error) for part in noise.parts)
    own = [float(x.error.max()) if x.error is not None and x.error.numel() else 0.0 for x in operands]
    if not all(map(math.isfinite, own)):
        own = [0.0 if math.isfinite(size) else 1.0 for size in own]
    whole = math.fsum(own)
    return local, tuple(passed * size / whole if whole else 0.0 for size in own)


def _at(part: Tensor | None, place: int, like: Tensor) -> float:
    if part is None:
        return 0.0
    array = part.numpy() if part.shape == like.shape else part.expand(like.shape).numpy()
    value = float(array.item(place))
    return value if math.isfinite(value) else math.inf


__all__ = ["Errors", "node_error", "rounding_errors"]

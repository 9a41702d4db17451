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
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds import Bounds
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph, Node
from torchlean.graph.hashing import DIGEST_BYTES
from torchlean.intervals import Interval
from torchlean.ops import OPS, UnsupportedError
from torchlean.ops.noise.arithmetic import DEFAULT, Arithmetic
from torchlean.ops.noise.reading import as_read
from torchlean.ops.noise.values import Call, Noise, Noisy, added, infinite
from torchlean.rounding.cache import ErrorsCache, NodeError

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
    computed = 0
    for node in graph:
        if cancelled():
            raise Cancelled
        key = _key(node, bounds.keys[node.id], [keys[id] for id in node.inputs], arithmetic)
        error = cache.get(key)
        if error is None:
            error = node_error(
                node, bounds[node.id], [values[id] for id in node.inputs], [errors[id] for id in node.inputs],
                arithmetic,
            )  # fmt: skip
            cache.put(key, error)
            computed += 1
        keys.append(key)
        errors.append(error)
        values.append(Noisy(bounds[node.id], error.error, node.type, error.least, error.greatest))
    return Errors(tuple(errors), tuple(keys), computed, len(errors) - computed)


def _key(node: Node, bound: bytes, operands: Sequence[bytes], arithmetic: Arithmetic) -> bytes:
    """Hash of everything the error depends on."""
    state = hashlib.blake2b(node.digest + bound + arithmetic.key, digest_size=DIGEST_BYTES)
    for key in operands:
        state.update(key)
    return state.digest()


def node_error(
    node: Node,
    exact: Interval,
    operands: Sequence[Noisy],
    before: Sequence[NodeError],
    arithmetic: Arithmetic = DEFAULT,
) -> NodeError:
    """One node's error from those of its operands, by its op's rule.

    Args:
        exact: bounds of the node's exact value.
        before: the operands' errors as they are stored, for the reasons of infinite ones.
    """
    if node.op not in OPS or node.type.numel == 0:
        return NodeError(None)
    if node.type.dtype.is_complex:
        return _nothing(node, "complex numbers are not analysed")
    op = OPS[node.op]
    if op.rounding.computes:
        operands = [as_read(x, node.type.dtype, arithmetic) for x in operands]
    call = Call(op, operands, node.attributes, node.type, exact, arithmetic)
    try:
        noise = op.rounding.noise(call)
    except UnsupportedError as unsupported:
        return _nothing(node, str(unsupported))
    total = _total(noise, call)
    if total is None:
        return NodeError(None, noise.least, noise.greatest)
    found = NodeError(total, noise.least, noise.greatest, *_shares(noise, total, operands))
    if bool(torch.isfinite(total).all()):
        return found
    reason = next((e.reason for e in before if e.reason), None) or noise.reason or _reason(noise, call)
    return NodeError(found.error, found.least, found.greatest, found.local, found.passed, reason)


def _nothing(node: Node, reason: str) -> NodeError:
    everywhere = torch.tensor(math.inf, dtype=torch.float64).expand(node.type.shape)
    return NodeError(everywhere, reason=reason)


def _total(noise: Noise, call: Call) -> Tensor | None:
    """The error with everything that can make it infinite; None for zero."""
    total = added(noise.local, noise.passed)
    if total is None:
        return None
    total = torch.nan_to_num(total, nan=math.inf, posinf=math.inf) * SLACK
    total = total.expand(call.out.shape)
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
    return beyond if noise.peak is None else beyond | (noise.peak * SLACK >= largest)


def _reason(noise: Noise, call: Call) -> str:
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


def _shares(noise: Noise, error: Tensor, operands: Sequence[Noisy]) -> tuple[float, tuple[float, ...]]:
    """At the element with the largest error: what the op's own rounding contributes, and each operand's error.

    Where a rule does not tell the operands apart, in proportion to their largest errors. For blame, not for bounds.
    """
    place = int(error.flatten().argmax()) if error.numel() > 1 else 0
    local = _at(noise.local, place, error)
    passed = _at(noise.passed, place, error)
    if noise.parts is not None:
        return local, tuple(_at(part, place, error) for part in noise.parts)
    largest = [float(x.error.max()) if x.error is not None and x.error.numel() else 0.0 for x in operands]
    whole = math.fsum(size for size in largest if math.isfinite(size))
    if not 0.0 < whole < math.inf or not all(map(math.isfinite, largest)):
        worst = [1.0 if x.error is not None and not math.isfinite(size) else 0.0
                 for x, size in zip(operands, largest, strict=True)]  # fmt: skip
        count = sum(worst)
        return local, tuple(passed * share / count if count else 0.0 for share in worst)
    return local, tuple(passed * size / whole for size in largest)


def _at(part: Tensor | None, place: int, like: Tensor) -> float:
    if part is None:
        return 0.0
    value = float(part.expand(like.shape).flatten()[place])
    return value if math.isfinite(value) else math.inf


__all__ = ["Errors", "node_error", "rounding_errors"]

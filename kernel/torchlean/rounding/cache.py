"""The content-addressed store of rounding errors, beside that of bounds and by the same rule (`bounds/cache.py`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from torchlean.bounds.cache import Store
from torchlean.ops.noise.values import Noisy

DEFAULT_BYTES = 256 * 2**20
"""Errors are half as large as bounds: one tensor instead of two."""


@dataclass(frozen=True, eq=False, slots=True)
class NodeError:
    """The rounding error of one node.

    Attributes:
        error: a bound on |executed - exact| per element, float64, infinite where nothing is known; None where the
            execution is exact.
        least, greatest: bounds of the executed value whatever its error.
        largest: over the elements; 0 for none.
        local: what the node's own rounding contributes at the element with the largest error.
        passed: what each operand's error contributes there.
        reason: why the error is infinite somewhere, if it is.
    """

    error: Tensor | None
    least: float = -math.inf
    greatest: float = math.inf
    largest: float = 0.0
    local: float = 0.0
    passed: tuple[float, ...] = ()
    reason: str | None = None


WEIGHTS_BYTES = 16 * 2**20
"""For small weights: a thousand layers of 32 by 32."""


class ErrorsCache(Store[NodeError]):
    """Least-recently-used store of rounding errors. One thread at a time.

    Attributes:
        weights: small weights with their magnitudes, under the keys of their bounds.
    """

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        super().__init__(
            limit, lambda entry: 0 if entry.error is None else entry.error.untyped_storage().nbytes()
        )
        self.weights: Store[Noisy] = Store(WEIGHTS_BYTES, lambda entry: 16 * entry.type.numel)


__all__ = ["ErrorsCache", "NodeError"]

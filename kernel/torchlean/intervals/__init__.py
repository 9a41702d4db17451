"""Sound interval arithmetic on torch float64 tensors: the arithmetic that every bound stands on.

Nothing here knows graphs, ops or Python sources. `rounding` moves results outward, `interval` holds a pair of
tensors, `arithmetic` offers the operations that several ops share (sums, products, affine images).
"""

from torchlean.intervals.interval import Interval
from torchlean.intervals.rounding import down, up

__all__ = ["Interval", "down", "up"]

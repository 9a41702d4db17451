"""Sound interval arithmetic on torch float64 tensors: the arithmetic that every bound stands on.

Nothing here knows graphs, ops or Python sources. `interval` holds a pair of tensors. `rounding` moves results
outward; `directed` moves those of `+ - * /` and `sqrt` only where they are inexact; `approximation` carries a
value with a bound on its error. `shapes` bounds functions that rise, fall or have one valley, `periodic` the
sine and its kin, and `arithmetic` offers the operations that several ops share.
"""

from torchlean.intervals.interval import Interval
from torchlean.intervals.rounding import down, up

__all__ = ["Interval", "down", "up"]

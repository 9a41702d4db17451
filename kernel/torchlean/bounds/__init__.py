"""Bound engines over the graph, and the content-addressed cache that makes them incremental."""

from torchlean.bounds.cache import BoundsCache
from torchlean.bounds.ibp import Bounds, propagate
from torchlean.cancellation import Cancelled

__all__ = ["Bounds", "BoundsCache", "Cancelled", "propagate"]

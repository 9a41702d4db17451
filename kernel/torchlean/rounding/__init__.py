"""Rounding errors over a graph: how far an execution may be from the mathematics, and which lines make it so."""

from torchlean.rounding.blame import blame
from torchlean.rounding.cache import ErrorsCache, NodeError
from torchlean.rounding.engine import Errors, rounding_errors

__all__ = ["Errors", "ErrorsCache", "NodeError", "blame", "rounding_errors"]

"""Rounding errors over a graph: how far an execution may be from the mathematics, and which lines make it so."""

from torchlean.rounding.blame import blame
from torchlean.rounding.cache import ErrorsCache, NodeError
from torchlean.rounding.engine import Errors, rounding_errors
from torchlean.rounding.margins import margin_note

__all__ = ["Errors", "ErrorsCache", "NodeError", "blame", "margin_note", "rounding_errors"]

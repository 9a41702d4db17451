"""Recording which tensors stand where in the analysed file, for one unit at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torchlean.capture.result import Observation, Role
from torchlean.source import Span

OBSERVATIONS = 20_000
"""Observations kept for one unit: a place in a loop has many, and no reader looks at more."""


class Observer:
    """The observations of the unit that is being followed, each once, in order of execution."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Span, int, Role], Observation] = {}

    def see(self, span: Span, node: int, role: Role, label: str) -> None:
        """The tensor `node` stands at `span`."""
        key = (span, node, role)
        if key not in self._seen and len(self._seen) < OBSERVATIONS:
            self._seen[key] = Observation(span, node, role, label)

    def taken(self) -> tuple[Observation, ...]:
        return tuple(self._seen.values())

    def mark(self) -> int:
        """Where the record stands, for `forget_from`."""
        return len(self._seen)

    def forget_from(self, mark: int) -> None:
        """Drop what was recorded since: what came first stays first."""
        for key in list(self._seen)[mark:]:
            del self._seen[key]

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Record for a unit of its own; what was recorded before comes back afterwards."""
        before = self._seen
        self._seen = {}
        try:
            yield
        finally:
            self._seen = before

"""Recording which tensors stand where in the analysed file, for one unit at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from torchlean.capture.result import Observation, Role
from torchlean.source import Span

OBSERVATIONS = 20_000
"""Observations kept for one unit: a place in a loop has many, and no reader looks at more."""

UNKNOWN = -1
"""In place of a node where the value is not followed."""


class Observer:
    """The observations of the unit that is being followed, each once, in order of execution."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Span, int, Role], Observation | None] = {}

    def see(self, span: Span, node: int, role: Role, label: str) -> None:
        """The tensor `node` stands at `span`."""
        key = (span, node, role)
        if key not in self._seen and len(self._seen) < OBSERVATIONS:
            self._seen[key] = Observation(span, node, role, label)

    def see_unknown(self, span: Span, role: Role) -> None:
        """What stands at `span` is not followed this time: what was, or will be, seen there is not all of it."""
        if len(self._seen) < OBSERVATIONS:
            self._seen.setdefault((span, UNKNOWN, role), None)

    def taken(self) -> tuple[Observation, ...]:
        return tuple(
            replace(seen, partly=True) if (seen.span, UNKNOWN, seen.role) in self._seen else seen
            for seen in self._seen.values()
            if seen is not None
        )

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

"""Control flow signals: what a statement gives back when the block does not simply go on."""

from __future__ import annotations

from dataclasses import dataclass

from torchlean.capture.values import Value


class _Signal:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


BREAK = _Signal("break")
CONTINUE = _Signal("continue")
PERHAPS = _Signal("perhaps")
"""A branch leaves the loop or not, depending on a condition that is not known."""


@dataclass(frozen=True, eq=False, slots=True)
class Returned:
    """`return value`."""

    value: Value

"""What stands between the parentheses of a form, once its own parentheses are closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from torchlean.vnnlib.formula import Formula, Term


@dataclass(frozen=True, slots=True)
class Indexed:
    """`X[0,1]`, and `float32 [2,2]` in declarations; `indices` is None when they are malformed (reported)."""

    name: str
    indices: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Quoted:
    """A node's name in a hidden declaration."""

    text: str


@dataclass(frozen=True, slots=True)
class Declared:
    """`(declare-input X float32 [2,2])` and the other parts of a network's declaration; `kind` is its first word."""

    kind: str
    name: str = ""
    shape: tuple[int, ...] = ()
    name_start: int = 0
    name_end: int = 0


@dataclass(frozen=True, slots=True)
class Empty:
    """`()`."""


@dataclass(frozen=True, slots=True)
class Bad:
    """Something that was reported already."""


BAD = Bad()

Value = Union[str, Indexed, Quoted, Declared, Empty, Bad, Term, Formula]
"""A word is a `str`: whether it is a number or a variable is decided by who uses it."""


@dataclass(slots=True)
class Item:
    """A value and its place."""

    value: Value
    start: int
    end: int

    @property
    def place(self) -> tuple[int, int]:
        return self.start, self.end


def described(item: Item) -> str:
    """What an item is, in words for messages."""
    value = item.value
    if isinstance(value, str):
        return f"`{value if len(value) <= 40 else value[:40] + '…'}`"
    if isinstance(value, Indexed):
        return f"`{value.name}[…]`"
    if isinstance(value, Term):
        return "an arithmetic expression"
    if isinstance(value, Formula):
        return "a condition"
    if isinstance(value, Quoted):
        return "a quoted name"
    return "`()`" if isinstance(value, Empty) else "a declaration"

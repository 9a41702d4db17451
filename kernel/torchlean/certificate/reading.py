"""Reading certificates strictly: typed access to JSON that says what is wrong where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_DIGITS = 1024
"""Hexadecimal digits of a number: 4,096 bits, ten times what products of binary64 numbers have."""

LARGEST_SIZE = 2**20
"""Of sizes, scales and indices: beyond it, nothing could be checked."""

DEEPEST = 200
"""Nesting of formulas and plans: far more than a thousand balanced parts need, far less than Python's stack."""

_NUMBER = re.compile(r"-?0x[0-9a-f]+")
_DIGITS = re.compile(r"[0-9a-f]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CertificateError(Exception):
    """What was read is no certificate. The message says why, for people."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Some JSON, and what it is called in messages.

    Raises:
        CertificateError: (all methods) something else stands there.
    """

    content: Any
    name: str
    depth: int = 0

    def has(self, key: str) -> bool:
        return isinstance(self.content, dict) and key in self.content

    def part(self, key: str) -> Reader:
        if not isinstance(self.content, dict):
            raise CertificateError(f"{self.name} is no object")
        if key not in self.content:
            raise CertificateError(f"{self.name} has no `{key}`")
        return self._inner(self.content[key], f"{self.name}.{key}")

    def parts(self, key: str, count: int | None = None) -> list[Reader]:
        """The elements of a list, of this length if given."""
        inner = self.part(key)
        return [self._inner(item, f"{inner.name}[{k}]") for k, item in enumerate(inner.items(count))]

    def items(self, count: int | None = None) -> Sequence[Any]:
        if not isinstance(self.content, list):
            raise CertificateError(f"{self.name} is no list")
        if count is not None and len(self.content) != count:
            raise CertificateError(f"{self.name} has {len(self.content)} elements, expected {count}")
        return self.content

    def text(self, key: str) -> str:
        found = self.part(key)
        if not isinstance(found.content, str):
            raise CertificateError(f"{found.name} is no text")
        return found.content

    def digest(self, key: str) -> str:
        """A SHA-256."""
        found = self.text(key)
        if not _DIGEST.fullmatch(found):
            raise CertificateError(f"{self.name}.{key} is no SHA-256")
        return found

    def digits(self, key: str) -> str:
        """A digest of any length: nothing that could end the comment of a Lean file that it stands in."""
        found = self.text(key)
        if not _DIGITS.fullmatch(found):
            raise CertificateError(f"{self.name}.{key} is no digest in hexadecimal digits")
        return found

    def size(self, key: str) -> int:
        """A small natural number."""
        found = self.part(key)
        return _size(found.content, found.name)

    def below(self, key: str, end: int) -> int:
        """An index below `end`."""
        found = self.size(key)
        if found >= end:
            raise CertificateError(f"{self.name}.{key} is {found}, expected below {end}")
        return found

    def sizes(self, key: str, count: int) -> tuple[int, ...]:
        found = self.part(key)
        return tuple(_size(item, found.name) for item in found.items(count))

    def integer(self, key: str) -> int:
        found = self.part(key)
        return _integer(found.content, found.name)

    def integers(self, count: int) -> tuple[int, ...]:
        """This list of numbers."""
        return tuple(_integer(item, self.name) for item in self.items(count))

    def naturals(self, count: int) -> tuple[int, ...]:
        found = self.integers(count)
        if any(number < 0 for number in found):
            raise CertificateError(f"{self.name} has a negative number")
        return found

    def _inner(self, content: Any, name: str) -> Reader:
        if self.depth >= DEEPEST:
            raise CertificateError(f"formula or plan is nested more than {DEEPEST} deep")
        return Reader(content, name, self.depth + 1)


def _size(content: Any, name: str) -> int:
    if not isinstance(content, int) or isinstance(content, bool) or not 0 <= content <= LARGEST_SIZE:
        raise CertificateError(f"{name} is no number between 0 and {LARGEST_SIZE}")
    return content


def _integer(content: Any, name: str) -> int:
    if not isinstance(content, str) or not _NUMBER.fullmatch(content):
        raise CertificateError(f'{name}: {str(content)[:40]!r} is no hexadecimal number such as "-0x1f"')
    if len(content) > MOST_DIGITS:
        raise CertificateError(f"{name}: a number has more than {MOST_DIGITS} digits")
    return int(content, 16)

"""Sets of names, written as text: dozens of quoted words are harder to read than the words."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())

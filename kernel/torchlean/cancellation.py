"""How long work is given up: every stage asks its caller and raises the same exception."""

from __future__ import annotations


class Cancelled(Exception):
    """The caller no longer wants the result. Nothing unfinished was stored."""

"""A progress bar on a terminal's standard error, and nothing at all in pipes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def progress(items: Sequence[Item], description: str) -> Iterable[Item]:
    """Iterate with a bar on stderr; plain iteration where stderr is no terminal or one item is all there is."""
    console = Console(stderr=True)
    if not console.is_terminal or len(items) < 2:
        return items
    return track(items, description=description, console=console, transient=True)

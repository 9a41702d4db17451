"""Progress on standard error: bars on a terminal, now and then a line in a pipe or file where that is wanted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

import click
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, track
from rich.text import Text

from torchlean.numbers import share_below

Item = TypeVar("Item")

Report: TypeAlias = Callable[[float, str], None]
"""Told the share that is done, from 0 to 1, and what is being done; what is behind a line end stands below the bar."""


def progress(items: Sequence[Item], description: str) -> Iterable[Item]:
    """Iterate with a bar on stderr; plain iteration where stderr is no terminal or one item is all there is."""
    console = Console(stderr=True)
    if not console.is_terminal or len(items) < 2:
        return items
    return track(items, description=description, console=console, transient=True)


@contextmanager
def bar(places: int, piped: Report) -> Iterator[Report]:
    """What to report to.

    Args:
        places: of the percentage after its decimal point.
        piped: is told instead where standard error is no terminal.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield piped
        return
    percentage = TextColumn(f"{{task.percentage:>{places + 4 if places else 3}.{places}f}} %")
    columns = (BarColumn(), percentage, TextColumn("{task.description}"), TimeElapsedColumn())
    with _Bar(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=1.0)

        def report(share: float, text: str) -> None:
            line, _, shown.below = text.partition("\n")
            # Rounded down: 99.99 % is not 100 %.
            reached = math.floor(share * 10 ** (places + 2)) / 10 ** (places + 2)
            shown.update(task, completed=reached, description=escape(line))

        yield report


LINE_SECONDS = 10.0
"""Between two lines: a log of an hour has some hundreds, and who waits for one sees that something moves."""


def lines(clock: Callable[[], float] = time.monotonic) -> Report:
    """What is told where no terminal is, as single lines; nothing of what takes less than `LINE_SECONDS`.

    Args:
        clock: seconds from any start.
    """
    began = last = clock()

    def report(share: float, text: str) -> None:
        nonlocal last
        now = clock()
        if now - last >= LINE_SECONDS:
            last = now
            click.echo(f"{now - began:.0f} s: {share_below(share)}, {text.replace(chr(10), '; ')}", err=True)

    return report


class _Bar(Progress):
    """A bar with a text of its own lines below, which may be longer than what is beside a bar."""

    below = ""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield from super().get_renderables()
        if self.below:
            yield Text(self.below)

"""`torchlean report`: what became of a file's claims, and the bounds of its tensors, as one HTML page."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from torchlean.analysis.curves import Curve, curves
from torchlean.analysis.session import Session
from torchlean.cancellation import Cancelled
from torchlean.command.check import check_file, passes
from torchlean.command.embedding import Embedding, embedding
from torchlean.command.page import page
from torchlean.command.progress import bar
from torchlean.command.threads import one_thread
from torchlean.writing import check_writable, write_whole


def run(file: Path, output: Path | None, radii: Sequence[float], timeout: float | None) -> int:
    """Analyse, write the page, and return the exit code of `torchlean check`.

    Args:
        output: default: `<name>.report.html` in the current folder.
        radii: of the plot of each robust family.
        timeout: seconds for the verdicts, again for the plots, and again for the bounds of every tensor.
    """
    one_thread()
    if any(not math.isfinite(radius) or radius < 0 for radius in radii):
        raise click.UsageError("--eps must be a finite number >= 0")
    target = Path(f"{file.stem}.report.html") if output is None else output
    try:
        check_writable(target)
    except OSError as error:
        raise click.UsageError(f"{target} cannot be written: {error.strerror or error}") from error
    session = Session((str(file.parent.resolve()),), exports=True)
    text, result = check_file(file, session, timeout)
    drawn: list[Curve] = []
    if any(family.correct is not None for family in result.families):
        drawn = _curves(file, text, session, radii, timeout)
    try:
        write_whole(target, page(result, file.name, drawn, _panel(file, text, session, timeout)))
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}") from error
    print(target)
    return 0 if passes(result) else 1


def _curves(
    file: Path, text: str, session: Session, radii: Sequence[float], timeout: float | None
) -> list[Curve]:
    """None where they take too long: the page has the verdicts all the same."""
    late = _timer(timeout)
    with bar(0, lambda share, what: None) as report:
        try:
            return curves(
                str(file.resolve()),
                text,
                session,
                radii,
                late,
                lambda name, eps, share: report(share, f"{name} at eps {eps:g}"),
            )
        except Cancelled:
            click.echo(f"the plots did not get done within {timeout:g} s: raise --timeout", err=True)
            return []


def _panel(file: Path, text: str, session: Session, timeout: float | None) -> Embedding | None:
    """None where there is nothing to show, or where it takes too long."""
    try:
        return embedding(str(file.resolve()), text, session, _timer(timeout))
    except Cancelled:
        click.echo(f"the bounds did not get done within {timeout:g} s: raise --timeout", err=True)
        return None


def _timer(timeout: float | None) -> Callable[[], bool]:
    """Says whether the time is over."""
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    return lambda: time.monotonic() > deadline

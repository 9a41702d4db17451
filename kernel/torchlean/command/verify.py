"""`torchlean verify`: a network and a property file, decided; the last line begins with the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from torchlean.bounds.branching.local import LocalWorkers
from torchlean.bounds.branching.workers import Workers, WorkersError
from torchlean.capture.onnx import OnnxError, load_onnx
from torchlean.command.threads import one_thread
from torchlean.verification import PosingError, Verification, verify
from torchlean.verification.record import record, save
from torchlean.verification.verify import Report
from torchlean.vnnlib import parse_file, witness

HOLDS, OPEN, UNUSABLE = 0, 1, 2
"""Exit codes: the property holds; it does not, or is not decided; the files cannot be used."""


def run(
    model: Path,
    property: Path,
    timeout: float | None,
    result: Path | None,
    certificate: Path | None,
    processes: int | None = None,
    scheduler: str | None = None,
) -> int:
    """Decide the property and print what was found.

    Args:
        processes: that share the work, this one among them; None for as many as there are cores.
        scheduler: of a Dask cluster that shares the work instead.
    """
    one_thread()
    try:
        with _workers(processes, scheduler) as workers:
            verification = _verified(model, property, timeout, workers)
        if verification is None:
            return _unusable(result)
        if certificate is not None:
            save(certificate, record(verification, model, property))
        if result is not None:
            found = verification.counterexample
            points = ((), ()) if found is None else (found.x, found.y)
            witness.write(str(result), verification.verdict, *points)
    except (OnnxError, PosingError, OSError) as error:
        click.echo(str(error), err=True)
        return _unusable(result)
    _print(verification)
    return HOLDS if verification.verdict == "unsat" else OPEN


@contextmanager
def _workers(processes: int | None, scheduler: str | None) -> Iterator[Workers | None]:
    """Workers for the time of the work; none where this process has nothing to share or nobody to share it with."""
    if scheduler is not None:
        from torchlean.bounds.branching.cluster import DaskWorkers

        try:
            workers: Workers = DaskWorkers(scheduler)
        except WorkersError as error:
            raise click.UsageError(str(error)) from error
    else:
        workers = LocalWorkers(None if processes is None else max(0, processes - 1))
    with workers:
        yield workers if scheduler is not None or workers.count else None


def _verified(
    model: Path, property: Path, timeout: float | None, workers: Workers | None
) -> Verification | None:
    """None where the property file has errors, which are printed."""
    document = parse_file(str(property))
    for found in document.diagnostics:
        click.echo(f"{found.span}: {found.severity.name.lower()} {found.code}: {found.message}", err=True)
    if document.property is None:
        return None
    network = load_onnx(model)
    with _progress() as report:
        return verify(network, document.property, timeout, report=report, workers=workers)


def _unusable(result: Path | None) -> int:
    """No verdict: the last line says so in the competition's word."""
    if result is not None:
        try:
            witness.write(str(result), "error")
        except OSError as error:
            click.echo(str(error), err=True)
    click.echo("error")
    return UNUSABLE


def _print(verification: Verification) -> None:
    click.echo(
        f"{verification.message}; {verification.seconds:.2f} s, {verification.tried:,} inputs executed"
    )
    found = verification.counterexample
    if found is not None:
        for letter, values in (("X", found.x), ("Y", found.y)):
            for index, value in enumerate(values):
                click.echo(f"  {letter}_{index} = {float(value)!r}")
    click.echo(verification.verdict)


@contextmanager
def _progress() -> Iterator[Report]:
    """A bar on a terminal's standard error: the share that is shown, and what is being done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda share, text: None
        return
    columns = (BarColumn(), TextColumn("{task.percentage:>5.1f} %"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share, text: bar.update(task, completed=share, description=text)

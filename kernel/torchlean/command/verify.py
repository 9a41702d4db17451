"""`torchlean verify`: a network and a property file, decided; the last line begins with the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from torchlean.bounds.branching.local import LocalWorkers
from torchlean.bounds.branching.workers import Workers, WorkersError
from torchlean.bounds.device import DeviceError, device_of
from torchlean.capture.onnx import OnnxError, load_onnx
from torchlean.command.limits import TimeUp, alarm, noted, stopped
from torchlean.command.progress import Report, bar, lines
from torchlean.command.threads import one_thread
from torchlean.verification import PosingError, Progress, Verification, verify
from torchlean.verification.record import RecordError, digest, load, record, save
from torchlean.vnnlib import Property, parse_file, witness
from torchlean.writing import check_writable, same_file

HOLDS, OPEN, UNUSABLE = 0, 1, 2
"""Exit codes: the property holds; it does not, or is not decided; a file cannot be read, used or written."""

SLACK = 1.0
"""Seconds after the time limit until a step is interrupted: enough for most to end by themselves, and tell how far they
came."""


def run(
    model: Path,
    property: Path,
    timeout: float | None,
    result: Path | None,
    certificate: Path | None,
    machines: Machines | None = None,
    started: float | None = None,
    resume: Path | None = None,
) -> int:
    """Decide the property and print what was found; standard output gets nothing else.

    Args:
        machines: what computes; None for this machine's processor.
        started: when the command began (`time.monotonic()`), from where the time counts.
        resume: the tree of splits of an earlier run, to go on from. It may be written anew.

    Returns:
        The exit code: `HOLDS`, `OPEN` or `UNUSABLE`; `INTERRUPTED` or `TERMINATED` when a signal ended the search.

    Raises:
        KeyboardInterrupt, Terminated: a signal ended it elsewhere; no file was written.
    """
    one_thread()
    began = time.monotonic() if started is None else started
    try:
        _check_places([model, property], [place for place in (result, certificate) if place is not None])
    except PlaceError as error:
        click.echo(str(error), err=True)
        return _unusable(None)
    files = Files(model, property, result, certificate, resume)
    return _decided(files, began, timeout, Machines() if machines is None else machines)


@dataclass(frozen=True, slots=True)
class Machines:
    """What computes.

    Attributes:
        processes: that share the work, this one among them; None for as many as there are cores.
        scheduler: of a Dask cluster that shares the work instead.
        device: of torch, by name, where bounds are computed; with another than the processor this process works alone.
    """

    processes: int | None = None
    scheduler: str | None = None
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Files:
    """What is read, and what is written (None: not asked for)."""

    model: Path
    property: Path
    result: Path | None
    certificate: Path | None
    resume: Path | None = None


class PlaceError(Exception):
    """A file cannot be written where it is asked for; for people."""


def _check_places(read: Sequence[Path], written: Sequence[Path]) -> None:
    """Find out before any work whether its results can be written.

    Raises:
        PlaceError: they cannot, or would take the place of a file that is read.
    """
    taken = list(read)
    for place in written:
        for other in taken:
            if same_file(place, other):
                raise PlaceError(f"{place} is the same file as {other}: nothing is written over it")
        try:
            check_writable(place)
        except OSError as error:
            raise PlaceError(f"{place} cannot be written: {error.strerror or error}") from error
        taken.append(place)


def _decided(files: Files, began: float, timeout: float | None, machines: Machines) -> int:
    try:
        device = device_of(machines.device)
    except DeviceError as error:
        raise click.UsageError(str(error)) from error
    end = None if timeout is None else began + timeout
    digests, signal = None, 0
    try:
        with alarm(end):
            if files.certificate is not None or files.resume is not None:
                # Taken before the files are read: whatever happens to them later, these are not newer.
                digests = digest(files.model), digest(files.property)
            property = _property(files.property)
            if property is None:
                return _unusable(files.result)
            network = load_onnx(files.model)
            for note in network.notes:
                click.echo(f"{files.model}: warning: {note}", err=True)
            earlier = () if files.resume is None or digests is None else load(files.resume, *digests)
        with (
            alarm(None if end is None else end + SLACK),
            _workers(machines) as workers,
            bar(1, lines()) as show,
            noted(SLACK) as asked,
        ):
            left = None if end is None else end - time.monotonic()
            found = verify(
                network,
                property,
                left,
                report=_shown_by(show),
                workers=workers,
                device=device,
                earlier=earlier,
                stopped=lambda: asked() > 0,
            )
            signal = asked() if found.verdict == "unknown" else 0
    except TimeUp:
        message = "not decided in time, and stopped in the middle of a long step"
        found = Verification("timeout", message, time.monotonic() - began)
    except (OnnxError, PosingError, RecordError, OSError) as error:
        click.echo(str(error), err=True)
        return _unusable(files.result)
    if signal:
        # The tree, to go on from, but no result: half a search has none.
        _written(replace(files, result=None), found, digests)
        return stopped(signal, found.message)
    written = _written(files, found, digests)
    _print(found)
    if not written:
        return UNUSABLE
    return HOLDS if found.verdict == "unsat" else OPEN


def _written(files: Files, found: Verification, digests: tuple[str, str] | None) -> bool:
    """Whether the files that are asked for could be written. A verdict is not lost with them."""
    example = found.counterexample
    points = ((), ()) if example is None else (example.x, example.y)
    try:
        if files.certificate is not None and digests is not None:
            save(files.certificate, record(found, *digests))
        if files.result is not None:
            witness.write(str(files.result), found.verdict, *points)
    except OSError as error:
        click.echo(str(error), err=True)
        return False
    return True


@contextmanager
def _workers(machines: Machines) -> Iterator[Workers | None]:
    """Workers for the time of the work; none where this process has nothing to share or nobody to share it with."""
    scheduler, processes = machines.scheduler, machines.processes
    if machines.device != "cpu":
        yield None
        return
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


def _shown_by(show: Report) -> Callable[[Progress], None]:
    """The bar's line, and below it where the search is hardest."""

    def report(progress: Progress) -> None:
        below = f"\nhardest: {progress.hardest}" if progress.hardest else ""
        show(progress.share, progress.doing + below)

    return report


def _property(path: Path) -> Property | None:
    """None where the file has errors. They are printed, and what else is odd about the property."""
    document = parse_file(str(path))
    for found in document.diagnostics:
        click.echo(f"{found.span}: {found.severity.name.lower()} {found.code}: {found.message}", err=True)
    return document.property


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
    tried = f", {verification.tried:,} inputs executed" if verification.tried else ""
    click.echo(f"{verification.message}; {verification.seconds:.2f} s{tried}")
    found = verification.counterexample
    if found is not None:
        for letter, values in (("X", found.x), ("Y", found.y)):
            for index, value in enumerate(values):
                click.echo(f"  {letter}_{index} = {float(value)!r}")
    click.echo(verification.verdict)

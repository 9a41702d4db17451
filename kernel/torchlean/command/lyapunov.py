"""`torchlean lyapunov`: the Lyapunov functions of a file studied closer, as a picture or for the largest level."""

from __future__ import annotations

from pathlib import Path

import click

from torchlean.analysis.level_sets import NoLevelError, Studied, families, largest_level, study
from torchlean.analysis.pictures import NoPictureError, picture
from torchlean.analysis.result import Verdict
from torchlean.analysis.session import Session
from torchlean.capture import capture_file
from torchlean.command.threads import one_thread
from torchlean.diagnostics import Severity


def run(file: Path, name: str | None, picture_file: Path | None, level: bool, seconds: float) -> int:
    """Decide the facts of one Lyapunov function and print them; draw them and search for the largest level if wanted.

    Args:
        name: of the function, needed where the file has several.
        picture_file: where to write the picture (SVG).
        seconds: for branch and bound of each fact.

    Returns:
        0 if all facts are proved, else 1.

    Raises:
        ClickException: no such function, a file that cannot be read or written, nothing to draw, no level.
    """
    one_thread()
    path, session = str(file.resolve()), Session()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from error
    capture = capture_file(path, text, session.workspace)
    errors = [found for found in capture.diagnostics if found.severity is Severity.ERROR]
    for found in errors:
        click.echo(f"{found.span}: {found.code} {found.message}", err=True)
    names = [family.name for family in families(capture)]
    if errors and not names:
        raise click.ClickException(f"{file} states no Lyapunov function that can be studied")
    name = _chosen(file, name, names)
    facts = study(path, text, name, session, seconds)
    for fact in facts:
        click.echo(f"{fact.name}: {fact.result.detail}")
    if picture_file is not None:
        _draw(name, facts, picture_file)
    if level:
        _search(path, text, name, session, seconds)
    return 0 if all(fact.result.verdict is Verdict.PROVED for fact in facts) else 1


def _chosen(file: Path, name: str | None, names: list[str]) -> str:
    if not names:
        raise click.ClickException(
            f"{file} states no Lyapunov function: `stable = tl.lyapunov(...)` at the top level"
        )
    if name is None and len(names) > 1:
        raise click.UsageError(
            f"{file} has several Lyapunov functions: choose one by --name ({', '.join(names)})"
        )
    chosen = names[0] if name is None else name
    if chosen not in names:
        raise click.ClickException(f"{file} has no Lyapunov function `{chosen}`: it has {', '.join(names)}")
    return chosen


def _draw(name: str, facts: list[Studied], file: Path) -> None:
    try:
        file.write_text(picture(name, facts), encoding="utf-8")
    except NoPictureError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"picture: {file}")


def _search(path: str, text: str, name: str, session: Session, seconds: float) -> None:
    def report(rho: float, proved: bool) -> None:
        click.echo(f"  rho = {rho:g}: {'proved' if proved else 'not proved'}", err=True)

    try:
        found = largest_level(path, text, name, session, seconds, report=report)
    except NoLevelError as error:
        raise click.ClickException(str(error)) from error
    click.echo(found.text(name))
    if found.fix is not None:
        click.echo(f"write level={found.fix.edits[0].text}")

"""`torchlean lean`: setting Lean up, telling what there is, compiling the library, checking a certificate again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import click

from torchlean.command.limits import INTERRUPTED, TERMINATED, Terminated, termination
from torchlean.command.progress import Report, bar
from torchlean.lean import (
    Accepted,
    LeanError,
    LeanMissingError,
    Library,
    Message,
    Outcome,
    Rejected,
    Runner,
    checked,
    find_toolchain,
    set_up,
)
from torchlean.lean.pins import NATIVE_SERIES
from torchlean.lean.places import cache_folder
from torchlean.lean.sources import imports
from torchlean.lean.toolchain import Toolchain, native_candidates, native_version

DONE, NOT_PROVED, UNUSABLE = 0, 1, 2
"""Exit codes: all is well; Lean rejects the file or gives no answer; there is no Lean, no library, or no such file."""


def guarded(command: Callable[[], int]) -> int:
    """Run a command: its errors as messages, its interruption without a trace and with nothing half done."""
    try:
        with termination():
            return command()
    except LeanError as error:
        click.echo(str(error), err=True)
        return UNUSABLE
    except OSError as error:
        click.echo(f"{error.filename or cache_folder()} cannot be used: {error.strerror or error}", err=True)
        return UNUSABLE
    except KeyboardInterrupt:
        click.echo("stopped; `torchlean lean setup` goes on from here", err=True)
        return INTERRUPTED
    except Terminated:
        return TERMINATED


def setup(path: str | None, library: bool) -> int:
    """Find a Lean or install the embedded one, and compile what certificates need of the library.

    Args:
        path: of a native Lean; None looks for one.
        library: whether to compile.
    """
    try:
        toolchain = find_toolchain(path)
    except LeanMissingError:
        if path:
            raise
        with _bar() as show:
            set_up(show)
        toolchain = find_toolchain()
    click.echo(f"{_described(toolchain)}")
    if library:
        checker = built(toolchain)
        click.echo(f"what certificates need is compiled: {len(checker.modules)} modules in {checker.folder}")
    return DONE


def build(path: str | None) -> int:
    """Compile what is missing of the whole library with the Lean that is there."""
    toolchain = find_toolchain(path)
    for part in (None, ()):  # what certificates need, which is checked with soon; then the rest
        library = built(toolchain, part)
    click.echo(f"the Lean library is compiled: {len(library.modules)} modules in {library.folder}")
    return DONE


def built(toolchain: Toolchain, roots: Sequence[str] | None = None) -> Library:
    """The library or a part (`Library.of`), compiled; with a bar where something is left to do.

    Raises:
        LibraryError: it cannot be compiled.
    """
    library = Library.of(toolchain, roots=roots)
    if not library.complete:
        with _bar() as show:
            library.build(lambda done, total, text: show(done / total, text))
    return library


def status(path: str | None, as_json: bool) -> int:
    """Tell which Lean is used and how much of the library is compiled; exit code 2 where there is none."""
    toolchain, library, checker, problem = None, None, None, None
    try:
        toolchain = find_toolchain(path)
        library = Library.of(toolchain, roots=())
        checker = Library.of(toolchain)
    except LeanError as error:
        problem = str(error)
    found = {
        "lean": None
        if toolchain is None
        else {"kind": toolchain.kind, "version": toolchain.version, "place": str(toolchain.place)},
        "library": None
        if library is None or checker is None
        else {
            "modules": len(library.modules),
            "built": library.built,
            "complete": library.complete,
            "checker": checker.complete,
        },
        "cache": str(cache_folder()),
        "passed_over": list(_passed_over()),
        "problem": problem,
    }
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _print_status(toolchain, library, checker, problem)
    return UNUSABLE if toolchain is None else DONE


def check(file: Path, path: str | None, timeout: float, as_json: bool) -> int:
    """Let Lean check a certificate, whatever was found before."""
    source = file.read_text(encoding="utf-8")
    toolchain = find_toolchain(path)
    # A file that imports nothing of the library is compared with what certificates need, which is a small part of it.
    with Runner(toolchain, built(toolchain, imports(source) or None), spare=False) as runner:
        outcome = checked(source, runner, None, timeout)
    if as_json:
        print(json.dumps(_object(file, source, outcome), indent=2))
    else:
        for message in outcome.messages if isinstance(outcome, (Accepted, Rejected)) else ():
            click.echo(f"{file}:{message}")
        click.echo(outcome.describe())
    return DONE if isinstance(outcome, Accepted) else NOT_PROVED


def _described(toolchain: Toolchain) -> str:
    return f"Lean {toolchain.version}, {toolchain.kind}, in {toolchain.place}"


def _passed_over() -> Iterator[dict[str, str | None]]:
    """Programs called `lean` of another version, so that nobody wonders why theirs is not used."""
    for program in native_candidates():
        version = native_version(program)
        if version is None or not version.startswith(NATIVE_SERIES):
            yield {"place": str(program), "version": version}


def _print_status(
    toolchain: Toolchain | None, library: Library | None, checker: Library | None, problem: str | None
) -> None:
    if toolchain is not None:
        click.echo(_described(toolchain))
    for other in _passed_over():
        click.echo(f"not used: {other['place']}, Lean {other['version'] or 'of unknown version'}")
    if library is not None:
        click.echo(f"library: {library.built} of {len(library.modules)} modules compiled")
    if checker is not None and not checker.complete:
        click.echo("certificates cannot be checked yet: run `torchlean lean setup`")
    if problem is not None:
        click.echo(problem)
    click.echo(f"cache: {cache_folder()}")


def _object(file: Path, source: str, outcome: Outcome) -> dict[str, object]:
    """Lines and characters zero-based, characters in UTF-16, as in the language server's protocol."""
    messages = outcome.messages if isinstance(outcome, (Accepted, Rejected)) else ()
    return {
        "path": str(file),
        "outcome": type(outcome).__name__,
        "seconds": outcome.seconds,
        "message": outcome.describe(),
        "messages": [_message_object(message, source.splitlines()) for message in messages],
    }


def _message_object(message: Message, lines: list[str]) -> dict[str, object]:
    line = lines[message.line - 1] if message.line <= len(lines) else ""
    character = len(line[: message.column].encode("utf-16-le")) // 2
    return {
        "severity": message.severity,
        "line": message.line - 1,
        "character": character,
        "message": message.text,
    }


def _bar() -> AbstractContextManager[Report]:
    """A bar; in a pipe one line for each stage."""
    said: set[str] = set()

    def say(share: float, text: str) -> None:
        if text and text not in said:
            said.add(text)
            click.echo(text, err=True)

    return bar(0, say)

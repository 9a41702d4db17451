"""`torchlean check`: diagnostics and verdicts of files, for people or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from torchlean.analysis.pipeline import Cancelled, analyse
from torchlean.analysis.result import FamilyResult, FileAnalysis, UnitResult, Verdict
from torchlean.analysis.session import Session
from torchlean.command.kernel import Kernel, with_certificates
from torchlean.command.progress import progress
from torchlean.command.report import file_object
from torchlean.command.threads import one_thread
from torchlean.diagnostics import Diagnostic, Severity, diagnostic
from torchlean.source import Span

SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist"})
"""Folders whose .py files are not the user's own; hidden folders and virtual environments are skipped as well."""

VERDICTS = frozenset({"TL300", "TL301", "TL302", "TL303", "TL306", "TL307", "TL310"})
"""Codes that say what became of a claim."""

_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "yellow",
    Severity.INFORMATION: "cyan",
    Severity.HINT: "dim",
}
_MARKS = {
    Verdict.PROVED: ("✓", "green"),
    Verdict.REFUTED: ("✗", "bold red"),
    Verdict.UNKNOWN: ("?", "yellow"),
}


def run(
    paths: Iterable[Path],
    *,
    as_json: bool,
    timeout: float | None,
    lean: bool = False,
    certificates: Path | None = None,
) -> int:
    """Analyse, print, and return the exit code.

    Args:
        timeout: seconds per file.
        lean: ask Lean about proved claims, where there is one.
        certificates: a folder to write their certificates into.
    """
    one_thread()
    files = list(python_files(paths))
    if not files:
        raise click.UsageError("no Python file (.py) there")
    results: list[FileAnalysis] = []
    texts: dict[str, str] = {}
    session = Session(tuple({str(file.parent.resolve()) for file in files}), exports=True)
    with Kernel(lean) as kernel:
        for file in progress(files, "checking"):
            text, result = check_file(file, session, timeout)
            texts[result.path] = text
            results.append(_certified(result, text, session, kernel, certificates))
    if as_json:
        print(
            json.dumps({"files": [file_object(result, texts[result.path]) for result in results]}, indent=2)
        )
    else:
        console = Console(highlight=False, soft_wrap=True)
        for result in results:
            _print(console, result)
    return 0 if all(passes(result) for result in results) else 1


def python_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files to check, each once, in a stable order. Folders are searched for `.py` files of the user's own."""
    seen = set()
    for path in paths:
        for file in sorted(_inside(path)) if path.is_dir() else [path]:
            key = file.resolve()
            if key not in seen:
                seen.add(key)
                yield file


def _inside(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            own = not entry.name.startswith(".") and entry.name not in SKIPPED_FOLDERS
            if own and not (entry / "pyvenv.cfg").exists() and not entry.is_symlink():
                yield from _inside(entry)
        elif entry.suffix == ".py":
            yield entry


def check_file(file: Path, session: Session, timeout: float | None) -> tuple[str, FileAnalysis]:
    """The file's text and its analysis; a file that cannot be read, or takes too long, becomes a diagnostic."""
    path = str(file.resolve())
    nowhere = Span(path, 0, 0, 0, 0)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        found = diagnostic(
            "TL104", nowhere, f"{file} is not UTF-8 text: {error.reason} at byte {error.start}"
        )
        return "", FileAnalysis(path, diagnostics=(_as_error(found),), complete=False)
    except OSError as error:
        found = diagnostic("TL104", nowhere, f"{file} cannot be read: {error.strerror}")
        return "", FileAnalysis(path, diagnostics=(_as_error(found),), complete=False)
    deadline = None if timeout is None else time.monotonic() + timeout
    layers: list[FileAnalysis] = []
    try:
        result = analyse(
            path, text, session, lambda: deadline is not None and time.monotonic() > deadline, layers.append
        )
    except Cancelled:
        message = f"the analysis did not finish within {timeout:g} s: verdicts are missing. Raise --timeout."
        late = _as_error(diagnostic("TL502", nowhere, message))
        reached = layers[-1] if layers else FileAnalysis(path, complete=False)
        return text, FileAnalysis(
            path,
            reached.units,
            reached.symbols,
            (*reached.diagnostics, late),
            reached.dependencies,
            complete=False,
        )
    return text, result


def _certified(
    result: FileAnalysis, text: str, session: Session, kernel: Kernel, folder: Path | None
) -> FileAnalysis:
    """The result with certificates. A check by Lean has its own time limit."""
    if not result.complete or not any(_is_proved(unit) for unit in result.units):
        return result
    try:
        return with_certificates(result, text, session, kernel, folder, lambda: False)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error


def _is_proved(unit: UnitResult) -> bool:
    return unit.kind == "claim" and unit.claim is not None and unit.claim.verdict is Verdict.PROVED


def _as_error(found: Diagnostic) -> Diagnostic:
    """On the command line a file that was not analysed is a failure, not a remark."""
    return Diagnostic(found.code, Severity.ERROR, found.span, found.message, found.related)


def passes(result: FileAnalysis) -> bool:
    """Whether all claims are proved and nothing is an error."""
    no_error = all(found.severity is not Severity.ERROR for found in result.diagnostics)
    claims = [unit for unit in result.units if unit.kind in ("claim", "property")]
    counted = all(family.proved == family.total for family in result.families)
    return (
        no_error
        and counted
        and all(unit.claim is not None and unit.claim.verdict is Verdict.PROVED for unit in claims)
    )


def _print(console: Console, result: FileAnalysis) -> None:
    console.print(Text(_short(result.path), style="bold underline"))
    for found in result.diagnostics:
        if found.code not in VERDICTS:  # they are listed below
            _print_diagnostic(console, found)
    claims = [unit for unit in result.units if unit.kind in ("claim", "property")]
    compared = any(unit.agreement is not None for unit in result.units)
    for unit in claims:
        _print_claim(console, unit)
        if compared:
            _print_agreement(console, unit)
    families = [family for family in result.families if not family.facts]
    for family in families:
        _print_family(console, family)
    if claims and not compared:
        console.print("  not compared with torch (torchlean conform)", style="dim")
    if not claims and not families and not result.diagnostics:
        console.print("  nothing to report: no claim, no diagnostic", style="dim")
    console.print()


def _print_diagnostic(console: Console, found: Diagnostic) -> None:
    line = Text(f"  {found.span.line + 1}:{found.span.column + 1} ")
    line.append(f"{found.severity.name.lower()} {found.code} ", style=_STYLES[found.severity])
    line.append(found.message)
    console.print(line)
    for related in found.related:
        console.print(
            Text(f"      {_short(related.span.path)}:{related.span.line + 1} {related.message}", style="dim")
        )


def _print_claim(console: Console, unit: UnitResult) -> None:
    claim = unit.claim
    if claim is None:
        console.print(Text(f"  … {unit.name}  not decided in time", style="yellow"))
        return
    mark, style = _MARKS[claim.verdict]
    # The detail says proved or refuted itself.
    verdict = "unknown, " if claim.verdict is Verdict.UNKNOWN else ""
    line = Text(f"  {mark} {unit.name}  ", style=style)
    line.append(f"({verdict}{claim.evidence.value}, {claim.seconds:.2f} s)  ", style=style)
    line.append(claim.detail)
    console.print(line)


def _print_agreement(console: Console, unit: UnitResult) -> None:
    found = unit.agreement
    text = "not compared with torch" if found is None else found.text
    console.print(Text(f"      {text}", style="dim" if found is None or found.agrees else "bold red"))


def _print_family(console: Console, family: FamilyResult) -> None:
    """The counts; the claims of single samples are many, and stand in `--json` and in the report."""
    verdict = Verdict.PROVED if family.proved == family.total else Verdict.UNKNOWN
    mark, style = _MARKS[Verdict.REFUTED if family.refuted else verdict]
    line = Text(f"  {mark} {family.name}  ", style=style)
    line.append(f"({family.kind}, {family.seconds:.2f} s)  ", style=style)
    line.append(family.text if family.members else f"{family.text}: {family.detail}")
    console.print(line)


def _short(path: str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path

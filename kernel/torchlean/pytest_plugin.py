"""`pytest --torchlean FILES`: the claims of these files as tests, passed where they are proved.

Registered as an entry point, so every run of pytest loads this module: it imports nothing but pytest until the option
is given. Files are analysed and never imported: the user's code is not run. One analysis decides a file when its first
test runs; pytest's selection (`-k`, node ids) works on the names, which are those of the claims.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from torchlean.analysis.result import ClaimResult, FileAnalysis
    from torchlean.analysis.session import Session

OPTION = "torchlean"

WORD = "torchlean"
"""What every file that states a claim contains; others are not looked at."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup(OPTION, "claims about networks (TorchLean)")
    group.addoption(
        "--torchlean",
        action="store_true",
        help="collect the claims of the given Python files: a test for each, which passes where it is proved",
    )
    group.addoption(
        "--torchlean-timeout",
        type=_seconds,
        default=None,
        metavar="S",
        help="seconds for the analysis of one file; claims that are not decided then fail (default: no limit)",
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Claims stand in any Python file, also in one with tests of its own."""
    if not parent.config.getoption(OPTION) or file_path.suffix != ".py" or not _may_claim(file_path):
        return None
    collector: pytest.Collector = ClaimFile.from_parent(parent, path=file_path)
    return collector


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Without this, pytest would import a file that was named to have its claims checked."""
    patterns = parent.config.getini("python_files")
    tests = any(module_path.match(pattern) for pattern in patterns)
    if not parent.config.getoption(OPTION) or tests or not _may_claim(module_path):
        return None
    collector: pytest.Collector = NothingToRun.from_parent(parent, path=module_path)
    return collector


def _may_claim(path: Path) -> bool:
    try:
        return WORD in path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


class NothingToRun(pytest.File):
    """A file without tests in Python."""

    def collect(self) -> Iterator[pytest.Item]:
        return iter(())


class ClaimFile(pytest.File):
    """The claims of one file, in order, after an item for what keeps the file from being analysed."""

    _analysis: FileAnalysis | None = None

    def collect(self) -> Iterator[pytest.Item]:
        from torchlean.capture import UnitKind, capture_file
        from torchlean.diagnostics import Severity

        text = self.path.read_text(encoding="utf-8")
        capture = capture_file(str(self.path), text, self._session.workspace)
        wrong = [found for found in capture.diagnostics if found.severity is Severity.ERROR]
        if wrong:
            problems = [f"{found.span.line + 1}: {found.code} {found.message}" for found in wrong]
            yield FileItem.from_parent(self, name="analysis", problems=problems)
        for unit in capture.units:
            if unit.kind is UnitKind.CLAIM:
                yield ClaimItem.from_parent(self, name=unit.name, line=unit.span.line)
            elif unit.kind is UnitKind.FAMILY:
                # Without samples the data could not be read, which is among the file's problems.
                for index in range(len(unit.samples) if unit.samples is not None else 0):
                    yield ClaimItem.from_parent(self, name=f"{unit.name}[{index}]", line=unit.span.line)

    @property
    def _session(self) -> Session:
        """One for all files, which share what they import."""
        from torchlean.analysis.session import Session

        stash = self.config.stash
        if _SESSION not in stash:
            stash[_SESSION] = Session((str(self.config.rootpath),), exports=True)
        return stash[_SESSION]

    def verdict(self, name: str) -> ClaimResult | None:
        """Of one claim; None where the time was over before."""
        from torchlean.command.check import check_file

        if self._analysis is None:
            timeout = self.config.getoption("torchlean_timeout")
            _, self._analysis = check_file(self.path, self._session, timeout)
        for unit in self._analysis.units:
            if unit.kind == "claim" and unit.name == name:
                return unit.claim
        members = [family.members.get(name) for family in self._analysis.families]
        return next((claim for claim in members if claim is not None), None)


_SESSION: pytest.StashKey[Session] = pytest.StashKey()


class NotProved(Exception):
    """The message says what became of the claim."""


class _Item(pytest.Item):
    """Has no fixtures, and says so: other plugins (pytest-lsp) ask each item for them."""

    def __init__(self, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type] # what pytest passes on to its own nodes
        self.funcargs: dict[str, object] = {}


class ClaimItem(_Item):
    """One claim. It passes where it is proved."""

    def __init__(self, *, line: int, **rest: object) -> None:
        super().__init__(**rest)
        self._line = line

    def runtest(self) -> None:
        assert isinstance(self.parent, ClaimFile)
        claim = self.parent.verdict(self.name)
        if claim is None:
            raise NotProved("not decided: the time for this file was over (--torchlean-timeout)")
        if claim.verdict.value != "proved":
            raise NotProved(claim.detail)
        self.add_report_section("call", "torchlean", claim.detail)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, NotProved):
            return f"{self.path}:{self._line + 1}: {self.name} {excinfo.value}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._line, f"claim {self.name}"


class FileItem(_Item):
    """What keeps a file from being analysed as it is meant: a syntax error, a bad domain, a missing file of weights."""

    def __init__(self, *, problems: list[str], **rest: object) -> None:
        super().__init__(**rest)
        self._problems = problems

    def runtest(self) -> None:
        raise NotProved("\n".join(self._problems))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, NotProved):
            return "\n".join(f"{self.path}:{problem}" for problem in self._problems)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, "analysis"

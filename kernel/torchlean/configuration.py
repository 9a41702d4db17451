"""`torchlean.toml`: the nearest one beside or above a file counts, up to the folder with `.git` in it.

    capture = "export"

in it means that claims and modules which static capture does not follow come from the exported program instead. The
default, `"source"`, runs none of the user's code.

    packages = ["timm"]

names installed packages whose source is followed like files of the workspace. What else it says is read by whoever
needs it (`vnnlib.naming`).
"""

from __future__ import annotations

import glob
import os
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.source import Span
from torchlean.writing import write_whole

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIGURATION = "torchlean.toml"

_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The file that counts.

    Attributes:
        path: None where there is none; `text` is its text.
        table: what it says; empty where it cannot be read.
        fault: why it cannot be read, with the place.
        looked: the files that were read or looked for; a change of one may change the answer.
    """

    path: str | None = None
    text: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)
    fault: tuple[Span, str] | None = None
    looked: tuple[str, ...] = ()


def nearest(path: str) -> Configuration:
    """The configuration of the file `path`, which need not exist."""
    looked: list[str] = []
    for candidate in _candidates(os.path.abspath(path)):
        looked.append(candidate)
        try:
            with open(candidate, "rb") as file:
                content = file.read()
        except OSError:
            continue
        return _read(candidate, content, tuple(looked))
    return Configuration(looked=tuple(looked))


def _read(path: str, content: bytes, looked: tuple[str, ...]) -> Configuration:
    try:
        text = content.decode("utf-8")
        return Configuration(path, text, tomllib.loads(text), looked=looked)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        fault = _place(path, str(error)), f"not readable as TOML: {error}"
        return Configuration(path, fault=fault, looked=looked)


def bad_setting(span: Span, message: str, consequence: str) -> Diagnostic:
    """A mistake in a configuration, and what becomes of what it sets."""
    return diagnostic("TL501", span, f"{CONFIGURATION}: {message}; {consequence}")


def _candidates(path: str) -> Iterator[str]:
    """Where a configuration file may lie, nearest first."""
    folder = os.path.dirname(path)
    while True:
        yield os.path.join(folder, CONFIGURATION)
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return
        folder = parent


def _place(path: str, message: str) -> Span:
    at = _AT.search(message)
    line, column = (int(at[1]) - 1, int(at[2]) - 1) if at else (0, 0)
    return Span(path, line, column, line, column + 1)


# -- capture ---------------------------------------------------------------------------------------------------------

CAPTURE = "capture"

FRONT_ENDS = ("source", "export")


@dataclass(frozen=True, slots=True)
class CaptureSetting:
    """What is set.

    Attributes:
        export: whether exported programs are asked for.
        open: whether nothing is set: `place` is then the file, existing or not, in which it could be.
        diagnostics: mistakes in the configuration.
        files: those that were read or looked for.
    """

    export: bool = False
    open: bool = False
    place: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    files: tuple[str, ...] = ()


def capture_setting(path: str) -> CaptureSetting:
    """What the nearest `torchlean.toml` says of the file `path`."""
    configuration = nearest(path)
    if configuration.path is None:
        place = configuration.looked[-1 if _in_repository(configuration.looked[-1]) else 0]
        return CaptureSetting(open=True, place=place, files=configuration.looked)
    fault = configuration.fault
    value = configuration.table.get(CAPTURE, FRONT_ENDS[0])
    if fault is None and value not in FRONT_ENDS:
        fault = (
            _setting_span(configuration, CAPTURE),
            f"`{CAPTURE}` is one of {FRONT_ENDS}, got {value!r}",
        )
    if fault is not None:
        found = bad_setting(*fault, "no program is exported because of it")
        return CaptureSetting(diagnostics=(found,), files=configuration.looked)
    unset = CAPTURE not in configuration.table
    return CaptureSetting(value == "export", unset, configuration.path, files=configuration.looked)


def ask_for_export(place: str) -> None:
    """Write the setting into a `torchlean.toml` that lacks it, before any table.

    Raises:
        OSError: it cannot be read or written.
    """
    try:
        with open(place, encoding="utf-8") as file:
            before = file.read()
    except FileNotFoundError:
        before = ""
    write_whole(place, f'{CAPTURE} = "{FRONT_ENDS[1]}"\n{before}')


def _in_repository(candidate: str) -> bool:
    """Whether the search for configurations ended at the folder of a repository, and not at that of the disk."""
    return os.path.exists(os.path.join(os.path.dirname(candidate), ".git"))


def _setting_span(configuration: Configuration, key: str) -> Span:
    """The line that sets a key."""
    path, text = configuration.path or "", configuration.text
    match = re.search(rf"^[ \t]*{key}[ \t]*=.*$", text, re.MULTILINE)
    if match is None:
        return Span(path, 0, 0, 0, 0)
    line = text.count("\n", 0, match.start())
    return Span(path, line, 0, line, len(match[0]))


# -- installed packages ----------------------------------------------------------------------------------------------

PACKAGES = "packages"


@dataclass(frozen=True, slots=True)
class PackagesSetting:
    """What is set.

    Attributes:
        packages: names, as they are imported, and the `folders` in which they lie.
        diagnostics: mistakes in it, and packages that are in none of the folders.
        files: the configuration, where it says something.
    """

    packages: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    files: tuple[str, ...] = ()


def packages_setting(path: str) -> PackagesSetting:
    """What the nearest `torchlean.toml` says of the file `path`. One that cannot be read is told of by
    `capture_setting`."""
    configuration = nearest(path)
    value = configuration.table.get(PACKAGES)
    if configuration.path is None or value is None:
        return PackagesSetting()
    span, files = _setting_span(configuration, PACKAGES), (configuration.path,)
    if not isinstance(value, list) or not all(
        isinstance(name, str) and name.isidentifier() for name in value
    ):
        fault = f"`{PACKAGES}` is a list of names as they are imported, got {value!r}"
        return PackagesSetting(
            diagnostics=(bad_setting(span, fault, "no package is followed because of it"),), files=files
        )
    folders = _installed(os.path.dirname(configuration.path))
    absent = [name for name in value if not any(_holds(folder, name) for folder in folders)]
    told = tuple(
        bad_setting(span, f"`{name}` is in none of {', '.join(folders)}", "it is not followed")
        for name in absent
    )
    return PackagesSetting(tuple(value), folders, told, files)


def _installed(folder: str) -> tuple[str, ...]:
    """Where packages lie: in environments beside the configuration, then in that of this Python."""
    found = [
        place
        for environment in (".venv", "venv")
        for pattern in ("lib/python*/site-packages", "Lib/site-packages")
        for place in sorted(glob.glob(os.path.join(glob.escape(folder), environment, pattern)))
    ]
    return tuple(dict.fromkeys([*found, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]))


def _holds(folder: str, name: str) -> bool:
    place = os.path.join(folder, name)
    return os.path.isdir(place) or os.path.isfile(f"{place}.py")

"""Where a file's graphs come from: `capture` in `torchlean.toml`.

    capture = "export"

means that claims and modules which static capture does not follow come from the exported program instead. The default,
`"source"`, runs none of the user's code.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from torchlean.configuration import bad_setting, nearest
from torchlean.diagnostics import Diagnostic
from torchlean.source import Span
from torchlean.writing import write_whole

KEY = "capture"

VALUES = ("source", "export")

_LINE = re.compile(rf"^[ \t]*{KEY}[ \t]*=.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Setting:
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


def setting(path: str) -> Setting:
    """What the nearest `torchlean.toml` says of the file `path`."""
    configuration = nearest(path)
    if configuration.path is None:
        place = configuration.looked[-1 if _in_repository(configuration.looked[-1]) else 0]
        return Setting(open=True, place=place, files=configuration.looked)
    fault = configuration.fault
    value = configuration.table.get(KEY, VALUES[0])
    if fault is None and value not in VALUES:
        fault = _span(configuration.path, configuration.text), f"`{KEY}` is one of {VALUES}, got {value!r}"
    if fault is not None:
        found = bad_setting(*fault, "no program is exported because of it")
        return Setting(diagnostics=(found,), files=configuration.looked)
    unset = KEY not in configuration.table
    return Setting(value == "export", unset, configuration.path, files=configuration.looked)


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
    write_whole(place, f'{KEY} = "{VALUES[1]}"\n{before}')


def _in_repository(candidate: str) -> bool:
    """Whether the search for configurations ended at the folder of a repository, and not at that of the disk."""
    return os.path.exists(os.path.join(os.path.dirname(candidate), ".git"))


def _span(path: str, text: str) -> Span:
    match = _LINE.search(text)
    if match is None:
        return Span(path, 0, 0, 0, 0)
    line = text.count("\n", 0, match.start())
    return Span(path, line, 0, line, len(match[0]))

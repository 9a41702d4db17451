"""`torchlean.toml`: the nearest one beside or above a file counts, up to the folder with `.git` in it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.source import Span

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

"""Which network a property file speaks of: the file's first comment says it, or a `torchlean.toml` beside or above.

In the property file, among the comments before its first command, relative to the file:

    ; network: ../nets/acas_1_1.onnx

In `torchlean.toml`, relative to that file; the first entry whose pattern fits counts (`*` and `?` stay within one
folder's name, `**` crosses folders):

    [[vnnlib]]
    property = "specs/*.vnnlib"
    network = "nets/a.onnx"

The nearest `torchlean.toml` counts, up to the folder with `.git` in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from torchlean.configuration import Configuration, bad_setting, nearest
from torchlean.diagnostics import Diagnostic
from torchlean.source import Span
from torchlean.vnnlib.lexical import TOKEN, Source

_COMMENT = re.compile(r";[; \t]*network[ \t]*:[ \t]*(?P<path>.*?)[ \t]*", re.IGNORECASE)

_ENTRY = re.compile(r"^[ \t]*\[\[[ \t]*vnnlib[ \t]*\]\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NamedNetwork:
    """A network's file and where it is named: in the property file's comment or in a `torchlean.toml`."""

    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class Naming:
    """What was found.

    Attributes:
        network: None when none is named.
        diagnostics: mistakes in `torchlean.toml`, with places in that file.
        files: the configuration files that were read or looked for; a change of one may change the answer.
    """

    network: NamedNetwork | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    files: tuple[str, ...] = field(default=())


def named_network(path: str, text: str) -> NamedNetwork | None:
    """The network that the property file `path` with this text speaks of; None when none is named."""
    return find_network(path, text).network


def find_network(path: str, text: str) -> Naming:
    """As `named_network`, with what else is to be known of the search."""
    path = os.path.abspath(path)
    found = _in_comments(path, text)
    if found is not None:
        return Naming(found)
    configuration = nearest(path)
    if configuration.path is None:
        return Naming(files=configuration.looked)
    network, diagnostics = _in_configuration(path, configuration.path, configuration)
    return Naming(network, diagnostics, configuration.looked)


def _in_comments(path: str, text: str) -> NamedNetwork | None:
    for match in TOKEN.finditer(text.removeprefix("\ufeff")):
        if match[0][0] != ";":
            return None
        named = _COMMENT.fullmatch(match[0])
        if named is not None and named["path"]:
            offset = match.start() + len(text) - len(text.removeprefix("\ufeff"))
            start, end = (offset + place for place in named.span("path"))
            network = os.path.normpath(os.path.join(os.path.dirname(path), named["path"].strip("\"'`")))
            return NamedNetwork(network, Source(path, text).span(start, end))
    return None


def _in_configuration(
    path: str, file: str, configuration: Configuration
) -> tuple[NamedNetwork | None, tuple[Diagnostic, ...]]:
    if configuration.fault is not None:
        return None, (_bad(*configuration.fault),)
    entries = configuration.table.get("vnnlib", [])
    if not isinstance(entries, list):
        return None, (_bad(Span(file, 0, 0, 0, 0), "`vnnlib` is a list of tables: `[[vnnlib]]`"),)
    spans = _entry_spans(file, configuration.text)
    folder = os.path.dirname(file)
    name = os.path.relpath(path, folder).replace(os.sep, "/")
    network, found = None, []
    for number, entry in enumerate(entries):
        span = spans[number] if number < len(spans) else Span(file, 0, 0, 0, 0)
        problem = _problem(entry)
        if problem:
            found.append(_bad(span, problem))
        elif network is None and fits(name, entry["property"]):
            network = NamedNetwork(os.path.normpath(os.path.join(folder, entry["network"])), span)
    return network, tuple(found)


def _problem(entry: Any) -> str:
    """What is wrong with an entry; empty when nothing is."""
    if not isinstance(entry, dict):
        return f"expected a table with `property` and `network`, got {entry!r}"
    for key in ("property", "network"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            got = f", got {entry[key]!r}" if key in entry else " is missing"
            return f"`{key}` should be a path{got}" if key in entry else f"`{key}`{got}"
    unknown = sorted(entry.keys() - {"property", "network"})
    return f"unknown key `{unknown[0]}`; an entry has `property` and `network`" if unknown else ""


def _entry_spans(path: str, text: str) -> list[Span]:
    source = Source(path, text)
    return [source.span(match.start(), match.end()) for match in _ENTRY.finditer(text)]


def _bad(span: Span, message: str) -> Diagnostic:
    return bad_setting(span, message, "no network is taken from it")


def fits(name: str, pattern: str) -> bool:
    """Whether a path fits a pattern, both with `/`, folder by folder."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    return _fits(tuple(name.split("/")), tuple(parts))


@lru_cache(maxsize=1024)
def _fits(names: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == "**":
        return _fits(names, patterns[1:]) or bool(names and _fits(names[1:], patterns))
    return bool(names) and fnmatchcase(names[0], patterns[0]) and _fits(names[1:], patterns[1:])

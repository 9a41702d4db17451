"""What running a program beside its graph showed, remembered: evidence that the graph is what runs.

`torchlean conform` runs the program and writes a row; the analysis, which never runs it, reads rows. A row is found
only under the content of everything that it rests on: the unit's graph with its weights, its domain, the program of the
file and of all files that it imports (comments and spaces aside), and torch's version. So whatever changes, nothing is
said until it is compared again.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from torchlean.analysis.result import Agreement, UnitResult
from torchlean.capture.parsing import syntax_tree
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.graph.hashing import tensor_digest
from torchlean.lean.places import cache_folder
from torchlean.remembering import Rows

if TYPE_CHECKING:
    from torchlean.analysis.units import UnitGraph
    from torchlean.capture.result import Capture
    from torchlean.capture.workspace import Workspace

NAME = "agreement-1.sqlite"
"""In the user's cache. The number changes with what a row says."""


PROGRAMS = 128
"""Files whose digests are remembered, with their texts."""


class AgreementRows(Rows):
    """The rows in one file."""

    subject = "comparisons of programs with their graphs"

    @classmethod
    def here(cls) -> AgreementRows:
        """The user's file, which is made where it is not there."""
        return cls(cache_folder() / NAME)


class Remembered:
    """Rows for reading, opened when there are any: most people have never compared anything."""

    def __init__(self) -> None:
        self._rows: AgreementRows | None = None

    def of(self, capture: Capture, text: str, workspace: Workspace) -> FileAgreements | None:
        """For one file; None where nothing was ever remembered, or its program cannot be read."""
        if self._rows is None:
            if not (cache_folder() / NAME).exists():
                return None
            self._rows = AgreementRows.here()
        program = program_digest(text, capture.dependencies, workspace)
        return None if program is None else FileAgreements(self._rows, program)


class FileAgreements:
    """What is remembered of the units of one file."""

    def __init__(self, rows: AgreementRows, program: str) -> None:
        self._rows = rows
        self._program = program

    def get(self, part: UnitGraph) -> Agreement | None:
        """What a comparison of this very unit showed; None where there was none."""
        row = self._rows.row(_key(part, self._program))
        if row is None:
            return None
        try:
            fields = json.loads(row[1])
            return Agreement(**{**fields, "modes": tuple(fields["modes"])})
        except (ValueError, TypeError, KeyError):
            return None

    def put(self, part: UnitGraph, agreement: Agreement) -> None:
        fields = {name: getattr(agreement, name) for name in Agreement.__slots__}
        verdict = "agrees" if agreement.agrees else "parts"
        self._rows.write(_key(part, self._program), verdict, json.dumps(fields, sort_keys=True))


def program_digest(text: str, dependencies: Iterable[str], workspace: Workspace) -> str | None:
    """Hash of the syntax trees of a file and of the Python files that it imports; None where one is no Python."""
    texts = [text]
    for path in sorted(set(dependencies)):
        if Path(path).suffix == ".py" and workspace.exists(path):
            try:
                texts.append(workspace.read(path))
            except (OSError, UnicodeDecodeError):
                return None
    state = hashlib.sha256()
    for each in texts:
        digest = _syntax_digest(each)
        if digest is None:
            return None
        state.update(digest)
    return state.hexdigest()


@lru_cache(PROGRAMS)
def _syntax_digest(text: str) -> bytes | None:
    """Of one file. Remembered: an edit of one changes none of those that it imports."""
    try:
        return hashlib.sha256(ast.dump(syntax_tree(text)).encode()).digest()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def compared(
    known: FileAgreements | None, parts: Sequence[UnitGraph], units: Sequence[UnitResult], path: str
) -> tuple[list[UnitResult], list[Diagnostic]]:
    """The units with what is remembered of each, and an error for each that does something else than its graph."""
    if known is None:
        return list(units), []
    found = [replace(unit, agreement=known.get(part)) for part, unit in zip(parts, units, strict=True)]
    partings = [
        _parting(part, unit.agreement, path)
        for part, unit in zip(parts, found, strict=True)
        if unit.agreement is not None and not unit.agreement.agrees
    ]
    return found, partings


def _parting(part: UnitGraph, agreement: Agreement, path: str) -> Diagnostic:
    node = next((node for node in part.graph if node.id == agreement.node), None)
    spans = () if node is None else node.spans
    span = next((span for span in spans if span.path == path), part.unit.span)
    return diagnostic("TL114", span, agreement.text)


def _key(part: UnitGraph, program: str) -> str:
    state = hashlib.sha256(
        f"{torch.__version__}\n{part.unit.kind.value}\n{part.unit.name}\n{program}\n".encode()
    )
    for id in part.outputs:
        state.update(part.graph[id].digest)
    for name, box in sorted(part.unit.domains.items()):
        state.update(name.encode() + tensor_digest(box.lower) + tensor_digest(box.upper))
    return state.hexdigest()

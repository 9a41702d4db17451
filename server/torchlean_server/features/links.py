"""Document links: the names of weights and data in a file lead to the files that they name.

A name is a link where the analysis read that file. So a link never leads nowhere, and nothing is looked for on the disk
while an editor asks.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from torchlean_server.state import Document

STRING = re.compile(r"""(?P<quote>["'])(?P<name>[^"'\\\n]+)(?P=quote)""")
"""A string on one line without escapes, as names of files are written."""

SOURCE = ".py"
"""Modules are named by import statements; what looks like one in a string is something else."""


@dataclass(frozen=True, slots=True)
class Link:
    """`start` and `end` are offsets of a name without its quotes; `path` is the file."""

    start: int
    end: int
    path: str
    tooltip: str


def links(document: Document) -> list[Link]:
    """The names of files that were read, in order of the text as it is now."""
    read = {path for path in document.dependencies() if not path.endswith(SOURCE)}
    if not read:
        return []
    folder, found = os.path.dirname(document.path), []
    for string in STRING.finditer(document.text.string):
        path = os.path.normpath(os.path.join(folder, string["name"]))
        if path in read:
            found.append(Link(*string.span("name"), path, f"Open {os.path.basename(path)}, which was read"))
    return found

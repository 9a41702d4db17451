"""Syntax that this Python does not read and a newer one does: its message ("expected '('") would send people looking
for a mistake where there is none."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Novelty:
    """A piece of grammar.

    Attributes:
        since: the first version that reads it.
        name: with its verb.
        written: how a line looks that has it; `here` is where older versions report it.
        said: what their message has in it, where they report it at a place that says nothing.
    """

    since: Version
    name: str
    written: re.Pattern[str]
    said: re.Pattern[str] | None = None


LONGEST = 1000
"""Characters of a line that is looked at: searching takes time that grows with its square."""

HEAD = r"^\s*(?:async\s+)?(?:def|class)\s+\w+\s*"

NOVELTIES = (
    Novelty((3, 11), "`except*` needs", re.compile(r"^\s*except\s*(?P<here>\*)")),
    Novelty((3, 11), "a star in an index or annotation needs", re.compile(r"[\[,:]\s*(?P<here>\*)\w")),
    Novelty((3, 12), "type parameters need", re.compile(HEAD + r"(?P<here>\[)")),
    Novelty((3, 12), "`type` statements need", re.compile(r"^\s*type\s+(?P<here>\w+)\s*[=\[]")),
    Novelty(
        (3, 12),
        "quotes of its own kind in an f-string need",
        re.compile(r"[fF][rR]?([\"'])[^\"']*\{[^\"'}]*\1.*\1.*\}"),
        re.compile(r"^f-string: (?:unmatched|expecting)"),
    ),
    Novelty(
        (3, 12),
        "backslashes and comments in an f-string need",
        re.compile(""),
        re.compile(r"^f-string .* cannot include"),
    ),
    Novelty(
        (3, 13),
        "defaults of type parameters need",
        re.compile(r"^\s*(?:async\s+)?(?:def|class|type)\s+(?P<here>\w+\s*\[[^\]()]*=)"),
    ),
    Novelty((3, 14), "template strings need", re.compile(r"\b(?P<here>(?:t|tr|rt|T)[\"'])")),
    Novelty(
        (3, 14),
        "several types after `except` without brackets need",
        re.compile(r"^\s*except\*?\s+(?P<here>[\w.]+\s*,)(?!.*\bas\b)"),
    ),
)


def remark(line: str, column: int, message: str, running: Version = sys.version_info[:2]) -> str:
    """What to add to a syntax error's message: ` (type parameters need Python 3.12; ...)`, or nothing.

    Args:
        line: the text of the line where it is reported.
        column: where, in code points.
        message: Python's.
        running: the version that reported it.
    """
    if len(line) > LONGEST:
        return ""
    for novelty in reversed(NOVELTIES):
        if running < novelty.since and _is_it(novelty, line, column, message):
            newer, ours = (f"{major}.{minor}" for major, minor in (novelty.since, running))
            return f" ({novelty.name} Python {newer}; TorchLean runs under {ours})"
    return ""


def _is_it(novelty: Novelty, line: str, column: int, message: str) -> bool:
    if novelty.said is not None:
        return bool(novelty.said.search(message) and novelty.written.search(line))
    places = (match.span("here") for match in novelty.written.finditer(line))
    return any(start <= column < end for start, end in places)

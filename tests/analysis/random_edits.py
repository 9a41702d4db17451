"""Edits as people make them, drawn at random: of lines, names, numbers, imports, blocks; some break the syntax."""

from __future__ import annotations

import random
import re

STATEMENTS = (
    "y = torch.exp(x * {number})",
    "x = x - x.max()",
    "z = torch.log(torch.softmax(x, dim=-1))",
    "w = (a * b) @ (a * a)",
    "import math",
    "EPS = {number}",
    "if x:",
    "return torch.sqrt(x)",
    "print(",
    "with torch.no_grad():",
)
"""What is inserted, at the indentation of the line before."""

Lines = list[str]


def edited(text: str, source: random.Random) -> str:
    """The text after one edit."""
    lines = text.split("\n")
    return "\n".join(source.choice(EDITS)(lines, source))


def _deleted(lines: Lines, source: random.Random) -> Lines:
    start = source.randrange(len(lines))
    return lines[:start] + lines[start + source.randint(1, 3) :] or [""]


def _inserted(lines: Lines, source: random.Random) -> Lines:
    place = source.randrange(len(lines))
    indent = re.match(r"\s*", lines[place])
    statement = source.choice(STATEMENTS).format(number=source.choice(("1e-8", "3", "0.5", "1e30")))
    return [*lines[: place + 1], (indent[0] if indent else "") + statement, *lines[place + 1 :]]


def _repeated(lines: Lines, source: random.Random) -> Lines:
    start = source.randrange(len(lines))
    end = start + source.randint(1, 4)
    return lines[:end] + lines[start:end] + lines[end:]


def _moved(lines: Lines, source: random.Random) -> Lines:
    start = source.randrange(len(lines))
    end = start + source.randint(1, 12)
    rest = lines[:start] + lines[end:]
    place = source.randint(0, len(rest))
    return rest[:place] + lines[start:end] + rest[place:]


def _commented(lines: Lines, source: random.Random) -> Lines:
    start = source.randrange(len(lines))
    end = start + source.randint(1, 4)
    return lines[:start] + ["# " + line for line in lines[start:end]] + lines[end:]


def _shifted(lines: Lines, source: random.Random) -> Lines:
    place = source.randrange(len(lines))
    return lines[:place] + source.choice((["", ""], ["    "], ["# Größe"])) + lines[place:]


def _renamed(lines: Lines, source: random.Random) -> Lines:
    """One name, in the whole text or in a line of it."""
    text = "\n".join(lines)
    name = source.choice(re.findall(r"\b[A-Za-z_]\w*\b", text) or ["x"])
    new = source.choice(("renamed", "x", "torch", "state"))
    if source.random() < 0.5:
        return re.sub(rf"\b{name}\b", new, text).split("\n")
    place = source.choice(
        [place for place, line in enumerate(lines) if re.search(rf"\b{name}\b", line)] or [0]
    )
    return [*lines[:place], re.sub(rf"\b{name}\b", new, lines[place]), *lines[place + 1 :]]


def _other_number(lines: Lines, source: random.Random) -> Lines:
    text = "\n".join(lines)
    found = list(re.finditer(r"(?<![\w.])\d+(\.\d*)?(e-?\d+)?", text))
    if not found:
        return lines
    chosen = source.choice(found)
    new = source.choice(("0", "1", "2", "0.5", "1e-12", "100"))
    return (text[: chosen.start()] + new + text[chosen.end() :]).split("\n")


def _other_import(lines: Lines, source: random.Random) -> Lines:
    imports = [place for place, line in enumerate(lines) if re.match(r"\s*(import|from) ", line)]
    if not imports:
        return ["import torch", *lines]
    place = source.choice(imports)
    new = source.choice(
        ("", "from torch import *", "import numpy as torch", "from torch.nn import functional as F")
    )
    return [*lines[:place], new, *lines[place + 1 :]]


def _cut_short(lines: Lines, source: random.Random) -> Lines:
    """A line that is being typed."""
    place = source.randrange(len(lines))
    line = lines[place]
    return [*lines[:place], line[: source.randint(0, len(line))], *lines[place + 1 :]]


EDITS = (
    _deleted,
    _inserted,
    _repeated,
    _moved,
    _commented,
    _shifted,
    _renamed,
    _other_number,
    _other_import,
    _cut_short,
)

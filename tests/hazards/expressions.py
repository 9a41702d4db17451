"""Writing a hazard test as one expression: what is reported for it, and on which words."""

from torchlean.analysis import Session, analyse
from torchlean.diagnostics import Diagnostic

HEADER = """import math

import torch
import torch.nn.functional as F
from torch import nn

import torchlean as tl


"""

CLAIM = "@tl.claim(x=tl.box({low}, {high}))\ndef claimed(x):\n    {body}\n    return y.sum() <= 1e30\n"


def hazards(text: str) -> list[Diagnostic]:
    """The `TL2xx` diagnostics of a program."""
    found = analyse("/somewhere/program.py", text, Session()).diagnostics
    return [diagnostic for diagnostic in found if diagnostic.code.startswith("TL2")]


def marked(text: str) -> list[tuple[str, str]]:
    """Codes with the words that they are reported on."""
    lines = text.splitlines()
    return [
        (d.code, lines[d.span.line][d.span.column : d.span.end_column])
        for d in hazards(text)
        if d.span.line == d.span.end_line
    ]


def unknown(body: str) -> str:
    """A module that computes `y` from an `x` (8, 4) of which nothing is known."""
    lines = "\n".join(f"        {line}" for line in body.split("\n"))
    module = f"class Net(nn.Module):\n    def forward(self, x):\n{lines}\n        return y\n\n\n"
    return f"{HEADER}{module}Net()(torch.empty(8, 4))\n"


def claimed(body: str, low: list[float], high: list[float]) -> str:
    """A claim that computes `y` from an `x` in a box."""
    body = body.replace("\n", "\n    ")
    return HEADER + CLAIM.format(low=low, high=high, body=body)

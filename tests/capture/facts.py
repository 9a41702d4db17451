"""Small programs of independent statements: what each name is after running them, and what capture takes it for."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch
from tests.capture.agreement import executed

from torchlean.capture import Workspace
from torchlean.capture.environment import Environment, Frame
from torchlean.capture.interpreter import Interpreter
from torchlean.capture.parsing import parse
from torchlean.capture.script import follow_top_level
from torchlean.capture.source_module import SourceModule
from torchlean.capture.values import (
    Abstract,
    Instance,
    ListIterator,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
)
from torchlean.graph import evaluate

START = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\nimport numpy as np\n"

NOT_COMPARED = (type(torch), type, type(lambda: 0), torch.nn.Module)
"""Modules, classes, functions and layers."""

OPAQUE = (Unknown, Abstract, Instance, ListIterator, UserClass, UserFunction)
"""Followed values that are not compared as a whole."""


@dataclass(frozen=True)
class Facts:
    """What was compared.

    Attributes:
        wrong: the names of which capture has another value, with both.
        unknown: the names of which it has none.
        said: its diagnostics.
    """

    wrong: list[str]
    unknown: list[str]
    said: list[str]


class Unfollowed(Exception):
    """A value is not known, or not all of it."""


def facts_of(text: str, folder: Path) -> Facts:
    """Compare every name that a program assigns at its top level with what capture has for it."""
    program = START + textwrap.dedent(text)
    real = executed(program, folder)
    run, ours = _followed(program, folder)
    wrong, unknown = [], []
    for name, value in real.items():
        if name.startswith("_") or isinstance(value, NOT_COMPARED):
            continue
        try:
            found = _plain(run, ours[name])
        except Unfollowed:
            unknown.append(name)
            continue
        if not _same(found, value):
            wrong.append(f"{name}: {value!r}, not {found!r}")
    return Facts(
        wrong, unknown, [f"{d.code} {d.span.line + 1}: {d.message}" for d in run.diagnostics.values()]
    )


def _followed(program: str, folder: Path) -> tuple[Interpreter, dict[str, Any]]:
    path = str(folder / "main.py")
    module = SourceModule(path, program, parse(program).tree, analysed=True, package="")
    run = Interpreter(path, Workspace([folder]))
    environment = Environment()
    environment.names.update({"__name__": "__main__", "__file__": path})
    run.in_script = True
    follow_top_level(run, Frame(environment, module))
    return run, environment.names


def _plain(run: Interpreter, value: Any) -> Any:
    """A followed value as Python has it, with tensors and arrays as tensors.

    Raises:
        Unfollowed: it is not known.
    """
    value = run.seen(value)
    if isinstance(value, OPAQUE):
        raise Unfollowed
    if isinstance(value, TensorValue):
        cone, renumbered = run.builder.graph().cone([value.node])
        if any(node.op == "random" for node in cone):
            raise Unfollowed
        return evaluate(cone, {})[renumbered[value.node]].detach()
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(run, item) for item in value)
    if isinstance(value, dict):
        return {key: _plain(run, item) for key, item in value.items()}
    return value


def _same(ours: Any, real: Any) -> bool:
    if isinstance(real, (torch.Tensor, numpy.ndarray, numpy.generic)):
        theirs = real.detach() if isinstance(real, torch.Tensor) else torch.from_numpy(numpy.array(real))
        mine = ours if isinstance(ours, torch.Tensor) else torch.from_numpy(numpy.array(ours))
        alike = mine.dtype == theirs.dtype and mine.shape == theirs.shape
        # Libraries round functions differently.
        return alike and bool(
            numpy.allclose(mine.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-12, equal_nan=True)
        )
    if isinstance(real, (list, tuple)) and isinstance(ours, (list, tuple)):
        alike = type(real) is type(ours) or isinstance(real, torch.Size)
        return alike and len(ours) == len(real) and all(map(_same, ours, real))
    if isinstance(real, dict) and isinstance(ours, dict):
        return list(ours) == list(real) and all(_same(ours[key], real[key]) for key in real)
    return type(ours) is type(real) and repr(ours) == repr(real)

"""The jobs of the sandbox: import the user's file, and run its units in each mode on given inputs.

Nothing is judged here, where the user's code could meddle with it: the numbers that come out are written to files, and
compared by who asked.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from torchlean.claims.api import Claim
from torchlean.claims.robustness import Robust
from torchlean.conformance.modes import Inapplicable, Run, prepared
from torchlean.conformance.observing import NotThere, Observed, named, user_lines
from torchlean.conformance.tracing import traced
from torchlean.exported.program import Request
from torchlean.exported.subjects import NotFound, Subject, Subjects, modules_in
from torchlean.ops import TensorType
from torchlean.sandbox.channel import Channel
from torchlean.sandbox.user import imported

RESULT_BYTES = 64 * 1024 * 1024
"""Of the results of one unit in one mode: so many inputs are run as this holds."""

SEED = 0

WEIGHTS = "weights.safetensors"
TRACE = "trace.safetensors"
INPUTS = "inputs-{unit}.safetensors"


def run(argument: dict[str, Any], channel: Channel) -> None:
    """Run each task (`unit`, `mode`) and send, for each, how many inputs were run and the file with what came out."""
    session = _Session(argument, channel)
    channel.send({"weights": session.save_weights({unit for unit, _ in argument["tasks"]})})
    for unit, mode in argument["tasks"]:
        name = argument["units"][unit]["name"]
        channel.phase(f"running {name} ({mode})")
        channel.send({"begun": [unit, mode]})
        channel.send({"unit": unit, "mode": mode, **_done(session, unit, mode)})


def trace(argument: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Run one task on its first input and tell what every call of torch's gave, with places."""
    session = _Session(argument, channel)
    ((unit, mode),) = argument["tasks"]
    first = [values[0] for values in session.inputs(unit)]
    records = traced(mode, session.observed(unit), first, session.roots)
    tensors = {str(place): tensor.contiguous() for place, (_, tensor) in enumerate(records)}
    save_file(tensors, session.folder / TRACE)
    return {"places": [places for places, _ in records]}


def _done(session: _Session, unit: int, mode: str) -> dict[str, Any]:
    try:
        observed, inputs = session.observed(unit), session.inputs(unit)
        with prepared(mode, observed, [values[0] for values in inputs]) as execute:
            results = _results(execute, inputs, session.seconds)
    except (Inapplicable, NotThere, NotFound) as error:
        return {"reason": str(error)}
    except Exception as error:  # noqa: BLE001 - the user's code and torch may raise anything; it is told
        text = next(iter(str(error).strip().splitlines()), "")
        return {"reason": f"it raised {type(error).__name__}: {text[:200]}", "raised": True}
    file = f"{unit}-{mode.replace(' ', '-')}.safetensors"
    save_file({str(place): tensor for place, tensor in enumerate(results)}, session.folder / file)
    return {"file": file, "count": len(results[0]) if results else 0}


def _results(execute: Run, inputs: Sequence[Tensor], seconds: float) -> list[Tensor]:
    """What comes out for each input, (inputs, *result) each; fewer inputs where time or memory end before."""
    columns: list[list[Tensor]] = []
    count = len(inputs[0])
    began: float | None = None
    for place in range(count):
        with torch.no_grad():
            found = [value.detach().cpu().clone() for value in execute(*(values[place] for values in inputs))]
        if began is None:  # the first call compiles, which is not the program's own time
            began = time.monotonic()
            columns = [[] for _ in found]
            size = sum(value.numel() * value.element_size() for value in found)
            count = min(count, max(RESULT_BYTES // max(size, 1), 1))
        for column, value in zip(columns, found, strict=True):
            column.append(value)
        if place + 1 >= count or time.monotonic() - began > seconds:
            break
    # A file of tensors takes no layout with channels last, which a stack of such images keeps.
    return [torch.stack(column).contiguous() for column in columns]


def _called(subject: Subject) -> Callable[..., Any]:
    """The module, called as the file calls it, with other tensors in the places of its own."""
    if not subject.keywords and all(isinstance(argument, Tensor) for argument in subject.arguments):
        return cast("Callable[..., Any]", subject.module)
    leaves, form = pytree.tree_flatten((subject.arguments, subject.keywords))

    def call(*inputs: Tensor) -> Any:
        given = iter(inputs)
        filled = [next(given) if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        arguments, keywords = pytree.tree_unflatten(filled, form)
        return subject.module(*arguments, **keywords)

    return call


class _Session:
    """The imported file."""

    def __init__(self, argument: Mapping[str, Any], channel: Channel) -> None:
        torch.manual_seed(SEED)
        torch.set_num_threads(1)
        self._units = argument["units"]
        self.seconds = float(argument["seconds"])
        self.folder = Path.home()
        self.roots = [os.path.realpath(root) + os.sep for root in argument["roots"]]
        self._subjects = Subjects()
        self._weights: list[tuple[list[tuple[str, int]], str, nn.Module, str]] = []
        self._watch_weights()
        with self._subjects.watching():
            module = imported(argument["path"], channel)
        self.names = vars(module)
        self._subjects.names = self.names
        self._observed: dict[int, Observed | Exception] = {}

    def inputs(self, unit: int) -> list[Tensor]:
        """(inputs, *shape) each, in order."""
        tensors = load_file(self.folder / INPUTS.format(unit=unit))
        return [tensors[name] for name, _, _ in self._units[unit]["inputs"]]

    def observed(self, unit: int) -> Observed:
        """Raises:
        Exception: whatever came of looking for it, each time.
        """
        if unit not in self._observed:
            try:
                self._observed[unit] = self._find(self._units[unit])
            except Exception as error:  # noqa: BLE001 - of the user's constructors; told with each of its tasks
                self._observed[unit] = error
        found = self._observed[unit]
        if isinstance(found, Exception):
            raise found
        return found

    def _find(self, unit: Mapping[str, Any]) -> Observed:
        modules = modules_in(self.names)
        if unit["kind"] == "module":
            types = tuple(
                (name, TensorType(tuple(shape), getattr(torch, dtype)))
                for name, shape, dtype in unit["inputs"]
            )
            subject = self._subjects.find(Request("module", unit["name"], types, unit["assumed"]))
            return Observed(_called(subject), {"module": subject.module}, compares=False)
        value = named(self.names, unit["name"])
        if isinstance(value, Robust):
            return Observed(value.net, modules, compares=False)
        if not isinstance(value, Claim):
            raise NotThere(f"after the import `{unit['name']}` is no claim")
        return Observed(value, modules, compares=True)

    def _watch_weights(self) -> None:
        """Remember which line of the user's made which parameter, as long as this process lives."""
        register = nn.Module.register_parameter

        def register_parameter(module: nn.Module, name: str, param: nn.Parameter | None) -> None:
            register(module, name, param)
            if param is not None:
                self._weights.append((user_lines(self.roots), type(module).__name__, module, name))

        nn.Module.register_parameter = register_parameter

    def save_weights(self, units: set[int]) -> list[Any]:
        """Every parameter that was made: the lines that made it and its name; the numbers as they are now."""
        for unit in units:  # a module of which the file has no object is made now
            with contextlib.suppress(Exception):
                self.observed(unit)
        told, tensors = [], {}
        for place, (lines, owner, module, name) in enumerate(self._weights):
            value = getattr(module, name, None)
            if isinstance(value, Tensor):
                told.append([lines, f"{owner}.{name}", str(place)])
                tensors[str(place)] = value.detach().contiguous().clone()
        save_file(tensors, self.folder / WEIGHTS)
        return told

"""From an exported program to TorchLean's graph.

Each operator becomes what static capture makes of the torch function it is: the same spellings and the same stubs
(`capture/stubs/torch_ops_aten.py` for those that are no public function). So both front ends meet in one vocabulary,
and what they differ in is what the program does, not what its parts are called. Torch itself says the type of every
result, and each is held to it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from torchlean.capture import registration as registration  # fills the tables of the interpreter
from torchlean.capture.calling import call
from torchlean.capture.interpreter import Interpreter
from torchlean.capture.torch_names import known_member
from torchlean.capture.values import MISSING, Raised, TensorValue, Unknown, Value
from torchlean.capture.workspace import Workspace
from torchlean.exported.program import Argument, Leaf, Program, Ref, Step
from torchlean.graph import Graph, Node
from torchlean.ops import TensorType
from torchlean.source import Span

TARGET = re.compile(r"aten\.(?P<name>\w+)\.(?P<overload>\w+)")

OWN = "torch.ops.aten"
"""Where operators are that need words of their own; looked at first."""

ANYWHERE = ("torch", "torch.nn.functional", "torch.special", "torch.linalg")

SILENT = frozenset(
    [
        *("device", "layout", "pin_memory", "memory_format", "implicit", "generator", "non_blocking"),
        *("cudnn_enable", "cudnn_enabled"),
    ]
)
"""Options that change no number."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The graph of an exported program.

    `inputs` and `outputs` are ids; where an operator is not followed there are no outputs, and `failure` says which,
    at `place`.
    """

    graph: Graph
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    failure: str | None = None
    place: Span | None = None


class _NotFollowed(Exception):
    """An operator, or a use of one, that TorchLean does not have."""


def walk(
    program: Program, tensors: Mapping[str, Tensor], names: Sequence[str], before: Iterable[Node] = ()
) -> Exported:
    """Args:
    names: of the unit's inputs, in their order.
    before: nodes of a graph to append to.
    """
    walker = _Walker(tensors, before)
    outputs: tuple[int, ...] = ()
    failure, place = None, None
    try:
        for leaf in program.leaves:
            walker.read(leaf, names)
        for step in program.steps:
            place = walker.at(step)
            walker.step(step)
        outputs = tuple(walker.tensor(ref).node for ref in program.outputs)
    except _NotFollowed as error:
        failure = str(error)
    inputs = tuple(walker.inputs[name] for name in names if name in walker.inputs)
    graph = walker.run.builder.graph(outputs)
    return Exported(graph, inputs, outputs, failure, place if failure is not None else None)


class _Walker:
    """`values` are what leaves and steps stand for, in the program's order."""

    def __init__(self, tensors: Mapping[str, Tensor], before: Iterable[Node]) -> None:
        self.run = Interpreter("", Workspace([]))
        self.run.builder.nodes.extend(before)
        self.inputs: dict[str, int] = {}
        self._tensors = tensors
        self._values: list[Value] = []
        self._spans: tuple[Span, ...] = ()

    def read(self, leaf: Leaf, names: Sequence[str]) -> None:
        emitter = self.run.emitter
        if leaf.kind == "input":
            value = emitter.input(leaf.name, leaf.type, names.index(leaf.name))
            self.inputs[leaf.name] = value.node
        elif leaf.kind == "parameter":
            value = emitter.parameter(self._tensors[leaf.tensor], leaf.name)
        else:
            value = emitter.constant(self._tensors[leaf.tensor])
        self._values.append(value)

    def at(self, step: Step) -> Span | None:
        """What follows stands at the step's lines."""
        self._spans = tuple(span for path, line in step.places for span in line_span(path, line))
        return self._spans[0] if self._spans else None

    def step(self, step: Step) -> None:
        nodes = self.run.builder.nodes
        start = len(nodes)
        value = self._called(step)
        for index in range(start, len(nodes)):
            nodes[index] = replace(nodes[index], spans=self._spans)
        self._hold(step, value)
        self._values.append(value)

    def tensor(self, ref: Ref) -> TensorValue:
        value = self._value(ref)
        if not isinstance(value, TensorValue):
            raise _NotFollowed("a result of the program is not followed")
        return value

    def _called(self, step: Step) -> Value:
        match = TARGET.fullmatch(step.target)
        schema = None if match is None else _schema(match["name"], match["overload"])
        if match is None or schema is None:
            raise _NotFollowed(f"the operator `{step.target}` is not supported")
        given = {name: self._value(value) for name, value in step.arguments.items() if name not in SILENT}
        _check_device(step)
        name = match["name"]
        function = known_member(OWN, name)
        if function is not MISSING:
            return self._result(step, function, [], given)
        positional = [name for name in schema if name in given]
        first = given[positional[0]] if positional else None
        function = known_member("torch.Tensor", name) if isinstance(first, TensorValue) else MISSING
        for namespace in ANYWHERE:
            if function is MISSING:
                function = known_member(namespace, name)
        if function is MISSING:
            raise _NotFollowed(f"the operator `{step.target}` is not supported")
        arguments = [given.pop(name) for name in positional]
        return self._result(step, function, arguments, given)

    def _result(
        self, step: Step, function: Value, arguments: list[Value], keywords: dict[str, Value]
    ) -> Value:
        try:
            result = call(self.run, function, arguments, keywords)
        except Raised as raised:
            texts = [text for text in raised.value.arguments if isinstance(text, str)]
            raise _NotFollowed(f"`{step.target}`: {texts[0] if texts else 'it is not followed'}") from raised
        if isinstance(result, Unknown):
            raise _NotFollowed(f"`{step.target}`: {result.reason}")
        return result

    def _hold(self, step: Step, value: Value) -> None:
        """Each result has the type that torch found."""
        several = isinstance(value, (tuple, list))
        results = list(value) if several else [value]
        for ours, theirs in zip(results, step.types, strict=False):
            if isinstance(ours, TensorValue) and theirs is not None and ours.type != theirs:
                raise _NotFollowed(
                    f"`{step.target}` gives a tensor {theirs} in torch, and {ours.type} in TorchLean"
                )

    def _value(self, value: Argument) -> Value:
        if isinstance(value, Ref):
            found = self._values[value.index]
            if value.item is None:
                return found
            if (
                not isinstance(found, (tuple, list))
                or not 0 <= value.item < len(found)
                or found[value.item] is None
            ):
                raise _NotFollowed("one of several results of an operator is not followed")
            return found[value.item]
        if isinstance(value, tuple):
            items = [self._value(item) for item in value]
            return (
                items
                if any(isinstance(item, TensorValue) or item is None for item in items)
                else tuple(items)
            )
        return value


def _check_device(step: Step) -> None:
    device = step.arguments.get("device")
    if device not in (None, "cpu"):
        raise _NotFollowed(f"`{step.target}` makes a tensor on the device {device}")


@cache
def _schema(name: str, overload: str) -> tuple[str, ...] | None:
    """The parameters of an operator that are given by position; None where torch has no such operator."""
    packet = getattr(torch.ops.aten, name, None)
    found = getattr(packet, overload, None)
    schema = getattr(found, "_schema", None)
    if schema is None:
        return None
    return tuple(argument.name for argument in schema.arguments if not argument.kwarg_only)


_lines: dict[str, tuple[float, list[str]]] = {}


def line_span(path: str, line: int) -> Iterable[Span]:
    """The text of a line, without its indentation, as a span; none where the file has no such line."""
    try:
        changed = os.stat(path).st_mtime
        if path not in _lines or _lines[path][0] != changed:
            with open(path, encoding="utf-8-sig") as file:
                _lines[path] = changed, file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    lines = _lines[path][1]
    if 0 <= line < len(lines):
        text = lines[line]
        yield Span(path, line, len(text) - len(text.lstrip()), line, len(text.rstrip()))


__all__ = ["Exported", "TensorType", "line_span", "walk"]

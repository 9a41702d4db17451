"""From `torch.export`'s program to its record. Runs in the child process only.

The program is recorded as the user's code called torch (`linear`, `batch_norm`, `softmax`), not decomposed into simpler
operators. Where it changes tensors in place, torch rewrites it first into one that does not
(`run_decompositions` with an empty table: nothing is taken apart but what must be).
"""

from __future__ import annotations

import operator
import os
import re
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind

from torchlean.exported.program import Argument, Leaf, Program, Ref, Step
from torchlean.ops import TensorType

TORCH_FOLDER = os.path.dirname(os.path.abspath(torch.__file__)) + os.sep
RUNNER = os.path.abspath(runpy.__file__)
"""What starts our processes. Its frames have a file up to Python 3.10 only, where it is not frozen."""

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

FRAME = re.compile(r'^\s*File "(?P<path>.+)", line (?P<line>\d+), in ', re.MULTILINE)
"""A frame of a recorded stack trace, as `traceback.format_list` writes it."""

GRAD_MODE = "wrap_with_set_grad_enabled"
"""The one operator with a graph among its operands that changes no number: `with torch.no_grad()`."""


class Unrecordable(Exception):
    """The program has something that the record has no words for; the message says what."""


class _UserFrames:
    """A set of all frames, for torch to keep: it keeps those of functions that are called `forward` otherwise."""

    def __contains__(self, frame: object) -> bool:
        return True


@contextmanager
def user_frames() -> Iterator[None]:
    """Let stack traces name the helper functions and claims that a program passes through, too.

    torch has no public switch for that. Where its private one is gone, places are the lines of `forward` alone.
    """
    before = getattr(torch.fx.proxy, "_STACK_TRACE_ANCHORS", None)
    torch.fx.proxy._STACK_TRACE_ANCHORS = _UserFrames()
    try:
        yield
    finally:
        torch.fx.proxy._STACK_TRACE_ANCHORS = before


def functional(program: ExportedProgram) -> ExportedProgram:
    """The same program without changes in place."""
    return program.run_decompositions({}) if _changes_in_place(program.graph_module) else program


def _changes_in_place(module: fx.GraphModule) -> bool:
    parts = [part for part in module.modules() if isinstance(part, fx.GraphModule)]
    return any(
        isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable
        for part in parts
        for node in part.graph.nodes
    )


def record(program: ExportedProgram, inputs: list[str], prefix: str) -> tuple[Program, dict[str, Tensor]]:
    """Args:
        inputs: names of the unit's inputs, in the order in which they were given.
        prefix: of the keys under which tensors are stored.

    Raises:
        Unrecordable: an operator or argument that is not plain data.
    """
    recorder = _Recorder(program, inputs, prefix)
    recorder.follow(program.graph_module, None)
    outputs = [
        recorder.values[node.name]
        for node, spec in zip(_returned(program), program.graph_signature.output_specs, strict=True)
        if spec.kind is OutputKind.USER_OUTPUT and isinstance(node, fx.Node)
    ]
    refs = tuple(value for value in outputs if isinstance(value, Ref))
    return Program(tuple(recorder.leaves), tuple(recorder.steps), refs), recorder.tensors


def _returned(program: ExportedProgram) -> tuple[Any, ...]:
    node = next(node for node in program.graph.nodes if node.op == "output")
    (returned,) = node.args
    return tuple(returned)


class _Recorder:
    """Walks the graph; `values` are what its nodes stand for, by name."""

    def __init__(self, program: ExportedProgram, inputs: list[str], prefix: str) -> None:
        self._program = program
        self._inputs = iter(inputs)
        self._prefix = prefix
        self.leaves: list[Leaf] = []
        self.steps: list[Step] = []
        self.tensors: dict[str, Tensor] = {}
        self.values: dict[str, Argument] = {}
        self._read_leaves()

    def _read_leaves(self) -> None:
        placeholders = [node for node in self._program.graph.nodes if node.op == "placeholder"]
        for node, spec in zip(placeholders, self._program.graph_signature.input_specs, strict=True):
            if isinstance(spec.arg, ConstantArgument):
                self.values[node.name] = _plain(spec.arg.value)
                continue
            value = node.meta.get("val")
            if not isinstance(value, Tensor):
                if node.users:
                    raise Unrecordable(f"it reads `{spec.target or node.name}`, which is no tensor")
                continue
            self.values[node.name] = Ref(len(self.leaves))
            if spec.kind is InputKind.USER_INPUT:
                self.leaves.append(Leaf("input", next(self._inputs), _type(value)))
            else:
                kind = "constant" if spec.kind is InputKind.CONSTANT_TENSOR else "parameter"
                self._add(kind, str(spec.target))

    def _add(self, kind: str, name: str) -> None:
        stored = self._program.constants.get(name, self._program.state_dict.get(name))
        if not isinstance(stored, Tensor):
            raise Unrecordable(f"it reads `{name}`, which is no tensor")
        key = f"{self._prefix}{len(self.leaves)}"
        data = stored.detach().cpu()
        self.tensors[key] = data
        self.leaves.append(Leaf(kind, name, _type(data), key))

    def follow(self, module: fx.GraphModule, arguments: list[Argument] | None) -> Argument:
        """Record the calls of a graph; `arguments` are its inputs, None for the whole program's."""
        given = iter(arguments or ())
        for node in module.graph.nodes:
            if node.op == "placeholder":
                if arguments is not None:
                    self.values[node.name] = next(given)
            elif node.op == "get_attr":
                continue  # a graph, for the call that follows
            elif node.op == "call_function":
                self._call(module, node)
            elif node.op == "output":
                return None if arguments is None else self._argument(node.args[0])
            else:
                raise Unrecordable(f"it has a node of kind `{node.op}`")
        return None

    def _call(self, module: fx.GraphModule, node: fx.Node) -> None:
        target: Any = node.target
        if target is operator.getitem:
            self.values[node.name] = self._item(node)
        elif getattr(target, "_name", getattr(target, "__name__", "")) == GRAD_MODE:
            inner = getattr(module, str(node.args[1].target))
            self.values[node.name] = self.follow(inner, [self._argument(a) for a in node.args[2:]])
        elif isinstance(target, torch._ops.OpOverload):
            self._step(target, node)
        else:
            raise Unrecordable(f"it calls `{getattr(target, '__name__', target)}`")

    def _item(self, node: fx.Node) -> Argument:
        of = self._argument(node.args[0])
        index = node.args[1]
        assert isinstance(index, int)
        if isinstance(of, tuple):
            return of[index]
        assert isinstance(of, Ref)
        return Ref(of.index, index)

    def _step(self, target: torch._ops.OpOverload, node: fx.Node) -> None:
        names = [argument.name for argument in target._schema.arguments]
        given = {name: self._argument(value) for name, value in zip(names, node.args, strict=False)}
        given |= {name: self._argument(value) for name, value in node.kwargs.items()}
        value = node.meta.get("val")
        results = list(value) if isinstance(value, (list, tuple)) else [value]
        types = tuple(_type(item) if isinstance(item, Tensor) else None for item in results)
        self.values[node.name] = Ref(len(self.leaves) + len(self.steps))
        self.steps.append(Step(str(target), given, types, tuple(places(node.meta.get("stack_trace")))))

    def _argument(self, value: Any) -> Argument:
        if isinstance(value, fx.Node):
            if value.name not in self.values:
                raise Unrecordable(f"it reads `{value.target}`, which is no tensor")
            return self.values[value.name]
        if isinstance(value, (list, tuple)):
            return tuple(self._argument(item) for item in value)
        return _plain(value)


def _plain(value: Any) -> Argument:
    if isinstance(value, (torch.device, torch.layout, torch.memory_format)):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str, torch.dtype)):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    raise Unrecordable(f"an argument of type {type(value).__name__} in it")


def _type(value: Tensor) -> TensorType:
    if not all(isinstance(size, int) for size in value.shape):
        raise Unrecordable("the shape of a tensor in it depends on the numbers of another")
    return TensorType(tuple(value.shape), value.dtype)


def places(trace: str | None) -> Iterator[tuple[str, int]]:
    """The frames of a stack trace outside of torch, of this package and of what starts it, innermost first; lines from
    zero."""
    for frame in reversed(list(FRAME.finditer(trace or ""))):
        path = os.path.abspath(frame["path"])
        if not path.startswith((TORCH_FOLDER, OWN_FOLDER, RUNNER)) and os.path.exists(path):
            yield path, int(frame["line"]) - 1

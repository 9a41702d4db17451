"""`load_onnx`: from a path to a graph."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from torchlean.capture.onnx import file, signature
from torchlean.capture.onnx.declared import Declared
from torchlean.capture.onnx.emitter import OnnxEmitter, Value
from torchlean.capture.onnx.messages import FileFault, OnnxError
from torchlean.capture.onnx.model import OnnxModel, OnnxValue
from torchlean.capture.onnx.tensors import tensor
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto


def load_onnx(path: str | os.PathLike[str], inputs: Mapping[str, tuple[int, ...]] | None = None) -> OnnxModel:
    """Read an ONNX model (operator sets 7 to 23) into the graph that Python files become.

    An open batch dimension is taken to be 1. Shapes that the file declares for what nodes give are not relied on: the
    graph computes its own, and `notes` says where they differ.

    Args:
        path: the file; data that it keeps outside must lie in its folder.
        inputs: shapes of inputs, by name, where the file leaves sizes open (or to choose another batch size).

    Raises:
        OnnxError: the file cannot be read, breaks the format, or asks for something that is not supported; all nodes
            that cannot be imported are named.
    """
    try:
        model = file.read(Path(path))
        return _loaded(model, os.fspath(path), inputs or {})
    except FileFault as fault:
        raise OnnxError(os.fspath(path), str(fault)) from fault
    except UnicodeDecodeError as error:
        raise OnnxError(os.fspath(path), "a name in the file is not text (UTF-8)") from error


def _loaded(model: ModelProto, path: str, given: Mapping[str, tuple[int, ...]]) -> OnnxModel:
    from torchlean.capture.onnx.walk import Walk

    opset, graph = file.opset(model), model.graph
    file.check_text(graph)
    file.check_names(graph)
    names = [value.name for value in graph.output]
    nodes = file.needed(file.in_order(graph), names)
    if graph.sparse_initializer:
        raise FileFault("sparse initialisers are not supported")
    declared = signature.inputs(graph, given)
    emitter = OnnxEmitter()
    values = {
        value.name: emitter.input(value.name, TensorType(value.shape, value.dtype), position)
        for position, value in enumerate(declared)
    }
    read = {name for node in nodes for name in node.input}.union(names)
    values |= _initialisers(graph, emitter, file.folder(path), read)
    stated = Declared(graph)
    walk = Walk(emitter, opset, values, stated)
    walk.follow(nodes, names)
    if walk.problems:
        raise OnnxError.of_nodes(path, walk.problems)
    return replace(_model(graph, declared, emitter, walk.values, opset), notes=stated.notes)


def _initialisers(
    graph: GraphProto, emitter: OnnxEmitter, directory: Path, read: set[str]
) -> dict[str, Value]:
    """The stored tensors that are read."""
    values = {}
    for proto in graph.initializer:
        if proto.name not in read:
            continue
        try:
            data = tensor(proto, directory)
        except FileFault as fault:
            raise FileFault(f"the initialiser `{proto.name}`: {fault}") from fault
        # What is in memory twice is let go: a model may be half of what there is.
        proto.ClearField("raw_data")
        if data.is_floating_point():
            _check_numbers(proto.name, data)
        values[proto.name] = emitter.weight(data, proto.name)
    return values


def _check_numbers(name: str, data: torch.Tensor) -> None:
    """Refuse weights that are not numbers, or not finite.

    Raises:
        FileFault: names the initialiser, and how many and which of its elements.
    """
    # Ends are NaN where any element is, and take a tenth of the time of a test of each.
    if not data.numel() or all(bool(end.isfinite()) for end in data.aminmax()):
        return
    wrong = ~torch.isfinite(data)
    count = int(wrong.sum())
    place = tuple(wrong.nonzero()[0].tolist())
    number = float(data[place])
    raise FileFault(
        f"the initialiser `{name}` has {count:,} of {data.numel():,} elements that are not finite, the first is "
        f"{number} at {place}: no bounds exist for what it computes"
    )


def _model(
    graph: GraphProto,
    inputs: tuple[OnnxValue, ...],
    emitter: OnnxEmitter,
    values: Mapping[str, Value],
    opset: int,
) -> OnnxModel:
    outputs = []
    for declared in graph.output:
        value = values[declared.name]
        signature.check_dtype(declared, value.dtype)
        outputs.append(OnnxValue(declared.name, value.shape, value.dtype))
    roots = [emitter.node(values[value.name]) for value in outputs]
    kept = [emitter.node(values[value.name]) for value in inputs]
    cone, _ = emitter.builder.graph().cone([*roots, *kept], roots)
    return OnnxModel(cone, inputs, tuple(outputs), opset)

"""Operators with one thing changed at random: what is taken, onnxruntime takes too, and computes the same numbers."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, numpy_helper
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import (
    NotImplemented as NoKernel,
)
from tests.capture.onnx import cases
from tests.capture.onnx.building import Array, Case, saved, session, tensors

from torchlean.capture.onnx import OnnxError, load_onnx
from torchlean.graph import evaluate

MUTANTS = 250
"""For each seed; a mutant takes some ten milliseconds."""

CASES = [
    case
    for table in vars(cases).values()
    if isinstance(table, list)
    for case in table
    if isinstance(case, Case)
]

WORDS = b"constant reflect edge wrap SAME_UPPER SAME_LOWER VALID NOTSET nearest linear floor ceil tanh none".split()

TYPES = [
    getattr(TensorProto, name)
    for name in ("FLOAT", "DOUBLE", "FLOAT16", "INT64", "INT32", "INT8", "UINT8", "BOOL")
]

REFUSALS = (Fail, InvalidArgument, InvalidGraph, NoKernel, RuntimeException)

NOT_HERE = re.compile(
    # A kernel is missing for this type; and limits of kernels that the standard does not have.
    "NOT_IMPLEMENTED|Unsupported pooling size|'Linear' mode only supports|Pad should be smaller|Axes input is null"
)


def attributes(model: onnx.ModelProto, source: random.Random) -> None:
    node = model.graph.node[0]
    if not node.attribute:
        return
    chosen = source.choice(node.attribute)
    if source.random() < 0.2:
        node.attribute.remove(chosen)
    elif chosen.type == onnx.AttributeProto.INT:
        chosen.i = source.choice([-3, -1, 0, 1, 2, 3, 5])
    elif chosen.type == onnx.AttributeProto.FLOAT:
        chosen.f = source.choice([-1.0, 0.0, 0.5, 2.0, 1e20])
    elif chosen.type == onnx.AttributeProto.INTS and chosen.ints:
        chosen.ints[source.randrange(len(chosen.ints))] = source.randint(-2, 7)
    elif chosen.type == onnx.AttributeProto.STRING:
        chosen.s = source.choice(WORDS)


def version(model: onnx.ModelProto, source: random.Random) -> None:
    model.opset_import[0].version = source.randrange(7, 24)


def shapes(model: onnx.ModelProto, source: random.Random) -> None:
    if not model.graph.input:
        return
    sizes = source.choice(model.graph.input).type.tensor_type.shape.dim
    if sizes and source.random() < 0.6:
        source.choice(sizes).dim_value = source.randint(1, 6)
    elif sizes and source.random() < 0.5:
        del sizes[source.randrange(len(sizes))]
    else:
        sizes.add().dim_value = source.randint(1, 3)


def types(model: onnx.ModelProto, source: random.Random) -> None:
    graph = model.graph
    if graph.input and source.random() < 0.5:
        source.choice(graph.input).type.tensor_type.elem_type = source.choice(TYPES)
    elif graph.initializer:
        stored = source.choice(graph.initializer)
        dtype = source.choice([np.float32, np.float64, np.int64, np.int32, np.bool_])
        stored.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(stored).astype(dtype), stored.name))


def numbers(model: onnx.ModelProto, source: random.Random) -> None:
    if not model.graph.initializer:
        return
    stored = source.choice(model.graph.initializer)
    array = numpy_helper.to_array(stored).copy()
    if array.dtype.kind == "i" and array.size:
        array.reshape(-1)[source.randrange(array.size)] = source.randint(-3, 5)
    elif array.size and array.ndim:
        array = array[: max(1, len(array) - 1)] if source.random() < 0.5 else array.reshape(-1)
    stored.CopyFrom(numpy_helper.from_array(array, stored.name))


def operands(model: onnx.ModelProto, source: random.Random) -> None:
    node = model.graph.node[0]
    if not node.input or source.random() < 0.3:
        node.input.append(source.choice(["", *node.input]))
    else:
        node.input[source.randrange(len(node.input))] = source.choice(["", *node.input])


CHANGES = [attributes, attributes, version, shapes, types, numbers, operands]


def drawn(
    model: onnx.ModelProto, generator: np.random.Generator, shapes: dict[str, tuple[int, ...]]
) -> dict[str, Array]:
    """Positive numbers, where every operator is defined; truth values and small integers for other types."""
    found = {}
    for value in model.graph.input:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        shape = shapes[value.name]
        plain = generator.uniform(0.5, 2, shape) if dtype.kind == "f" else generator.integers(0, 2, shape)
        found[value.name] = plain.astype(dtype)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_mutant_is_refused_or_is_what_onnxruntime_computes(seed: int, tmp_path: Path) -> None:
    source, generator = random.Random(seed), np.random.default_rng(seed)
    same = 0
    for _ in range(MUTANTS):
        case: Case = source.choice(CASES)
        proto = case.model()
        for change in source.choices(CHANGES, k=source.choice([1, 1, 2])):
            change(proto, source)
        path = saved(proto, tmp_path)
        try:
            model = load_onnx(path)
        except OnnxError:
            continue
        given = drawn(proto, generator, {value.name: value.shape for value in model.inputs})
        try:
            theirs = session(path)
            read = {value.name for value in theirs.get_inputs()}
            expected = theirs.run(None, {name: array for name, array in given.items() if name in read})
        except REFUSALS as error:
            assert NOT_HERE.search(str(error)), f"{case}: {proto}: {error}"
            continue
        values = evaluate(model.graph, tensors(given))
        for id, other in zip(model.graph.outputs, expected, strict=True):
            mine, theirs_too = values[id], torch.from_numpy(np.asarray(other))
            assert (mine.shape, mine.dtype) == (theirs_too.shape, theirs_too.dtype), f"{case}: {proto}"
            wide = [tensor.to(torch.float64) for tensor in (mine, theirs_too)]
            assert torch.allclose(*wide, rtol=2e-3, atol=2e-3, equal_nan=True), (
                f"{case}: {proto}: {mine} {other}"
            )
        same += 1
    assert same > MUTANTS // 4

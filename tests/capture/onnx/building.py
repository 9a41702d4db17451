"""Small ONNX models for tests, made with `onnx.helper`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]


@dataclass(frozen=True)
class Free:
    """An operand that is an input of the model, drawn from `[low, high]`."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    dtype: str = "float32"


def x(*shape: int) -> Free:
    return Free(shape)


def positive(*shape: int) -> Free:
    """Numbers where logarithms and roots are defined, also around a small box."""
    return Free(shape, 0.5, 3.0)


def w(*shape: int, seed: int = 0) -> Array:
    """A weight, stored in the file."""
    drawn = np.random.default_rng([seed, *shape]).normal(size=shape)
    return drawn.astype(np.float32)


def ints(*numbers: int) -> Array:
    return np.array(numbers, np.int64)


def floats(*numbers: float) -> Array:
    return np.array(numbers, np.float32)


def scalar(number: float) -> Array:
    return np.array(number, np.float32)


@dataclass(frozen=True)
class Case:
    """One node: operator, opset, operands (None is left out), attributes, number of outputs."""

    op: str
    opset: int
    operands: Sequence[Free | Array | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    outputs: int = 1

    def __str__(self) -> str:
        shapes = ",".join("-" if o is None else "x".join(map(str, o.shape)) or "0d" for o in self.operands)
        plain = {k: v for k, v in self.attributes.items() if not isinstance(v, TensorProto)}
        text = ",".join(f"{k}={v}" for k, v in plain.items())
        return f"{self.op}-{self.opset}({shapes};{text})"

    def model(self) -> onnx.ModelProto:
        names = ["" if o is None else f"in{i}" for i, o in enumerate(self.operands)]
        outs = [f"out{i}" for i in range(self.outputs)]
        node = helper.make_node(self.op, names, outs, name="the_node", **self.attributes)
        free = {n: o for n, o in zip(names, self.operands, strict=True) if isinstance(o, Free)}
        known = {n: o for n, o in zip(names, self.operands, strict=True) if isinstance(o, np.ndarray)}
        return model([node], free, known, outs, self.opset)


def model(
    nodes: Sequence[onnx.NodeProto],
    free: dict[str, Free],
    known: dict[str, Array],
    outputs: Sequence[str],
    opset: int = 13,
) -> onnx.ModelProto:
    """A model of these nodes. Outputs state no type: onnxruntime infers it."""
    declared = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(np.dtype(f.dtype)), f.shape)
        for n, f in free.items()
    ]
    stored = [numpy_helper.from_array(array, name) for name, array in known.items()]
    results = [onnx.ValueInfoProto(name=name) for name in outputs]
    graph = helper.make_graph(list(nodes), "test", declared, results, stored)
    # Format version 8 is read by every onnxruntime since 2022.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def saved(proto: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def drawn(free: Free, generator: np.random.Generator) -> Array:
    return generator.uniform(free.low, free.high, free.shape).astype(free.dtype)


def session(path: Path) -> onnxruntime.InferenceSession:
    """onnxruntime on one thread, as it computes without rewriting the model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def tensors(arrays: dict[str, Array]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}

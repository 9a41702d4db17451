"""Small ONNX networks with dyadic weights, and their exact values: read from the file's own message, in fractions.

Nothing here knows how TorchLean reads a network, so that agreement means something.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

Point = Sequence[Fraction]

TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "int64": TensorProto.INT64}


class Writer:
    """A model being written; weights are quarters up to two, so that products of a few of them are exact."""

    def __init__(self, source: random.Random, dtype: str = "float32") -> None:
        self.source = source
        self.dtype = dtype
        self.nodes: list[NodeProto] = []
        self.stored: list[TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self._count = 0

    def input(self, name: str, *shape: int | str, dtype: str | None = None) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[dtype or self.dtype], shape))
        return name

    def weight(self, *shape: int, values: Any = None) -> str:
        if values is None:
            values = [self.source.randint(-8, 8) / 4 for _ in range(prod(shape))]
        array = np.array(values, self.dtype).reshape(shape)
        self._count += 1
        self.stored.append(numpy_helper.from_array(array, f"w{self._count}"))
        return f"w{self._count}"

    def op(self, kind: str, *operands: str, name: str | None = None, **attributes: Any) -> str:
        self._count += 1
        result = name or f"v{self._count}"
        self.nodes.append(helper.make_node(kind, operands, [result], name=f"node_{result}", **attributes))
        return result

    def gemm(self, x: str, size: int, out: int, name: str | None = None) -> str:
        return self.op("Gemm", x, self.weight(out, size), self.weight(out), name=name, transB=1)

    def model(self, *outputs: str, opset: int = 13) -> onnx.ModelProto:
        results = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self.nodes, "test", self.inputs, results, self.stored)
        # Format version 8 is read by every onnxruntime since 2022.
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def mlp(source: random.Random, sizes: Sequence[int], dtype: str = "float32") -> onnx.ModelProto:
    """A relu network; its input has a batch dimension of one."""
    writer = Writer(source, dtype)
    value = writer.input("x", 1, sizes[0])
    for size, out in itertools.pairwise(sizes[:-1]):
        value = writer.op("Relu", writer.gemm(value, size, out))
    return writer.model(writer.gemm(value, sizes[-2], sizes[-1]))


def residual(source: random.Random, inputs: int = 1) -> onnx.ModelProto:
    writer = Writer(source)
    value = writer.op("Relu", writer.gemm(writer.input("x", 1, inputs), inputs, 3))
    inner = writer.gemm(writer.op("Relu", writer.gemm(value, 3, 3)), 3, 3)
    value = writer.op("Relu", writer.op("Add", value, inner))
    return writer.model(writer.gemm(value, 3, 2))


def convolutional(source: random.Random) -> onnx.ModelProto:
    """One input, spread over a picture of 3 by 3 by a product with weights."""
    writer = Writer(source)
    picture = writer.op("Mul", writer.input("x", 1, 1, 1, 1), writer.weight(1, 1, 3, 3))
    value = writer.op("Conv", picture, writer.weight(2, 1, 2, 2), writer.weight(2))
    value = writer.op("Flatten", writer.op("Relu", value))
    return writer.model(writer.gemm(value, 8, 2))


def separable(source: random.Random, inputs: int, dtype: str = "float32") -> onnx.ModelProto:
    """`sum of f_i(x_i)`, each `f_i` a relu network of one input: minima add up."""
    writer = Writer(source, dtype)
    value = writer.op("Mul", writer.input("x", 1, inputs, 1), writer.weight(1, inputs, 3))
    value = writer.op("Relu", writer.op("Add", value, writer.weight(1, inputs, 3)))
    value = writer.op("Mul", value, writer.weight(1, inputs, 3))
    return writer.model(writer.op("ReduceSum", value, axes=[1, 2], keepdims=0), opset=12)


def endless(folder: Path) -> tuple[Path, Path]:
    """A network and a property that nothing decides: `sum |x_i| > 6`, which is equal at every corner.

    No execution exceeds the bound, and bounds around a corner never reach it, for rounding is added to them.
    """
    writer = Writer(random.Random(0))
    x = writer.input("x", 1, 6)
    minus = writer.op("Neg", x)
    total = writer.op("Add", writer.op("Relu", x), writer.op("Relu", minus))
    ones = writer.weight(6, 1, values=[1.0] * 6)
    model = saved(writer.model(writer.op("MatMul", total, ones)), folder)
    lines = [f"(declare-const X_{i} Real)(assert (>= X_{i} -1))(assert (<= X_{i} 1))" for i in range(6)]
    content = folder / "endless.vnnlib"
    content.write_text("\n".join([*lines, "(declare-const Y_0 Real)", "(assert (> Y_0 6))"]))
    return model, content


def saved(model: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def fractions(array: np.ndarray) -> np.ndarray:
    """The same numbers as an array of fractions; integers as they are."""
    exact = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        exact[place] = Fraction(array[place].item())
    return exact


class Exact:
    """A model's exact function.

    Attributes:
        kinks: after a call, every operand of a relu, flat.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.stored = {
            proto.name: fractions(numpy_helper.to_array(proto)) for proto in model.graph.initializer
        }
        self.kinks: list[list[Fraction]] = []

    def __call__(self, x: Point) -> list[Fraction]:
        """The outputs at an input, both flat."""
        self.kinks = []
        values = dict(self.stored)
        start = 0
        for value in self.graph.input:
            shape = [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
            flat = np.array([*x[start : start + prod(shape)], None], dtype=object)[:-1]
            values[value.name] = flat.reshape(shape)
            start += prod(shape)
        for node in self.graph.node:
            operands = [values[name] for name in node.input]
            if node.op_type == "Relu":
                self.kinks.append(list(operands[0].flatten()))
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            values[node.output[0]] = RULES[node.op_type](operands, attributes)
        return [number for value in self.graph.output for number in values[value.name].flatten()]

    def breakpoints(self, low: Fraction, high: Fraction) -> list[Fraction]:
        """For one input: points between which every value is affine, both ends among them."""
        points = [low, high] if low < high else [low]
        for layer in range(sum(node.op_type == "Relu" for node in self.graph.node)):
            kinks = []
            for point in points:
                self([point])
                kinks.append(self.kinks[layer])
            found = set(points)
            for (p, at_p), (q, at_q) in zip(
                zip(points, kinks, strict=True), list(zip(points, kinks, strict=True))[1:], strict=False
            ):
                found |= {p + (q - p) * a / (a - b) for a, b in zip(at_p, at_q, strict=True) if a * b < 0}
            points = sorted(found)
        return points


def _gemm(operands: list[np.ndarray], attributes: dict[str, Any]) -> np.ndarray:
    x, weight, bias = operands
    return x.dot(weight.T if attributes.get("transB") else weight) + bias


def _conv(operands: list[np.ndarray], attributes: dict[str, Any]) -> np.ndarray:
    x, weight, bias = operands
    height, width = (x.shape[d] - weight.shape[d] + 1 for d in (2, 3))
    out = np.empty((1, len(weight), height, width), dtype=object)
    for _, c, i, j in np.ndindex(out.shape):
        window = x[0, :, i : i + weight.shape[2], j : j + weight.shape[3]]
        out[0, c, i, j] = (window * weight[c]).sum() + bias[c]
    return out


RULES: dict[str, Callable[[list[np.ndarray], dict[str, Any]], np.ndarray]] = {
    "Gemm": _gemm,
    "MatMul": lambda x, _: x[0].dot(x[1]),
    "Conv": _conv,
    "Relu": lambda x, _: np.maximum(x[0], Fraction(0)),
    "Add": lambda x, _: x[0] + x[1],
    "Sub": lambda x, _: x[0] - x[1],
    "Mul": lambda x, _: x[0] * x[1],
    "Flatten": lambda x, _: x[0].reshape(x[0].shape[0], -1),
    "Concat": lambda x, a: np.concatenate(x, axis=a["axis"]),
    "Identity": lambda x, _: x[0],
    "ReduceSum": lambda x, a: np.asarray(
        x[0].sum(axis=tuple(a["axes"]), keepdims=bool(a["keepdims"])), object
    ),
}


def executed(path: Path, x: Point) -> list[float]:
    """What onnxruntime computes from the numbers of the model's type that are nearest to an input; flat."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given, start = {}, 0
    for value in session.get_inputs():
        shape = [size if isinstance(size, int) else 1 for size in value.shape]
        dtype = np.float64 if value.type == "tensor(double)" else np.float32
        flat = np.array([float(number) for number in x[start : start + prod(shape)]], np.float64)
        given[value.name] = flat.astype(dtype).reshape(shape)
        start += prod(shape)
    return [float(number) for output in session.run(None, given) for number in np.asarray(output).flatten()]

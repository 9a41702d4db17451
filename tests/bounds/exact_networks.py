"""Small random networks as graphs, and their exact values: rational arithmetic, or 60 digits for smooth functions."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from mpmath import mp, mpf

from torchlean.graph import Graph, GraphBuilder, Node
from torchlean.intervals import Interval
from torchlean.ops import TensorType

DIGITS = 60


def rationals(data: torch.Tensor) -> np.ndarray:
    """The same numbers as an array of fractions."""
    exact = np.empty(tuple(data.shape), dtype=object)
    for place in np.ndindex(exact.shape):
        exact[place] = Fraction(float(data[place]))
    return exact


def exact_values(graph: Graph, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Every node's exact value."""
    values: list[np.ndarray] = []
    for node in graph:
        operands = [values[id] for id in node.inputs]
        if node.op == "input":
            values.append(inputs[str(node.attributes["name"])])
        elif node.data is not None:
            values.append(rationals(node.data))
        else:
            values.append(RULES[node.op](operands, node))
    return values


def _smooth(function: Callable[[mpf], mpf]) -> Callable[[list[np.ndarray], Node], np.ndarray]:
    def rule(operands: list[np.ndarray], node: Node) -> np.ndarray:
        with mp.workdps(DIGITS):
            found = [function(mpf(v.numerator) / v.denominator) for v in operands[0].flatten()]
        return np.array([_rational(v) for v in found], dtype=object).reshape(operands[0].shape)

    return rule


def _rational(value: mpf) -> Fraction:
    sign, mantissa, exponent, _ = mpf(value)._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent


def _linear(operands: list[np.ndarray], node: Node) -> np.ndarray:
    x, weight, *bias = operands
    result = x.dot(weight.T)
    return result + bias[0] if bias else result


def _conv(operands: list[np.ndarray], node: Node) -> np.ndarray:
    """Two-dimensional, without groups and dilation."""
    x, weight, bias = operands
    (stride, _), (padding, _) = node.attributes["stride"], node.attributes["padding"]
    padded = np.full((*x.shape[:2], *(n + 2 * padding for n in x.shape[2:])), Fraction(0), dtype=object)
    padded[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]] = x
    out = np.empty(node.type.shape, dtype=object)
    for b, c, i, j in np.ndindex(out.shape):
        rows, columns = i * stride, j * stride
        window = padded[b, :, rows : rows + weight.shape[2], columns : columns + weight.shape[3]]
        out[b, c, i, j] = (window * weight[c]).sum() + bias[c]
    return out


def _resized(operands: list[np.ndarray], node: Node) -> np.ndarray:
    """Two linear interpolations, along height and along width; the outermost pixels go on outside."""
    image = operands[0]
    for axis, new in ((2, node.type.shape[2]), (3, node.type.shape[3])):
        old = image.shape[axis]
        lines = []
        for place in range(new):
            if node.attributes["align_corners"]:
                position = Fraction(place * (old - 1), max(new - 1, 1))
            else:
                position = max(Fraction(2 * place + 1, 2) * Fraction(old, new) - Fraction(1, 2), Fraction(0))
            left = int(position)
            near, far = (image.take(index, axis) for index in (left, min(left + 1, old - 1)))
            lines.append(near + (position - left) * (far - near))
        image = np.stack(lines, axis)
    return image


RULES: dict[str, Callable[[list[np.ndarray], Node], np.ndarray]] = {
    "linear": _linear,
    "conv": _conv,
    "interpolate": _resized,
    "relu": lambda operands, node: np.maximum(operands[0], Fraction(0)),
    "add": lambda operands, node: operands[0] + operands[1],
    "sub": lambda operands, node: operands[0] - operands[1],
    "mul": lambda operands, node: operands[0] * operands[1],
    "matmul": lambda operands, node: operands[0].dot(operands[1]),
    "cat": lambda operands, node: np.concatenate(operands, axis=node.attributes["dim"]),
    "reshape": lambda operands, node: operands[0].reshape(node.type.shape),
    "div": lambda operands, node: operands[0] / operands[1],
    "pow": lambda operands, node: operands[0] ** node.attributes["exponent"],
    "tanh": _smooth(mp.tanh),
    "sin": _smooth(mp.sin),
    "cos": _smooth(mp.cos),
    "sigmoid": _smooth(lambda x: 1 / (1 + mp.exp(-x))),
}


@dataclass
class Writer:
    """A network being written, with random weights of a scale."""

    generator: torch.Generator
    scale: float = 1.0

    def __post_init__(self) -> None:
        self.builder = GraphBuilder()

    def random(self, *shape: int) -> int:
        data = torch.randn(*shape, generator=self.generator) * self.scale
        return self.builder.parameter(data, "weight").id

    def input(self, *shape: int) -> Node:
        return self.builder.input("x", TensorType(shape, torch.float32))

    def linear(self, x: Node, out: int) -> Node:
        return self.builder.op("linear", [x.id, self.random(out, x.type.shape[-1]), self.random(out)], {})

    def conv(self, x: Node, out: int, kernel: int, stride: int, padding: int) -> Node:
        weight = self.random(out, x.type.shape[1], kernel, kernel)
        options = {"stride": (stride,) * 2, "padding": (padding,) * 2, "dilation": (1, 1), "groups": 1}
        return self.builder.op("conv", [x.id, weight, self.random(out)], options)

    def op(self, name: str, *operands: Node, **attributes: object) -> Node:
        return self.builder.op(name, [x.id for x in operands], attributes)


def mlp(writer: Writer, act: str = "relu") -> Graph:
    x = writer.input(3)
    for width in (5, 4, 4):
        x = writer.op(act, writer.linear(x, width))
    return writer.builder.graph([writer.linear(x, 2).id])


def convolutional(writer: Writer) -> Graph:
    x = writer.op("relu", writer.conv(writer.input(1, 1, 5, 5), 2, 3, 2, 1))
    x = writer.op("relu", writer.conv(x, 2, 2, 1, 0))
    return writer.builder.graph([writer.linear(writer.op("reshape", x, shape=(1, 8)), 2).id])


def resized(writer: Writer) -> Graph:
    """From a picture that torch differentiates to one whose matrix is small."""
    x = writer.input(1, 1, 9, 8)
    for size, align in (((2, 4), False), ((3, 3), True)):
        options = {"size": size, "scale": None, "mode": "bilinear", "align_corners": align, "recompute": None}
        x = writer.op("relu", writer.conv(writer.op("interpolate", x, **options), 1, 3, 1, 1))
    return writer.builder.graph([writer.linear(writer.op("reshape", x, shape=(1, 9)), 2).id])


def residual(writer: Writer) -> Graph:
    x = writer.op("relu", writer.linear(writer.input(3), 4))
    for _ in range(2):
        inner = writer.linear(writer.op("relu", writer.linear(x, 4)), 4)
        x = writer.op("relu", writer.op("add", x, inner))
    return writer.builder.graph([writer.op("sub", writer.linear(x, 2), writer.linear(x, 2)).id])


def dense(writer: Writer) -> Graph:
    """Every layer reads all results before it; a gate multiplies two of them."""
    x = writer.input(3)
    for _ in range(2):
        x = writer.op("cat", x, writer.op("relu", writer.linear(x, 3)), dim=0)
    gate = writer.op("mul", writer.linear(x, 2), writer.op("relu", writer.linear(x, 2)))
    return writer.builder.graph([gate.id])


NETWORKS: dict[str, Callable[[Writer], Graph]] = {
    "mlp": mlp,
    "convolutional": convolutional,
    "residual": residual,
    "dense": dense,
    "tanh": lambda writer: mlp(writer, "tanh"),
    "sigmoid": lambda writer: mlp(writer, "sigmoid"),
}


def box(graph: Graph, radius: float, generator: torch.Generator) -> Interval:
    shape = graph.inputs[0].type.shape
    centre = torch.randn(shape, generator=generator).double()
    return Interval(centre - radius, centre + radius)


def points_of(box: Interval, count: int, source: random.Random) -> list[np.ndarray]:
    """Corners and inner points, as fractions."""
    low, high = rationals(box.lower), rationals(box.upper)
    shares = [Fraction(0), Fraction(1), None]
    points = []
    for _ in range(count):
        share = np.empty(low.shape, dtype=object)
        corner = source.random() < 0.6
        for place in np.ndindex(share.shape):
            chosen = source.choice(shares[:2] if corner else shares)
            share[place] = Fraction(source.random()) if chosen is None else chosen
        points.append(low + share * (high - low))
    return points

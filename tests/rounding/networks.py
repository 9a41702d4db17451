"""Small networks, their exact values, and executions of them in random summation orders with random FMA."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from torchlean.bounds import propagate
from torchlean.float32 import schedules
from torchlean.graph import Graph, GraphBuilder
from torchlean.intervals import Interval
from torchlean.ops import TensorType
from torchlean.rounding import Errors, rounding_errors


@dataclass(frozen=True)
class Dense:
    """ReLU layers and a linear one: weights (out, in) and biases, binary32."""

    weights: Sequence[Tensor]
    biases: Sequence[Tensor]

    def graph(self) -> Graph:
        builder = GraphBuilder()
        value = builder.input("x", TensorType((self.weights[0].shape[1],), torch.float32)).id
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            operands = [value, builder.parameter(weight, "w").id, builder.parameter(bias, "b").id]
            value = builder.op("linear", operands, {}).id
            if place < len(self.weights) - 1:
                value = builder.op("relu", [value], {}).id
        return builder.graph([value])

    def errors(self, lower: Tensor, upper: Tensor) -> tuple[Graph, Errors]:
        graph = self.graph()
        domain = {"x": Interval(lower.double(), upper.double())}
        return graph, rounding_errors(graph, propagate(graph, domain))

    def exact(self, x: Tensor) -> list[Fraction]:
        """The result in exact rationals."""
        values = [Fraction(number) for number in x.tolist()]
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = zip(weight.tolist(), bias.tolist(), strict=True)
            values = [
                sum((Fraction(w) * v for w, v in zip(row, values, strict=True)), Fraction(b))
                for row, b in rows
            ]
            if place < len(self.weights) - 1:
                values = [max(v, Fraction(0)) for v in values]
        return values

    def executed(
        self, x: Tensor, random: np.random.Generator, shape: schedules.Shape, fused: float
    ) -> Tensor:
        """The result with every dot product in an order of its own."""
        value = x
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = value.expand(weight.shape).contiguous()
            bits = schedules.random_dot_products(
                _bits(weight), _bits(rows), _bits(bias), random, shape=shape, fused=fused
            )
            value = torch.from_numpy(bits.astype(np.uint32).view(np.float32).copy())
            if place < len(self.weights) - 1:
                value = torch.relu(value)
        return value

    def in_torch(self, x: Tensor) -> Tensor:
        """The result as torch computes it now."""
        value = x
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            value = torch.nn.functional.linear(value, weight, bias)
            if place < len(self.weights) - 1:
                value = torch.relu(value)
        return value


def _bits(values: Tensor) -> np.ndarray:
    return np.ascontiguousarray(values.numpy()).view(np.uint32)


def drawn(kind: str, widths: Sequence[int], generator: torch.Generator) -> Dense:
    """Random weights; `cancelling` rows add up large numbers to nearly nothing, `tiny` ones underflow, `mixed` have all
    magnitudes."""
    weights, biases = [], []
    for fan_in, fan_out in itertools.pairwise(widths):
        weight = torch.randn(fan_out, fan_in, generator=generator) / fan_in**0.5
        bias = torch.randn(fan_out, generator=generator) * 0.1
        if kind == "cancelling":
            half = fan_in // 2
            weight[:, half : 2 * half] = -weight[:, :half] * (1 + 1e-6 * torch.rand(fan_out, half))
            weight, bias = weight * 1e4, bias * 0.0
        elif kind == "tiny":
            weight, bias = weight * 1e-20, bias * 1e-38
        elif kind == "mixed":
            weight = weight * 10.0 ** (torch.rand(weight.shape, generator=generator) * 16 - 8)
        weights.append(weight)
        biases.append(bias)
    return Dense(weights, biases)

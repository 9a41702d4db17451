"""auto_LiRPA beside us, where it can be imported: times of one minute on one machine can be compared, others cannot.

It is no dependency of the project; put it on `PYTHONPATH` to have it measured.
"""

from __future__ import annotations

import importlib.util
import math
import time
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from torchlean.graph import Graph
from torchlean.intervals import Interval

RUNS = 15


@cache
def present() -> bool:
    return importlib.util.find_spec("auto_LiRPA") is not None


def how() -> str:
    """Where the times come from, for a table's note."""
    if present():
        return "measured beside ours, one thread, minimum"
    return "recorded on a quiet machine, minimum (put auto_LiRPA on PYTHONPATH to measure it beside ours)"


def seconds(graph: Graph, box: Interval, *, batch: bool = False) -> float | None:
    """The least time of its CROWN in float32, or None where it cannot be imported.

    Args:
        graph: a chain of convolutions, linear layers, reshape and `ACTIVATIONS`.
        box: of the input's shape, or with a dimension of boxes in front.
    """
    if not present():
        return None
    return _seconds(_module(graph), box, batch, {})


def measured(graph: Graph, box: Interval, *, batch: bool = False) -> tuple[float, float] | None:
    """The same, and the width summed over outputs and boxes."""
    if not present():
        return None
    return _measured(_module(graph), box, batch, {})


def attention_seconds(module: nn.Module, box: Interval) -> float | None:
    """The same for a module with attention: without its sparse representations, which fail there."""
    if not present():
        return None
    sparse = ("sparse_intermediate_bounds", "sparse_features_alpha", "sparse_spec_alpha")
    return _seconds(module, box, False, dict.fromkeys(sparse, False))


def _seconds(module: nn.Module, box: Interval, batch: bool, options: dict[str, bool]) -> float:
    return _measured(module, box, batch, options)[0]


def _measured(module: nn.Module, box: Interval, batch: bool, options: dict[str, bool]) -> tuple[float, float]:
    # Imported here because it is optional and not typed.
    bounding: Any = importlib.import_module("auto_LiRPA")
    perturbations: Any = importlib.import_module("auto_LiRPA.perturbations")
    lower, upper = (end if batch or end.dim() == 4 else end.unsqueeze(0) for end in (box.lower, box.upper))
    lower, upper = lower.float(), upper.float()
    model = bounding.BoundedModule(module, (lower + upper) / 2, device="cpu", bound_opts=options)
    domain = perturbations.PerturbationLpNorm(norm=math.inf, x_L=lower, x_U=upper)
    times, width = [], math.nan
    with torch.no_grad():
        for _ in range(RUNS):
            start = time.perf_counter()
            point = bounding.BoundedTensor((lower + upper) / 2, domain)
            below, above = model.compute_bounds(x=(point,), method="CROWN")
            times.append(time.perf_counter() - start)
            width = float((above - below).sum())
    return min(times), width


class _Sine(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "sin": _Sine,
}


def _module(graph: Graph) -> nn.Sequential:
    """The same network in torch's layers."""
    layers: list[nn.Module] = []
    for node in graph:
        if node.op in ("linear", "conv"):
            weight, bias = (graph[id].data for id in node.inputs[1:])
            assert weight is not None and bias is not None
            layers.append(_layer(node.op, node.attributes, weight, bias))
        elif node.op in ACTIVATIONS:
            layers.append(ACTIVATIONS[node.op]())
        elif node.op == "reshape":
            layers.append(nn.Flatten())
    return nn.Sequential(*layers)


def _layer(op: str, attributes: Any, weight: Tensor, bias: Tensor) -> nn.Module:
    layer: nn.Linear | nn.Conv2d
    if op == "linear":
        layer = nn.Linear(weight.shape[1], weight.shape[0])
    else:
        layer = nn.Conv2d(
            weight.shape[1], weight.shape[0], weight.shape[2], attributes["stride"], attributes["padding"]
        )
    layer.weight.data, layer.bias = weight.float(), nn.Parameter(bias.float())
    return layer

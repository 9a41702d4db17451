"""Claims about small networks with drawn weights, captured from source as a user writes them."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from torchlean.analysis.session import Session
from torchlean.analysis.units import UnitBounds, bound_unit, unit_graph
from torchlean.capture import capture_file
from torchlean.certificate.network import Both, Formula, Literal

HEADER = """
import torch
from torch import nn
from torch.nn import functional as F
import torchlean as tl
"""


@dataclass(frozen=True)
class Asked:
    """A captured claim and the module that it speaks of."""

    bounded: UnitBounds
    module: nn.Module
    text: str
    path: Path

    @property
    def question(self):
        assert self.bounded.question is not None
        return self.bounded.question

    @property
    def own(self) -> int:
        return len(self.bounded.part.graph)


def asked(
    folder: Path,
    layers: str,
    forward: str,
    claim: str,
    box: str,
    seed: int = 0,
    train: Callable[[nn.Module], None] = lambda module: None,
) -> Asked:
    """A claim about a module `net` with drawn float32 weights.

    Args:
        layers: statements of `__init__`; `forward`: of `forward`, with argument `x`.
        claim: an expression over `x`; `box`: the domain's arguments.
        train: changes the drawn weights.
    """
    body = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        + textwrap.indent(layers or "pass", " " * 8)
        + "\n    def forward(self, x):\n"
        + textwrap.indent(forward, " " * 8)
    )
    torch.manual_seed(seed)
    space: dict = {}
    exec(HEADER.replace("import torchlean as tl", "") + body, space)
    module = space["Net"]().eval()
    for buffer in module.buffers():
        if buffer.dtype.is_floating_point:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    train(module)
    load = ""
    if module.state_dict():
        save_file(
            {name: value.contiguous() for name, value in module.state_dict().items()},
            folder / "net.safetensors",
        )
        load = 'net = tl.load(Net(), "net.safetensors")'
    else:
        load = "net = Net()"
    text = f"{HEADER}\n{body}\n{load}\n\n@tl.claim(x=tl.box({box}))\ndef holds(x):\n    return {claim}\n"
    path = folder / "model.py"
    path.write_text(text)
    capture = capture_file(str(path), text, Session(()).workspace, lambda: False)
    (unit,) = [unit for unit in capture.units if unit.name == "holds"]
    assert unit.failure is None, unit.failure
    return Asked(bound_unit(unit_graph(capture, unit), Session(()).bounds, lambda: False), module, text, path)


def drawn(found: Asked, count: int, seed: int = 0) -> list[tuple[dict[str, Tensor], list[Fraction]]]:
    """Float32 inputs inside the claim's domain, corners among them, and the same as exact numbers."""
    generator = random.Random(seed)
    result = []
    for number in range(count):
        named, flat = {}, []
        for node in found.question.margin.graph.inputs:
            box = found.question.domains[str(node.attributes["name"])]
            share = torch.tensor([generator.random() for _ in range(box.lower.numel())], dtype=torch.float64)
            if number % 3 == 0:
                share = share.round()
            point = box.lower + (box.upper - box.lower) * share.reshape(box.lower.shape)
            value = torch.minimum(torch.maximum(point.float().double(), box.lower), box.upper).float()
            named[str(node.attributes["name"])] = value
            flat += [Fraction(number) for number in value.double().flatten().tolist()]
        result.append((named, flat))
    return result


def margin_of(goal: Formula, values: list[Fraction]) -> Fraction:
    """The least and greatest that the formula is made of: positive (not negative) exactly where it holds."""
    if isinstance(goal, Literal):
        return values[goal.element]
    sides = margin_of(goal.left, values), margin_of(goal.right, values)
    return min(sides) if isinstance(goal, Both) else max(sides)


def split_case(folder: Path) -> Asked:
    """A claim that the checker shows on parts of the box and not on the whole."""
    layers = "self.a = nn.Linear(2, 4)\nself.b = nn.Linear(4, 1)"
    forward = "return self.b(torch.relu(self.a(x)))"
    return asked(folder, layers, forward, "net(x).abs() <= 0.7", "[-2.0] * 2, 2.0")


CASES = {
    "dense": (
        "self.a = nn.Linear(3, 8)\nself.b = nn.Linear(8, 2)",
        "return self.b(torch.relu(self.a(x)))",
        "3",
    ),
    "no_bias": ("self.a = nn.Linear(3, 5, bias=False)", "return self.a(x)", "3"),
    "leaky": ("self.a = nn.Linear(3, 6)", "return F.leaky_relu(self.a(x), 0.01)", "3"),
    "absolute": ("self.a = nn.Linear(3, 6)\nself.b = nn.Linear(6, 2)", "return self.b(self.a(x).abs())", "3"),
    "clamp": ("self.a = nn.Linear(3, 6)", "return self.a(x).clamp(-0.3, 0.2)", "3"),
    "clamp_below": ("self.a = nn.Linear(3, 6)", "return self.a(x).clamp(min=0.1)", "3"),
    "relu6": ("self.a = nn.Linear(3, 6)", "return F.relu6(10 * self.a(x))", "3"),
    "hardtanh": ("self.a = nn.Linear(3, 6)", "return F.hardtanh(2 * self.a(x))", "3"),
    "residual": ("self.a = nn.Linear(4, 4)", "return x + torch.relu(self.a(x))", "4"),
    "arithmetic": (
        "self.a = nn.Linear(3, 3)",
        "return (-self.a(x) - x * 0.3) / 1.7 + torch.tensor([1., 2., 3.])",
        "3",
    ),
    "maximum": (
        "self.a = nn.Linear(3, 4)\nself.b = nn.Linear(3, 4)",
        "return torch.maximum(self.a(x), self.b(x))",
        "3",
    ),
    "minimum": ("self.a = nn.Linear(3, 4)", "return torch.minimum(self.a(x), torch.tensor(0.25))", "3"),
    "greatest": ("self.a = nn.Linear(3, 5)", "return self.a(x).amax(-1)", "3"),
    "matmul": (
        "self.w = nn.Parameter(torch.randn(3, 4))",
        "return (x.reshape(2, 3) @ self.w).flatten()",
        "6",
    ),
    "layouts": (
        "self.a = nn.Linear(6, 6)",
        "y = self.a(x).reshape(2, 3)\nreturn torch.cat([y.t().flatten()[1:4], x[:2], y[0]])",
        "6",
    ),
    "convolution": (
        "self.a = nn.Conv2d(1, 2, 3, padding=1)\nself.b = nn.Linear(32, 2)",
        "return self.b(torch.relu(self.a(x.reshape(1, 1, 4, 4))).flatten(1)).flatten()",
        "16",
    ),
    "strided": (
        "self.a = nn.Conv1d(2, 3, 2, stride=2, groups=1)",
        "return self.a(x.reshape(1, 2, 4)).flatten()",
        "8",
    ),
    "max_pool": (
        "self.a = nn.Conv2d(1, 2, 3, padding=1)",
        "return F.max_pool2d(self.a(x.reshape(1, 1, 4, 4)), 2)",
        "16",
    ),
    "avg_pool": (
        "self.a = nn.Conv2d(1, 2, 3, padding=1)",
        "return F.avg_pool2d(self.a(x.reshape(1, 1, 4, 4)), 3, 1)",
        "16",
    ),
    "mean": ("self.a = nn.Linear(3, 7)", "return self.a(x).mean() + self.a(x).sum()", "3"),
    "padded": ("self.a = nn.Linear(5, 2)", "return self.a(F.pad(x, (1, 1)))", "3"),
    "batch_norm": (
        "self.a = nn.Conv1d(2, 3, 2)\nself.n = nn.BatchNorm1d(3)",
        "return self.n(self.a(x.reshape(1, 2, 4)))",
        "8",
    ),
    "plain_batch_norm": ("self.n = nn.BatchNorm1d(4, affine=False)", "return self.n(x.reshape(1, 4))", "4"),
    "dropout": ("self.a = nn.Linear(3, 4)\nself.d = nn.Dropout(0.5)", "return self.d(self.a(x))", "3"),
}
"""Layers, forward and number of inputs, by what they are about."""

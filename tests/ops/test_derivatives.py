"""Derivatives of every op against torch's autograd in double precision, first and second, at kinks too.

Each case is a call of a torch function; the graph is built by its spelling, differentiated, and evaluated at the same
point. Second derivatives are those of the sum of squares of the first: a sum alone would hide signs that cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from tests.ops.fake_emitter import FakeEmitter, Handle
from torch import Tensor

from torchlean.graph import evaluate, validate
from torchlean.graph.differentiation import gradient
from torchlean.ops import SPELLINGS

DRAWN = torch.Generator().manual_seed(3)


def drawn(*shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
    return torch.rand(*shape, generator=DRAWN, dtype=torch.float64) * (high - low) + low


def gradient_in(emitter: FakeEmitter, of: Handle, by: Handle, known: dict[bytes, int]) -> Handle:
    return gradient(emitter.builder, emitter, lambda node: Handle(emitter, node.id), known, of, by)  # type: ignore[return-value]


def first_and_second(
    name: str, point: Tensor, others: tuple[Any, ...], options: dict[str, Any]
) -> list[Tensor]:
    emitter, known = FakeEmitter(), {}
    x = emitter.input(point)
    result = SPELLINGS[name](emitter, x, *(_handled(emitter, other) for other in others), **options)
    weighted = emitter.emit("mul", result, emitter.constant(_weights(result.shape)))
    first = gradient_in(emitter, weighted, x, known)
    second = gradient_in(
        emitter, emitter.emit("mul", first, emitter.constant(_weights(point.shape))), x, known
    )
    graph = emitter.builder.graph([first.node, second.node])
    validate(graph)
    values = evaluate(graph, emitter.data)
    return [values[first.node], values[second.node]]


def _weights(shape: tuple[int, ...]) -> Tensor:
    """Different for every element, so that no element's derivative can stand for another's."""
    return torch.linspace(0.5, 1.5, math.prod(shape), dtype=torch.float64).reshape(shape)


def _handled(emitter: FakeEmitter, other: Any) -> Any:
    if isinstance(other, Tensor):
        return emitter.constant(other)
    return [_handled(emitter, item) for item in other] if isinstance(other, list) else other


def by_torch(call: Callable[[Tensor], Tensor], point: Tensor) -> list[Tensor]:
    x = point.clone().requires_grad_()
    result = call(x)
    (first,) = torch.autograd.grad((result * _weights(tuple(result.shape))).sum(), x, create_graph=True)
    if not first.requires_grad:
        return [first.detach(), torch.zeros_like(point)]
    (second,) = torch.autograd.grad((first * _weights(tuple(point.shape))).sum(), x, allow_unused=True)
    return [first.detach(), torch.zeros_like(point) if second is None else second]

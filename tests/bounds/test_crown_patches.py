"""Rows of convolutions as patches: the same bounds as rows on the whole image, and exact values inside them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.bounds.exact_networks import Writer, box, exact_values, points_of, rationals
from torch import Tensor

from torchlean.bounds.crown import crown, descent, steps
from torchlean.graph import Graph

KERNELS = {
    "padded": [(3, 1, 1), (3, 1, 1), (2, 1, 0)],
    "strided": [(2, 2, 0), (2, 1, 1), (2, 2, 1)],
    "mixed": [(3, 2, 2), (2, 1, 0), (1, 1, 0)],
}
"""Per network, kernel size, stride and padding of each convolution."""


def network(name: str, seed: int, act: str = "relu") -> Graph:
    writer = Writer(torch.Generator().manual_seed(seed), 0.6)
    value = writer.input(1, 2, 8, 7)
    for index, (kernel, stride, padding) in enumerate(KERNELS[name]):
        value = writer.conv(writer.op(act, value) if index else value, 2, kernel, stride, padding)
    return writer.builder.graph([value.id])


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("act", ["relu", "tanh"])
def test_patches_give_the_bounds_of_whole_rows(name: str, act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = network(name, 1, act)
    domain = {"x": box(graph, 0.3, torch.Generator().manual_seed(2))}
    started: list[int] = []
    start = descent._Pass._start_patches
    with monkeypatch.context() as watched:
        watched.setattr(
            descent._Pass,
            "_start_patches",
            lambda run, id, *rest: (started.append(id), start(run, id, *rest)),
        )
        small = crown(graph, domain)
    assert started, "some rows were patches"
    affine = steps.affine

    def without_window(*given: Any) -> tuple[Tensor, steps.Step]:
        point, step = affine(*given)
        return point, replace(step, window=None)

    monkeypatch.setattr(steps, "affine", without_window)
    whole = crown(graph, domain)
    for node in graph:
        torch.testing.assert_close(small[node.id].lower, whole[node.id].lower, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(small[node.id].upper, whole[node.id].upper, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("radius", [0.0, 1e-9, 0.2])
def test_bounds_from_patches_contain_exact_values(name: str, radius: float) -> None:
    graph = network(name, 3)
    domain = box(graph, radius, torch.Generator().manual_seed(4))
    bounds = crown(graph, {"x": domain})
    ends = [(rationals(bounds[node.id].lower), rationals(bounds[node.id].upper)) for node in graph]
    for point in points_of(domain, 2, random.Random(5)):
        for value, (low, high) in zip(exact_values(graph, {"x": point}), ends, strict=True):
            assert (low <= value).all() and (value <= high).all()

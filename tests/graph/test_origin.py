"""What a leaf says of its numbers: certain, likely or not known, and why."""

from __future__ import annotations

import math

import pytest
import torch

from torchlean.graph import Certainty, GraphBuilder, Region, Source, region_of, validate
from torchlean.ops import TensorType
from torchlean.ops.random import NORMAL_DEVIATIONS

TYPE = TensorType((2, 3), torch.float32)


def test_a_finite_range_is_certain() -> None:
    node = GraphBuilder().random(TYPE, 0.0, 1.0, 1)
    assert region_of(node) == Region(0.0, 1.0, Certainty.CERTAIN, Source.DRAWN)


def test_a_likely_range_stands_in_for_an_infinite_one() -> None:
    node = GraphBuilder().random(TYPE, -math.inf, math.inf, 1, source=Source.NORMAL, likely=(-8.6, 8.6))
    assert region_of(node) == Region(-8.6, 8.6, Certainty.LIKELY, Source.NORMAL)


def test_a_certain_range_is_preferred_to_a_likely_one() -> None:
    node = GraphBuilder().random(TYPE, -1.0, 1.0, 1, likely=(-0.5, 0.5))
    assert region_of(node) == Region(-1.0, 1.0, Certainty.CERTAIN, Source.DRAWN)


@pytest.mark.parametrize("lower", [-math.inf, 0.0])
def test_one_infinite_end_is_no_region(lower: float) -> None:
    node = GraphBuilder().random(TYPE, lower, math.inf, 1, source=Source.TRAINED)
    assert region_of(node) == Region(lower, math.inf, Certainty.NONE, Source.TRAINED)


def test_known_numbers_are_certain_and_inputs_have_no_region_of_their_own() -> None:
    builder = GraphBuilder()
    constant = builder.constant(torch.tensor([3.0, -1.0]))
    assert region_of(constant) == Region(-1.0, 3.0, Certainty.CERTAIN, None)
    assert region_of(builder.input("x", TYPE)).certainty is Certainty.NONE


def test_a_node_that_is_no_leaf_is_refused() -> None:
    builder = GraphBuilder()
    x = builder.input("x", TYPE)
    with pytest.raises(ValueError, match="no leaf"):
        region_of(builder.op("relu", [x.id], {}))


def test_sources_make_different_values_and_valid_graphs() -> None:
    builder = GraphBuilder()
    leaves = [builder.random(TYPE, -math.inf, math.inf, 1, source=source) for source in Source]
    assert len({leaf.digest for leaf in leaves}) == len(Source)
    validate(builder.graph())


def test_draws_of_torch_lie_in_the_likely_range() -> None:
    generator = torch.Generator().manual_seed(5)
    for dtype in (torch.float32, torch.float64):
        drawn = torch.randn(1_000_000, dtype=dtype, generator=generator)
        assert float(drawn.abs().max()) < NORMAL_DEVIATIONS

"""Every op with a rule, attacked: torch's binary32 results, from operands that are already off, stay inside."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from tests.ops import bivariate_cases, tensor_cases, univariate_cases
from tests.rounding.attack import KINDS, bounded, box, disagreement, drawn, evaluated, node

from torchlean.intervals import Interval
from torchlean.ops import OPS, TensorType
from torchlean.ops.noise.rule import Unknown
from torchlean.ops.noise.values import Noisy
from torchlean.rounding.cache import NodeError

LENGTH = 16
DRAWS = 3
OWN_ERRORS = (1e-7, 1e-5, 1e-2)
"""Errors of operands, relative to their largest magnitude."""

Shapes = Sequence[tuple[int, ...]]


def attack(
    op: str, attributes: Mapping[str, Any], shapes: Shapes, known: Sequence[int] = (), rounds: int = 2
) -> None:
    """Assert the bound for boxes of every kind.

    Args:
        known: operands that are weights: points without an error.
    """
    attributes = {name: as_captured(value) for name, value in attributes.items()}
    source = random.Random(f"{op}{attributes}{known}")
    graph, applied = node(op, attributes, [TensorType(shape, torch.float32) for shape in shapes])
    for kind in KINDS * rounds:
        operands = [operand(kind, shape, place in known, source) for place, shape in enumerate(shapes)]
        _, found = bounded(graph, applied, operands)
        for _ in range(DRAWS):
            drawing = [drawn(x, source) for x in operands]
            exact = evaluated(op, [pair[0] for pair in drawing], attributes).double()
            executed = evaluated(op, [pair[1] for pair in drawing], attributes)
            off = disagreement(found, executed, exact)
            assert off is None, f"{kind}: off by {off}, bound {found.error}, operands {drawing}"


def as_captured(value: Any) -> Any:
    """Numbers in attributes are binary32 where the capture makes them so (`elementwise.computed`)."""
    return float(torch.tensor(value)) if isinstance(value, float) else value


def operand(kind: str, shape: tuple[int, ...], known: bool, source: random.Random) -> Noisy:
    chosen = kind if source.random() < 0.7 else source.choice(KINDS)
    interval = box("point" if known else chosen, shape, source)
    error = None
    if not known and source.random() < 0.6:
        largest = torch.maximum(interval.lower.abs(), interval.upper.abs())
        error = largest * source.choice(OWN_ERRORS) + source.choice((0.0, 1e-44, 1e-7))
    return Noisy(interval, error, TensorType(shape, torch.float32))


@pytest.mark.parametrize("case", univariate_cases.CASES, ids=str)
def test_functions_of_one_tensor_stay_inside(case: univariate_cases.Univariate) -> None:
    attack(case.op, case.attributes, [(LENGTH,)])


FLOATING = [case for case in bivariate_cases.CASES if case.dtype == torch.float64]


@pytest.mark.parametrize("case", FLOATING, ids=str)
def test_functions_of_several_tensors_stay_inside(case: bivariate_cases.Multivariate) -> None:
    shapes = [(5, 3), (3,)] if case.op == "prelu" else [(LENGTH,)] * case.operands
    attack(case.op, case.attributes, shapes)


@pytest.mark.parametrize("case", tensor_cases.CASES, ids=str)
def test_ops_that_join_elements_stay_inside(case: tensor_cases.Case) -> None:
    attack(case.op, case.attributes, case.shapes)


WITH_WEIGHTS = [case for case in tensor_cases.CASES if case.known]


@pytest.mark.parametrize("case", WITH_WEIGHTS, ids=str)
def test_layers_with_known_weights_stay_inside(case: tensor_cases.Case) -> None:
    attack(case.op, case.attributes, case.shapes, case.known, rounds=3)


BATCH_NORM = {"has_weight": True, "has_bias": True, "eps": 1e-5}


def test_batch_norm_with_given_statistics_stays_inside() -> None:
    source = random.Random(0)
    types = [TensorType((4, 3), torch.float32), *[TensorType((3,), torch.float32)] * 4]
    graph, applied = node("batch_norm", BATCH_NORM, types)
    bounded_somewhere = 0
    for kind in KINDS * 4:
        operands = [operand(kind, (4, 3), False, source)]
        operands += [operand("unit", (3,), True, source) for _ in range(4)]
        positive = operands[2].exact.lower.abs()
        operands[2] = Noisy(Interval(positive, positive), None, types[2])
        _, found = bounded(graph, applied, operands)
        bounded_somewhere += found.error is not None and bool(torch.isfinite(found.error).any())
        for _ in range(DRAWS):
            drawing = [drawn(x, source) for x in operands]
            exact = evaluated("batch_norm", [pair[0] for pair in drawing], BATCH_NORM)
            executed = evaluated("batch_norm", [pair[1] for pair in drawing], BATCH_NORM)
            assert disagreement(found, executed, exact) is None, kind
    assert bounded_somewhere > 2 * len(KINDS)


def test_every_op_has_a_rule() -> None:
    assert [name for name, op in OPS.items() if isinstance(op.rounding, Unknown)] == []


def test_an_op_without_a_rule_has_no_finite_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(OPS["tanh"]), "rounding", Unknown())
    graph, applied = node("tanh", {}, [TensorType((2,), torch.float32)])
    unit = Interval(torch.zeros(2).double(), torch.ones(2).double())
    _, found = bounded(graph, applied, [Noisy(unit, None, TensorType((2,), torch.float32))])
    assert (
        found.largest == float("inf") and found.reason == "no bound is known for the rounding error of `tanh`"
    )


def test_the_attack_sees_a_bound_that_is_too_small() -> None:
    executed, exact = torch.tensor([1.0000001]), torch.tensor([1.0]).double()
    assert disagreement(NodeError(torch.tensor([1e-7]).double()), executed, exact) is not None
    assert disagreement(NodeError(torch.tensor([2e-7]).double()), executed, exact) is None
    assert disagreement(NodeError(None), executed, exact) is not None
    assert disagreement(NodeError(None, greatest=1.0), executed, executed.double()) is not None

"""Planes around element-wise ops of several tensors, attacked in exact arithmetic."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from mpmath import mpf
from tests.ops.bivariate_cases import CASES, Multivariate
from tests.ops.boxes import LARGEST, MAGNITUDES, Ends, interval, moderate
from torch import Tensor

from torchlean.intervals import Interval
from torchlean.ops import OPS, UnsupportedError
from torchlean.ops.linearization import Plane, Relaxation

Box = tuple[Ends, ...]

RELAXED = [
    *(case for case in CASES if case.op in ("mul", "div", "minimum", "maximum", "fmin", "fmax", "logaddexp")),
    *(case for case in CASES if case.op in ("lerp", "addcmul", "addcdiv", "pow_tensor", "prelu")),
    Multivariate(
        "where", lambda c, a, b: a if c else b, operands=3, domains=((0.0, 1.0), (-3.0, 3.0), (-3.0, 3.0))
    ),
]
RELAXED = [case for case in RELAXED if case.dtype == torch.float64]

KNOWN = {"pow_tensor": 0, "prelu": 1}
"""The operand that has to be known exactly."""

every_case = pytest.mark.parametrize("case", RELAXED, ids=str)

BOXES = 120
GRID = 7


def boxes(case: Multivariate, seed: int) -> list[Box]:
    """Moderate boxes, and ends of all magnitudes, where no operand leaves the domain."""
    source = random.Random(seed)
    known = sorted({sign * x for x in MAGNITUDES for sign in (1.0, -1.0)})

    def ends(index: int) -> Ends:
        if case.op == "where" and index == 0:
            return source.choice(((0.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
        if source.random() < 0.5:
            low, high = moderate(source, *case.domains[index])
        else:
            low, high = sorted((source.choice(known), source.choice(known)))
        return (low, low) if KNOWN.get(case.op) == index or source.random() < 0.1 else (low, high)

    result: list[Box] = []
    while len(result) < BOXES:
        box = tuple(ends(index) for index in range(case.operands))
        positive = case.op != "pow_tensor" or (box[0][0] > 0 and abs(box[1][0]) < 100 > abs(box[1][1]))
        if positive and not case.undefined(*box):
            result.append(box)
    return result


def relax(case: Multivariate, of: Sequence[Box], alpha: Tensor | None = None) -> Relaxation:
    operands = [interval([box[i] for box in of]) for i in range(case.operands)]
    if case.op == "prelu":  # one weight per channel: dimension 1 of the operand, and the boxes are the batch
        x, weight = operands
        x = Interval(x.lower[:, None, None], x.upper[:, None, None])
        return OPS["prelu"].relax([x, Interval.point(weight.lower[:, None])], {})
    batched = [Interval(x.lower[None], x.upper[None]) for x in operands]
    op = OPS[case.op]
    return (
        op.relax(batched, case.attributes)
        if alpha is None
        else op.relax_with(batched, case.attributes, alpha)
    )


def planes(of: Plane, count: int) -> list[tuple[list[float], float]]:
    slopes = [slope.flatten() for slope in of.slopes]
    intercept = torch.zeros(count) if of.intercept is None else of.intercept.flatten()
    assert all(len(slope) == count and bool(torch.isfinite(slope).all()) for slope in slopes)
    assert len(intercept) == count and not bool(torch.isnan(intercept).any())
    return list(zip(torch.stack(slopes, 1).tolist(), intercept.tolist(), strict=True))


def at(plane: tuple[list[float], float], values: Sequence[float], kind: type) -> object:
    exact = sum(
        (Fraction(s) * Fraction(x) for s, x in zip(plane[0], values, strict=True)), Fraction(plane[1])
    )
    return exact if kind is Fraction else mpf(exact.numerator) / exact.denominator


def grid(box: Box) -> list[tuple[float, ...]]:
    shares = [i / (GRID - 1) for i in range(GRID)]
    axes = [sorted({min(max(low * (1 - t) + high * t, low), high) for t in shares}) for low, high in box]
    return list(itertools.product(*axes))


def attacked(
    case: Multivariate, box: Box, both: Sequence[tuple[list[float], float]], source: random.Random
) -> set:
    """Corners, random points, and where on a grid the op seems to come closest to the planes."""
    points = [point for point in grid(box) if case.defined(*point)]
    if case.op == "where":
        points = [point for point in points if point[0] in (0.0, 1.0)]
    columns = list(torch.tensor(points, dtype=torch.float64).T)
    condition = [columns[0] > 0, *columns[1:]] if case.op == "where" else columns
    prelu = case.op == "prelu"
    operands = [columns[0][:, None], columns[1][:1]] if prelu else condition
    values = OPS[case.op].evaluate(operands, case.attributes).flatten()
    chosen = {*source.sample(points, min(4, len(points))), points[0], points[-1]}
    for slopes, _ in both:
        gap: Tensor = values - sum(s * x for s, x in zip(slopes, columns, strict=True))
        chosen |= {points[int(gap.argmin())], points[int(gap.argmax())]}
    if case.op != "where":
        for _ in range(3):
            chosen.add(
                tuple(
                    min(max(source.uniform(max(l, -LARGEST / 4), min(h, LARGEST / 4)), l), h) for l, h in box
                )
            )
    return {point for point in chosen if case.defined(*point)}


@every_case
def test_the_graph_lies_between_the_planes_in_exact_arithmetic(case: Multivariate) -> None:
    of = boxes(case, seed=11)
    attack(case, of, relax(case, of))


@pytest.mark.parametrize("op", ["maximum", "minimum"])
def test_every_share_of_the_first_operand_is_sound(op: str) -> None:
    case = next(case for case in RELAXED if case.op == op)
    of = boxes(case, seed=12)
    shares = torch.rand(1, len(of), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    alpha = torch.where(shares < 0.2, 0.0, torch.where(shares > 0.8, 1.0, shares)).requires_grad_()
    result = relax(case, of, alpha)
    side = result.lower if op == "maximum" else result.upper
    side.slopes[0].sum().backward()
    assert alpha.grad is not None and bool((alpha.grad == 1).any()), "open elements follow alpha"
    attack(case, of, result)


def test_every_mean_of_the_planes_of_a_product_is_sound() -> None:
    case = next(case for case in RELAXED if case.op == "mul")
    of = boxes(case, seed=13)
    shares = torch.rand(1, len(of), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    attack(case, of, relax(case, of, torch.where(shares < 0.2, 0.0, torch.where(shares > 0.8, 1.0, shares))))


def attack(case: Multivariate, of: Sequence[Box], result: Relaxation) -> None:
    source = random.Random(7)
    pairs = zip(planes(result.lower, len(of)), planes(result.upper, len(of)), strict=True)
    for box, (below, above) in zip(of, pairs, strict=True):
        for values in attacked(case, box, (below, above), source):
            exact = case.reference(*map(Fraction, values))
            kind = Fraction if isinstance(exact, Fraction) else mpf
            where = f"{case}{values} in {box}: {below} {above}"
            assert below[1] == -math.inf or at(below, values, kind) <= exact, where
            assert above[1] == math.inf or exact <= at(above, values, kind), where


@pytest.mark.parametrize("case", [case for case in RELAXED if case.op not in ("where", *KNOWN)], ids=str)
def test_in_the_middle_no_plane_is_much_better(case: Multivariate) -> None:
    """No plane below `f` exceeds the mean of `f` at two points on opposite sides of the middle."""
    source = random.Random(8)
    of = [tuple(moderate(source, *domain) for domain in case.domains[: case.operands]) for _ in range(60)]
    result = relax(case, of)
    pairs = zip(planes(result.lower, len(of)), planes(result.upper, len(of)), strict=True)
    for box, (below, above) in zip(of, pairs, strict=True):
        points = torch.tensor(grid(box), dtype=torch.float64)
        values = OPS[case.op].evaluate(list(points.T), case.attributes)
        means = (values + values.flip(0)) / 2  # a grid read backwards is its mirror image
        centre = [(low + high) / 2 for low, high in box]
        found = [float(at(plane, centre, Fraction)) for plane in (below, above)]  # type: ignore[arg-type]
        slack = LOOSENESS.get(case.op, 1e-6) * float(values.max() - values.min())
        assert float(means.min()) - found[0] <= slack, f"{case} on {box}: {found[0]}, best {means.min()}"
        assert found[1] - float(means.max()) <= slack, f"{case} on {box}: {found[1]}, best {means.max()}"


LOOSENESS = {"div": 0.1, "addcdiv": 0.1}
"""McCormick's planes around `a * (1 / b)` are not the envelope of the quotient."""


def test_a_known_order_makes_the_larger_one_exact() -> None:
    a, b = (
        Interval(torch.tensor([[1.0, 2.0]]).double(), torch.tensor([[3.0, 2.5]]).double()),
        interval([(-1.0, 1.0)]),
    )
    b = Interval(b.lower[None], b.upper[None])
    planes = OPS["maximum"].relax([a, b], {})
    for plane in (planes.lower, planes.upper):
        assert plane.intercept is None
        assert plane.slopes[0].tolist() == [[1.0, 1.0]]
        assert plane.slopes[1].tolist() == [[0.0, 0.0]]


def test_operands_of_fewer_dimensions_are_broadcast_as_torch_does() -> None:
    """The batch stands first, so a vector of 3 meets a matrix (2, 3) in its last dimension."""
    a = Interval(torch.zeros(1, 2, 3).double(), torch.ones(1, 2, 3).double())
    b = Interval(torch.arange(3.0).double()[None], torch.arange(3.0).double()[None] + 1)
    planes = OPS["mul"].relax([a, b], {})
    assert planes.lower.slopes[0].shape == planes.lower.slopes[1].shape == (1, 2, 3)
    values = planes.upper.slopes[0] * 1.0 + planes.upper.slopes[1] * b.upper[:, None]
    rest = torch.zeros(()) if planes.upper.intercept is None else planes.upper.intercept
    assert (values + rest >= torch.arange(1.0, 4.0)).all()


def test_powers_of_an_unknown_base_and_unknown_weights_have_no_planes() -> None:
    unknown = Interval(torch.ones(1, 1).double(), torch.full((1, 1), 2.0).double())
    for op in ("pow_tensor", "prelu"):
        with pytest.raises(UnsupportedError, match="known"):
            OPS[op].relax([unknown, unknown], {})


def test_a_divisor_around_zero_has_no_planes() -> None:
    one = Interval(torch.ones(1, 1).double(), torch.full((1, 1), 2.0).double())
    around = Interval(-one.lower, one.upper)
    with pytest.raises(UnsupportedError, match="undefined"):
        OPS["div"].relax([one, around], {})

"""Planes around element-wise ops of one tensor: attacked in exact arithmetic, and measured against the best ones."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
import torch
from mpmath import mpf
from tests.ops.boxes import TINY, Ends, attacks, inside, interval, moderate
from tests.ops.exact import Exact, analytic
from tests.ops.relaxation_checks import between_ends, envelope, grid_of, is_between, lines, touching
from tests.ops.univariate_cases import CASES, Univariate

from torchlean.intervals import Interval, derivatives, smooth
from torchlean.ops import OPS, UnsupportedError, bent, looked_up
from torchlean.ops.curves import Curved
from torchlean.ops.linearization import Relaxation
from torchlean.ops.looked_up import Looked
from torchlean.ops.smooth import Silu

LINEAR = ("neg",)
"""Affine ops pass bounds exactly and need no planes."""

WITHOUT = {("round", 2), ("round", -1)}
"""Rounding to decimals has its interval only."""

RELAXED = [
    case
    for case in CASES
    if case.op not in LINEAR and (case.op, case.attributes.get("decimals")) not in WITHOUT
]

every_case = pytest.mark.parametrize("case", RELAXED, ids=str)


def batched(x: Interval) -> Interval:
    return Interval(x.lower[None], x.upper[None])


def relax(case: Univariate, boxes: list[Ends]) -> Relaxation:
    return OPS[case.op].relax([batched(interval(boxes))], case.attributes)


def bends(case: Univariate) -> tuple[float, ...]:
    """Critical points of all kinds, and where curvature changes for any of the ops."""
    return (*case.critical, 0.0, -math.sqrt(2.0), math.sqrt(2.0), -2.4, 2.4, math.pi, -math.pi, 2 * math.pi)


def hostile(case: Univariate, source: random.Random) -> list[Ends]:
    """Attacks of the interval rules that are bounded and in the domain, and intervals around every special point."""
    boxes = [box for box in attacks(case.critical) if math.isfinite(box[0]) and math.isfinite(box[1])]
    for point in bends(case):
        for width in (TINY, 1e-310, 1e-160, 1e-12, 1e-6, 0.01, 1.0, 9.0):
            left, right = source.choice(((1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.01, 1.0), (1.0, 0.01)))
            boxes.append((point - left * width, point + right * width))
    boxes += [moderate(source, *case.domain) for _ in range(40)]
    return [box for box in boxes if not case.undefined(*box)]


@every_case
def test_the_graph_lies_between_the_planes_in_exact_arithmetic(case: Univariate) -> None:
    boxes = hostile(case, random.Random(5))
    attack(case, boxes, relax(case, boxes))


@pytest.mark.parametrize(
    "case", [case for case in RELAXED if case.op in ("relu", "leaky_relu", "abs")], ids=str
)
def test_every_slope_between_those_of_a_kink_is_sound(case: Univariate) -> None:
    boxes = hostile(case, random.Random(8))
    shares = torch.rand(1, len(boxes), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    alpha = torch.where(shares < 0.2, 0.0, torch.where(shares > 0.8, 1.0, shares)).requires_grad_()
    planes = OPS[case.op].relax_with([batched(interval(boxes))], case.attributes, alpha)
    slope = planes.lower.slopes[0]
    slope.sum().backward()
    open = torch.tensor([[low < 0 < high for low, high in boxes]])
    assert alpha.grad is not None
    assert ((alpha.grad != 0) == open).all(), "exactly the open elements follow alpha"
    attack(case, boxes, planes)


@pytest.mark.parametrize("case", [case for case in RELAXED if isinstance(OPS[case.op], Curved)], ids=str)
def test_lines_that_shall_be_close_anywhere_in_the_interval_are_sound(case: Univariate) -> None:
    boxes = hostile(case, random.Random(9))
    shares = torch.rand(1, len(boxes), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    alpha = torch.where(shares < 0.2, 0.0, torch.where(shares > 0.8, 1.0, shares))
    attack(case, boxes, OPS[case.op].relax_with([batched(interval(boxes))], case.attributes, alpha))


LOOKED_UP = [case for case in RELAXED if isinstance(OPS[case.op], Looked) or case.op in ("sin", "cos", "pow")]
"""Functions whose best lines are found in tables."""


@pytest.mark.parametrize("case", LOOKED_UP, ids=str)
def test_lines_from_tables_are_sound_by_torch_too_as_other_devices_find_them(
    case: Univariate, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = hostile(case, random.Random(10))
    near = torch.rand(1, len(boxes), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    ours = relax(case, boxes)
    monkeypatch.setattr(looked_up, "module_of", lambda x: torch)
    found = relax(case, boxes)
    attack(case, boxes, found)
    attack(case, boxes, OPS[case.op].relax_with([batched(interval(boxes))], case.attributes, near))
    torch.testing.assert_close(found.lower.slopes, ours.lower.slopes, rtol=1e-9, atol=1e-12)


def test_tables_are_made_on_the_processor_wherever_they_are_asked_for_first() -> None:
    fresh = bent.Bent(smooth.silu, derivatives.silu, Silu.planes.bends, convex=False)
    with torch.device("meta"):
        table = fresh.table(1, True)
    assert table.distances.is_cpu
    assert torch.equal(table.distances, Silu.planes.table(1, True).distances)


@pytest.mark.parametrize("case", LOOKED_UP, ids=str)
def test_places_are_kept_where_many_boxes_are_taken_in_parts(
    case: Univariate, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = random.Random(11)
    ends = torch.tensor([moderate(source, *case.domain) for _ in range(64)], dtype=torch.float64)
    boxes = Interval(ends[:, :1], ends[:, 1:])
    near = torch.rand(64, 1, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    whole = OPS[case.op].relax_with([boxes], case.attributes, near)
    monkeypatch.setattr(looked_up, "CHUNK", 10)
    parts = OPS[case.op].relax_with([boxes], case.attributes, near)
    for one, other in ((whole.lower, parts.lower), (whole.upper, parts.upper)):
        torch.testing.assert_close(one.slopes[0], other.slopes[0], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(one.intercept, other.intercept, rtol=1e-9, atol=1e-12)


def attack(case: Univariate, boxes: list[Ends], planes: Relaxation) -> None:
    source = random.Random(5)
    known: dict[float, Exact] = {}
    both = zip(lines(planes.lower, len(boxes)), lines(planes.upper, len(boxes)), strict=True)
    for box, (below, above) in zip(boxes, both, strict=True):
        grid = grid_of(box, case.critical)
        values = OPS[case.op].evaluate([grid], case.attributes)
        points = {*touching(box, below, values, grid), *touching(box, above, values, grid)}
        points |= {
            x
            for point in list(points)
            for x in (math.nextafter(point, box[0]), math.nextafter(point, box[1]))
        }
        points |= {*source.sample(inside(box, case.critical, source) * 2, 2), *between_ends(box, 2, source)}
        for x in points:
            if x not in known:
                known[x] = case.reference(Fraction(x))
            assert is_between(known[x], x, below, above), f"{case}({x!r}) on {box}: {below} {above}"


def steps(case: Univariate) -> tuple[float, ...]:
    """Kinks and jumps with their neighbours, where the ops that round to integers have more of them."""
    rounds = case.op in ("floor", "ceil", "trunc", "round")
    places = tuple(k / 2 for k in range(-20, 21)) if rounds else case.critical
    return tuple(math.nextafter(x, towards) for x in places for towards in (-math.inf, x, math.inf))


@pytest.mark.parametrize("case", [case for case in RELAXED if case.op not in ("frac", "derivative")], ids=str)
def test_no_line_below_or_above_is_better_by_more_than_a_thousandth(case: Univariate) -> None:
    """In the middle, where the best line touches the envelope: that is where the area between lines is decided.

    `derivative` looks for no envelope, as it says.
    """
    source = random.Random(6)
    boxes = [moderate(source, *case.domain) for _ in range(80)]
    planes = relax(case, boxes)
    both = zip(lines(planes.lower, len(boxes)), lines(planes.upper, len(boxes)), strict=True)
    for box, (below, above) in zip(boxes, both, strict=True):
        grid = grid_of(box, steps(case))
        values = OPS[case.op].evaluate([grid], case.attributes)
        centre = box[0] / 2 + box[1] / 2
        best = (envelope(grid, values), -envelope(grid, -values))
        found = (below[0] * centre + below[1], above[0] * centre + above[1])
        scale = max(float(values.max() - values.min()), 1e-9)
        assert best[0] - found[0] <= 1e-3 * scale + case.loose, f"{case} on {box}: {found[0]}, best {best[0]}"
        assert found[1] - best[1] <= 1e-3 * scale + case.loose, f"{case} on {box}: {found[1]}, best {best[1]}"


@pytest.mark.parametrize("case", [case for case in RELAXED if case.undefined(-math.inf, math.inf)], ids=str)
def test_outside_the_domain_there_are_no_planes(case: Univariate) -> None:
    outside = next(
        box for box in attacks(case.critical) if math.isfinite(box[0] + box[1]) and case.undefined(*box)
    )
    with pytest.raises(UnsupportedError, match="undefined"):
        relax(case, [outside])


@every_case
def test_points_have_planes_that_meet_there(case: Univariate) -> None:
    low, high = case.domain
    points = [low + (high - low) * share for share in (0.13, 0.37, 0.62, 0.91)]
    planes = relax(case, [(x, x) for x in points])
    both = zip(lines(planes.lower, 4), lines(planes.upper, 4), strict=True)
    for x, (below, above) in zip(points, both, strict=True):
        gap = above[0] * x + above[1] - below[0] * x - below[1]
        assert gap <= 1e-12 * max(1.0, abs(x), abs(below[1])) + case.loose


def test_softplus_has_what_torch_returns_above_the_threshold_between_its_planes() -> None:
    for threshold in (20.0, 1.0, -2.0):
        boxes = [moderate(random.Random(seed), -15.0, 15.0) for seed in range(80)]
        planes = OPS["softplus"].relax([batched(interval(boxes))], {"beta": 2.0, "threshold": threshold})
        both = zip(lines(planes.lower, len(boxes)), lines(planes.upper, len(boxes)), strict=True)
        for box, (below, above) in zip(boxes, both, strict=True):
            for x in (*box, max(box[0], min(box[1], math.nextafter(threshold / 2.0, math.inf)))):
                assert x * 2.0 <= threshold or is_between(Fraction(x), x, below, above), (threshold, box, x)


@pytest.mark.parametrize("exponent", [1.7, 0.3, -0.3])
def test_powers_with_an_exponent_rounded_to_float32_lie_between_the_planes_too(exponent: float) -> None:
    """The type of the operand decides which exponent torch computes with, and the planes hold for both."""
    rounded = float(torch.tensor(exponent, dtype=torch.float32))
    reference = analytic(lambda x: x ** mpf(rounded))
    boxes = [moderate(random.Random(seed), 0.01, 30.0) for seed in range(60)]
    planes = OPS["pow"].relax([batched(interval(boxes))], {"exponent": exponent})
    both = zip(lines(planes.lower, len(boxes)), lines(planes.upper, len(boxes)), strict=True)
    for box, (below, above) in zip(boxes, both, strict=True):
        for x in between_ends(box, 20, random.Random(1)):
            assert is_between(reference(Fraction(x)), x, below, above), (box, x)

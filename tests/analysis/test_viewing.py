"""Views: bounds of a unit for a domain that is tried out, by either method, with histograms of the elements."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from torchlean.analysis import wire
from torchlean.analysis.pipeline import analyse
from torchlean.analysis.session import Session
from torchlean.analysis.viewing import BINS, viewed
from torchlean.analysis.views import Ends, Histogram, View, Viewed

TEXT = """\
import torch
from torch import nn
import torchlean as tl


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 2)
        self.fc2 = nn.Linear(2, 1)
        self.fc1.weight = nn.Parameter(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
        self.fc1.bias = nn.Parameter(torch.zeros(2))
        self.fc2.weight = nn.Parameter(torch.tensor([[1.0, -1.0]]))
        self.fc2.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


net = Net()
net(torch.zeros(2))


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def small(x):
    return net(x).abs() <= 2.0
"""

HALF = {"x": Ends((-0.5, -0.25), (0.5, 0.25))}


def view(unit: str, method: str = "ibp", domain: dict[str, Ends] | None = None, text: str = TEXT) -> Viewed:
    return viewed(View(unit, method, domain or {}), "/nowhere/m.py", text, Session())


def ends(seen: Viewed, op: str) -> tuple[float | None, float | None]:
    assert seen.unit is not None, seen.refused
    fact = [fact for fact in seen.unit.facts if fact.op == op][-1]
    return fact.lower, fact.upper


def test_the_bounds_hold_for_the_domain_that_is_tried_out_and_no_verdict_comes_of_it() -> None:
    assert ends(view("claim:small"), "linear") == pytest.approx((-2, 2))
    seen = view("claim:small", domain=HALF)
    assert ends(seen, "linear") == pytest.approx((-0.75, 0.75))
    assert seen.unit is not None and seen.unit.claim is None
    assert seen.unit.domains == (("x", "box([-0.5, -0.25], [0.5, 0.25])"),)


def test_a_wider_domain_than_the_stated_one_is_covered_whole() -> None:
    torch.manual_seed(0)
    wide = {"x": Ends((-3.0,), (5.0,))}
    for method in ("ibp", "crown"):
        lower, upper = ends(view("claim:small", method, wide), "linear")
        assert lower is not None and upper is not None
        x = 8 * torch.rand(1000, 2, dtype=torch.float64) - 3
        first = torch.relu(x @ torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64))
        result = first[:, 0] - first[:, 1]
        assert lower <= result.min() and result.max() <= upper


def test_linear_bounds_are_tighter_and_a_module_without_a_domain_says_what_they_need() -> None:
    def width(seen: Viewed) -> float:
        lower, upper = ends(seen, "linear")
        assert lower is not None and upper is not None
        return upper - lower

    for unit in ("claim:small", "module:Net"):
        assert width(view(unit, "crown", HALF)) < width(view(unit, "ibp", HALF))
    assert view("claim:small", "crown", HALF).note == ""
    seen = view("module:Net", "crown")
    assert ends(seen, "linear") == (-math.inf, math.inf)
    assert "need a box for every input" in seen.note


def test_without_another_domain_a_view_is_what_the_analysis_shows() -> None:
    session = Session()
    (unit,) = [u for u in analyse("/nowhere/m.py", TEXT, session).units if u.kind == "claim"]
    seen = viewed(View("claim:small", "crown", {}), "/nowhere/m.py", TEXT, session)
    assert seen.unit is not None and seen.unit.facts == unit.facts and seen.unit.places == unit.places


def test_inputs_tell_the_stated_box_and_the_chosen_one() -> None:
    (given,) = view("claim:small", domain=HALF).inputs
    assert (given.name, given.shape, given.dtype) == ("x", (2,), "float32")
    assert given.stated == Ends((-1, -1), (1, 1)) and given.chosen == HALF["x"]
    (free,) = view("module:Net").inputs
    assert (free.stated, free.chosen) == (None, None)


def test_histograms_count_the_elements_whose_interval_reaches_a_bin() -> None:
    seen = view("claim:small", domain={"x": Ends((0.0, 1.0), (0.5, 4.0))})
    assert seen.unit is not None
    spread = seen.spreads[next(i for i, fact in enumerate(seen.unit.facts) if fact.op == "input")]
    assert spread is not None and spread.unbounded == 0
    size = 4.0 / BINS
    met = [int(i * size <= 0.5) + int((i + 1) * size >= 1.0) for i in range(BINS)]
    assert spread.reach == Histogram(0.0, 4.0, tuple(met))
    assert sum(spread.widths.counts) == 2 and spread.widths.end >= 3.0
    leaves = [s for fact, s in zip(seen.unit.facts, seen.spreads, strict=True) if fact.op == "constant"]
    assert leaves and set(leaves) == {None}


def test_widths_that_differ_by_rounding_alone_are_one_bar() -> None:
    seen = view("claim:small", domain={"x": Ends((0.1, 0.7), (0.3, 0.9))})
    assert seen.unit is not None
    spread = seen.spreads[next(i for i, fact in enumerate(seen.unit.facts) if fact.op == "input")]
    assert spread is not None and 0.3 - 0.1 != 0.9 - 0.7
    assert spread.widths.counts == (2,) and len(spread.reach.counts) == BINS


def test_unbounded_elements_are_counted_apart() -> None:
    seen = view("module:Net", domain={})
    assert seen.unit is not None
    relu = next(i for i, fact in enumerate(seen.unit.facts) if fact.op == "relu")
    assert seen.spreads[relu] is None  # nothing finite to draw


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ({"y": Ends((0.0,), (1.0,))}, "no input `y`; there are: x"),
        (
            {"x": Ends((0.0, 0.0, 0.0), (1.0,))},
            "`x` has shape (2,): expected one number or 2 for the lower end, got 3",
        ),
        ({"x": Ends((0.0,), (1.0, -1.0))}, "`x`: empty: the lower end 0 is above the upper end -1 at [1]"),
        ({"x": Ends((math.nan,), (1.0,))}, "`x`: the lower end is NaN"),
    ],
)
def test_a_domain_that_does_not_fit_the_text_of_now_is_refused_with_the_reason(
    domain: dict[str, Ends], words: str
) -> None:
    seen = view("claim:small", domain=domain)
    assert seen.unit is None and words in seen.refused


def test_a_domain_of_bytes_stays_one_of_bytes() -> None:
    text = TEXT.replace("tl.box([-1.0, -1.0], [1.0, 1.0])", "tl.box(0, 255, shape=(2,), dtype=torch.uint8)")
    text = text.replace("net(x)", "net(x / 255.0)")
    seen = view("claim:small", domain={"x": Ends((0.5,), (2.5,))}, text=text)
    assert ends(seen, "input") == (1, 2)
    assert "uint8" in view("claim:small", domain={"x": Ends((-1.0,), (2.0,))}, text=text).refused


def test_a_unit_that_is_gone_is_refused() -> None:
    assert "no claim:other" in view("claim:other").refused
    assert view("claim:small", text="def f(:\n").unit is None


def test_a_view_comes_back_from_the_wire_as_it_was(tmp_path: Path) -> None:
    seen = view("claim:small", "crown", HALF)
    assert wire.decode_as(Viewed, wire.encode(seen)) == seen
    asked = View("claim:small", "ibp", HALF)
    assert wire.decode_as(View, wire.encode(asked)) == asked

"""What hovers tell: widths no less than the exact ones and no more than their rounding up, and why there are none."""

import math
import random
from fractions import Fraction

import pytest
import torch

from torchlean.analysis import Session, analyse
from torchlean.analysis.facts import describe
from torchlean.analysis.wording import rounding_rows
from torchlean.bounds.cache import Bound
from torchlean.graph import GraphBuilder
from torchlean.intervals import Interval
from torchlean.ops import TensorType

LARGEST = 1.7976931348623157e308


def ends(source: random.Random) -> tuple[float, float]:
    scale = source.choice((1.0, 1e-5, 1e5, LARGEST / 2, 2.0**-1060))
    lower = source.uniform(-1, 1) * scale
    above = source.choice((source.random(), 1e-300, 2.0**-1074, abs(lower) * 2, abs(lower) * 1e-16))
    return lower, min(lower + above, LARGEST)


@pytest.mark.parametrize("seed", range(20))
def test_a_width_is_the_exact_one_rounded_up(seed: int) -> None:
    source = random.Random(seed)
    pairs = [ends(source) for _ in range(50)]
    node = GraphBuilder().input("x", TensorType((1,), torch.float64))
    for lower, upper in pairs:
        bound = Bound(
            Interval(torch.tensor([lower], dtype=torch.float64), torch.tensor([upper], dtype=torch.float64))
        )
        width = describe(node, bound, None).width
        exact = Fraction(upper) - Fraction(lower)
        assert width is not None
        if exact > Fraction(LARGEST):
            assert width == math.inf
        else:
            assert Fraction(width) >= exact
            assert width == 0.0 or Fraction(math.nextafter(width, 0.0)) < exact


def test_the_widest_elements_are_named_with_their_own_ends() -> None:
    lower = torch.tensor([[0.0, -1.0, 2.0], [5.0, 0.5, 0.0]], dtype=torch.float64)
    upper = torch.tensor([[1.0, 3.0, 2.5], [5.0, 9.0, 2.0]], dtype=torch.float64)
    node = GraphBuilder().input("x", TensorType((2, 3), torch.float64))
    fact = describe(node, Bound(Interval(lower, upper)), None)
    assert [(e.index, e.lower, e.upper) for e in fact.widest] == [
        ((1, 1), 0.5, 9.0),
        ((0, 1), -1.0, 3.0),
        ((1, 2), 0.0, 2.0),
    ]
    assert (fact.lower, fact.upper, fact.width) == (-1.0, 9.0, 8.5)


def test_an_undefined_value_says_where_that_begins() -> None:
    text = "import torch\nh = torch.rand(5)\nr = 1 / h\nq = r + 1\n"
    analysis = analyse("/somewhere/program.py", text, Session())
    facts = {place.label: unit.facts[place.facts[0]] for unit in analysis.units for place in unit.places}
    assert rounding_rows(facts["r"]) == [("because", "`reciprocal` may be undefined (NaN)")]
    assert rounding_rows(facts["q"]) == [("because", "`reciprocal` may be undefined (NaN), from line 3")]
    assert [heading for heading, _ in rounding_rows(facts["h"])] == []

"""Numbers that a loop counts or computes: the range of every value that the program's own arithmetic gives."""

from __future__ import annotations

import math

import pytest

from torchlean.capture import Workspace, capture_file
from torchlean.graph.origin import region_of

SCRIPT = """
import torch
from torch import nn

model = nn.Linear(3, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
t = 0
for step in range(1000):
    loss = model(torch.randn(4, 3)).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    t += 1
    scaled = torch.ones(2) * ({number})
"""

COUNTS = (1, 2, 3, 10, 1000)

NUMBERS = {
    "0.9 ** t": lambda t: 0.9**t,
    "1 - 0.999 ** t": lambda t: 1 - 0.999**t,
    "1.001 ** t": lambda t: 1.001**t,
    "2 ** -t": lambda t: 2**-t,
    "1 / t": lambda t: 1 / t,
    "-3 / (t + 1)": lambda t: -3 / (t + 1),
    "t / (t + 1)": lambda t: t / (t + 1),
    "0.1 / (1 - 0.9 ** t)": lambda t: 0.1 / (1 - 0.9**t),
}


def ends(number: str) -> tuple[float, float]:
    graph = capture_file("/m.py", SCRIPT.format(number=number), Workspace((), {})).graph
    (leaf,) = {id for node in graph if node.op == "mul" for id in node.inputs if graph[id].op == "random"}
    region = region_of(graph[leaf])
    return region.lower, region.upper


@pytest.mark.parametrize("number", NUMBERS)
def test_the_range_has_every_value_of_the_loop(number: str) -> None:
    lower, upper = ends(number)
    for t in COUNTS:
        assert lower <= NUMBERS[number](t) <= upper


def test_a_power_of_a_number_below_one_stays_away_from_one() -> None:
    lower, upper = ends("1 - 0.9 ** t")
    assert 0.0999 < lower < 0.1 + 1e-12 and upper >= 1.0


@pytest.mark.parametrize("number", ["1 / (t - 5)", "t ** 0.5", "(-2.0) ** t"])
def test_where_nothing_is_known_any_number_is_allowed(number: str) -> None:
    assert ends(number) == (-math.inf, math.inf)


SUMS = {
    "sum([1e16, 1 / t, -1e16])": lambda t: sum([1e16, 1 / t, -1e16]),
    "sum([0.1] * 9 + [1 / t])": lambda t: sum([0.1] * 9 + [1 / t]),
    "sum([1 / t] * 10)": lambda t: sum([1 / t] * 10),
    "sum([-1 / t] * 10, -0.5)": lambda t: sum([-1 / t] * 10, -0.5),
    "sum([t, 2, t])": lambda t: sum([t, 2, t]),
}


@pytest.mark.parametrize("number", SUMS)
def test_the_range_of_a_sum_has_what_every_python_makes_of_it(number: str) -> None:
    """From Python 3.12 on `sum` carries along what additions of floats round away; before, it was those additions."""
    lower, upper = ends(number)
    added = number.replace("sum(", "added(")
    for t in COUNTS:
        assert lower <= SUMS[number](t) <= upper
        assert lower <= eval(added, {"t": t, "added": _added}) <= upper
        assert lower <= eval(added, {"t": t, "added": _rounded_once}) <= upper


def _added(numbers: list[float], start: float = 0) -> float:
    for number in numbers:
        start = start + number
    return start


def _rounded_once(numbers: list[float], start: float = 0) -> float:
    return math.fsum([start, *numbers])


def test_a_sum_of_positive_numbers_is_positive() -> None:
    lower, upper = ends("sum([1 / t] * 10)")
    assert 0 <= lower < 1e-9 and 10 <= upper < 10 + 1e-12

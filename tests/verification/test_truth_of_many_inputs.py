"""Verdicts on networks of many inputs, where relus are cut: sums of functions of one input, whose extremes add up."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
from tests.verification.networks import Exact, Writer, executed, saved, separable
from tests.verification.properties import decimal, read, text

from torchlean.capture.onnx import load_onnx
from torchlean.verification import verify

INPUTS = 20
"""More than are cut themselves."""

SECONDS = 6.0


def extremes(network: Exact, inputs: int, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """The exact least and greatest value of the sum."""
    rest = network([Fraction(0)] * inputs)[0]
    totals = [rest, rest]
    for index in range(inputs):

        def along(value: Fraction, index: int = index) -> Fraction:
            x = [Fraction(0)] * inputs
            x[index] = value
            return network(x)[0] - rest

        points = {low, high}
        along(low)
        at_low = network.kinks[0]
        along(high)
        for a, b in zip(at_low, network.kinks[0], strict=True):
            if a * b < 0:
                points.add(low + (high - low) * a / (a - b))
        values = [along(point) for point in points]
        totals = [totals[0] + min(values), totals[1] + max(values)]
    return totals[0], totals[1]


@pytest.mark.parametrize("seed", range(3))
def test_sums_are_decided_as_their_exact_extremes_say(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    model = separable(source, INPUTS)
    path, network = saved(model, tmp_path), Exact(model)
    low, high = Fraction(-1), Fraction(1)
    least, greatest = extremes(network, INPUTS, low, high)
    for share in (Fraction(-1, 50), Fraction(-1, 10**7), Fraction(1, 10**7), Fraction(1, 10)):
        threshold = Fraction(round((greatest + share * (greatest - least)) * 10**9), 10**9)
        property = read(text([(low, high)] * INPUTS, 1, f"(>= Y_0 {decimal(threshold)})"))
        found = verify(load_onnx(path), property, SECONDS if abs(share) > Fraction(1, 1000) else 1.0)
        if threshold <= greatest:
            assert found.verdict != "unsat"
        if found.verdict == "sat":
            assert found.counterexample is not None
            x, y = found.counterexample.x, found.counterexample.y
            assert property.holds_at(x, y) is not None
            assert abs(executed(path, x)[0] - float(y[0])) <= 1e-4 * max(1.0, abs(float(y[0])))
        if share == Fraction(1, 10):
            assert found.verdict == "unsat"
        if share == Fraction(-1, 50):
            assert found.verdict == "sat"


def test_smooth_networks_are_decided_where_monotony_tells_the_truth(tmp_path: Path) -> None:
    """A sum of tanh of increasing functions is greatest at the upper corner."""
    writer = Writer(random.Random(0))
    value = writer.op("MatMul", writer.input("x", 1, 3), writer.weight(3, 4, values=[0.5] * 12))
    value = writer.op("MatMul", writer.op("Tanh", value), writer.weight(4, 1, values=[1.0] * 4))
    path = saved(writer.model(value), tmp_path)
    network = load_onnx(path)
    # 4 tanh(1.5) = 3.62059...
    for threshold, word in (("3.6", "sat"), ("3.63", "unsat")):
        property = read(text([("-1", "1")] * 3, 1, f"(>= Y_0 {threshold})"))
        assert verify(network, property, SECONDS).verdict == word

"""Verdicts on networks of one input against the exact truth: piecewise-linear functions, cut at every breakpoint."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import onnx
import pytest
from tests.verification.networks import Exact, convolutional, executed, mlp, residual, saved
from tests.verification.properties import decimal, exists, read, text

from torchlean.capture.onnx import load_onnx
from torchlean.verification import Verification, verify
from torchlean.vnnlib import Property

SECONDS = 20.0
"""Far more than any of these takes that can be decided."""

HOPELESS_SECONDS = 0.3
"""Where the margin is within rounding, boxes may be cut until the time is over."""

NETWORKS: dict[str, Callable[[random.Random], onnx.ModelProto]] = {
    "mlp": lambda source: mlp(source, [1, 4, 3, 2]),
    "wide": lambda source: mlp(source, [1, 12, 2]),
    "float64": lambda source: mlp(source, [1, 4, 3, 2], "float64"),
    "residual": residual,
    "convolutional": convolutional,
}

OFFSETS = [Fraction(sign, 10**k) for sign in (-1, 1) for k in (2, 6, 9, 15)]
"""How far from the extreme value a threshold is: decidable ones and hopeless ones."""

CLOSE = Fraction(1, 1000)
"""From here on a property must be decided: rounding of a float execution is smaller by far."""


def checked(path: Path, network: Exact, property: Property, seconds: float = SECONDS) -> Verification:
    """The verification; its verdict is never wrong, and its witness a witness."""
    found = verify(load_onnx(path), property, seconds)
    truth = exists(network, property)
    assert found.verdict in ("sat", "unsat", "unknown", "timeout")
    if found.verdict == "unsat":
        assert not truth, "proved, though a counterexample exists"
    if found.verdict == "sat":
        check_witness(path, found, property)
    else:
        assert found.counterexample is None
    return found


def check_witness(path: Path, found: Verification, property: Property) -> None:
    """It satisfies the property exactly, and another runtime computes the same outputs, up to rounding."""
    assert found.counterexample is not None
    x, y = found.counterexample.x, found.counterexample.y
    assert property.holds_at(x, y) is not None
    for ours, theirs in zip(y, executed(path, x), strict=True):
        assert abs(float(ours) - theirs) <= 1e-4 * max(1.0, abs(theirs))


def thresholds(network: Exact, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """The least and the greatest exact value of the first output."""
    values = [network([point])[0] for point in network.breakpoints(low, high)]
    return min(values), max(values)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(6))
def test_a_threshold_near_the_extreme_value_is_never_decided_wrongly(
    name: str, seed: int, tmp_path: Path
) -> None:
    source = random.Random(f"{name} {seed}")
    model = NETWORKS[name](source)
    path, network = saved(model, tmp_path), Exact(model)
    low = Fraction(source.randint(-16, 15), 8)
    high = low + Fraction(source.randint(1, 16), 8)
    least, greatest = thresholds(network, low, high)
    for offset in source.sample(OFFSETS, 3):
        # Rounded to a decimal of 20 digits: the truth is computed for that.
        number = decimal(Fraction(round((greatest + offset) * 10**20), 10**20))
        relation = source.choice([">=", ">"])
        seconds = SECONDS if abs(offset) >= CLOSE else HOPELESS_SECONDS
        found = checked(path, network, read(text([(low, high)], 2, f"({relation} Y_0 {number})")), seconds)
        if abs(offset) >= CLOSE:
            assert found.verdict == ("sat" if offset < 0 else "unsat")
        number = decimal(Fraction(round((least + offset) * 10**20), 10**20))
        below = f"({relation.replace('>', '<')} Y_0 {number})"
        checked(path, network, read(text([(low, high)], 2, below)), seconds)


@pytest.mark.parametrize("seed", range(12))
def test_random_conditions_are_decided_as_exact_arithmetic_says(seed: int, tmp_path: Path) -> None:
    """Conjunctions of two outputs and the input, alternatives, several regions, rational coefficients."""
    source = random.Random(seed)
    model = NETWORKS[source.choice(list(NETWORKS))](source)
    path, network = saved(model, tmp_path), Exact(model)
    for _ in range(4):
        checked(path, network, read(random_property(source)), 1.0)


def random_property(source: random.Random) -> str:
    def number() -> str:
        return str(source.randint(-40, 40) / 10)

    def comparison() -> str:
        left = source.choice(
            [
                f"Y_{source.randint(0, 1)}",
                f"(+ (* {number()} Y_0) (* {number()} Y_1))",
                f"(- Y_0 (* {number()} X_0))",
                f"(+ Y_0 (* {number()} X_0) Y_1)",
            ]
        )
        return f"({source.choice(['<=', '>=', '<', '>'])} {left} {number()})"

    conditions = [comparison() for _ in range(source.randint(1, 3))]
    if source.random() < 0.5:
        conditions.append(f"(or {comparison()} (and {comparison()} {comparison()}))")
    if source.random() < 0.4:
        a, b = sorted(source.sample(range(-20, 20), 2))
        conditions.append(f"(or (<= X_0 {a / 10}) (and (>= X_0 {b / 10}) {comparison()}))")
    return text([("-2", "2")], 2, *conditions)


def margin_network(source: random.Random) -> onnx.ModelProto:
    return mlp(source, [1, 3, 2])


@pytest.mark.parametrize("seed", range(8))
def test_at_a_margin_of_exactly_zero_equality_decides(seed: int, tmp_path: Path) -> None:
    """With dyadic corners the worst value is reached exactly by an execution: `>=` is violated there, `>` is not."""
    source = random.Random(seed)
    model = margin_network(source)
    path, network = saved(model, tmp_path), Exact(model)
    # The affine piece between two breakpoints has its extremes at its ends; eighths are exact in every step.
    points = network.breakpoints(Fraction(-2), Fraction(2))
    low = next(Fraction(k, 8) for k in range(-16, 16) if not any(k < 8 * p <= k + 1 for p in points))
    high = low + Fraction(1, 8)
    greatest = max(network([low])[0], network([high])[0])
    at = decimal(greatest)
    assert checked(path, network, read(text([(low, high)], 2, f"(>= Y_0 {at})"))).verdict == "sat"
    above = read(text([(low, high)], 2, f"(> Y_0 {at})"))
    assert checked(path, network, above, HOPELESS_SECONDS).verdict != "sat"

"""TL209: a value is masked, its derivative is not; nothing where the derivative is a number or nobody asks for it."""

import math

import pytest
import torch
from tests.hazards.expressions import HEADER, hazards, marked, unknown

MASKED = [
    ("torch.sqrt(x)", "y = torch.where(x > 0, torch.sqrt(x), 0.0)"),
    ("x ** 0.5", "y = torch.where(x <= 0, torch.zeros_like(x), x ** 0.5)"),
    ("x.sqrt()", "y = x.sqrt().masked_fill(x < 1e-6, 0.0)"),
    ("torch.log(p)", "p = x.abs()\ny = torch.where(p > 0, p * torch.log(p), 0.0)"),
    ("1 / x", "y = torch.where(x != 0, 1 / x, 0.0)"),
    ("torch.acos(x)", "y = torch.where(x.abs() < 1, torch.acos(x), 0.0)"),
    ("torch.asin(x)", "y = torch.where((x > -1) & (x < 1), torch.asin(x), 0.0)"),
    ("torch.exp(x)", "y = torch.where(x > 20, x, torch.log1p(torch.exp(x)))"),
    ("torch.exp(x)", "y = torch.where(~(x > 0), torch.exp(x), x + 1)"),
]
"""The expression whose derivative is no number where the mask hides it."""

UNMASKED = [
    "y = torch.where(x > 0, torch.sqrt(torch.where(x > 0, x, 1.0)), 0.0)",
    "y = torch.sqrt(x.masked_fill(x < 1e-6, 1.0)).masked_fill(x < 1e-6, 0.0)",
    "y = torch.where(x > 20, x, torch.log1p(torch.exp(x.clamp(max=20))))",
    "y = torch.where(x > 0, torch.log(x), 0.0)",  # 0 / x is 0 for all other x, and who meets 0 itself
    "y = torch.where(x > 0, x, torch.exp(x.clamp(max=0)))",
    "y = torch.where(torch.relu(x) > 0, torch.relu(x) ** 1.5, 0.0)",
    "p = torch.relu(x)\ny = torch.where(p > 0, p * torch.log(p), 0.0)",  # relu hands on no NaN
    "with torch.no_grad():\n    y = torch.where(x > 0, torch.sqrt(x), 0.0)",
    "y = torch.where(x > 0, torch.sqrt(x.detach()), 0.0)",
    "y = torch.where(x > 0, torch.sqrt(x), 0.0).detach()",
]


def trained(body: str) -> str:
    """A program that computes `y` from a network's output `x`."""
    return f"{HEADER}x = nn.Linear(3, 4)(torch.rand(8, 3))\n{body}\n"


@pytest.mark.parametrize(("words", "body"), MASKED)
def test_a_derivative_that_the_mask_does_not_repair_is_marked(words, body) -> None:
    assert marked(trained(body)) == [("TL209", words)]


@pytest.mark.parametrize("body", UNMASKED)
def test_nothing_is_said_where_the_gradient_is_a_number_or_not_computed(body) -> None:
    assert marked(trained(body)) == []


@pytest.mark.parametrize(("words", "body"), MASKED)
def test_the_gradient_of_what_is_marked_is_nan_in_torch(words, body) -> None:
    x = torch.tensor([200.0, -200.0, 0.0], requires_grad=True)
    names = {"torch": torch, "x": x}
    exec(body, names)
    assert bool(torch.isfinite(names["y"]).all())
    names["y"].sum().backward()
    assert bool(torch.isnan(x.grad).any())


def test_counts_as_divisors_and_exponents_are_judged_like_other_numbers() -> None:
    counts = "n = torch.randint(0, 200, (8, 4))\n"
    assert marked(trained(f"{counts}y = torch.where(n > 0, x / n, 0.0)")) == [("TL209", "x / n")]
    assert marked(trained(f"{counts}y = x * torch.where(n < 50, torch.exp(n), torch.zeros(8, 4))")) == []


def test_what_is_computed_from_a_masked_value_is_judged_by_what_the_mask_lets_through() -> None:
    elu = "y = torch.where(x > 0, x, torch.exp(x) - 0.5)\ny = y * y * y"
    assert marked(trained(elu)) == [("TL209", "torch.exp(x)")]


def test_nothing_is_said_of_data_that_no_weight_has_a_part_in() -> None:
    assert marked(unknown("y = torch.where(x > 0, torch.sqrt(x), 0.0)")) == []


PARAMETERS = [
    "x = nn.Parameter(torch.randn(5))",
    "x = nn.Parameter(torch.zeros(5))",
    "x = nn.Parameter(torch.rand(5) * 2 - 1)",
    "x = torch.randn(5, requires_grad=True)",
    "x = torch.randn(5).requires_grad_()",
    "x = torch.randn(5)\nx.requires_grad = True",
]
"""Tensors that a program wants gradients of."""


@pytest.mark.parametrize("made", PARAMETERS)
def test_gradients_of_bare_parameters_are_judged_as_those_of_layers(made) -> None:
    body = "y = torch.where(x > 0, torch.sqrt(x), 0.0)"
    assert marked(f"{HEADER}{made}\n{body}\n") == [("TL209", "torch.sqrt(x)")]
    safe = "y = torch.where(x > 0, torch.sqrt(torch.where(x > 0, x, 1.0)), 0.0)"
    assert marked(f"{HEADER}{made}\n{safe}\n") == []
    names = {"torch": torch, "nn": torch.nn}
    torch.manual_seed(0)
    exec(f"{made}\n{body}\ny.sum().backward()", names)
    assert bool(torch.isnan(names["x"].grad).any())


@pytest.mark.parametrize(
    "made",
    [
        "x = nn.Parameter(torch.randn(5), requires_grad=False)",
        "x = torch.randn(5).requires_grad_(False)",
        "x = torch.randn(5)",
    ],
)
def test_nothing_is_said_of_tensors_without_gradients(made) -> None:
    assert marked(f"{HEADER}{made}\ny = torch.where(x > 0, torch.sqrt(x), 0.0)\n") == []


INFINITIES = [
    ('y = x.pow(-0.5)\ny[y == float("inf")] = 0', "x.pow(-0.5)"),
    ("y = x.pow(-0.5)\ny = y.masked_fill(torch.isinf(y), 0.0)", "x.pow(-0.5)"),
    ("y = 1 / x\ny = torch.where(torch.isfinite(y), y, 0.0)", "1 / x"),
    ("y = x.rsqrt()\ny = torch.where(~torch.isinf(y), y, 0.0)", "x.rsqrt()"),
]
"""Poles whose infinities are selected away."""


@pytest.mark.parametrize(("body", "words"), INFINITIES)
def test_infinities_that_are_selected_away_are_wrong_in_the_gradient_alone(body, words) -> None:
    counts = "x = torch.randint(0, 5, (8,)).float()\n"
    assert marked(f"{HEADER}{counts}{body}\nz = y * 2\n") == []
    weights = "w = torch.relu(nn.Linear(3, 4)(torch.rand(3)))\n"
    weights += "x = torch.zeros(8).scatter_add(0, torch.randint(0, 8, (4,)), w)\n"
    assert marked(f"{HEADER}{weights}{body}\nz = y * 2\n") == [("TL209", words)]
    x = torch.tensor([0.0, 2.0], requires_grad=True)
    names = {"torch": torch, "x": x}
    exec(body, names)
    assert bool(torch.isfinite(names["y"]).all())
    names["y"].sum().backward()
    assert bool(torch.isnan(x.grad).any())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('y = x.pow(-0.5)\nz = torch.where(y == float("inf"), y, 0.0)', "TL203"),
        ('y = x.pow(-0.5)\nz = torch.where(x == float("inf"), 0.0, y)', "TL203"),
        ("y = x.pow(-0.5)\nz = torch.where(torch.isnan(y), 0.0, y)", "TL203"),
        ("y = x / x\nz = torch.where(torch.isinf(y), 0.0, y)", "TL203"),
        ('y = torch.log(x)\nz = torch.where(y == float("inf"), 0.0, y)', "TL205"),
    ],
)
def test_masks_that_leave_infinities_or_nan_are_no_excuse(body, code) -> None:
    counts = "x = torch.randint(0, 5, (8,)).float()\n"
    assert [found for found, _ in marked(f"{HEADER}{counts}{body}\n")] == [code]
    names = {"torch": torch, "x": torch.tensor([0.0, 2.0])}
    exec(body, names)
    assert not bool(torch.isfinite(names["z"]).all())


def test_a_mask_of_zeros_is_one_of_their_multiples_as_well() -> None:
    """The taps of a windowed sinc filter: the divisor is zero exactly where the mask takes another number."""
    taps = "n = torch.arange(-5, 6).float()\n"
    sinc = "y = torch.where(n == 0, 1.0, torch.sin(3 * n) / (math.pi * n))"
    assert marked(f"{HEADER}{taps}{sinc}\n") == []
    assert marked(f"{HEADER}{taps}{sinc.replace('n == 0', 'n == 1')}\n")[0][0] == "TL203"
    assert marked(f"{HEADER}{taps}{sinc.replace('math.pi * n', '(n - 1)')}\n")[0][0] == "TL203"
    learned = sinc.replace("3 * n", "f * n")
    cut = "f = nn.Parameter(torch.ones(1))\n"
    assert marked(f"{HEADER}{taps}{cut}{learned}\n") == [("TL209", "torch.sin(f * n) / (math.pi * n)")]
    f = torch.ones(1, requires_grad=True)
    names = {"torch": torch, "math": math, "f": f, "n": torch.arange(-5, 6).float()}
    exec(learned, names)
    names["y"].sum().backward()
    assert bool(torch.isfinite(names["y"]).all()) and bool(torch.isnan(f.grad).all())


def test_what_is_divided_by_numbers_above_zero_is_divided_by_counts_and_weights() -> None:
    """The normalisation of a learned graph: not by 1e-38, which is a number above zero as well."""
    graph = "e = torch.randn(10, 4)\nadj = F.relu(e @ e.T)\ndeg = adj.sum(-1)\n"
    norm = "d = torch.where(deg > 0, deg ** -0.5, 0.0)\ny = d[:, None] * adj * d\n"
    assert marked(f"{HEADER}{graph}{norm}") == []
    other = norm.replace("deg > 0", "adj[0] > 0")
    assert [code for code, _ in marked(f"{HEADER}{graph}{other}")] == ["TL203"]


SINC = "n = torch.arange(0, 101) - 50.0\nh = torch.sin(0.2 * n) / n\n"


@pytest.mark.parametrize("write", ["h[50] = 0.2", "h[n == 0] = 0.2", "h[[50, 3]] = 0.2", "h[49:52] = 0.2"])
def test_a_place_that_is_written_afterwards_may_have_been_divided_by_zero(write) -> None:
    body = f"{SINC}{write}\ny = h * 2\n"
    assert marked(HEADER + body) == []
    names = {"torch": torch}
    exec(body, names)
    assert bool(torch.isfinite(names["y"]).all())


@pytest.mark.parametrize(
    "write", ["h[49] = 0.2", "h[n == 1] = 0.2", "h[:50] = 0.2", "g = h * 2\nh[50] = 0.2", "h[50] = h[50] + 1"]
)
def test_other_places_that_are_written_are_no_excuse(write) -> None:
    body = f"{SINC}{write}\ny = h * 2\n"
    assert ("TL203", "torch.sin(0.2 * n) / n") in marked(HEADER + body)
    names = {"torch": torch}
    exec(body, names)
    assert not bool(torch.isfinite(torch.stack([names.get("g", names["y"]), names["y"]])).all())


def test_what_replaces_nan_is_not_called_a_clamp() -> None:
    (found,) = hazards(f"{HEADER}x = torch.rand(5)\ny = torch.nan_to_num(torch.rand(5) / x)\n")
    assert found.code == "TL213" and found.message.startswith("`nan_to_num` comes after the division")
    value = torch.nan_to_num(torch.ones(1) / torch.zeros(1))
    assert float(value) == torch.finfo(torch.float32).max

"""Results beyond the largest number: exponentials, powers, and what is no hazard although interval ends are large."""

import pytest
from tests.hazards.expressions import HEADER, claimed, hazards, marked, unknown

OVERFLOWS = [
    ("torch.exp(x)", "torch.exp(x.clamp(max=20))"),
    ("torch.exp(x * x)", "torch.exp(-x * x)"),
    ("torch.exp2(x)", "torch.exp2(torch.tanh(x))"),
    ("torch.expm1(x)", "torch.expm1(-x.abs())"),
    ("torch.cosh(x)", "torch.cosh(torch.sin(x))"),
    ("x ** 10", "x ** 8"),
    ("2.0 ** x", "2.0 ** torch.sigmoid(x)"),
]


@pytest.mark.parametrize(("expression", "stable"), OVERFLOWS)
def test_an_overflow_is_marked_and_its_twin_is_not(expression, stable) -> None:
    assert marked(unknown(f"y = {expression}")) == [("TL201", expression)]
    assert marked(unknown(f"y = {stable}")) == []


@pytest.mark.parametrize(
    "expression",
    [
        "x ** 2",
        "(x * x * x * x).sum()",
        "((x ** 2).sum() ** 2).mean() ** 2",
        "torch.tanh(x @ x.t() @ x @ x.t() @ x) * x * x",
        "torch.exp(x - x.max(dim=1, keepdim=True)[0])",
        "torch.exp(x - x.amax(1).unsqueeze(1))",
        "torch.exp(x - x.max())",
        "torch.exp(x - torch.logsumexp(x, 1, keepdim=True))",
        "torch.exp(F.normalize(x) @ F.normalize(x).t() / 0.05)",
        "torch.exp(F.log_softmax(x, 1))",
    ],
)
def test_what_cannot_overflow_in_practice_is_silent(expression) -> None:
    assert marked(unknown(f"y = {expression}")) == []


def test_a_stable_softmax_by_hand_is_silent() -> None:
    body = "z = x - x.max(dim=1, keepdim=True)[0]\ne = torch.exp(z)\ny = e / e.sum(dim=1, keepdim=True)"
    assert marked(unknown(body)) == []


def test_a_maximum_over_everything_may_leave_a_row_of_zeros() -> None:
    body = "e = torch.exp(x - x.max())\ny = e / e.sum(dim=1, keepdim=True)"
    assert [code for code, _ in marked(unknown(body))] == ["TL203"]


def test_the_exponential_of_a_softmax_by_hand_carries_the_report() -> None:
    body = "e = torch.exp(x)\ns = e.sum(dim=1, keepdim=True)\ny = e / s"
    (found,) = hazards(unknown(body))
    assert (found.code, found.span.line) == ("TL210", 11)
    assert [related.message for related in found.related] == ["goes wrong because of line 12"]


def test_a_sigmoid_by_hand_is_one_report_and_its_logarithm_another() -> None:
    body = "p = 1 / (1 + torch.exp(-x))\ny = torch.log(1 - p)"
    assert marked(unknown(body)) == [("TL201", "torch.exp(-x)"), ("TL212", "torch.log(1 - p)")]


def test_a_density_that_vanishes_by_itself_is_a_cause_of_its_own() -> None:
    body = "s = torch.exp(x)\nd = torch.exp(-0.5 * (x / 3) ** 2) * s\ny = torch.log(d.sum(1))"
    assert marked(unknown(body)) == [("TL201", "torch.exp(x)"), ("TL205", "torch.log(d.sum(1))")]


def test_the_overflow_of_a_claim_names_its_interval() -> None:
    (found,) = hazards(claimed("y = torch.exp(x * 2)", [0.0], [50.0]))
    assert "[0, 100]" in found.message
    assert "88.72" in found.message
    assert marked(claimed("y = torch.exp(x)", [0.0], [88.0])) == []


def test_a_clamp_after_the_exponential_does_not_save_the_gradient() -> None:
    assert marked(unknown("y = torch.exp(x).clamp(max=100)")) == [("TL213", "torch.exp(x)")]
    assert marked(unknown("y = (x / x.abs()).clamp(max=100)")) == [("TL213", "x / x.abs()")]


def test_float64_has_room_for_larger_exponents() -> None:
    assert marked(claimed("y = torch.exp(x.double())", [0.0], [500.0])) == []
    assert marked(claimed("y = torch.exp(x.double())", [0.0], [800.0])) == [
        ("TL201", "torch.exp(x.double())")
    ]


@pytest.mark.parametrize("gradient", ["w * 2", "x.t() @ (x @ w - y)"])
def test_an_optimiser_written_by_hand_does_not_overflow_by_its_steps_alone(gradient) -> None:
    text = HEADER + (
        "x, y = torch.rand(8, 3), torch.rand(8)\n"
        "m, v, w = torch.zeros(3), torch.zeros(3), torch.randn(3)\n"
        "for step in range(1, 201):\n"
        f"    g = {gradient}\n"
        "    m = 0.9 * m + 0.1 * g\n"
        "    v = 0.999 * v + 0.001 * g ** 2\n"
        "    w = w - 0.01 * m / (torch.sqrt(v) + 1e-8)\n"
        "print(w)\n"
    )
    assert marked(text) == []


def test_a_quotient_overflows_by_its_numerator_where_the_divisor_is_no_small_number() -> None:
    (found,) = hazards(claimed("y = x / (0.25 + torch.zeros_like(x))", [1e38], [2e38]))
    assert found.code == "TL201"
    assert "`div` overflows" in found.message
    (found,) = hazards(claimed("y = (1 + torch.zeros_like(x)) / x", [1e-40], [1.0]))
    assert found.code == "TL203"
    assert "so small that the result is infinite" in found.message


NETS = HEADER + "f, g = nn.Linear(4, 2), nn.Linear(4, 2)\nx = torch.randn(8, 4)\ns = torch.exp(g(x))\n"


@pytest.mark.parametrize(
    ("overflowing", "following"),
    [
        ("torch.exp(f(x) + s)", "torch.exp(s + 1)"),
        ("torch.exp((f(x) ** 2 - s).sum(1))", "torch.exp((s - f(x) ** 2).sum(1))"),
        ("torch.exp(f(x) / s)", "torch.exp(torch.tanh(f(x)) + s)"),
        ("torch.exp(-(-f(x) - 2 * s))", "torch.exp(-(f(x) ** 2) * torch.ones(2) - (-s))"),
    ],
)
def test_an_exponential_below_another_is_a_cause_if_it_overflows_by_what_is_right(
    overflowing, following
) -> None:
    assert marked(f"{NETS}y = {overflowing}\n") == [("TL201", "torch.exp(g(x))"), ("TL201", overflowing)]
    assert marked(f"{NETS}y = {following}\n") == [("TL201", "torch.exp(g(x))")]


def test_the_ratio_of_two_policies_overflows_whatever_their_deviations_are() -> None:
    begin = (
        f"{HEADER}body, scale = nn.Linear(4, 2), nn.Parameter(torch.zeros(2))\n"
        "optimizer = torch.optim.Adam([*body.parameters(), scale])\n"
        "states, actions = torch.randn(8, 4), torch.randn(8, 2)\n"
        "for _ in range(9):\n"
        "    old = -0.5 * ((actions - body(states).detach()) ** 2).sum(1)\n"
        "    optimizer.step()\n"
        "    logp = torch.distributions.Normal(body(states), scale.exp()).log_prob(actions).sum(1)\n"
    )
    end = "    ratio.mean().backward()\n"
    found = marked(f"{begin}    ratio = torch.exp(logp - old)\n{end}")
    assert found == [("TL201", "scale.exp()"), ("TL201", "torch.exp(logp - old)")]
    stable = marked(f"{begin}    ratio = torch.exp((logp - old).clamp(max=20))\n{end}")
    assert stable == [("TL201", "scale.exp()")]

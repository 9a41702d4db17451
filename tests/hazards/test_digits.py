"""Lost digits: cancellation, absorption, underflow, integers as floats, epsilons."""

import pytest
from tests.hazards.expressions import HEADER, claimed, hazards, marked, unknown

CANCELLATIONS = [
    ("torch.exp(x) - 1", "torch.expm1(x)"),
    ("-1 + torch.exp(x)", "torch.exp(x)"),
    ("torch.log(1 + x)", "torch.log1p(x)"),
    ("torch.log2(1 + x)", "torch.log1p(x) / math.log(2)"),
    ("torch.log((1 + x) / (1 - x))", "2 * torch.atanh(x)"),
    ("1 - torch.cos(x)", "2 * torch.sin(x / 2) ** 2"),
    ("torch.sqrt(1 + x) - 1", "x / (torch.sqrt(1 + x) + 1)"),
    ("(x ** 2).mean() - x.mean() ** 2", "((x - x.mean()) ** 2).mean()"),
    ("(x * x).mean(0) - x.mean(0) * x.mean(0)", "x.var(0, unbiased=False)"),
    ("(x * x).sum() / 2 - (x.sum() / 2) ** 2", "x.var(unbiased=False) + x.mean() - 1"),
]


@pytest.mark.parametrize(("expression", "stable"), CANCELLATIONS)
def test_a_formula_that_cancels_is_marked_and_its_stable_form_is_not(expression, stable) -> None:
    assert marked(claimed(f"y = {expression}", [-1e-3, -1e-3], [1e-3, 1e-3])) == [("TL206", expression)]
    assert marked(claimed(f"y = {stable}", [-1e-3, -1e-3], [1e-3, 1e-3])) == []


@pytest.mark.parametrize("expression", ["torch.exp(x) - 1", "torch.log(1 + x)", "1 - torch.cos(x)"])
def test_it_does_not_cancel_away_from_zero(expression) -> None:
    assert marked(claimed(f"y = {expression}", [0.5, 0.5], [1.0, 2.0])) == []
    assert marked(claimed(f"y = {expression}", [-0.9, 0.0], [3.0, 3.0])) == []


def test_the_logarithm_of_one_plus_a_count_keeps_its_digits() -> None:
    assert marked(HEADER + "counts = torch.randint(0, 9, (4,)).float()\ny = torch.log(1 + counts)\n") == []


def test_residuals_are_no_cancellation() -> None:
    assert marked(unknown("y = ((x - torch.tanh(x)) ** 2).mean() + (x[0] - x[1]).abs().sum()")) == []


def test_a_root_minus_its_number_cancels_where_the_number_is_large() -> None:
    expression = "torch.sqrt(x ** 2 + 1) - x"
    assert marked(claimed(f"y = {expression}", [0.0], [1e4])) == [("TL206", expression)]
    assert marked(claimed(f"y = {expression}", [0.0], [2.0])) == []


def test_what_follows_from_a_variance_of_moments_is_not_reported_again() -> None:
    body = "v = (x ** 2).mean() - x.mean() ** 2\ny = (x - x.mean()) / torch.sqrt(v)"
    assert [code for code, _ in marked(unknown(body))] == ["TL206"]


def test_an_addend_that_never_counts_is_absorbed() -> None:
    assert marked(claimed("y = x * 1e9 + torch.sin(x)", [1.0], [2.0])) == [
        ("TL207", "x * 1e9 + torch.sin(x)")
    ]
    assert marked(claimed("y = x * 1e6 + torch.sin(x)", [1.0], [2.0])) == []
    assert marked(claimed("y = x.double() * 1e9 + torch.sin(x)", [1.0], [2.0])) == []


@pytest.mark.parametrize(
    ("expression", "stable"),
    [
        ("x + 1e-9", "x + 1e-6"),
        ("1 + 1e-9 - x", "1 + 1e-6 - x"),
        ("x - 1 + 1e-46", "x - 1 + 1e-36"),
        ("x.half() + 1e-8", "x.half() + 1e-2"),
    ],
)
def test_an_epsilon_without_effect_is_marked(expression, stable) -> None:
    assert marked(claimed(f"y = {expression}", [1.0], [2.0])) == [("TL216", expression)]
    assert marked(claimed(f"y = {stable}", [1.0], [2.0])) == []


def test_an_absorbed_epsilon_is_the_cause_of_the_logarithm_of_zero() -> None:
    text = claimed("d = 1 + 1e-9 - x\ny = torch.log(d)", [0.0], [1.0])
    (found,) = hazards(text)
    assert found.code == "TL216"
    assert "absorbed" in found.message
    assert [related.message for related in found.related] == ["goes wrong because of line 12"]


def test_an_epsilon_beside_zero_does_its_work() -> None:
    assert marked(unknown("y = 1 / (x.abs() + 1e-12) + torch.log(torch.relu(x) + 1e-12)")) == []


def test_an_epsilon_beside_what_is_positive_by_rounding_alone_is_not_missed() -> None:
    """`torch.rand` is below one by half an eps, so that `-log(u)` is never 0; real numbers come nearer."""
    draw = "u = torch.rand(4) + 1e-20\n"
    assert marked(HEADER + draw + "noise = -torch.log(-torch.log(u) + 1e-20)\n") == []


def test_an_upper_clamp_that_rounds_to_one_leaves_the_logarithm_at_zero() -> None:
    assert marked(unknown("p = torch.tanh(x).clamp(1e-12, 1 - 1e-12)\ny = torch.log(1 - p)")) == [
        ("TL205", "torch.log(1 - p)")
    ]
    assert marked(unknown("p = torch.tanh(x).clamp(1e-12, 1 - 1e-6)\ny = torch.log(1 - p)")) == []


@pytest.mark.parametrize(
    ("expression", "stable"),
    [
        ("torch.sqrt(x.var(0) + 1e-20)", "torch.sqrt(x.var(0) + 1e-5)"),
        (
            "torch.rsqrt(((x - x.mean()) ** 2).mean() + 1e-16)",
            "torch.rsqrt(((x - x.mean()) ** 2).mean() + 1e-6)",
        ),
    ],
)
def test_a_variance_needs_an_epsilon_above_its_rounding_error(expression, stable) -> None:
    assert [code for code, _ in marked(unknown(f"y = {expression}"))] == ["TL217"]
    assert marked(unknown(f"y = {stable}")) == []


def test_the_epsilon_of_a_layer_is_marked_where_the_layer_is_made() -> None:
    assert marked(HEADER + "norm = nn.LayerNorm(4, eps=1e-20)\n") == [("TL217", "nn.LayerNorm(4, eps=1e-20)")]
    assert marked(HEADER + "EPS = 1e-30\nnorm = nn.BatchNorm1d(4, eps=EPS)\n") == [
        ("TL217", "nn.BatchNorm1d(4, eps=EPS)")
    ]
    assert marked(HEADER + "norm = nn.LayerNorm(4, eps=1e-6)\nother = nn.GroupNorm(1, 4)\n") == []


def test_a_product_of_many_probabilities_underflows() -> None:
    many = "p = torch.sigmoid(torch.randn(100))\n"
    assert marked(HEADER + many + "y = p.prod()\n") == [("TL208", "p.prod()")]
    assert marked(HEADER + many + "y = torch.log(torch.prod(p))\n") == [("TL208", "torch.prod(p)")]
    assert marked(HEADER + many + "y = F.logsigmoid(torch.randn(100)).sum()\n") == []
    assert marked(HEADER + "y = torch.rand(3, 4).prod(0)\n") == []
    assert marked(HEADER + "y = (torch.rand(100) > 0.1).float().prod()\n") == []


def test_a_running_product_of_probabilities_is_marked_in_its_loop() -> None:
    loop = "p = torch.sigmoid(torch.randn(40))\ntotal = torch.ones(())\nfor i in range(40):\n    total = total * p[i]\n"
    assert {code for code, _ in marked(HEADER + loop)} == {"TL208"}
    assert marked(HEADER + loop.replace("40", "4")) == []


@pytest.mark.parametrize(
    ("conversion", "stable"),
    [
        ("ids.float()", "ids.double()"),
        ("ids.to(torch.float32)", "(ids % 1000).to(torch.float32)"),
        ("ids * 0.5", "ids // 2"),
        ("ids / 1000", "(ids // 1000).float().clamp(max=1e6) / 1000"),
    ],
)
def test_large_integers_lose_digits_as_floats(conversion, stable) -> None:
    made = "ids = torch.randint(0, 2 ** 31 - 1, (5,))\n"
    assert marked(HEADER + made + f"y = {conversion}\n") == [("TL214", conversion)]
    wide = "(ids // 1000)" in stable
    assert [code for code, _ in marked(HEADER + made + f"y = {stable}\n")] == []
    assert wide == ("1e6" in stable)


def test_integers_up_to_2_24_are_exact() -> None:
    assert marked(HEADER + "y = torch.randint(0, 2 ** 24, (5,)).float()\n") == []
    assert marked(HEADER + "y = torch.randint(0, 2 ** 24 + 2, (5,)).float()\n") != []
    assert marked(HEADER + "y = torch.tensor([2 ** 30, 2 ** 25]).float()\n") == []
    assert marked(HEADER + "y = torch.tensor([2 ** 30 + 1]).float()\n") != []


def test_a_conversion_beyond_the_largest_number_of_its_type() -> None:
    assert marked(claimed("y = (x * 1000).half()", [0.0], [100.0])) == [("TL218", "(x * 1000).half()")]
    assert marked(claimed("y = (x * 1000).half()", [0.0], [60.0])) == []
    assert marked(claimed("y = (x * 1000).to(torch.bfloat16)", [0.0], [100.0])) == []
    assert marked(claimed("y = (x.double() * 1e39).float()", [0.0], [1.0])) == [
        ("TL218", "(x.double() * 1e39).float()")
    ]


B = "b = torch.empty(100).uniform_({low}, {high})\nc = torch.empty(100).uniform_(0.1, 1.0)\n"
ROOT = "torch.sqrt(b * b - 4 * c)"


@pytest.mark.parametrize(
    ("low", "high", "expression", "stable"),
    [
        (1000.0, 5000.0, f"-b + {ROOT}", f"-b - {ROOT}"),
        (1000.0, 5000.0, f"{ROOT} - b", f"2 * c / (-b - {ROOT})"),
        (-5000.0, -1000.0, f"-b - {ROOT}", f"-b + {ROOT}"),
        (-5000.0, -1000.0, f"b + {ROOT}", f"b - {ROOT}"),
        (-5000.0, 5000.0, f"-b + {ROOT}", f"b + torch.sign(b) * {ROOT}"),
    ],
)
def test_a_quadratic_formula_cancels_on_the_side_where_b_and_the_root_meet(
    low, high, expression, stable
) -> None:
    begin = HEADER + B.format(low=low, high=high)
    assert ("TL206", expression) in marked(f"{begin}first = ({expression}) / 2\n")
    assert "TL206" not in [code for code, _ in marked(f"{begin}first = ({stable}) / 2\n")]


def test_a_quadratic_formula_of_numbers_alike_in_size_is_no_cancellation() -> None:
    assert marked(HEADER + B.format(low=3.0, high=9.0) + f"first = (-b + {ROOT}) / 2\n") == []

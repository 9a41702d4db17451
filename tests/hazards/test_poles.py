"""Logarithms, divisions and domains: the hazardous expression is reported on its very words, its stable twin is not."""

import pytest
from tests.hazards.expressions import HEADER, claimed, hazards, marked, unknown

from torchlean.diagnostics import Severity

UNKNOWN = [
    ("TL205", "torch.log(torch.relu(x))", "torch.log(torch.relu(x) + 1e-6)"),
    ("TL205", "torch.log(x.abs())", "torch.log(x.abs().clamp(min=1e-12))"),
    ("TL205", "x.abs().log10()", "x.abs().add(1e-3).log10()"),
    ("TL204", "torch.log(x)", "torch.log(torch.where(x > 0, x, 1.0))"),
    ("TL204", "x.sqrt()", "x.clamp(min=0).sqrt()"),
    ("TL204", "torch.sqrt(1 - x ** 2)", "torch.sqrt(1 + x ** 2)"),
    ("TL204", "x ** 0.5", "x.abs() ** 0.5"),
    ("TL204", "torch.pow(x, 2.5)", "torch.pow(F.softplus(x), 2.5)"),
    ("TL204", "torch.acos(x)", "torch.acos(torch.tanh(x) * 0.999)"),
    ("TL204", "torch.asin(F.normalize(x, dim=1).sum(1))", "torch.asin(torch.sin(x).clamp(-0.9, 0.9))"),
    ("TL204", "torch.atanh(torch.tanh(x))", "torch.atanh(torch.tanh(x) * 0.99)"),
    ("TL204", "torch.log1p(x)", "torch.log1p(x.abs())"),
    ("TL204", "torch.addcmul(x * x, x, x + 1).sqrt()", "torch.addcmul(x * x, x, x, value=0.1).sqrt()"),
    ("TL203", "1 / x", "1 / (x.abs() + 1e-3)"),
    ("TL203", "x / x.sum(1, keepdim=True)", "x / x.clamp(1e-3, 10.0).sum(1, keepdim=True)"),
    ("TL203", "x / x.norm(dim=1, keepdim=True)", "x / x.norm(dim=1, keepdim=True).clamp(min=1e-12)"),
    ("TL203", "(x - x.mean()) / x.std()", "(x - x.mean()) / (x.std() + 1e-6)"),
    ("TL203", "x.abs().rsqrt()", "(x.abs() + 1e-6).rsqrt()"),
    ("TL203", "x ** -2", "(1 + x * x) ** -2"),
    ("TL203", "torch.reciprocal(x)", "torch.reciprocal(2 + torch.sin(x))"),
    ("TL211", "torch.log(torch.softmax(x, 1))", "torch.log_softmax(x, 1)"),
    ("TL211", "F.softmax(x, dim=1).log()", "F.softmax(x.clamp(-5, 5), dim=1).log()"),
    ("TL211", "torch.log(F.softmax(x, dim=1)[:, 0])", "F.log_softmax(x, dim=1)[:, 0]"),
    ("TL212", "torch.log(torch.sigmoid(x))", "F.logsigmoid(x)"),
    ("TL212", "torch.log(1 - torch.sigmoid(x))", "torch.log(1 - torch.sigmoid(x.clamp(-5, 5)))"),
    ("TL212", "torch.log2(torch.sigmoid(x))", "torch.log2(torch.sigmoid(x).clamp(min=1e-6))"),
    ("TL213", "torch.log(torch.relu(x))", "torch.log(torch.relu(x).clamp(min=1e-6))"),
]


def ids(case: object) -> str | None:
    return str(case) if isinstance(case, str) else None


@pytest.mark.parametrize(("code", "expression", "stable"), UNKNOWN, ids=ids)
def test_the_expression_is_marked_and_its_twin_is_not(code, expression, stable) -> None:
    after = ".clamp(min=-100)" if code == "TL213" else ""
    assert marked(unknown(f"y = {expression}{after}")) == [(code, expression)]
    assert marked(unknown(f"y = {stable}{after}")) == []


def test_an_unknown_region_is_a_hint_that_says_so() -> None:
    (found,) = hazards(unknown("y = torch.log(x.abs())"))
    assert found.severity is Severity.HINT
    assert "unknown numbers taken from [-10000, 10000]" in found.message


def test_a_stated_region_is_a_warning_that_names_the_interval() -> None:
    (found,) = hazards(claimed("y = torch.log((x + 0.123) ** 2)", [-1.0, 0.0], [1.0, 0.5]))
    assert found.severity is Severity.WARNING
    assert found.code == "TL205"
    assert "[0, 1.262]" in found.message


def test_a_region_away_from_the_danger_is_silent() -> None:
    assert marked(claimed("y = torch.log(x + 1) / x + torch.sqrt(x)", [1e-3, 1e-3], [1.0, 2.0])) == []


def test_normal_draws_are_taken_from_a_stated_range() -> None:
    (found,) = hazards("import torch\nx = torch.randn(3)\ny = torch.sqrt(x + 8)\n")
    assert found.code == "TL204"
    assert "normal draws within 8.6 deviations" in found.message
    assert hazards("import torch\nx = torch.randn(3)\ny = torch.sqrt(x + 9)\n") == []


def test_rand_may_be_zero_and_is_never_one() -> None:
    assert marked("import torch\ny = torch.log(torch.rand(3))\n") == [("TL205", "torch.log(torch.rand(3))")]
    assert marked("import torch\ny = torch.log(1 - torch.rand(3))\n") == []


@pytest.mark.parametrize(
    "masked",
    [
        "torch.where(x > 0, torch.log(x), torch.zeros_like(x))",
        "torch.where(x <= 0, torch.zeros_like(x), 2 * torch.log(x))",
        "torch.where(x != 0, 1 / x, torch.zeros_like(x))",
        "torch.where(x == 0, torch.ones_like(x), 1 / x)",
        "torch.where(x >= 0, torch.sqrt(x), x)",
    ],
)
def test_a_value_that_is_selected_only_where_it_is_right_is_silent(masked) -> None:
    assert marked(unknown(f"y = {masked}")) == []


@pytest.mark.parametrize(
    "divisor",
    [
        "torch.where(x == 0, 1.0, x)",
        "torch.where(x != 0, x, torch.ones_like(x))",
        "torch.where(x.abs() < 1e-6, 1e-6, x)",
        "torch.where(x.abs() > 0, x, 1.0)",
        "x.masked_fill(x == 0, 1.0)",
    ],
)
def test_a_divisor_whose_zeros_are_replaced_is_silent(divisor) -> None:
    assert marked(unknown(f"y = x / {divisor}")) == []
    assert hazards(claimed(f"y = x / {divisor}", [-1.0, 0.0], [1.0, 0.5])) == []


@pytest.mark.parametrize(
    "divisor",
    [
        "torch.where(x == 0, 0.0, x)",
        "torch.where(x == 0, x, 1.0)",
        "torch.where(x == 1, 1.0, x)",
        "torch.where(x.abs() < 0, 1.0, x)",
        "torch.where(x.abs() >= 0, x, 1.0)",
        "torch.where(x.abs() > 1e-6, 1e-6, x)",
    ],
)
def test_a_divisor_whose_zeros_stay_is_reported(divisor) -> None:
    assert [found.code for found in hazards(unknown(f"y = (1 + x) / {divisor}"))] == ["TL203"]


def test_a_value_that_is_selected_by_something_else_is_reported() -> None:
    assert marked(unknown("y = torch.where(x > -1, torch.log(x), x)")) == [("TL204", "torch.log(x)")]
    assert marked(unknown("y = torch.where(x >= 0, torch.log(x), x)")) == [("TL204", "torch.log(x)")]


@pytest.mark.parametrize(
    "call",
    [
        "F.binary_cross_entropy(torch.sigmoid(x), torch.rand(8, 4))",
        "F.binary_cross_entropy_with_logits(x, torch.rand(8, 4))",
        "F.cross_entropy(x, torch.zeros(8, dtype=torch.int64))",
        "F.kl_div(F.log_softmax(x, 1), F.softmax(x, 1))",
        "F.gaussian_nll_loss(x, x, torch.ones(8, 4))",
        "nn.BCELoss()(torch.sigmoid(x), torch.rand(8, 4))",
        "F.cosine_similarity(x, x + 1)",
        "F.normalize(x)",
        "F.layer_norm(x, (4,))",
        "torch.logsumexp(x, 1)",
        "F.softplus(x)",
        "F.mse_loss(x, x + 1)",
    ],
)
def test_functions_of_torch_deal_with_their_own_poles(call) -> None:
    assert marked(unknown(f"y = {call}")) == []


def test_both_logarithms_of_one_line_are_marked() -> None:
    line = "y = t * torch.log(p) + (1 - t) * torch.log(1 - p)"
    text = unknown(f"p = torch.sigmoid(x)\nt = torch.rand(8, 4)\n{line}")
    assert marked(text) == [("TL212", "torch.log(p)"), ("TL212", "torch.log(1 - p)")]


OPTIMISER = """{header}class Adaptive:
    def __init__(self, parameters):
        self.parameters = list(parameters)
        self.squares = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.parameters):
            self.squares[i] = 0.9 * self.squares[i] + 0.1 * p.grad * p.grad
            p -= 0.01 * p.grad / {divisor}


net = nn.Linear(2, 1)
optimiser = Adaptive(net.parameters())
for epoch in range(100):
    net(torch.rand(8, 2)).mean().backward()
    optimiser.step()
"""


def test_what_an_optimiser_keeps_in_a_list_stays_known_from_step_to_step() -> None:
    careless = "torch.sqrt(self.squares[i])"
    text = OPTIMISER.format(header=HEADER, divisor=careless)
    assert marked(text) == [("TL203", f"0.01 * p.grad / {careless}")]
    assert marked(OPTIMISER.format(header=HEADER, divisor=f"({careless} + 1e-8)")) == []


def test_a_closure_is_judged_after_the_update_too() -> None:
    text = f"""{HEADER}scale = nn.Parameter(torch.ones(1))
optimiser = torch.optim.LBFGS([scale])
def closure():
    loss = (torch.rand(8) / scale).sum()
    loss.backward()
    return loss
optimiser.step(closure)
"""
    assert marked(text) == [("TL203", "torch.rand(8) / scale")]


def test_the_length_and_the_spread_of_many_draws_are_not_zero() -> None:
    def divided(by: str) -> list[tuple[str, str]]:
        return marked(f"{HEADER}x = torch.rand(100, 20) * 2 - 1\ny = x / {by}\n")

    assert divided("torch.sin(x).norm()") == []
    assert divided("x.std(0)") == []
    for by in ("torch.relu(x).norm()", "x[:, :2].std(1).mean()", "torch.zeros(20).norm()"):
        assert [code for code, _ in divided(by)] == ["TL203"], by

"""Invalid operations, lengths, comparisons, settings; and one report per cause over all units of a file."""

import pytest
from tests.hazards.expressions import HEADER, claimed, hazards, marked, unknown

from torchlean.diagnostics import Severity

NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

"""


def trained(body: str) -> str:
    lines = "\n".join(f"        {line}" for line in body.split("\n"))
    forward = f"    def forward(self, x):\n        x = self.fc(x)\n{lines}\n        return y\n\n\n"
    return f"{HEADER}{NET}{forward}Net()(torch.empty(8, 4))\n"


@pytest.mark.parametrize(
    ("expression", "stable"),
    [
        ("torch.sqrt((x ** 2).sum(1))", "torch.sqrt((x ** 2).sum(1) + 1e-12)"),
        ("((x - 1) ** 2).sum().sqrt()", "torch.linalg.vector_norm(x - 1)"),
        ("torch.sum(x * x, dim=1) ** 0.5", "x.norm(dim=1)"),
        ("torch.sqrt(x[0] * x[0] + x[1] * x[1])", "torch.hypot(x[0], x[1])"),
    ],
)
def test_a_trained_length_has_no_gradient_at_zero(expression, stable) -> None:
    assert marked(trained(f"y = {expression}")) == [("TL219", expression)]
    assert marked(trained(f"y = {stable}")) == []


def test_the_squares_of_a_length_overflow_before_the_length_does() -> None:
    expression = "torch.sqrt(x[0] * x[0] + x[1] * x[1])"
    assert marked(claimed(f"y = {expression}", [1.0, 1.0], [1e25, 1e25])) == [("TL219", expression)]
    assert marked(claimed(f"y = {expression}", [1.0, 1.0], [1e18, 1e18])) == []


def test_the_root_of_a_mean_square_is_no_length() -> None:
    assert marked(trained("y = torch.sqrt(((x - 1) ** 2).mean())")) == []


def test_a_mask_may_hide_a_whole_row() -> None:
    hidden = "keep = torch.rand(8, 4) > 0.5\ny = torch.softmax(x.masked_fill(~keep, {fill}), dim=1)"
    (found,) = hazards(unknown(hidden.format(fill='float("-inf")')))
    assert found.code == "TL202"
    assert hazards(unknown(hidden.format(fill="-1e9"))) == []


def test_a_causal_mask_keeps_an_element_of_each_row() -> None:
    body = (
        "scores = x @ x.t()\nmask = torch.triu(torch.ones(8, 8), diagonal=1).bool()\n"
        'y = torch.softmax(scores.masked_fill(mask, float("-inf")), dim=-1)'
    )
    assert marked(unknown(body)) == []


@pytest.mark.parametrize(
    "least",
    [
        "torch.topk(x, 2)[0][..., -1, None]",
        "torch.topk(x, 2).values[:, [-1]]",
        "torch.topk(x, 2).values[:, -1].unsqueeze(-1)",
        "torch.topk(x, 2).values[:, -1:].expand_as(x)",
        "torch.topk(x, 2).values.min(-1, keepdim=True).values",
        "torch.sort(x, descending=True).values[:, 1:2]",
        "x.kthvalue(3, dim=-1, keepdim=True).values",
        "x.amax(1, keepdim=True)",
    ],
)
def test_a_mask_of_all_but_the_greatest_keeps_an_element_of_each_row(least: str) -> None:
    after = "y = torch.softmax(z, dim=-1)"
    assert marked(unknown(f'z = x.masked_fill(x < {least}, float("-inf"))\n{after}')) == []
    assert marked(unknown(f'z = torch.where(x >= {least}, x, float("-inf"))\n{after}')) == []
    assert marked(unknown(f'z = x.clone()\nz[{least} > z] = float("-inf")\n{after}')) == []
    first = f'z = x.masked_fill(x < {least}, float("-inf"))'
    twice = f'{first}\nz = z.masked_fill(z < z.amax(1, keepdim=True), float("-inf"))'
    assert marked(unknown(f"{twice}\n{after}")) == []


@pytest.mark.parametrize(
    "mask",
    [
        "x <= x.amax(1, keepdim=True)",  # hides the greatest, too
        "x > x.amin(1, keepdim=True)",
        "x < x.amax(0, keepdim=True)",  # of the column
        "x < x.amax()",
        "x < 2 * x.amax(1, keepdim=True)",
        "x < torch.topk(2 * x, 2).values[:, -1:]",
        "x < torch.topk(x, 2).values.flip(0)[:, -1:]",  # of another row
        "(x.t() < x.t().amax(1, keepdim=True)).t()",
    ],
)
def test_other_masks_may_hide_a_whole_row(mask: str) -> None:
    (found,) = hazards(unknown(f'y = torch.softmax(x.masked_fill({mask}, float("-inf")), dim=1)'))
    assert found.code == "TL202"


def test_zero_times_infinity() -> None:
    product = '(x > 0).float() * float("-inf")'
    assert marked(unknown(f"y = x + {product}")) == [("TL202", product)]
    assert marked(unknown('y = x.masked_fill(x > 0, float("-inf"))')) == []


def test_statistics_of_too_few_numbers() -> None:
    assert marked(unknown("y = x[:1].std(0)")) == [("TL202", "x[:1].std(0)")]
    assert marked(unknown("y = x[:1].std(0, unbiased=False)")) == []
    assert marked(unknown("y = x[:0].mean()")) == [("TL202", "x[:0].mean()")]
    assert marked(unknown("y = x[:2].var(0)")) == []


@pytest.mark.parametrize(
    ("comparison", "stable"),
    [
        ("torch.tanh(x) == x", "torch.isclose(torch.tanh(x), x)"),
        ("x.sum(1) == 1.0", "(x.sum(1) - 1).abs() < 1e-6"),
        ("x.mean() != x[0] * 2", "x.mean() > x[0] * 2"),
    ],
)
def test_computed_floats_are_compared(comparison, stable) -> None:
    assert marked(unknown(f"y = ({comparison}).float()")) == [("TL215", comparison)]
    assert marked(unknown(f"y = ({stable}).float()")) == []


@pytest.mark.parametrize(
    "comparison",
    [
        "x == 0",
        "x != x",
        "x == x.max(dim=1, keepdim=True)[0]",
        "x.argmax(1) == torch.randint(0, 4, (8,))",
        "torch.sigmoid(x).round() == 1",
        "(x * 2).relu() == 0",
        'x * 2 == float("inf")',
        "(x > 0).float() == (x > 1).float()",
    ],
)
def test_comparisons_that_are_exact_are_silent(comparison) -> None:
    assert marked(unknown(f"y = ({comparison}).float()")) == []


@pytest.mark.parametrize(
    ("setting", "off"),
    [
        ("torch.set_flush_denormal(True)", "torch.set_flush_denormal(False)"),
        ("torch.backends.cuda.matmul.allow_tf32 = True", "torch.backends.cuda.matmul.allow_tf32 = False"),
        ('torch.set_float32_matmul_precision("high")', 'torch.set_float32_matmul_precision("highest")'),
        ("torch.autocast('cuda')", "torch.autocast('cuda', enabled=False)"),
    ],
)
def test_settings_that_weaken_the_arithmetic(setting, off) -> None:
    assert marked(f"{HEADER}{setting}\n") == [("TL220", setting)]
    assert marked(f"{HEADER}{off}\n") == []


def test_the_script_that_uses_a_module_knows_its_region_better() -> None:
    module = "class Log(nn.Module):\n    def forward(self, x):\n        return torch.log(x)\n\n\n"
    assert marked(f"{HEADER}{module}Log()(torch.rand(3) + 2)\n") == []
    (found,) = hazards(f"{HEADER}{module}Log()(torch.rand(3))\n")
    assert (found.code, found.severity) == ("TL205", Severity.ERROR)


def test_a_module_without_use_is_judged_by_itself() -> None:
    module = "class Log(nn.Module):\n    def forward(self, x):\n        return torch.log(x)\n"
    (found,) = hazards(f"{HEADER}{module}")
    assert (found.code, found.severity) == ("TL204", Severity.HINT)

"""What is never above what: maxima that are carried along, cross entropies, factors, sums of what is not negative."""

import math

import pytest
import torch
import torch.nn.functional as F
from tests.hazards.expressions import HEADER, hazards, marked

from torchlean.hazards.entropies import LEAST_ENTROPY

NETWORK = f"{HEADER}x = nn.Linear(3, 4)(torch.rand(8, 3))\n"

NEVER_POSITIVE = [
    "torch.exp(x - torch.maximum(x, x[:1]))",
    "torch.exp(x - torch.maximum(x[:1], x.amax(-1, keepdim=True)))",
    "torch.exp(x - torch.maximum(x[:, 0], x.amax(-1)).unsqueeze(-1))",
    "torch.exp(x - torch.logaddexp(x, x[:1]))",
    "torch.exp(x - x.clamp(min=0))",
    "torch.exp(x - torch.relu(x))",
    "torch.exp(torch.minimum(x, x[:1]) - x)",
    "torch.exp(x.clamp(max=5.0) - x)",
    "torch.exp(F.logsigmoid(x) - x)",
    "torch.exp(x - F.softplus(x))",
    "torch.exp(-F.binary_cross_entropy_with_logits(x, torch.rand(8, 4), reduction='none'))",
    "torch.exp(-(torch.relu(x) - x * torch.rand(8, 4)))",
]

MAY_BE_POSITIVE = [
    "torch.exp(x - torch.minimum(x, x[:1]))",
    "torch.exp(x - torch.maximum(x.T, x.T[:1]).T.flip(0))",
    "torch.exp(x[:4] - torch.maximum(x[:4, 0], x[:4].amax(-1)).unsqueeze(0))",
    "torch.exp(x - x.clamp(0, 5))",
    "torch.exp(torch.relu(x) - x.clamp(max=5.0))",
    "torch.exp(x - torch.rand(8, 4))",
    "torch.exp(x - F.softplus(x, beta=-1))",
    "torch.exp(-(torch.relu(x) - x * (torch.rand(8, 4) + 0.5)))",
    "torch.exp(x * torch.rand(8, 4) + F.logsigmoid(x))",
]


@pytest.mark.parametrize("expression", NEVER_POSITIVE)
def test_exponentials_of_what_is_never_positive_do_not_overflow(expression) -> None:
    assert marked(f"{NETWORK}y = {expression}\n") == []


@pytest.mark.parametrize("expression", NEVER_POSITIVE)
def test_they_are_at_most_one_in_torch(expression) -> None:
    scales = torch.tensor([1.0, 1e2, 1e4])
    for x in scales[:, None, None] * torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(0)):
        value = eval(expression, {"torch": torch, "F": F, "x": x})
        assert bool((value <= 1.0 + 1e-6).all())


@pytest.mark.parametrize("expression", MAY_BE_POSITIVE)
def test_exponentials_of_what_only_looks_alike_are_marked(expression) -> None:
    assert [code for code, _ in marked(f"{NETWORK}y = {expression}\n")] == ["TL201"]


@pytest.mark.parametrize("expression", MAY_BE_POSITIVE)
def test_those_overflow_in_torch(expression) -> None:
    torch.manual_seed(0)
    overflows = False
    for _ in range(20):
        x = 1e4 * torch.randn(8, 4)
        overflows |= bool(torch.isinf(eval(expression, {"torch": torch, "F": F, "x": x})).any())
    assert overflows


def attention(begin: str, blocks: str = "4") -> str:
    """A program whose softmax is computed block by block, beginning with the maximum `begin`."""
    return f"""{HEADER}
def attend(q, k, v):
    m = {begin}
    total = torch.zeros(8, 1)
    out = torch.zeros(8, 4)
    for i in range(0, 16, {blocks}):
        s = q @ k[i:i + {blocks}].T
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        old = torch.exp(m - new)
        p = torch.exp(s - new)
        total = old * total + p.sum(dim=-1, keepdim=True)
        out = old * out + p @ v[i:i + {blocks}]
        m = new
    return out / total


net = nn.Linear(3, 4)
y = attend(net(torch.rand(8, 3)), net(torch.rand(16, 3)), net(torch.rand(16, 3)))
"""


@pytest.mark.parametrize("begin", ["torch.full((8, 1), -1e30)", 'torch.full((8, 1), float("-inf"))'])
def test_nothing_is_said_of_a_softmax_in_blocks_that_begins_below_every_score(begin) -> None:
    assert marked(attention(begin)) == []


def test_a_softmax_in_blocks_that_begins_at_zero_divides_by_zero() -> None:
    text = attention("torch.zeros(8, 1)")
    assert marked(text) == [("TL203", "out / total")]
    names: dict[str, object] = {"tl": None}
    exec(text.replace("import torchlean as tl", ""), names)
    q, k = torch.full((8, 4), -20.0), torch.full((16, 4), 20.0)
    assert bool(torch.isnan(names["attend"](q, k, torch.ones(16, 4))).all())


def test_an_addend_is_absorbed_unless_every_use_is_the_same_number_anyway() -> None:
    start = f"{NETWORK}m = torch.full((8, 1), -1e30)\nd = m - x\n"
    assert marked(f"{start}y = torch.exp(d)\n") == []
    assert marked(f"{start}y = torch.exp(d)\nz = d * 2\n") == [("TL207", "m - x")]
    assert marked(f"{start}y = torch.exp(d * 1e-30)\n") == [("TL207", "m - x")]


def test_the_diagonal_of_a_cholesky_factor_is_positive() -> None:
    start = f"{NETWORK}k = x @ x.T + torch.eye(8)\n"
    factor = f"{start}l = torch.linalg.cholesky(k)\n"
    assert marked(f"{factor}y = torch.log(torch.diagonal(l)).sum() + l.diag().log().sum()\n") == []
    batch = f"{NETWORK}l = torch.linalg.cholesky(torch.empty(5, 3, 3))\n"
    assert marked(f"{batch}y = l.diagonal(dim1=-2, dim2=-1).log()\n") == []
    assert marked(f"{batch}y = l.diagonal(dim1=0, dim2=-1).log()\n")[0][0] == "TL204"
    assert marked(f"{factor}y = torch.log(torch.diagonal(l, offset=-1))\n")[0][0] == "TL204"
    assert marked(f"{factor}y = torch.log(l)\n")[0][0] == "TL204"
    without = f"{start}l, info = torch.linalg.cholesky_ex(k)\n"
    assert marked(f"{without}y = torch.log(torch.diagonal(l))\n")[0][0] == "TL204"


def test_cholesky_raises_where_its_diagonal_would_not_be_positive() -> None:
    for wrong in (-1.0, 0.0, math.nan):
        with pytest.raises(torch.linalg.LinAlgError):
            torch.linalg.cholesky(torch.diag(torch.tensor([1.0, wrong])))
        assert not torch.linalg.cholesky_ex(torch.diag(torch.tensor([1.0, wrong]))).L[1, 1] > 0
    tiny = torch.linalg.cholesky(torch.full((1, 1), 1e-45))
    assert float(tiny) > torch.finfo(torch.float32).smallest_normal


DEGREES = [
    "torch.zeros(10).scatter_add_(0, col, torch.ones(30))",
    "torch.zeros(10).scatter_add(0, col, src=torch.rand(30))",
    "torch.zeros(10).index_add_(0, col, torch.ones_like(col, dtype=torch.float))",
    "torch.zeros(10).index_add(0, col, source=torch.rand(30), alpha=2)",
]


@pytest.mark.parametrize("degrees", DEGREES)
def test_sums_of_what_is_not_negative_are_not_negative(degrees) -> None:
    start = f"{HEADER}col = torch.randint(0, 10, (30,))\ndeg = {degrees}\n"
    assert [code for code, _ in marked(f"{start}y = deg.pow(-0.5)\n")] == ["TL203"]
    assert marked(f'{start}y = deg.pow(-0.5)\ny[y == float("inf")] = 0\nz = y * 2\n') == []
    assert marked(f"{start}y = torch.sqrt(deg)\n") == []


@pytest.mark.parametrize(
    "sums",
    [
        "torch.zeros(10).index_add(0, col, torch.rand(30), alpha=-1)",
        "torch.zeros(10).scatter_add(0, col, torch.rand(30) - 0.5)",
        "(-torch.rand(10)).scatter_add(0, col, torch.rand(30))",
    ],
)
def test_other_sums_may_be_negative(sums) -> None:
    start = f"{HEADER}col = torch.randint(0, 10, (30,))\ndeg = {sums}\n"
    assert [code for code, _ in marked(f"{start}y = torch.sqrt(deg)\n")] == ["TL204"]


def test_a_place_is_called_unknown_once_where_a_module_is_followed_in_the_script_and_by_itself() -> None:
    from torchlean.analysis import Session, analyse

    module = """class Net(nn.Module):
    def forward(self, x, col):
        return torch.zeros(10).scatter_add(0, col, x.abs())


Net()(torch.rand(30), torch.randint(0, 10, (30,)))
"""
    found = analyse("/somewhere/program.py", HEADER + module, Session()).diagnostics
    assert [(d.code, d.message.partition("; ")[2]) for d in found] == [
        ("TL102", "its numbers can be any from 0 on")
    ]


def test_the_mean_of_exponentials_below_the_maximum_is_not_zero() -> None:
    """Importance weighted bounds: log(mean(exp(w - max(w)))) + max(w)."""
    good = "y = torch.log(torch.exp(x - x.amax(0, keepdim=True)).mean(0))\n"
    assert marked(NETWORK + good) == []
    other = good.replace("mean(0)", "mean(1)")
    assert marked(NETWORK + other) == [("TL205", "torch.log(torch.exp(x - x.amax(0, keepdim=True)).mean(1))")]
    x = torch.cat([torch.zeros(7, 4), torch.full((1, 4), 200.0)])
    assert bool(torch.isfinite(torch.log(torch.exp(x - x.amax(0, keepdim=True)).mean(0))).all())
    assert bool(torch.isinf(torch.log(torch.exp(x - x.amax(0, keepdim=True)).mean(1))).any())


def test_a_divisor_that_suffers_from_nothing_is_marked_beside_a_wrong_numerator() -> None:
    body = "w = nn.Parameter(torch.randn(4))\ny = torch.exp(x) * w / (w @ w)\n"
    found = marked(NETWORK + body)
    assert found == [("TL201", "torch.exp(x)"), ("TL203", "torch.exp(x) * w / (w @ w)")]
    shared = "e = torch.exp(x)\ny = e / (e.sum() - e.sum().detach())\n"
    assert ("TL201", "torch.exp(x)") in marked(NETWORK + shared)


STANDARDISED = """import torch
import environment
from torch import nn


def returns(environment):
    return environment.play()


advantages = returns(environment)
y = (advantages - advantages.mean()) / {divisor}
"""


@pytest.mark.parametrize(
    ("divisor", "codes"),
    [
        ("advantages.std()", ["TL203"]),
        ("advantages.std(0)", ["TL203"]),
        ("(advantages.std() + 1e-8)", []),
        ("environment.std()", []),
        ("advantages.scale()", []),
    ],
)
def test_what_is_standardised_has_a_deviation_that_may_be_zero(divisor, codes) -> None:
    assert [code for code, _ in marked(STANDARDISED.format(divisor=divisor))] == codes


def test_products_of_unit_vectors_are_cosines_in_a_linear_map_as_well() -> None:
    """ArcFace: the weights' rows are normalised like the features."""
    start = f"{NETWORK}w = nn.Parameter(torch.randn(5, 4))\n"
    cosine = "F.linear(F.normalize(x), F.normalize(w))"
    assert marked(f"{start}y = torch.exp(80 * {cosine})\n") == []
    assert [code for code, _ in marked(f"{start}y = torch.acos({cosine})\n")] == ["TL204"]
    for other in (
        cosine.replace("F.normalize(w)", "w"),
        cosine.replace("F.normalize(w)", "F.normalize(w, dim=0)"),
        cosine.replace("F.normalize(w)", "F.normalize(w), torch.full((5,), 9.0)"),
    ):
        assert [code for code, _ in marked(f"{start}y = torch.exp(80 * {other})\n")] == ["TL201"]


@pytest.mark.parametrize("product", ["k @ u", "F.linear(u, k)", "u @ u"])
def test_products_of_what_is_not_negative_are_not_negative(product) -> None:
    start = f"{HEADER}k = torch.exp(-100 * torch.rand(4, 4))\nu = torch.rand(4)\n"
    (found,) = hazards(f"{start}y = 1 / ({product})\n")
    assert found.code == "TL203" and "ranges over [0, " in found.message
    assert marked(f"{start}y = torch.sqrt({product})\n") == []


@pytest.mark.parametrize("product", ["k @ (u - 0.5)", "F.linear(u - 0.5, k)", "(u - 0.5) @ u"])
def test_other_products_may_be_negative(product) -> None:
    start = f"{HEADER}k = torch.exp(-100 * torch.rand(4, 4))\nu = torch.rand(4)\n"
    assert [code for code, _ in marked(f"{start}y = torch.sqrt({product})\n")] == ["TL204"]


OPTIONS = """import argparse

import torch
from somewhere import vocabulary
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("-t", "--soft-max-temperature", type=float, default={default})
args = parser.parse_args()
net = nn.Linear(8, len(vocabulary))


def sample(x):
    scores = torch.log_softmax(net(x), dim=-1)
    return torch.multinomial((scores / args.soft_max_temperature).exp(), 1)


print(sample(vocabulary.start()))
"""


@pytest.mark.parametrize(("default", "codes"), [("1.0", []), ("-1.0", ["TL201"]), ("None", ["TL201"])])
def test_options_of_the_command_line_are_judged_by_their_defaults(default, codes) -> None:
    assert [code for code, _ in marked(OPTIONS.format(default=default))] == codes


UNIT = f"{HEADER}z = F.normalize(nn.Linear(3, 40)(torch.rand(8, 3)), dim=-1)\n"


@pytest.mark.parametrize(
    "distances", ["torch.pdist(z)", "torch.cdist(z, z)", "(z.unsqueeze(1) - z).norm(dim=-1)"]
)
def test_unit_vectors_are_at_most_two_apart(distances) -> None:
    """The uniformity of embeddings on the sphere: log(mean(exp(-t d^2)))."""
    assert marked(f"{UNIT}y = torch.exp(-20 * {distances} ** 2).mean().log()\n") == []
    assert marked(f"{UNIT}y = torch.exp(20 * {distances} ** 2)\n") == []
    other = f"{UNIT.replace('dim=-1', 'dim=0')}y = torch.exp(20 * {distances} ** 2)\n"
    assert [code for code, _ in marked(other)] == ["TL201"]
    longer = f"{UNIT}z = 2 * z\ny = torch.exp(20 * {distances} ** 2)\n"
    assert [code for code, _ in marked(longer)] == ["TL201"]


WELFORD = f"""{HEADER}
class Running:
    def __init__(self):
        self.n, self.mean, self.squares = 0, torch.{{start}}(4), torch.zeros(4)

    def push(self, x):
        self.n += 1
        delta = x - self.mean
        self.mean = self.mean + {{step}}
        self.squares = self.squares + delta * ({{after}})

    def std(self):
        return torch.sqrt(self.squares / max(self.n - 1, 1))


running = Running()
for i in range({{rounds}}):
    running.push(torch.randn(4))
print(running.std())
"""


@pytest.mark.parametrize("rounds", [3, 5000])
def test_a_running_sum_of_squared_deviations_is_not_negative(rounds) -> None:
    good = {"start": "zeros", "step": "delta / self.n", "after": "x - self.mean", "rounds": rounds}
    assert marked(WELFORD.format(**good)) == []
    for change in (
        {"step": "delta / (self.n * 0.4)"},
        {"after": "x.flip(0) - self.mean"},
        {"after": "self.mean - x"},
    ):
        assert [code for code, _ in marked(WELFORD.format(**good | change))] == ["TL204"], change


def test_the_first_number_counts_as_its_own_mean_if_the_mean_began_at_zero() -> None:
    once = {"step": "delta / self.n", "after": "x - self.mean", "rounds": 1}
    assert marked(WELFORD.format(start="zeros", **once)) == []
    assert [code for code, _ in marked(WELFORD.format(start="ones", **once))] == ["TL204"]
    x, mean = torch.tensor(16777217.0 / 2**24 + 2**-23), torch.tensor(-0.3)
    rounds = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    for n in (2, 3, 1000):
        assert bool(((x - mean * rounds) * (x - (mean * rounds + (x - mean * rounds) / n)) >= 0).all())
    begun_elsewhere = (x - rounds) * (x - (rounds + (x - rounds) / 1))
    assert bool((begun_elsewhere < 0).any())  # by the rounding of `x - m` alone


@pytest.mark.parametrize("log", ["log", "log2", "log10"])
def test_no_summand_of_an_entropy_is_less_than_at_one_by_e(log) -> None:
    """The perplexity of a code book: exp of the entropy of how often each code is used."""
    start = f"{HEADER}p = torch.rand(64)\n"
    assert marked(f"{start}y = torch.exp(-torch.sum(p * torch.{log}(p + 1e-10)))\n") == []
    assert marked(f"{start}y = torch.exp(-torch.sum(torch.{log}(1e-10 + p) * p))\n") == []
    for other in (
        f"p * torch.{log}(p - 1e-10)",
        f"p * torch.{log}(p.flip(0) + 1e-10)",
        f"3 * torch.{log}(p + 1e-10)",
    ):
        found = [code for code, _ in marked(f"{start}y = torch.exp(-torch.sum({other}))\n")]
        assert "TL201" in found or "TL204" in found, other
    function = getattr(torch, log)
    p = torch.linspace(0, 1, 100_001)
    least = LEAST_ENTROPY[log]
    assert least <= float((p * function(p + 1e-10)).min()) <= least + 1e-4

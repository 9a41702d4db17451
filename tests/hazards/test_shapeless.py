"""Code whose shapes are not known: the same hazards, from the way of writing them and from what a network gives."""

import pytest
from tests.hazards.expressions import hazards, marked

from torchlean.diagnostics import Severity

HEADER = """import torch
import torch.nn as nn
import torch.nn.functional as F
from somewhere import mnist
from torch.autograd import Variable

X_dim = mnist.train.images.shape[1]
X = Variable(torch.from_numpy(mnist.train.next_batch(64)[0]))
y = Variable(mnist.labels)
net = nn.Sequential(nn.Linear(X_dim, 8), nn.ReLU(), nn.Linear(8, mnist.classes))
logits = net(X)
"""

CASES = [
    ("TL211", "torch.log(F.softmax(logits, dim=1))", "F.log_softmax(logits, dim=1)"),
    ("TL212", "torch.log(torch.sigmoid(logits))", "torch.log(torch.sigmoid(logits) + 1e-8)"),
    ("TL212", "torch.log(1 - logits.sigmoid())", "F.logsigmoid(-logits)"),
    ("TL201", "torch.exp(logits)", "torch.exp(logits.clamp(max=20))"),
    ("TL201", "torch.exp(logits / 2)", "torch.exp(-(logits ** 2))"),
    ("TL205", "torch.log(F.relu(logits))", "torch.log(F.relu(logits) + 1e-6)"),
    ("TL203", "logits / logits.norm()", "logits / (logits.norm() + 1e-6)"),
    ("TL219", "torch.sqrt(((logits - y) ** 2).sum(1))", "torch.sqrt(((logits - y) ** 2).sum(1) + 1e-6)"),
    (
        "TL201",
        "torch.exp(torch.cat([2 - logits, logits]))",
        "torch.exp(torch.cat([logits, X]).clamp(max=9))",
    ),
    ("TL204", "torch.sqrt(logits)", "torch.sqrt(F.softplus(logits))"),
]


@pytest.mark.parametrize(("code", "expression", "stable"), CASES)
def test_a_network_of_unknown_size_is_judged_by_its_formulas(code, expression, stable) -> None:
    assert marked(f"{HEADER}loss = ({expression}).mean()\n") == [(code, expression)]
    assert marked(f"{HEADER}loss = ({stable}).mean()\n") == []


@pytest.mark.parametrize(
    "expression",
    [
        "torch.log(X)",
        "X / y",
        "torch.sqrt(X - y)",
        "torch.exp(X)",
        "torch.log(mnist.prior)",
        "X ** y",
        "X == y",
    ],
)
def test_what_is_only_not_followed_is_no_hazard(expression) -> None:
    assert marked(f"{HEADER}z = {expression}\n") == []


def test_a_softmax_by_hand_is_known_without_shapes() -> None:
    body = "e = torch.exp(logits)\np = e / e.sum(1, keepdim=True)\n"
    assert marked(HEADER + body) == [("TL210", "torch.exp(logits)")]
    stable = "e = torch.exp(logits - logits.max(1, keepdim=True)[0])\np = e / e.sum(1, keepdim=True)\n"
    assert marked(HEADER + stable) == []


def test_functions_and_modules_of_the_file_are_followed_from_their_calls() -> None:
    text = HEADER + (
        "class Judge(nn.Module):\n"
        "    def __init__(self, width):\n"
        "        super().__init__()\n"
        "        self.fc = nn.Linear(width, 1)\n"
        "    def forward(self, x):\n"
        "        return torch.sigmoid(self.fc(x))\n"
        "def log(x):\n"
        "    return torch.log(x)\n"
        "def safe_log(x):\n"
        "    return torch.log(x + 1e-8)\n"
        "judge = Judge(X_dim).to(mnist.device)\n"
        "loss = -(log(judge(X)) + safe_log(1 - judge(X))).mean()\n"
    )
    assert marked(text) == [("TL212", "torch.log(x)")]


def test_pairs_of_a_forward_keep_apart() -> None:
    text = HEADER + (
        "def encode(x):\n"
        "    h = F.relu(net(x))\n"
        "    return h @ mnist.w, F.softplus(h @ mnist.v)\n"
        "mu, scale = encode(X)\n"
        "a = torch.exp(mu)\n"
        "b = torch.log(scale + 1e-4)\n"
    )
    assert marked(text) == [("TL201", "torch.exp(mu)")]


def test_it_is_a_hint_and_never_a_second_report() -> None:
    (found,) = hazards(f"{HEADER}loss = torch.exp(logits)\n")
    assert found.severity is Severity.HINT
    known = "import torch\nx = torch.randn(3)\ny = torch.exp(x)\n"
    assert hazards(known) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def f(x):\n    return f(x)\nf(1)\n",
        "class A(A):\n    def __init__(self):\n        self.a = A()\nA()\n",
        "import torch\nlambda: torch.log\nx = torch.log()\ny = torch.exp(*x, **x)\n",
        "import torch\nfor i in torch.exp(x):\n    x[i], (a, *b) = torch.softmax(x), i\n",
        "import torch\nx = 1 / 0 + 2 ** 1e9\n",
        "import torch\ntorch.exp(torch.exp\n",
    ],
)
def test_odd_programs_do_no_harm(text) -> None:
    hazards(text)

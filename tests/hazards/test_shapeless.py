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
    ("TL201", "torch.exp(F.cross_entropy(logits, y))", "torch.exp(F.cross_entropy(logits, y).clamp(max=50))"),
    (
        "TL204",
        "torch.sqrt((logits * y) @ (logits * logits))",
        "torch.sqrt((logits * logits) @ (logits * logits) + 1e-6)",
    ),
    (
        "TL205",
        "torch.log(F.softmax(logits, 1) @ F.softmax(net.weight, 1))",
        "torch.log(F.softmax(logits, 1) @ F.softmax(net.weight, 1) + 1e-6)",
    ),
    ("TL202", "logits[~(X > 0.5) & (X < 2)].square().mean()", "logits[~(X > 0.5) & (X < 2)].square().sum()"),
    ("TL202", "logits[X > 0.5].mean()", "(logits[X > 0.5].mean() if (X > 0.5).any() else logits)"),
    ("TL202", "logits[X > 0.5].mean()", "logits[torch.rand(9, 9) > 0.5].mean()"),
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


READ = [
    ("TL203", "returns / returns.std()", "returns = torch.tensor(mnist.rewards)\n", "returns"),
    ("TL205", "torch.log(spectrum.abs())", "spectrum = torch.stft(mnist.wave, 512)\n", "spectrum"),
]
"""Deviations and sizes of tensors of any numbers are zero for some of them."""


@pytest.mark.parametrize(("code", "expression", "before", "name"), READ)
def test_tensors_made_of_what_is_not_followed_are_judged_by_what_vanishes_for_any_numbers(
    code, expression, before, name
) -> None:
    assert marked(f"{HEADER}{before}z = {expression}\n") == [(code, expression)]
    assert marked(f"{HEADER}{before}z = torch.exp({name})\n") == []


DATA = """
class Scans(torch.utils.data.Dataset):
    def __init__(self, path, smooth=1.0):
        self.pictures = mnist.read(path)
    def __getitem__(self, index):
        mask = (self.pictures[index] > 0).astype('float32')
        return torch.from_numpy(self.pictures[index]), torch.from_numpy(mask)
class Dice(nn.Module):
    def __init__(self, smooth=1.0):
        super().__init__()
        self.smooth = smooth
    def forward(self, p, target):
        return 2 * (p * target).sum() / (p.sum() + target.sum() + SMOOTH)
dice = Dice()
loader = torch.utils.data.DataLoader(Scans('scans'), batch_size=4)
for picture, mask in LOOP:
    loss = dice(torch.relu(net(picture)), mask)
"""


def test_a_mean_of_what_a_mask_selects_is_a_hazard_unless_the_function_asks_for_its_number() -> None:
    text = f"""{HEADER}
def careless(d, y):
    positive = d[y > 0.5]
    return positive.mean()
def careful(d, y):
    mask = y > 0.5
    count = mask.sum()
    if count == 0:
        return d.sum()
    return d[mask].mean()
loss = careless(logits, X) + careful(logits, X)
"""
    assert marked(text) == [("TL202", "positive.mean()")]


def test_an_unused_method_is_judged_on_the_object_that_the_program_makes() -> None:
    text = f"""{HEADER}
class Flow(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scales = nn.ModuleList([scale() for _ in range(3)])
    def forward(self, x):
        return self.scales[0](x)
    def back(self, x, i):
        return torch.exp(self.scales[i](x))
z = Flow(lambda: nn.Sequential(nn.Linear(X_dim, 2), nn.LAST()))(X)
"""
    assert marked(text.replace("LAST", "ELU")) == [("TL201", "torch.exp(self.scales[i](x))")]
    assert marked(text.replace("LAST", "Tanh")) == []


@pytest.mark.parametrize("loop", ["loader", "reversed(list(loader))"])
def test_batches_are_made_of_what_the_data_set_of_the_file_gives(loop) -> None:
    text = HEADER + DATA.replace("LOOP", loop)
    whole = "2 * (p * target).sum() / (p.sum() + target.sum() + "
    assert marked(text.replace("SMOOTH", "0")) == [("TL203", whole + "0)")]
    assert marked(text.replace("SMOOTH", "self.smooth")) == []


def test_generators_and_enumerated_loops_hand_on_what_they_are_given() -> None:
    generator = "def batches():\n    while mnist.more:\n        yield F.relu(net(X)), y\n"
    loop = "for step, (p, target) in enumerate(batches()):\n    loss = torch.log(p).mean()\n"
    assert marked(HEADER + generator + loop) == [("TL205", "torch.log(p)")]


def test_what_an_optimiser_is_given_may_become_any_number_in_the_closure_it_calls() -> None:
    text = HEADER + (
        "picture = mnist.load('a.png')\n"
        "optimizer = torch.optim.LBFGS([picture])\n"
        "def closure():\n"
        "    return torch.exp(picture).mean()\n"
        "optimizer.step(closure)\n"
    )
    assert marked(text) == [("TL201", "torch.exp(picture)")]
    assert marked(text.replace("[picture]", "[]")) == []


def test_a_network_is_divided_by_the_size_of_a_mask_that_may_be_empty() -> None:
    assert marked(f"{HEADER}mask = (X > 0).float()\nloss = logits.sum() / mask.sum()\n") == [
        ("TL203", "logits.sum() / mask.sum()")
    ]
    assert marked(f"{HEADER}mask = X.gt(0).float()\nloss = logits.sum() / (mask.sum() + 1)\n") == []


UNKNOWN_NETWORK = (
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom somewhere import net, pairs\n"
)

SIMILARITIES = [
    "torch.mm(F.normalize(a, dim=1), F.normalize(b, dim=1).t())",
    "F.cosine_similarity(a.unsqueeze(1), b.unsqueeze(0), dim=2)",
    "nn.CosineSimilarity(dim=1)(a, b)",
]


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_temperature_that_a_call_of_the_file_gives_is_held_against_cosines(similarity) -> None:
    text = UNKNOWN_NETWORK + (
        f"def loss(a, b, temperature):\n    s = torch.exp({similarity} / temperature)\n    return s.mean()\n"
        "for x, y in pairs:\n    total = loss(net(x), net(y), temperature={})\n"
    )
    assert marked(text.format(0.01)) == [("TL201", f"torch.exp({similarity} / temperature)")]
    assert marked(text.format(0.05)) == []
    module = UNKNOWN_NETWORK + (
        "class Loss(nn.Module):\n    def __init__(self, t=0.07):\n        super().__init__()\n        self.t = t\n"
        f"    def forward(self, a, b):\n        return torch.exp({similarity} / self.t).mean()\n"
        "criterion = Loss({})\nfor x, y in pairs:\n    total = criterion(net(x), net(y))\n"
    )
    assert marked(module.format("t=0.01")) == [("TL201", f"torch.exp({similarity} / self.t)")]
    assert marked(module.format("")) == []


FIRST_BATCH = """import torch
from torch import nn


class ActNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, dim))
        self.begun = False

    def begin(self, x):
        with torch.no_grad():
            deviation = {deviation}
            self.scale.data.copy_(1 / deviation)

    def {name}(self, x):
        if not self.begun:
            self.begin(x)
            self.begun = True
        return x * self.scale
"""


@pytest.mark.parametrize(
    ("deviation", "name", "codes"),
    [
        ("x.permute(1, 0).std(1)", "forward", ["TL203"]),
        ("x.std(0) + 1e-6", "forward", []),
        ("x.scale(0)", "forward", []),
        ("x.std(0)", "describe", []),  # a table of pandas has such a method as well
    ],
)
def test_what_a_module_is_given_has_the_methods_of_tensors(deviation, name, codes) -> None:
    found = hazards(FIRST_BATCH.format(deviation=deviation, name=name))
    assert [d.code for d in found] == codes


def test_gradients_are_spoken_of_where_they_are_computed() -> None:
    text = FIRST_BATCH.replace("1 / deviation", "torch.log(deviation)")
    (found,) = hazards(text.format(deviation="x.std(0)", name="forward"))
    assert "-inf: its argument" in found.message
    (found,) = hazards(
        text.replace("with torch.no_grad()", "if True").format(deviation="x.std(0)", name="forward")
    )
    assert "-inf, and its gradient infinite" in found.message

"""TL207 where a statement adds to one float so often that what is added no longer counts."""

import pytest
from tests.hazards.expressions import HEADER, marked

MANY = [
    ("total += 0.001", "total = torch.tensor(0.0)\nfor step in range(10_000_000):\n    total += 0.001"),
    (
        "total += 1",
        "N = 10 ** 4\ntotal = torch.zeros(2)\nfor i in range(N):\n    for j in range(N):\n        total += 1",
    ),
    (
        "total + x.abs().sum()",
        "total = torch.zeros(())\nfor step in range(int(2e7)):\n"
        "    x = torch.rand(3)\n    total = total + x.abs().sum()",
    ),
    (
        "meter.total += 0.001",
        "class Meter:\n    def __init__(self):\n        self.total = torch.tensor(0.0)\nmeter = Meter()\n"
        "for step in range(10_000_000):\n    meter.total += 0.001\nprint(meter.total)",
    ),
    ("seen += 1", "seen = torch.zeros((), dtype=torch.bfloat16)\nfor step in range(1000):\n    seen += 1"),
]

FEW = [
    "total = torch.tensor(0.0)\nfor step in range(1000):\n    total += 0.001",
    "total = torch.tensor(0.0, dtype=torch.float64)\nfor step in range(10_000_000):\n    total += 0.001",
    "total = 0.0\nfor step in range(10_000_000):\n    total += torch.rand(1).item()",
    "for step in range(10_000_000):\n    total = torch.tensor(0.0)\n    total += 0.001",
    "total = torch.zeros(2)\nfor step in range(10_000_000):\n    total *= 0.9\n    total += 0.001",
    "total = torch.zeros(2)\nfor step in range(10_000_000):\n    total.mul_(0.9)\n    total += 0.001",
    "total = torch.zeros(2)\nfor step in range(10_000_000):\n    total += torch.randn(2)",
    "total = torch.zeros(2, dtype=torch.int64)\nfor step in range(10_000_000):\n    total += 1",
]
"""Few additions, in wide numbers, that begin anew, that decay, or whose roundings have no common direction."""


@pytest.mark.parametrize(("words", "body"), MANY)
def test_a_long_sum_in_few_digits_is_marked_where_it_is_added_to(words, body) -> None:
    assert marked(f"{HEADER}{body}\nprint(locals())\n") == [("TL207", words)]


@pytest.mark.parametrize("body", FEW)
def test_other_sums_are_not(body) -> None:
    assert marked(f"{HEADER}{body}\nprint(locals())\n") == []


@pytest.mark.parametrize("loop", ["for step, x in zip(range(10_000), drawn()):", "for x in drawn():"])
def test_a_training_loop_over_a_generator_without_an_end_is_followed(loop) -> None:
    text = HEADER + (
        "net = nn.Linear(4, 1)\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "def drawn():\n"
        "    while True:\n"
        "        yield torch.rand(8, 4)\n"
        f"{loop}\n"
        "    loss = torch.log(net(x).relu()).mean() + torch.log(1 + x).mean()\n"
        "    optimizer.zero_grad()\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
    )
    assert marked(text) == [("TL205", "torch.log(net(x).relu())")]

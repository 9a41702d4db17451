"""What is reported, where: programs with the expected diagnostics drawn under their lines."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from tests.capture.marked import capture, check_marked

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"

MARKED = {
    "a shape error, once, and nothing about what follows from it": """
        a, b = torch.zeros(3, 4), torch.ones(5, 2)
        c = a @ b
        #   ^^^^^ TL101
        d = torch.relu(c) + 1
        e = d.nothing
    """,
    "a shape error inside forward, at the expression": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Linear(4, 8)
                self.b = nn.Linear(9, 2)
            def forward(self, x):
                return self.b(torch.relu(self.a(x)))
                #      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL101
        net = Net()
        y = net(torch.zeros(1, 4))
        z = net(torch.zeros(2, 4)) + y
    """,
    "a wrong module that nothing calls: no input makes it right": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Linear(4, 8)
                self.b = nn.Linear(9, 2)
            def forward(self, x):
                return self.b(self.a(x))
                #      ^^^^^^^^^^^^^^^^^ TL101
    """,
    "a module whose input could not be guessed: nothing is claimed": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Linear(4, 8)
                self.b = nn.Linear(40, 2)
            def forward(self, x):
                return self.b(self.a(x).flatten(1))
    """,
    "a wrong number of channels, whatever the size of the image": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Conv2d(3, 8, 3)
                self.b = nn.Conv2d(16, 8, 3)
            def forward(self, x):
                return self.b(self.a(x).relu())
                #      ^^^^^^^^^^^^^^^^^^^^^^^^ TL101
    """,
    "names and attributes that do not exist": """
        x = torch.zeros(3)
        y = torch.relux(x)
        #   ^^^^^^^^^^^ TL103
        z = undefined + x
        #   ^^^^^^^^^ TL103
        w = x.shapes
        #   ^^^^^^^^ TL103
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Linear(3, 3)
            def forward(self, x):
                return self.frist(x)
                #      ^^^^^^^^^^ TL103
        v = Net()(x)
    """,
    "arguments that do not fit": """
        class Net(nn.Module):
            def __init__(self, width):
                super().__init__()
            def forward(self, x, y):
                return x
        a = Net()
        #   ^^^^^ TL103
        b = Net(3)(torch.zeros(3))
        #   ^^^^^^^^^^^^^^^^^^^^^^ TL103
        c = Net(3, widht=4)
        #   ^^^^^^^^^^^^^^^ TL103
        d = torch.softmax(torch.zeros(3), dims=1)
        #   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL103
        e = torch.relu("x")
        #   ^^^^^^^^^^^^^^^ TL103
    """,
    "Python errors that are certain": """
        a = 1 / 0
        #   ^^^^^ TL103
        b = {"k": 1}["j"]
        #   ^^^^^^^^^^^^^ TL103
        c = [1, 2][5]
        #   ^^^^^^^^^ TL103
        import re
        named = re.match("(a", "a")
        #       ^^^^^^^^^^^^^^^^^^^ TL103
        assert 1 > 2
        #      ^^^^^ TL103
        if a or True:
            d, e = (1, 2, 3)
        #   ^^^^ TL103
        if True:
            raise ValueError("enough")
        #   ^^^^^^^^^^^^^^^^^^^^^^^^^^ TL103
    """,
    "an op that torch has and TorchLean does not": """
        x = torch.zeros(4)
        y = torch.fft.fft(x)
        #   ^^^^^^^^^^^^^^^^ TL102
        z = y + 1
        w = torch.relu(z)
    """,
    "an unknown value, where it meets a tensor": """
        import argparse
        import somewhere
        args = argparse.ArgumentParser().parse_args()
        n = args.n + 1
        print(n)
        x = torch.zeros(3) * n
        #   ^^^^^^^^^^^^^^^^^^ TL102
        y = x + n
        z = somewhere.work(torch.zeros(3))
        #   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL102
    """,
    "unknown values that meet no tensor": """
        import logging, sys, os
        import matplotlib.pyplot as plt
        log = logging.getLogger(__name__)
        log.info("starting %s", sys.argv)
        n = len(os.listdir("."))
        x = torch.zeros(3)
        plt.plot(x)
        value = x.sum().item()
        print(value, x.numpy())
    """,
    "errors that the program catches itself": """
        x = torch.zeros(3)
        try:
            y = x @ torch.zeros(4)
        except RuntimeError:
            y = x
        try:
            z = {}["k"]
        except KeyError:
            z = 1
        w = getattr(x, "nothing", None)
        v = hasattr(x, "nothing")
        r = y + z
    """,
    "budgets": """
        a = 10 ** 10 ** 10
        #   ^^^^^^^^^^^^^^ TL105
        b = "a" * 10 ** 12
        #   ^^^^^^^^^^^^^^ TL105
        c = [0] * 10 ** 12
        #   ^^^^^^^^^^^^^^ TL105
        d = 1 << 10 ** 9
        #   ^^^^^^^^^^^^ TL105
        while True: pass
        #     ^^^^ TL105
        def f(n): return f(n + 1)
        #                ^^^^^^^^ TL105
        f(0)
        t = torch.zeros(10 ** 6, 10 ** 6)
        #   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL113
    """,
    "columns count code points": """
        größe = "🙂🙂"; x = torch.zeros(3) @ torch.zeros(4)
        #                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL101
    """,
    "syntax errors leave the rest of the file": """
        x = torch.zeros(3) @ torch.zeros(4)
        #   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL101
        y = = 3
        #   ^ TL100
        z = torch.zeros(5) @ torch.zeros(6)
        #   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL101
    """,
}


@pytest.mark.parametrize("name", MARKED)
def test_exactly_what_is_drawn_is_reported(name: str, tmp_path: Path) -> None:
    import textwrap

    check_marked(HEAD + textwrap.dedent(MARKED[name]), tmp_path)


def test_a_shape_error_names_its_operands_and_where_they_come_from(tmp_path: Path) -> None:
    text = "import torch\na = torch.zeros(3, 4)\n\nb = torch.ones(5, 2)\nc = a @ b\n"
    (problem,) = capture(text, tmp_path).diagnostics
    assert "`a` is (3, 4) float32, from line 2" in problem.message
    assert "`b` is (5, 2) float32, from line 4" in problem.message
    assert [related.span.line for related in problem.related] == [1, 3]


def test_a_misspelled_name_gets_the_likely_one(tmp_path: Path) -> None:
    text = "import torch\nfrom torch import nn\nlayer = nn.Lineer(3, 4)\nhidden = 3\nprint(hiden)\n"
    first, second = capture(text, tmp_path).diagnostics
    assert "did you mean `Linear`" in first.message
    assert "did you mean `hidden`" in second.message


def test_an_error_in_another_file_is_shown_at_the_call_with_its_place(tmp_path: Path) -> None:
    helper = "import torch\ndef multiply(x):\n    return x @ torch.zeros(9)\n"
    text = "import torch\nfrom helper import multiply\ny = multiply(torch.zeros(3))\n"
    (problem,) = capture(text, tmp_path, helper=helper).diagnostics
    assert (problem.code, problem.span.line, problem.span.path) == ("TL101", 2, str(tmp_path / "main.py"))
    places = [(Path(related.span.path).name, related.span.line) for related in problem.related]
    assert ("helper.py", 2) in places


def test_the_classes_of_a_broken_file_are_still_units(tmp_path: Path) -> None:
    text = """
        import torch
        from torch import nn
        class Good(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(3, 2)
            def forward(self, x):
                return self.fc(x)
        class Typing(nn.Module):
            def forward(self, x
        class Other(nn.Module):
            def forward(self, x):
                return x + 1
    """
    result = capture(text, tmp_path)
    assert {"Good", "Other"} <= {unit.name for unit in result.units}
    assert [problem.code for problem in result.diagnostics] == ["TL100"]


QUIET = {
    "a training loop over data from outside": """
        from torchvision import datasets
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(4, 2)
            def forward(self, x):
                return torch.relu(self.fc(x))
        def train(net, loader, optimizer):
            for x, y in loader:
                loss = F.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()
        net = Net()
        train(net, torch.utils.data.DataLoader(datasets.MNIST(".")), torch.optim.SGD(net.parameters(), lr=0.1))
    """,
    "a base class whose defaults nobody uses": """
        class Base(nn.Module):
            def __init__(self, sizes=(), layer=None):
                super().__init__()
                self.fc = nn.Linear(4, sizes[0])
                self.layer = layer
            def forward(self, x):
                assert self.layer is not None
                return self.layer(x)
    """,
    "a constructor that hands its arguments on": """
        class Base(nn.Module):
            def __init__(self, n):
                super().__init__()
                self.fc = nn.Linear(n, n)
            def forward(self, x):
                return self.fc(x)
        class Derived(Base):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.relu = nn.ReLU()
    """,
    "what only a value of another type would meet": """
        import sys, numbers, collections.abc
        def pair(x):
            return tuple(x) if isinstance(x, collections.abc.Iterable) else (x, x)
        def single(x):
            if isinstance(x, numbers.Integral):
                x = (x,)
            return tuple(x)
        def more(x):
            if sys.argv[1] == "list":
                x.append(1)
            return x
        y = torch.zeros(pair(3)) + torch.zeros(single(3)) + more(1)
    """,
    "a handler that may be reached": """
        import sys
        def check(n):
            try:
                if sys.argv[n] == "x":
                    raise TypeError("x")
            except TypeError as e:
                message = str(e)
            return n
        y = torch.zeros(check(2))
    """,
    "names of torch that are not looked up": """
        Shape = int | torch.Tensor | None
        from torch.nn.attention import flex_attention
        torch._some_private_switch
        torch.ops.mine.op
        f = lambda x: x
        f.__code__, nn.ReLU.__subclasses__
    """,
}


@pytest.mark.parametrize("name", QUIET)
def test_nothing_is_said_of_working_code(name: str, tmp_path: Path) -> None:
    check_marked(HEAD + textwrap.dedent(QUIET[name]), tmp_path)


def test_an_imported_file_is_not_blamed_on_its_import(tmp_path: Path) -> None:
    wrong = "import torch\nx = torch.zeros(2) @ torch.zeros(3)\ny = torch.nothing\nif x: z = 1\n"
    check_marked("import wrong\nfrom wrong import z, w\n", tmp_path, wrong=wrong)


def test_data_that_is_not_known_leaves_the_module_followed(tmp_path: Path) -> None:
    text = HEAD + textwrap.dedent(QUIET["a training loop over data from outside"])
    (net,) = (unit for unit in capture(text, tmp_path).units if unit.name == "Net")
    assert net.failure is None
    assert net.outputs

"""Units: claims, modules with a found or inferred input, scripts; and what is observed where."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch
from tests.capture.agreement import PRELUDE
from tests.capture.marked import capture

from torchlean.capture import Capture, Role, Unit, UnitKind
from torchlean.graph import evaluate

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\nimport torchlean as tl\n"


def captured(text: str, folder: Path) -> Capture:
    return capture(HEAD + textwrap.dedent(text), folder)


def unit(result: Capture, name: str) -> Unit:
    return next(unit for unit in result.units if unit.name == name)


def shapes(result: Capture, name: str) -> list[tuple[int, ...]]:
    return [result.graph[id].type.shape for id in unit(result, name).inputs]


CONTROLLER = """
class Controller(nn.Module):
    def __init__(self, hidden: int = 32):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc2(h)
"""


def test_a_claim_is_a_unit_with_its_domain_and_its_comparison(tmp_path: Path) -> None:
    text = CONTROLLER + textwrap.dedent(
        """
        controller = Controller()
        @tl.claim(x=tl.box([-1.0, -2.0], [1.0, 2.0]))
        def small(x):
            return controller(x).abs() <= 4.0
        """
    )
    result = captured(text, tmp_path)
    claim = unit(result, "small")
    assert claim.kind is UnitKind.CLAIM
    assert claim.failure is None
    (output,) = claim.outputs
    assert result.graph[output].op == "le"
    assert claim.domains["x"].upper.tolist() == [1.0, 2.0]
    assert shapes(result, "small") == [(2,)]
    assert not claim.trained
    assert (claim.span.line, claim.span.column) == (
        HEAD.count("\n") + text[: text.index("small")].count("\n"),
        4,
    )


def test_the_observations_of_a_claim_lie_on_the_lines_of_forward(tmp_path: Path) -> None:
    text = CONTROLLER + "controller = Controller()\n@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))\n"
    text += "def small(x):\n    return controller(x).abs() <= 4.0\n"
    result = captured(text, tmp_path)
    lines = (HEAD + text).splitlines()
    found = {
        (
            seen.role,
            lines[seen.span.line][seen.span.column : seen.span.end_column],
            result.graph[seen.node].op,
        )
        for seen in unit(result, "small").observations
        if seen.span.line == seen.span.end_line
    }
    assert {
        (Role.LAYER, "self.fc1 = nn.Linear(2, hidden)", "linear"),
        (Role.EXPRESSION, "self.fc1(x)", "linear"),
        (Role.EXPRESSION, "torch.relu(self.fc1(x))", "relu"),
        (Role.ASSIGNMENT, "h", "relu"),
        (Role.EXPRESSION, "h", "relu"),
        (Role.RETURN, "self.fc2(h)", "linear"),
        (Role.ARGUMENT, "x", "input"),
        (Role.EXPRESSION, "controller(x)", "linear"),
        (Role.EXPRESSION, "controller(x).abs()", "abs"),
        (Role.RETURN, "controller(x).abs() <= 4.0", "le"),
    } <= found


def test_every_node_carries_the_calls_that_led_to_it(tmp_path: Path) -> None:
    text = """
        class Block(nn.Module):
            def forward(self, x):
                return torch.tanh(x)
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.block = Block()
                self.act = nn.Sequential(nn.ReLU())
            def forward(self, x):
                return self.act(self.block(x))
        net = Net()
        @tl.claim(x=tl.box([0.0], [1.0]))
        def fine(x):
            return net(x) <= 2.0
    """
    source = (HEAD + textwrap.dedent(text)).splitlines()
    result = captured(text, tmp_path)
    cone, _ = result.graph.cone(unit(result, "fine").outputs)
    chains = {
        node.op: [source[span.line][span.column : span.end_column] for span in node.spans]
        for node in cone
        if node.op in ("tanh", "relu")
    }
    assert chains["tanh"] == ["torch.tanh(x)", "self.block(x)", "net(x)"]
    assert chains["relu"] == ["self.act(self.block(x))", "net(x)"]


INFERRED = {
    "linear layers": (
        ["self.a = nn.Linear(4, 3)", "self.b = nn.Linear(3, 2)"],
        "self.b(self.a(x))",
        [(1, 4)],
    ),
    "an image of MNIST": (
        ["self.c = nn.Conv2d(1, 4, 3)", "self.f = nn.Linear(4 * 26 * 26, 10)"],
        "self.f(self.c(x).flatten(1))",
        [(1, 1, 28, 28)],
    ),
    "an image of CIFAR": (
        ["self.c = nn.Conv2d(3, 6, 5)", "self.p = nn.MaxPool2d(2)", "self.f = nn.Linear(6 * 14 * 14, 10)"],
        "self.f(torch.flatten(self.p(self.c(x)), 1))",
        [(1, 3, 32, 32)],
    ),
    "a flattened image": (["self.f = nn.Linear(784, 10)"], "self.f(x.view(-1, 28 * 28))", [(1, 784)]),
    "tokens": (
        ["self.e = nn.Embedding(50, 8)", "self.f = nn.Linear(8, 2)"],
        "self.f(self.e(x)).mean(1)",
        [(1, 16)],
    ),
    "layers used in another order": (
        ["self.last = nn.Linear(7, 2)", "self.first = nn.Linear(5, 7)"],
        "self.last(self.first(x))",
        [(1, 5)],
    ),
    "normalisation in eval mode": (
        ["self.n = nn.BatchNorm1d(6)", "self.d = nn.Dropout()"],
        "self.d(self.n(x))",
        [(1, 6)],
    ),
}


@pytest.mark.parametrize("name", INFERRED)
def test_the_input_of_a_module_is_inferred(name: str, tmp_path: Path) -> None:
    layers, expression, expected = INFERRED[name]
    lines = ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += [f"        {layer}" for layer in layers]
    lines += ["    def forward(self, x):", f"        return {expression}"]
    result = captured("\n".join(lines) + "\n", tmp_path)
    net = unit(result, "Net")
    assert net.failure is None
    assert net.assumed_input
    assert shapes(result, "Net") == expected
    assert result.diagnostics == ()
    assert "assumed input" in net.summary


def test_a_call_in_the_file_gives_the_input(tmp_path: Path) -> None:
    result = captured(CONTROLLER + "net = Controller(hidden=8)\ny = net(torch.zeros(5, 2))\n", tmp_path)
    net = unit(result, "Controller")
    assert not net.assumed_input
    assert shapes(result, "Controller") == [(5, 2)]
    assert net.summary == "Controller(hidden=8)"
    assert net.parameters == 2 * 8 + 8 + 8 + 1


def test_a_module_unit_computes_what_the_module_computes(tmp_path: Path) -> None:
    text = """
        class Scale(nn.Module):
            def __init__(self):
                super().__init__()
                self.w = nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
            def forward(self, x):
                return x @ self.w
        y = Scale()(torch.zeros(3, 2))
    """
    result = captured(text, tmp_path)
    scale = unit(result, "Scale")
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    cone, _ = result.graph.cone(scale.outputs)
    value = evaluate(cone, {"x": x})[cone.outputs[0]]
    assert torch.equal(value, x @ torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert scale.trained
    assert any(seen.role is Role.PARAMETER for seen in scale.observations)


def test_a_class_that_needs_arguments_says_which(tmp_path: Path) -> None:
    text = "class Net(nn.Module):\n    def __init__(self, in_dim, *, out_dim):\n        super().__init__()\n"
    result = captured(text + "    def forward(self, x):\n        return x\n", tmp_path)
    assert unit(result, "Net").failure == (
        "no instance in this file: the constructor needs `in_dim` and `out_dim`"
    )


def test_an_unknown_claim_says_why(tmp_path: Path) -> None:
    text = "import foo\n@tl.claim(x=tl.box([0.0], [1.0]))\ndef c(x):\n    return foo.f(x) <= 1\n"
    claim = unit(captured(text, tmp_path), "c")
    assert claim.outputs == ()
    assert claim.failure is not None
    assert "`foo`" in claim.failure


def test_claims_do_not_see_each_others_effects(tmp_path: Path) -> None:
    text = """
        class Counter(nn.Module):
            def __init__(self):
                super().__init__()
                self.calls = 0
            def forward(self, x):
                self.calls += 1
                return x + self.calls
        net = Counter()
        @tl.claim(x=tl.box([0.0], [1.0]))
        def first(x):
            return net(x) <= 2.0
        @tl.claim(x=tl.box([0.0], [1.0]))
        def second(x):
            return net(x) <= 2.0
    """
    result = captured(text, tmp_path)
    one, two = unit(result, "first"), unit(result, "second")
    assert result.graph[one.outputs[0]].digest == result.graph[two.outputs[0]].digest


def test_trials_leave_nothing_behind(tmp_path: Path) -> None:
    lenet = """
        class LeNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.c = nn.Conv2d(3, 6, 5)
                self.f = nn.Linear(6 * 28 * 28, 10)
            def forward(self, x):
                return self.f(self.c(x).flatten(1))
    """
    result = captured(lenet, tmp_path)
    inputs = [node.type.shape for node in result.graph.inputs]
    assert inputs == [(1, 3, 32, 32)]
    assert result.diagnostics == ()


def test_the_outline_lists_modules_with_methods_and_claims(tmp_path: Path) -> None:
    text = (
        CONTROLLER
        + "class Plain:\n    pass\nnet = Controller()\n@tl.claim(x=tl.box([0.0, 0.0], [1.0, 1.0]))\n"
    )
    result = captured(text + "def small(x):\n    return net(x) <= 4\n", tmp_path)
    outline = [(symbol.name, [child.name for child in symbol.children]) for symbol in result.symbols]
    assert outline == [("Controller", ["__init__", "forward"]), ("small", [])]


def test_a_file_without_tensors_has_no_script_unit(tmp_path: Path) -> None:
    assert captured("x = 1\nprint(x)\n", tmp_path).units == ()


def test_a_layer_that_is_used_twice_is_seen_twice(tmp_path: Path) -> None:
    text = """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(3, 3)
            def forward(self, x):
                return self.fc(self.fc(x))
        y = Net()(torch.zeros(1, 3))
    """
    result = captured(text, tmp_path)
    layers = [seen for seen in unit(result, "Net").observations if seen.role is Role.LAYER]
    assert len(layers) == 2
    assert len({seen.span for seen in layers}) == 1


def test_a_module_that_was_called_before_its_weights_were_converted_is_taken_with_the_new_dtype(
    tmp_path: Path,
) -> None:
    text = """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = Layer(2, 2)
            def forward(self, x):
                return self.layer(x)
        net = Net()
        net.double()
        precise = net(torch.ones(3, 2, dtype=torch.float64))
        net.float()
    """
    captured = capture(PRELUDE + textwrap.dedent(text), tmp_path)
    assert not captured.diagnostics
    unit = next(unit for unit in captured.units if unit.name == "Net")
    assert [captured.graph[id].type.dtype for id in unit.inputs] == [torch.float32]


def test_a_module_that_converts_its_input_is_no_error_where_its_weights_were_converted_later(
    tmp_path: Path,
) -> None:
    text = """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = Layer(2, 2).double()
            def forward(self, x):
                return self.layer(x.double()).float()
        net = Net()
        precise = net(torch.ones(1, 2))
        net.float()
    """
    assert not capture(PRELUDE + textwrap.dedent(text), tmp_path).diagnostics


def test_weights_of_another_dtype_are_loaded_into_whole_numbers(tmp_path: Path) -> None:
    text = """
        net = nn.BatchNorm1d(2)
        net.load_state_dict({name: weight.double() for name, weight in net.state_dict().items()})
        result = net.num_batches_tracked
    """
    captured = capture(PRELUDE + textwrap.dedent(text), tmp_path)
    assert not captured.diagnostics

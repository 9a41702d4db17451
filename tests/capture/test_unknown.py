"""Conditions, loops and values that are not known: what is still known afterwards, and what is not."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch
from tests.capture.agreement import PRELUDE, value_of
from tests.capture.marked import capture

from torchlean.capture import Role, UnitKind

UNKNOWN = "import sys\nunknown = len(sys.argv) > 2\n"

KNOWN_AFTERWARDS = {
    "what both branches leave alone": (
        "x = numbers(2)\nif unknown:\n    y = 1\nresult = x",
        lambda numbers: numbers(2),
    ),
    "what both branches set alike": (
        "if unknown:\n    x = numbers(2) * 2\nelse:\n    x = numbers(2) * 2\nresult = x",
        lambda numbers: numbers(2) * 2,
    ),
    "the branch that does not raise": (
        "if unknown:\n    raise SystemExit('usage')\nelse:\n    x = numbers(3)\nresult = x",
        lambda numbers: numbers(3),
    ),
    "a function whose branches return the same": (
        "def f(x):\n    if unknown:\n        return x\n    return x\nresult = f(numbers(2))",
        lambda numbers: numbers(2),
    ),
    "lists that both branches change alike": (
        "items = [1]\nif unknown:\n    items.append(2)\nelse:\n    items.append(2)\nresult = numbers(2) * items[1]",
        lambda numbers: numbers(2) * 2,
    ),
    "a conditional expression with equal sides": (
        "result = numbers(2) + (3 if unknown else 3)",
        lambda numbers: numbers(2) + 3,
    ),
    "an operand that decides alone": (
        "result = numbers(2) if (unknown and False) else numbers(2) + 1",
        lambda numbers: numbers(2) + 1,
    ),
    "what a loop of unknown length does not touch": (
        "x = numbers(2)\nfor item in sys.argv:\n    y = item\nresult = x",
        lambda numbers: numbers(2),
    ),
}

UNKNOWN_AFTERWARDS = {
    "a name": "x = numbers(2)\nif unknown:\n    x = x + 1\nresult = x",
    "a name that only one branch sets": "if unknown:\n    x = numbers(2)\nresult = x * 2",
    "an attribute": """
        class Box: pass
        box = Box()
        box.x = numbers(2)
        if unknown:
            box.x = numbers(2) * 3
        result = box.x
    """,
    "a list": "items = [numbers(2)]\nif unknown:\n    items.append(1)\nresult = items[0] * len(items)",
    "a dictionary": "d = {'a': numbers(2)}\nif unknown:\n    d['a'] = numbers(2) + 1\nresult = d['a']",
    "a tensor that is changed in place": "x = numbers(2)\ny = x\nif unknown:\n    x += 1\nresult = y * 2",
    "a function with a return in one branch": """
        def f(x):
            if unknown:
                return x
            x = x * 2
            return x
        result = f(numbers(2))
    """,
    "a loop that may break": """
        x = numbers(2)
        for i in range(3):
            if unknown:
                break
            x = x + 1
        result = x
    """,
    "a list that grows in a loop that may have ended": """
        x, items = numbers(2), []
        for i in range(3):
            if unknown:
                break
            items.append(1)
        result = x * len(items)
    """,
    "a loop of unknown length": "x = numbers(2)\nfor item in sys.argv:\n    x = x + 1\nresult = x",
    "a while loop with an unknown condition": "x = numbers(2)\nwhile unknown:\n    x = x + 1\nresult = x",
    "a loop that is too long": "x = numbers(2)\nfor i in range(10**6):\n    x = x + 1\nresult = x",
    "a training loop": """
        w = nn.Parameter(numbers(2))
        for step in range(100):
            loss = (w * w).sum()
            loss.backward()
            torch.optim.SGD([w], lr=0.1).step()
        result = loss
    """,
    "a condition on the value of an input that is drawn": """
        x = torch.rand(2)
        y = numbers(2)
        if x.sum() > 1:
            y = y + 1
        result = y
    """,
    "a nested condition": """
        x = numbers(2)
        if unknown:
            if len(sys.argv) > 5:
                x = x + 1
        result = x
    """,
    "an exception that may be raised and is caught": """
        def check(x):
            if unknown:
                raise ValueError("no")
        x = numbers(2)
        try:
            check(x)
            x = x + 1
        except ValueError:
            pass
        result = x
    """,
    "what a handler may do": """
        x = numbers(2)
        try:
            if unknown:
                raise ValueError("no")
        except ValueError:
            x = x + 1
        result = x
    """,
    "what a function does after it may have returned": """
        class Box: pass
        box = Box()
        box.x = numbers(2)
        def f():
            if unknown:
                return
            box.x = numbers(2) * 2
        f()
        result = box.x
    """,
    "what a function adds after it may have returned": """
        items = [numbers(2)]
        def f():
            for i in range(2):
                if unknown:
                    return 1
            items.append(2)
            return 1
        f()
        result = items[0] * len(items)
    """,
    "what a loop does after a break that may have happened, once only": """
        x, first = numbers(2), True
        for i in range(3):
            if unknown:
                break
            if first:
                x, first = x + 1, False
        result = x
    """,
    "what is skipped by a continue that may have happened": """
        x = numbers(2)
        for i in range(3):
            with torch.no_grad():
                if unknown:
                    continue
            x = x + 1
        result = x
    """,
}


@pytest.mark.parametrize("name", KNOWN_AFTERWARDS)
def test_known_after_an_unknown_condition(name: str, tmp_path: Path) -> None:
    text, value = KNOWN_AFTERWARDS[name]
    names: dict[str, object] = {}
    exec(PRELUDE, names)
    captured = capture(PRELUDE + UNKNOWN + text, tmp_path)
    ours = value_of(captured, "result")
    assert ours is not None, captured.diagnostics
    assert torch.equal(ours, value(names["numbers"]))


@pytest.mark.parametrize("name", UNKNOWN_AFTERWARDS)
def test_unknown_after_an_unknown_condition(name: str, tmp_path: Path) -> None:
    captured = capture(PRELUDE + UNKNOWN + textwrap.dedent(UNKNOWN_AFTERWARDS[name]), tmp_path)
    assert value_of(captured, "result") is None


def test_both_branches_are_observed(tmp_path: Path) -> None:
    text = "x = numbers(2)\nif unknown:\n    first = x * 2\nelse:\n    second = x * 3\n"
    captured = capture(PRELUDE + UNKNOWN + text, tmp_path)
    (script,) = [unit for unit in captured.units if unit.name == "main.py"]
    assert {"first", "second"} <= {seen.label for seen in script.observations}


def test_the_reason_names_the_condition(tmp_path: Path) -> None:
    text = "x = numbers(2)\nif unknown:\n    x = numbers(1)\nresult = torch.relu(x) + numbers(2)\n"
    (problem,) = capture(PRELUDE + UNKNOWN + text, tmp_path).diagnostics
    assert problem.code == "TL102"
    assert "depends on a condition that is not known: `unknown`" in problem.message


VIEWS = {
    "a slice": "y = x[0]\nx += 1",
    "a reshaped tensor": "y = x.view(-1)\nx.mul_(2)",
    "the view itself": "y = x.t()\ny += 1",
    "a row of an unpacked tensor": "y, z = x\nx.zero_()",
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_change_in_place_is_seen_by_views(name: str, tmp_path: Path) -> None:
    text = f"x = numbers(2, 2) * 2\n{VIEWS[name]}\nfirst = x * 1\nsecond = y * 1\n"
    captured = capture(PRELUDE + text, tmp_path)
    names: dict[str, object] = {}
    exec(PRELUDE + text, names)
    for label in ("first", "second"):
        ours = value_of(captured, label)
        assert ours is not None and torch.equal(ours, names[label]), label
    assert not captured.diagnostics


def test_a_call_that_is_not_followed_may_change_a_list(tmp_path: Path) -> None:
    text = "import somewhere\nitems = [1]\nsomewhere.fill(items)\nresult = numbers(2) * items[0]\n"
    assert value_of(capture(PRELUDE + text, tmp_path), "result") is None


def test_weights_after_training_have_any_numbers_but_their_shapes(tmp_path: Path) -> None:
    text = """
        net = Layer(3, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for epoch in range(1000):
            optimizer.zero_grad()
            loss = net(numbers(4, 3)).square().mean()
            loss.backward()
            optimizer.step()
        result = net(numbers(1, 3))
    """
    captured = capture(PRELUDE + textwrap.dedent(text), tmp_path)
    (script,) = [unit for unit in captured.units if unit.name == "main.py"]
    (result,) = {seen.node for seen in script.observations if seen.label == "result"}
    assert captured.graph[result].type.shape == (1, 2)
    cone, _ = captured.graph.cone([result])
    drawn = [node for node in cone if node.op == "random"]
    assert [node.attributes["upper"] for node in drawn] == [float("inf")] * 2
    assert not script.trained


def test_a_method_of_a_result_that_is_not_known_is_not_the_function_that_gave_it(tmp_path: Path) -> None:
    text = """
    rows = torch.from_numpy(numpy.load("missing.npy"))
    values = torch.linalg.svdvals(rows)
    product = values.matmul(torch.rand(6, 3))
    """
    captured = capture("import numpy\n" + PRELUDE + textwrap.dedent(text), tmp_path)
    (script,) = (unit for unit in captured.units if unit.kind is UnitKind.SCRIPT)
    # `svdvals` of the last operand would have 3 elements.
    assert "product" not in {seen.label for seen in script.observations}


def test_a_wrong_argument_of_a_function_that_torch_writes_in_python_ends_nothing(tmp_path: Path) -> None:
    text = """
    from torch.nn.utils.rnn import pad_packed_sequence
    padded, lengths = pad_packed_sequence(numbers(2, 3), batch_first=True)
    y = numbers(2) * 2
    """
    captured = capture(PRELUDE + textwrap.dedent(text), tmp_path)
    assert torch.equal(value_of(captured, "y"), torch.tensor([-2.0, 2 / 7 - 2]))


def test_statistics_of_layers_inside_of_a_model_on_unknown_data_are_not_those_of_the_start(
    tmp_path: Path,
) -> None:
    text = """
    import sys
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0
            self.register_buffer("seen", torch.zeros(()))
            self.register_buffer("fixed", torch.ones(()))
        def forward(self, x):
            self.calls += 1
            self.seen += x.mean()
            return x * self.fixed
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), Counted())
    for step in range(3):
        loss = model(float(sys.argv[1]) * torch.rand(4, 3)).sum()
        loss.backward()
    tracked = model[1].num_batches_tracked + 0
    mean, variance = model[1].running_mean + 0, model[1].running_var + 0
    calls = torch.zeros(()) + model[2].calls
    seen, fixed = model[2].seen + 0, model[2].fixed + 0
    """
    captured = capture(PRELUDE + textwrap.dedent(text), tmp_path)
    assert all(value_of(captured, name) is None for name in ("tracked", "mean", "variance", "calls", "seen"))
    assert torch.equal(value_of(captured, "fixed"), torch.ones(()))


def test_a_place_says_that_it_is_not_followed_every_time(tmp_path: Path) -> None:
    text = """
    values = numbers(4)
    total = torch.zeros(())
    for limit in (0.0, 1.0):
        if (values > torch.rand(())).any():
            total += values[values > limit * torch.rand(())].sum()
        alone = torch.ones(()) + limit
    """
    captured = capture(PRELUDE + textwrap.dedent(text), tmp_path)
    (script,) = (unit for unit in captured.units if unit.kind is UnitKind.SCRIPT)
    last = {seen.label: seen.partly for seen in script.observations if seen.role is Role.EXPRESSION}
    assert last["total"] and not last["torch.ones(())"]
    assert not any(seen.partly for seen in script.observations if seen.label == "alone")


def test_a_recurrent_layer_on_an_unknown_input_is_not_said_to_be_given_a_packed_sequence(
    tmp_path: Path,
) -> None:
    text = """
        import torch
        from torch import nn
        from somewhere import features

        layer = nn.GRU(4, 8, batch_first=True)
        out, state = layer(features())
        packed = nn.utils.rnn.pack_padded_sequence(torch.rand(2, 3, 4), [3, 2], batch_first=True)
        out, state = layer(packed)
    """
    said = [d for d in capture(text, tmp_path).diagnostics if "packed sequences" in d.message]
    lines = textwrap.dedent(text).splitlines()
    assert [lines[d.span.line] for d in said] == ["out, state = layer(packed)"]

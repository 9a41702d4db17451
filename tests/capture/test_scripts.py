"""Ordinary training scripts: the loss that is written in a loop's body is in the graph, line by line.

Each line that ends in `# => op (shape); ...` must have these nodes in the unit of the script. None of the scripts has a
mistake, so none may be reported; and none needs what it imports to be installed.
"""

from __future__ import annotations

import ast
import math
from pathlib import Path
from textwrap import dedent

import pytest

from torchlean.capture import Capture, UnitKind, Workspace, capture_file
from torchlean.graph import Certainty, Node, Source, region_of, validate

SCRIPTS = sorted((Path(__file__).parents[1] / "fixtures" / "scripts").glob("*.py"))

EXPECTED = "# => "

Computed = tuple[int, str, tuple[int, ...]]
"""Zero-based line, op, shape."""


def follow(text: str) -> Capture:
    capture = capture_file("/nowhere/main.py", text, Workspace(["/nowhere"]))
    validate(capture.graph)
    return capture


def script_nodes(capture: Capture) -> list[Node]:
    """The nodes below what the script's unit observed."""
    (script,) = [unit for unit in capture.units if unit.kind is UnitKind.SCRIPT]
    graph, _ = capture.graph.cone([seen.node for seen in script.observations])
    return list(graph)


def computed(capture: Capture) -> set[Computed]:
    return {
        (line, node.op, node.type.shape)
        for node in script_nodes(capture)
        for span in node.spans
        for line in range(span.line, span.end_line + 1)
    }


def expected(text: str) -> set[Computed]:
    found: set[Computed] = set()
    for number, line in enumerate(text.splitlines()):
        for item in line.partition(EXPECTED)[2].split(";"):
            op, _, shape = item.strip().partition(" ")
            if op:
                found.add((number, op, ast.literal_eval(shape)))
    return found


def assigned(text: str, name: str) -> Node:
    """The node that the last assignment to a name in a script gives it."""
    capture = follow(dedent(text))
    (script,) = [unit for unit in capture.units if unit.kind is UnitKind.SCRIPT]
    return capture.graph[[seen.node for seen in script.observations if seen.label == name][-1]]


def test_there_are_at_least_twenty_scripts() -> None:
    assert len(SCRIPTS) >= 20


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_loss_of_a_script_is_in_its_graph(path: Path) -> None:
    text = path.read_text()
    wanted = expected(text)
    assert wanted
    assert wanted - computed(follow(text)) == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_nothing_is_reported_of_a_script_that_runs(path: Path) -> None:
    assert [(d.code, d.span.line + 1, d.message) for d in follow(path.read_text()).diagnostics] == []


TRAINED = """
import torch
w = torch.zeros(3, requires_grad=True)
for step in range(100):
    current = w * 1
    loss = (w * w).sum()
    loss.backward()
    {step}
after = w * 1
"""

STEPS = {
    "an optimizer": "torch.optim.SGD([w], lr=0.1).step()",
    "a step in place": "w.data -= 0.1 * w.grad",
    "a step in place, by method": "w.data.add_(-0.1 * w.grad.data)",
    "a step to a new tensor": "w = (w - 0.1 * w.grad).detach().requires_grad_()",
}


@pytest.mark.parametrize("name", STEPS)
def test_a_weight_can_have_any_numbers_in_the_loop_that_trains_it(name: str) -> None:
    text = TRAINED.format(step=STEPS[name])
    capture = follow(text)
    (script,) = [unit for unit in capture.units if unit.kind is UnitKind.SCRIPT]
    seen = [seen.node for seen in script.observations if seen.label == "current"]
    cone, _ = capture.graph.cone(seen)
    leaves = [region_of(node) for node in cone if node.op == "random"]
    assert [(leaf.certainty, leaf.source) for leaf in leaves] == [(Certainty.NONE, Source.TRAINED)]


def test_what_no_step_changes_keeps_its_value() -> None:
    text = TRAINED.format(step="pass")
    capture = follow(text)
    assert not [node for node in script_nodes(capture) if node.op == "random"]


def test_a_batch_has_the_range_that_its_transforms_leave() -> None:
    node = assigned(
        """
        import torch
        from torchvision import datasets, transforms
        t = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.25,))])
        loader = torch.utils.data.DataLoader(datasets.MNIST(".", transform=t), batch_size=7)
        for x, y in loader:
            batch = x
        """,
        "batch",
    )
    region = region_of(node)
    assert node.type.shape == (7, 1, 28, 28)
    assert region.source is Source.DATA
    assert -2.001 < region.lower <= -2.0
    assert 2.0 <= region.upper < 2.001


@pytest.mark.parametrize(
    ("last", "lower", "upper"),
    [
        ("T.RandomErasing(value=9.0)", -2.0, 9.0),
        ("T.RandomErasing(value='random')", -math.inf, math.inf),
        ("T.Pad(2, fill=-3)", -3.0, 2.0),
        ("T.RandomApply([T.Normalize((0.0,), (0.5,))])", -4.0, 4.0),
        ("T.RandomChoice([T.RandomHorizontalFlip(), T.RandomRotation(9, fill=5)])", -2.0, 5.0),
        ("T.ColorJitter(0.4)", 0.0, 1.0),
    ],
)
def test_what_a_transform_may_fill_or_leave_out_is_in_the_range(
    last: str, lower: float, upper: float
) -> None:
    node = assigned(
        f"""
        import torch
        from torchvision import datasets, transforms as T
        t = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.25,)), {last}])
        for x, y in torch.utils.data.DataLoader(datasets.MNIST(".", transform=t), batch_size=7):
            batch = x
        """,
        "batch",
    )
    region = region_of(node)
    assert region.lower <= lower and upper <= region.upper
    assert region.lower == pytest.approx(lower, rel=1e-5) and region.upper == pytest.approx(upper, rel=1e-5)


def test_a_sample_of_several_data_sets_is_one_of_any() -> None:
    node = assigned(
        """
        import torch
        from torch.utils.data import ConcatDataset, DataLoader, TensorDataset
        both = ConcatDataset([TensorDataset(torch.rand(9, 3)), TensorDataset(torch.rand(9, 3) - 4)])
        for (batch,) in DataLoader(both, batch_size=3):
            rows = batch
        """,
        "rows",
    )
    region = region_of(node)
    assert (region.lower, region.upper) == pytest.approx((-4.0, 1.0))


def test_labels_are_the_numbers_of_the_classes() -> None:
    node = assigned(
        """
        import torch, torchvision
        loader = torch.utils.data.DataLoader(torchvision.datasets.CIFAR100("."), batch_size=4)
        for i, (x, y) in enumerate(loader):
            labels = y
        """,
        "labels",
    )
    region = region_of(node)
    assert str(node.type) == "(4,) int64"
    assert (region.lower, region.upper, region.source) == (0.0, 99.0, Source.LABELS)


def test_a_batch_of_a_tensor_data_set_has_the_range_of_the_tensor() -> None:
    node = assigned(
        """
        import torch
        from torch.utils.data import DataLoader, TensorDataset
        x = torch.rand(100, 3) * 2 - 1
        for (batch,) in DataLoader(TensorDataset(x), batch_size=10):
            rows = batch
        """,
        "rows",
    )
    region = region_of(node)
    assert node.type.shape == (10, 3)
    assert (region.lower, region.upper) == pytest.approx((-1.0, 1.0), abs=1e-5)
    assert region.lower <= -1.0
    assert region.upper >= 1.0


def test_a_slice_that_moves_with_the_loop_has_its_length() -> None:
    node = assigned(
        """
        import torch
        x = torch.rand(1000, 3)
        w = torch.zeros(3, requires_grad=True)
        for i in range(0, 1000, 64):
            rows = x[i : i + 64]
            (rows @ w).sum().backward()
        """,
        "rows",
    )
    assert node.type.shape == (64, 3)


@pytest.mark.parametrize(
    "statement",
    [
        "tl.assume(x, 0, 1)",
        "x = tl.assume(x, 0, 1)",
        "# tl.assume(x, 0, 1)",
        "pass  # a comment\n# tl.assume(x, 0, 1)",
    ],
)
def test_an_assumption_is_believed(statement: str) -> None:
    text = f"import torch\nimport torchlean as tl\nx = torch.empty(3)\n{statement}\ny = x * 1\n"
    capture = follow(text)
    regions = [region_of(node) for node in script_nodes(capture) if node.op == "random"]
    assert [(r.lower, r.upper) for r in regions if r.source is Source.ASSUMED] == [(0.0, 1.0)]


def test_a_comment_behind_an_assignment_speaks_of_what_it_assigns() -> None:
    node = assigned("import torch\nx = torch.empty(3)  # tl.assume(x, -2, 2)\ny = x\n", "y")
    assert (region_of(node).lower, region_of(node).upper) == (-2.0, 2.0)


def test_an_assumption_about_no_range_is_reported() -> None:
    capture = follow("import torch\nimport torchlean as tl\nx = torch.empty(3)\ntl.assume(x, 2, 1)\n")
    assert [d.code for d in capture.diagnostics] == ["TL304"]


def test_one_of_two_values_has_the_range_of_both() -> None:
    capture = follow(
        dedent(
            """
            import sys
            import torch
            scale = 1.0
            if sys.argv[1]:
                scale = 3.0
            x = torch.ones(2) * scale
            """
        )
    )
    (leaf,) = [region_of(node) for node in script_nodes(capture) if node.op == "random"]
    assert (leaf.lower, leaf.upper) == (1.0, 3.0)


def test_a_number_that_a_loop_counts_grows_to_one_side_only() -> None:
    capture = follow(
        dedent(
            """
            import torch
            w = torch.zeros(3, requires_grad=True)
            steps = 1
            for epoch in range(10):
                scaled = w * steps
                scaled.sum().backward()
                steps += 1
            """
        )
    )
    regions = {
        (region_of(node).lower, region_of(node).upper)
        for node in script_nodes(capture)
        if node.op == "random"
    }
    assert (1.0, float("inf")) in regions


def test_a_loop_that_computes_thousands_of_times_is_followed_once_after_some() -> None:
    capture = follow(
        dedent(
            """
            import torch
            x = torch.ones(2)
            while True:
                x = torch.log(x + 1)
            for _ in range(5000):
                x = torch.sin(x)
            """
        )
    )
    ops = [node.op for node in script_nodes(capture)]
    assert "sin" in ops
    assert "log" in ops
    assert len(capture.graph) < 1000
    assert capture.diagnostics == ()


def test_an_optimizer_of_layers_that_are_not_followed_is_no_mistake() -> None:
    text = dedent(
        """
        import torch
        from torch import nn
        from torch.nn.utils import spectral_norm

        net = nn.Sequential(spectral_norm(nn.Linear(4, 4)), nn.ReLU(), spectral_norm(nn.Linear(4, 1)))
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        optimizer.zero_grad()
        net(torch.randn(2, 4)).sum().backward()
        optimizer.step()
        """
    )
    said = {d.code for d in follow(text).diagnostics}
    assert "TL102" in said and not {"TL101", "TL103"} & said

"""Weights from files inside a followed program: what is reported, where, and what the module is afterwards."""

from __future__ import annotations

import math
from pathlib import Path
from textwrap import dedent

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from torchlean.capture import Capture, UnitKind, Workspace, capture_file
from torchlean.graph import evaluate

HEADER = """\
import torch
from torch import nn
import torchlean as tl
"""

Written = list[tuple[str, str, str]]


def follow(folder: Path, body: str) -> tuple[Capture, Written]:
    """Capture a file of that folder; its diagnostics as (code, text of the place, message)."""
    text = HEADER + dedent(body)
    path = folder / "program.py"
    capture = capture_file(str(path), text, Workspace([folder]))
    lines = text.splitlines()
    return capture, [
        (d.code, lines[d.span.line][d.span.column : d.span.end_column], d.message)
        for d in capture.diagnostics
    ]


def state_of(**tensors: Tensor) -> dict[str, Tensor]:
    state = {
        "weight": torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        "bias": torch.tensor([1.0, 2.0, 3.0]),
    }
    return {**state, **tensors}


LOAD = """
    net = tl.load(nn.Linear(2, 3), "net.pt")

    @tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
    def small(x):
        return net(x) <= 100.0
"""


def result(capture: Capture, x: Tensor) -> Tensor:
    """What the claim's network computes: the left operand of its comparison."""
    (claim,) = (unit for unit in capture.units if unit.kind is UnitKind.CLAIM)
    comparison = capture.graph[claim.outputs[0]]
    cone, renumbered = capture.graph.cone([comparison.inputs[0]])
    return evaluate(cone, {"x": x})[renumbered[comparison.inputs[0]]]


def test_loaded_weights_are_parameters_named_as_in_the_state_dict(tmp_path: Path) -> None:
    torch.save(state_of(), tmp_path / "net.pt")
    capture, said = follow(tmp_path, LOAD)
    assert said == []
    assert {n.label for n in capture.graph if n.op == "parameter"} >= {"weight", "bias"}
    assert all(unit.trained for unit in capture.units)
    assert torch.equal(result(capture, torch.tensor([1.0, -1.0])), torch.tensor([0.0, 1.0, 2.0]))
    assert capture.dependencies == (str(tmp_path / "net.pt"),)


def test_a_missing_file_is_reported_at_its_path_and_shapes_are_still_analysed(tmp_path: Path) -> None:
    capture, said = follow(tmp_path, LOAD)
    message = f"weight file `net.pt` does not exist; looked for {tmp_path / 'net.pt'}"
    ((code, place, text),) = said
    assert (code, place) == ("TL110", '"net.pt"')
    assert text.startswith(message)
    assert capture.dependencies == (str(tmp_path / "net.pt"),)
    (claim,) = capture.units
    assert claim.failure is None
    assert not claim.trained


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"weight": torch.zeros(3, 2)}, "it lacks `bias` (3,)"),
        (state_of(extra=torch.zeros(4)), "it has unexpected `extra` (4,)"),
        (state_of(bias=torch.zeros(4)), "`bias` should have shape (3,), the file has (4,)"),
        (
            {"fc.weight": torch.zeros(3, 2), "fc.bias": torch.zeros(3)},
            "it lacks `weight` (3, 2), `bias` (3,); it has unexpected `fc.weight` (3, 2), `fc.bias` (3,)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_listed(state: dict[str, Tensor], words: str, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pt")
    capture, said = follow(tmp_path, LOAD)
    assert said == [("TL111", '"net.pt"', f"weight file `net.pt` does not fit `Linear`: {words}")]
    assert next(iter(capture.units)).failure is None


def test_at_most_five_names_of_a_kind_are_listed(tmp_path: Path) -> None:
    torch.save(state_of(**{f"extra{i}": torch.zeros(1) for i in range(8)}), tmp_path / "net.pt")
    _, ((_, _, message),) = follow(tmp_path, LOAD)
    assert message.endswith("`extra3` (1,), `extra4` (1,) and 3 more")


def test_weights_that_do_fit_are_used_beside_those_that_do_not(tmp_path: Path) -> None:
    torch.save(state_of(bias=torch.zeros(4)), tmp_path / "net.pt")
    capture, _ = follow(tmp_path, LOAD)
    kinds = {(n.op, n.type.shape) for n in capture.graph if n.op == "parameter" and n.label == "weight"}
    assert kinds == {("parameter", (3, 2))}
    assert not capture.units[0].trained


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_weights_are_a_warning_with_name_and_index(value: float, tmp_path: Path) -> None:
    torch.save(state_of(bias=torch.tensor([0.0, value, 1.0])), tmp_path / "net.pt")
    _, ((code, place, message),) = follow(tmp_path, LOAD)
    assert (code, place) == ("TL112", '"net.pt"')
    assert message.startswith(f"weight file `net.pt`: `bias` has {value} at [1]")


def test_non_finite_weights_of_a_nested_checkpoint_are_a_warning_where_it_is_read(tmp_path: Path) -> None:
    checkpoint = {"state_dict": state_of(bias=torch.tensor([0.0, math.nan, 1.0])), "epoch": 3}
    torch.save(checkpoint, tmp_path / "net.pt")
    body = LOAD.replace('tl.load(nn.Linear(2, 3), "net.pt")', "nn.Linear(2, 3)")
    load = 'net.load_state_dict(torch.load("net.pt")["state_dict"])'
    body = body.replace("nn.Linear(2, 3)", f"nn.Linear(2, 3)\n    {load}", 1)
    _, ((code, place, message),) = follow(tmp_path, body)
    assert (code, place) == ("TL112", '"net.pt"')
    assert message.startswith("weight file `net.pt`: `state_dict.bias` has nan at [1]")


def test_weights_too_large_for_the_dtype_of_the_module_are_a_warning(tmp_path: Path) -> None:
    torch.save(state_of(bias=torch.tensor([0.0, 1e39, 1.0], dtype=torch.float64)), tmp_path / "net.pt")
    _, ((code, _, message),) = follow(tmp_path, LOAD)
    assert code == "TL112"
    assert message.startswith("weight file `net.pt`: `bias` has 1e+39, too large for float32, at [1]")


def test_complex_weights_do_not_fit_a_real_module(tmp_path: Path) -> None:
    torch.save(state_of(bias=torch.tensor([0.0, 1j, 1.0])), tmp_path / "net.pt")
    _, ((code, _, message),) = follow(tmp_path, LOAD)
    assert code == "TL111"
    assert "complex numbers in `bias`, whose imaginary parts are discarded" in message


def test_weights_of_another_dtype_are_rounded_to_the_parameters(tmp_path: Path) -> None:
    wide = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    torch.save(state_of(bias=wide), tmp_path / "net.pt")
    capture, said = follow(tmp_path, LOAD)
    assert [code for code, _, _ in said] == ["TL115"]
    held = next(
        n
        for n in capture.graph
        if n.op == "parameter" and n.label == "bias" and n.type.dtype == torch.float32
    )
    assert held.data is not None
    assert torch.equal(held.data, wide.float())


def test_a_second_capture_shares_the_loaded_tensors(tmp_path: Path) -> None:
    torch.save(state_of(), tmp_path / "net.pt")
    workspace = Workspace([tmp_path])
    text = HEADER + dedent(LOAD)
    first, second = (capture_file(str(tmp_path / "p.py"), text, workspace) for _ in range(2))
    held = [[n.data for n in c.graph if n.op == "parameter"] for c in (first, second)]
    assert held[0]
    assert all(a is b for a, b in zip(*held, strict=True))


def test_the_path_counts_from_the_file_that_contains_the_call(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    torch.save(state_of(), tmp_path / "nets" / "net.pt")
    (tmp_path / "nets" / "zoo.py").write_text(
        HEADER + 'def trained():\n    return tl.load(nn.Linear(2, 3), "net.pt")\n'
    )
    capture, said = follow(
        tmp_path,
        """
        from nets.zoo import trained
        net = trained()

        @tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
        def small(x):
            return net(x) <= 100.0
        """,
    )
    assert said == []
    assert str(tmp_path / "nets" / "net.pt") in capture.dependencies
    assert capture.units[0].trained


def test_loading_puts_the_module_into_evaluation_mode(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    torch.save(model.state_dict(), tmp_path / "net.pt")
    capture, said = follow(
        tmp_path, LOAD.replace("nn.Linear(2, 3)", "nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))")
    )
    assert said == []
    x = torch.tensor([0.3, 0.4])
    assert torch.equal(result(capture, x), model.eval()(x).detach())


@pytest.mark.parametrize(
    ("expression", "place", "words"),
    [
        (
            'tl.load(nn.Linear, "net.pt")',
            'tl.load(nn.Linear, "net.pt")',
            "such as `Net()`, got the class Linear",
        ),
        ("tl.load(nn.Linear(2, 3), 5)", "5", "tl.load needs the path of a file, got an int"),
        ("tl.load(nn.Linear(2, 3))", "tl.load(nn.Linear(2, 3))", "missing a required argument: 'path'"),
        ("torch.load(3)", "3", "torch.load needs the path of a file"),
    ],
)
def test_wrong_arguments_are_reported_where_they_stand(
    expression: str, place: str, words: str, tmp_path: Path
) -> None:
    _, said = follow(tmp_path, f"\nnet = {expression}\n")
    assert [(code, where) for code, where, _ in said] == [("TL103", place)]
    assert words in said[0][2]


def test_a_dangerous_file_is_refused_at_its_path(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 3), tmp_path / "net.pt")
    _, ((code, place, message),) = follow(tmp_path, LOAD)
    assert (code, place) == ("TL110", '"net.pt"')
    assert "`torch.nn.modules.linear.Linear`" in message


USER = """
    net = nn.Linear(2, 3)
    {load}
    net.eval()

    @tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
    def small(x):
        return net(x) <= 100.0
"""


@pytest.mark.parametrize(
    "load",
    [
        'net.load_state_dict(torch.load("net.pt", weights_only=True))',
        'net.load_state_dict(torch.load("nested.pt", map_location="cpu")["state_dict"])',
        'state = torch.load("net.pt"); print(net.load_state_dict(state, strict=False))',
        'from safetensors.torch import load_file; net.load_state_dict(load_file("net.safetensors"))',
        'import safetensors.torch; net.load_state_dict(safetensors.torch.load_file("net.safetensors"))',
        'net.load_state_dict({k.replace("module.", ""): v for k, v in torch.load("parallel.pt").items()})',
    ],
)
def test_the_ways_people_load_give_the_same_network(load: str, tmp_path: Path) -> None:
    torch.save(state_of(), tmp_path / "net.pt")
    torch.save({"state_dict": state_of(), "epoch": 3}, tmp_path / "nested.pt")
    torch.save({f"module.{key}": value for key, value in state_of().items()}, tmp_path / "parallel.pt")
    safetensors.torch.save_file(state_of(), tmp_path / "net.safetensors")
    capture, said = follow(tmp_path, USER.format(load=load))
    assert said == []
    assert capture.units[0].trained
    assert torch.equal(result(capture, torch.tensor([1.0, -1.0])), torch.tensor([0.0, 1.0, 2.0]))


def test_a_state_dict_that_does_not_fit_is_reported_at_the_call(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2, 2), "more": torch.zeros(1)}, tmp_path / "net.pt")
    _, ((code, place, message),) = follow(
        tmp_path, USER.format(load='net.load_state_dict(torch.load("net.pt"))')
    )
    assert (code, place) == ("TL111", 'net.load_state_dict(torch.load("net.pt"))')
    assert 'Unexpected key(s) in state_dict: "more"' in message
    assert 'Missing key(s) in state_dict: "bias"' in message
    assert "size mismatch for weight: the file has (2, 2), the model needs (3, 2)" in message


@pytest.mark.parametrize(
    "load",
    [
        'net.load_state_dict(torch.load("missing.pt"))',
        'net.load_state_dict(download("https://example.org"))',
        "net.load_state_dict(dict(weight=download(1), bias=download(2)))",
    ],
)
def test_weights_that_are_not_known_can_be_anything(load: str, tmp_path: Path) -> None:
    """The range of the initialiser would be a wrong bound: something else was loaded over it."""
    body = "\n    from somewhere import download" + USER.format(load=load)
    capture, _ = follow(tmp_path, body)
    (claim,) = capture.units
    weights = [n for n in capture.graph.cone(claim.outputs)[0] if n.op == "random"]
    assert len(weights) == 2
    assert all(n.attributes["lower"] == -math.inf and n.attributes["upper"] == math.inf for n in weights)
    assert not claim.trained

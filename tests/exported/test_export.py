"""Exporting in the sandbox: the program becomes the graph that static capture reads, and computes what torch does."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
import torch
from click.testing import CliRunner
from tests.capture.probing import assert_same, flat
from torch import Tensor

from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Unit
from torchlean.capture.workspace import Workspace
from torchlean.cli import main
from torchlean.exported import Exported, ExportError, Outcome, export, exportable, job, outcomes
from torchlean.exported.program import (
    Leaf,
    Program,
    Ref,
    Reply,
    ReplyError,
    Step,
    read_reply,
    reply_document,
)
from torchlean.graph import evaluate, validate
from torchlean.ops import TensorType
from torchlean.sandbox import Limits

PROGRAMS = Path(__file__).parent / "programs"

PLAIN = "from torch import nn\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n\n"


def capture_of(path: Path) -> Capture:
    return capture_file(str(path), path.read_text(), Workspace([path.parent]))


def exported_units(capture: Capture, units: Sequence[Unit]) -> dict[str, Outcome]:
    reply, _ = export(job(capture, units, (str(Path(capture.path).parent),)))
    return {outcome.unit.name: outcome for outcome in outcomes(capture, units, reply)}


@pytest.fixture(scope="module")
def layers() -> tuple[Capture, dict[str, Outcome]]:
    capture = capture_of(PROGRAMS / "layers.py")
    return capture, exported_units(capture, [unit for unit in capture.units if exportable(unit)])


@pytest.fixture(scope="module")
def unfollowed() -> tuple[Capture, dict[str, Outcome]]:
    capture = capture_of(PROGRAMS / "unfollowed.py")
    return capture, exported_units(capture, [unit for unit in capture.units if exportable(unit)])


def imported(path: Path) -> ModuleType:
    """The program, run here: its weights are drawn from the same seed."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def evaluated(exported: Exported, inputs: Sequence[Tensor]) -> list[Tensor]:
    validate(exported.graph)
    names = [str(exported.graph[id].attributes["name"]) for id in exported.inputs]
    values = evaluate(exported.graph, dict(zip(names, inputs, strict=True)))
    return [values[id] for id in exported.outputs]


LAYERS = {
    "Convolutional": "convolutional",
    "Encoder": "encoder",
    "Recurrent": "recurrent",
    "InPlace": "in_place",
    "Elementwise": "elementwise",
    "Losses": "losses",
    "Batch": "batch",
}
"""The classes of `layers.py`, and what its one object of each is called."""


@pytest.mark.parametrize("name", LAYERS)
def test_the_exported_program_is_the_captured_graph(
    name: str, layers: tuple[Capture, dict[str, Outcome]]
) -> None:
    outcome = layers[1][name]
    assert outcome.refusal is None
    assert outcome.comparison is not None and outcome.comparison.difference is None
    assert outcome.verdict == "same"


@pytest.mark.parametrize("name", LAYERS)
def test_the_exported_graph_computes_what_torch_computes(
    name: str, layers: tuple[Capture, dict[str, Outcome]]
) -> None:
    capture, found = layers
    module = getattr(imported(PROGRAMS / "layers.py"), LAYERS[name])
    torch.manual_seed(7)
    types = [capture.graph[id].type for id in found[name].unit.inputs]
    for _ in range(3):
        inputs = [
            torch.randn(type.shape) if type.dtype.is_floating_point else torch.randint(0, 10, type.shape)
            for type in types
        ]
        exported = found[name].exported
        assert exported is not None
        assert_same(evaluated(exported, inputs), flat(module(*[x.clone() for x in inputs])), 1e-5)


def test_every_node_that_a_step_made_knows_its_line(layers: tuple[Capture, dict[str, Outcome]]) -> None:
    exported = layers[1]["Convolutional"].exported
    assert exported is not None
    text = (PROGRAMS / "layers.py").read_text().splitlines()
    (conv,) = [node for node in exported.graph if node.op == "conv"]
    assert conv.span is not None and conv.span.path == str(PROGRAMS / "layers.py")
    assert "self.norm(self.conv(x))" in text[conv.span.line]
    assert all(node.span is not None for node in exported.graph if node.inputs)


@pytest.mark.parametrize("name", ["is_not_negative", "stays_small"])
def test_a_model_that_static_capture_does_not_follow_is_exported(
    name: str, unfollowed: tuple[Capture, dict[str, Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = unfollowed[1][name]
    assert outcome.unit.failure is not None
    assert outcome.verdict == "exported" and outcome.exported is not None
    monkeypatch.syspath_prepend(str(PROGRAMS))
    module = imported(PROGRAMS / "unfollowed.py")
    x = torch.tensor([0.3, -0.8])
    assert_same(evaluated(outcome.exported, [x]), [getattr(module, name)(x)])


def test_lines_of_helpers_stand_behind_those_that_call_them(
    unfollowed: tuple[Capture, dict[str, Outcome]],
) -> None:
    exported = unfollowed[1]["stays_small"].exported
    assert exported is not None
    (tanh,) = [node for node in exported.graph if node.op == "tanh"]
    files = [Path(span.path).name for span in tanh.spans]
    assert "blocks.py" in files and files[-1] == "unfollowed.py"


def test_what_cannot_be_exported_says_why_and_where(unfollowed: tuple[Capture, dict[str, Outcome]]) -> None:
    found = unfollowed[1]
    raises, branches = found["Raises"], found["Branches"]
    assert raises.refusal == "making the module fails: ValueError: no such model"
    assert branches.refusal is not None and "which branch it takes depends on" in branches.refusal
    text = (PROGRAMS / "unfollowed.py").read_text().splitlines()
    assert raises.place is not None and "raise ValueError" in text[raises.place.line]
    assert branches.place is not None and "if y.sum() > 0" in text[branches.place.line]
    assert found["Cached"].verdict in ("same", "exported")


def test_a_reply_that_was_meddled_with_is_refused() -> None:
    type = TensorType((2,), torch.float32)
    step = Step("aten.relu.default", {"self": Ref(0)}, (type,), (("net.py", 3),))
    program = Program((Leaf("input", "x", type),), (step,), (Ref(1),))
    document = json.loads(json.dumps(reply_document(Reply("2", (program,)))))
    assert read_reply(document, {}).units == (program,)
    document["units"][0]["steps"][0][1]["self"] = {"ref": [1, None]}  # itself
    with pytest.raises(ReplyError, match="refers to 1"):
        read_reply(document, {})
    for broken in (None, {}, {"units": [{}], "torch": "", "files": []}):
        with pytest.raises(ReplyError):
            read_reply(broken, {})


def test_a_file_that_hangs_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "hangs.py"
    path.write_text(PLAIN + "import os\nwhile os:\n    pass\n")
    capture = capture_of(path)
    with pytest.raises(ExportError, match="ran out of time"):
        export(job(capture, capture.units), Limits(seconds=3))


def test_the_command_says_that_both_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.fc = nn.Linear(2, 3)\n\n"
        "    def forward(self, x):\n        return self.fc(x).relu()\n"
    )
    answer = CliRunner().invoke(main, ["export", str(path), "--module", "Net"])
    assert answer.exit_code == 0, answer.output
    assert (
        "Net: the exported program and the captured graph are the same (5 nodes; 2 weights" in answer.output
    )


def test_wrong_names_are_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(PLAIN)
    unknown = CliRunner().invoke(main, ["export", str(path), "--module", "Other"])
    assert unknown.exit_code == 2 and "no module `Other` in this file; there is: Net" in unknown.output
    both = CliRunner().invoke(main, ["export", str(path), "--module", "Net", "--claim", "c"])
    assert both.exit_code == 2 and "give one of them" in both.output

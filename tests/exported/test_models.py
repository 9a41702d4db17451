"""All models of the capture's tests and all examples: what `torch.export` records is the graph that capture reads.

Where it is not, the reason stands here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from tests.capture.probing import SEED, assert_same
from tests.capture.test_models import FOLDER, INPUTS, run_eagerly, trained  # noqa: F401 - a fixture

from torchlean.capture import capture_file
from torchlean.capture.result import Capture
from torchlean.capture.workspace import Workspace
from torchlean.exported import Outcome, export, exportable, job, outcomes
from torchlean.graph import evaluate, validate

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"

OTHER_FORM = "torch moves heads and batches in another order; the numbers agree"

DIFFERENT = {("mha_user", "EncoderBlock"): OTHER_FORM}
"""Units whose two graphs are no copies of one another."""

MASK = (
    "torch looks at the numbers of the attention mask to find out whether it is causal, which export refuses"
)

REFUSED = {
    ("positional_transformer", "TransformerModel"): MASK,
    ("densenet", "DenseLayer"): "its input is a list of tensors, of which capture knows no types",
}
"""Units that cannot be exported."""

DERIVATIVES = "tl.D calls autograd, which export refuses"


NOT_CALLED = frozenset({"dqn", "hand_rnn", "own_attention", "sequential_mlp", "siamese", "squeeze_excite"})
"""Models without a claim, whose files call no module, or have no class for it: no shape of an input is known."""


def exported(path: Path) -> tuple[Capture, list[Outcome]]:
    capture = capture_file(str(path), path.read_text(), Workspace([path.parent]))
    units = [unit for unit in capture.units if exportable(unit) and unit.failure is None]
    reply, _ = export(job(capture, units, (str(path.parent),)))
    return capture, outcomes(capture, units, reply)


def assert_computes_the_same(capture: Capture, outcome: Outcome) -> None:
    """Both graphs, executed on the same inputs."""
    assert outcome.exported is not None
    validate(outcome.exported.graph)
    names = [str(capture.graph[id].attributes["name"]) for id in outcome.unit.inputs]
    types = [capture.graph[id].type for id in outcome.unit.inputs]
    captured, ids = capture.graph.cone(dict.fromkeys(outcome.unit.outputs))
    if any(node.op == "random" for node in (*captured, *outcome.exported.graph)):
        return  # weights from no file: there is no one value
    torch.manual_seed(SEED)
    inputs = {
        name: torch.randn(type.shape).to(type.dtype)
        if type.dtype.is_floating_point
        else torch.zeros(type.shape, dtype=type.dtype)
        for name, type in zip(names, types, strict=True)
    }
    ours = evaluate(captured, inputs)
    theirs = evaluate(outcome.exported.graph, inputs)
    assert_same(
        [ours[ids[id]].detach() for id in outcome.unit.outputs],
        [theirs[id].detach() for id in outcome.exported.outputs],
    )


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_a_model_is_exported_as_it_is_captured(
    name: str,
    trained: Path,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call, shapes = INPUTS[name]
    torch.manual_seed(SEED)
    path = trained / f"{name}.py"
    path.write_text((FOLDER / f"{name}.py").read_text())
    # Running it once writes the weights that it loads.
    run_eagerly(path.read_text(), path, call, {key: torch.randn(shape) for key, shape in shapes.items()})
    monkeypatch.undo()
    capture, found = exported(path)
    assert bool(found) is (name not in NOT_CALLED)
    for outcome in found:
        key = (name, outcome.unit.name)
        if key in REFUSED:
            assert outcome.verdict == "refused", f"{key} is exported now"
            continue
        assert outcome.refusal is None, f"{key}: {outcome.refusal}"
        assert outcome.comparison is not None
        assert outcome.comparison.equal is (key not in DIFFERENT), f"{key}: {outcome.comparison.difference}"
        assert_computes_the_same(capture, outcome)


@pytest.mark.parametrize(
    "file",
    [
        *("demo.py", "untrained.py", "pendulum/controller.py", "digits/robust.py"),
        *("pinn/heat.py", "stability/pendulum.py", "stability/van_der_pol.py"),
    ],
)
def test_an_example_is_exported_as_it_is_captured(file: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    capture, found = exported(tmp_path / "examples" / file)
    derivatives = "tl.D(" in (EXAMPLES / file).read_text()
    for outcome in found:
        if derivatives and outcome.refusal is not None:
            assert "grad" in outcome.refusal, f"{DERIVATIVES}, but it says: {outcome.refusal}"
            continue
        assert outcome.refusal is None, f"{outcome.unit.name}: {outcome.refusal}"
        assert outcome.verdict == "same", f"{outcome.unit.name}: {outcome.comparison}"
        assert_computes_the_same(capture, outcome)

"""Whole models, in the styles people write: the captured graph computes what torch computes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import safetensors.torch
import torch
from tests.capture.probing import SEED, assert_same, captured, flat, probe, probed
from torch import Tensor, nn

import torchlean

FOLDER = Path(__file__).parent / "models"

INPUTS: dict[str, tuple[str, dict[str, tuple[int, ...]]]] = {
    "actor_critic": ("model(x)", {"x": (3, 4)}),
    "autoencoder": ("model(x)", {"x": (2, 12)}),
    "dcgan": ("model(z)", {"z": (1, 6, 1, 1)}),
    "densenet": ("model(x)", {"x": (1, 3, 4, 4)}),
    "double_precision": ("model(x.double())", {"x": (3, 2)}),
    "dqn": ("model(x)", {"x": (1, 3, 12, 14)}),
    "einsum_attention": ("model(x)", {"x": (2, 4, 6)}),
    "fourier_features": ("model(x)", {"x": (3, 2)}),
    "functional_weights": ("model(x)", {"x": (4, 3)}),
    "hand_rnn": ("model(x)", {"x": (4, 2, 3)}),
    "highway": ("model(x)", {"x": (2, 4)}),
    "inception": ("model(x)", {"x": (1, 3, 5, 5)}),
    "kan_spline": ("model(x)", {"x": (3, 2)}),
    "lenet": ("model(x)", {"x": (2, 1, 16, 16)}),
    "lstm_classifier": ("model(x)", {"x": (2, 3, 2)}),
    "mha_user": ("model(x)", {"x": (2, 3, 8)}),
    "mlp_mixer": ("model(x)", {"x": (2, 1, 4, 4)}),
    "mobilenet": ("model(x)", {"x": (1, 3, 8, 8)}),
    "module_dict": ("model(x)", {"x": (2, 3)}),
    "moe": ("model(x)", {"x": (3, 4)}),
    "old_style": ("model(x)", {"x": (5, 1)}),
    "own_attention": ("model(x)", {"x": (2, 5, 8)}),
    "pendulum_loop": ("model(state)", {"state": (4, 2)}),
    "pinn": ("model(x, t)", {"x": (3, 1), "t": (3, 1)}),
    "plain_mlp": ("model(x)", {"x": (1, 2)}),
    "positional_transformer": ("model(x)", {"x": (4, 2, 8)}),
    "ppo_gaussian": ("model(x)", {"x": (2, 3)}),
    "residual_mlp": ("model(x)", {"x": (2, 4)}),
    "resnet": ("model(x)", {"x": (1, 3, 8, 8)}),
    "safetensors_user": ("model(x)", {"x": (2, 3)}),
    "sequential_mlp": ("model(x)", {"x": (3,)}),
    "shared_weights": ("model(x)", {"x": (2, 5)}),
    "siamese": ("model(a, b)", {"a": (2, 1, 8), "b": (2, 1, 8)}),
    "squeeze_excite": ("model(x)", {"x": (2, 2, 5, 5)}),
    "star_sequential": ("model(x)", {"x": (4, 3)}),
    "text_cnn": ("model((x.abs() * 5).long())", {"x": (2, 6)}),
    "unet": ("model(x)", {"x": (1, 1, 6, 6)}),
    "vae": ("model(x)", {"x": (2, 12)}),
    "vgg_config": ("model(x)", {"x": (1, 3, 8, 8)}),
}
"""For each file of `models/`: the expression to probe, and the shapes of its inputs."""


class Checkpoint:
    """Stands for a file that does not exist yet: it is written when a module asks for its weights."""

    def __init__(self, path: Path, keys: tuple[str, ...] = ()) -> None:
        self.path = path
        self.keys = keys

    def __getitem__(self, key: str) -> Checkpoint:
        return Checkpoint(self.path, (*self.keys, key))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Loading weights first draws them and writes the file, by real torch; returns the folder."""
    plain_load = nn.Module.load_state_dict

    def load(module: nn.Module, path: str) -> nn.Module:
        write(module, tmp_path / path, ())
        return module.eval()

    def load_state_dict(module: nn.Module, state: Any, *arguments: Any, **keywords: Any) -> Any:
        if isinstance(state, Checkpoint):
            write(module, state.path, state.keys)
            return [], []
        return plain_load(module, state, *arguments, **keywords)

    monkeypatch.setattr(torchlean, "load", load)
    monkeypatch.setattr(torch, "load", lambda path, **_: Checkpoint(tmp_path / path))
    monkeypatch.setattr(safetensors.torch, "load_file", lambda path: Checkpoint(tmp_path / path))
    monkeypatch.setattr(nn.Module, "load_state_dict", load_state_dict)
    return tmp_path


def write(module: nn.Module, path: Path, keys: tuple[str, ...]) -> None:
    """Move the weights away from their initial values, statistics included, and save them."""
    torch.manual_seed(SEED)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
        for name, buffer in module.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.uniform_(0.5, 1.5)
    state: Any = {name: value.clone() for name, value in module.state_dict().items()}
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(state, path)
        return
    for key in reversed(keys):
        state = {key: state, "epoch": 3}
    torch.save(state, path)


def run_eagerly(text: str, path: Path, call: str, inputs: dict[str, Tensor]) -> object:
    """The program's own answer."""
    module = sys.modules["program"] = ModuleType("program")  # dataclasses look themselves up there
    module.__file__ = str(path)
    torch.manual_seed(SEED)

    exec(compile(text, str(path), "exec"), module.__dict__)
    with torch.no_grad():
        return eval(call, module.__dict__, {name: value.clone() for name, value in inputs.items()})


def test_every_model_has_inputs() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(INPUTS)


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_a_captured_model_computes_what_torch_computes(
    name: str, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, shapes = INPUTS[name]
    torch.manual_seed(SEED)
    inputs = {key: torch.randn(shape) for key, shape in shapes.items()}
    text = (FOLDER / f"{name}.py").read_text()
    path = trained / f"{name}.py"
    eager = run_eagerly(text, path, call, inputs)
    monkeypatch.undo()
    capture = captured(path, probe(text, call, inputs, eager))
    assert [f"{d.code} {d.span}: {d.message}" for d in capture.diagnostics] == []
    assert_same(probed(capture, inputs), flat(eager))

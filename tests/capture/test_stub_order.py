"""Stubs are followed when something first asks for them, and mean the same whichever comes first."""

from __future__ import annotations

import pytest

from torchlean.capture import Workspace, capture_file, stub_modules

MODEL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.GRU(3, 4))

    def forward(self, x):
        return self.layers(x)[0]
"""

STUBS = sorted(
    path.stem
    for path in stub_modules.FOLDER.glob("*.py")
    if path.stem.startswith("torch") and path.stem != "torchlean"
)


def dotted(stem: str) -> str:
    """`torch.nn.modules.linear` of `torch_nn_modules_linear`."""
    return stem.replace("_", ".").replace("..loss.functions", "._loss_functions")


@pytest.mark.parametrize("first", STUBS)
def test_a_module_is_one_whichever_stub_was_followed_first(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stub_modules, "_modules", {})
    assert stub_modules.stub_module(dotted(first)) is not None, dotted(first)
    found = capture_file("model.py", MODEL, Workspace([]))
    assert [unit.name for unit in found.units] == ["Net"]
    assert not found.diagnostics
    assert len(found.units[0].outputs) == 1

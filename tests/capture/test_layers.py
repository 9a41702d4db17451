"""Every layer of `torch.nn` that TorchLean knows, against torch itself."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from tests.capture.layer_cases import CASES, Shape
from tests.capture.probing import SEED, assert_same, captured, flat, probe, probed
from torch import Tensor, nn

HEADER = (
    "from collections import OrderedDict\n\nimport torch\nfrom torch import nn\n\nimport torchlean as tl\n\n"
)


def draw(shape: Shape) -> tuple[Tensor, str]:
    """An input, and what the program does with it first (an input of a claim is a float32 tensor)."""
    if shape and isinstance(shape[0], str):
        sizes = tuple(int(size) for size in shape[1:])
        if shape[0] == "p":
            return torch.rand(sizes) * 0.9 + 0.05, ""
        return torch.randint(0, int(shape[0][2:]), sizes).float(), ".long()"
    return torch.randn(tuple(int(size) for size in shape)), ""


def made(constructor: str) -> nn.Module:
    torch.manual_seed(SEED)
    layer = eval(f"nn.{constructor}", {"nn": nn, "torch": torch, "OrderedDict": OrderedDict})
    assert isinstance(layer, nn.Module)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        for buffer in layer.buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
    return layer.eval()


@pytest.mark.parametrize(("constructor", "shapes"), CASES, ids=[f"{c} {s}" for c, s in CASES])
def test_a_layer_computes_what_torch_computes(
    constructor: str, shapes: tuple[Shape, ...], tmp_path: Path
) -> None:
    layer = made(constructor)
    drawn = {f"x{position}": draw(shape) for position, shape in enumerate(shapes)}
    inputs = {name: value for name, (value, _) in drawn.items()}
    call = f"layer({', '.join(name + suffix for name, (_, suffix) in drawn.items())})"
    with torch.no_grad():
        eager = eval(call, {"layer": layer}, {name: value.clone() for name, value in inputs.items()})
    text = f"{HEADER}layer = nn.{constructor}\n"
    state = layer.state_dict()
    if state:
        torch.save(state, tmp_path / "layer.pt")
        text += 'layer = tl.load(layer, "layer.pt")\n'
    else:
        text += "layer.eval()\n"
    capture = captured(tmp_path / "program.py", probe(text, call, inputs, eager))
    assert [f"{d.code} {d.span}: {d.message}" for d in capture.diagnostics] == []
    assert_same(probed(capture, inputs), flat(eager))

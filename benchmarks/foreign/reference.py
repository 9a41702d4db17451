"""The job of the sandbox: import the real package, draw weights, and keep what the model makes of inputs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from torchlean.sandbox import Channel

WEIGHTS = "weights.safetensors"

RUNS = "runs.safetensors"

INPUTS = 2
"""Inputs of each model: the second tells what depends on the numbers of the first."""

SPREAD = 0.1
"""By what vectors (biases, gains, statistics) are moved: many begin as zeros or ones, which would hide what they do."""


def run(argument: dict[str, str], channel: Channel) -> dict[str, int]:
    """Write the weights of `program`'s module, its inputs (`x0`, ...) and results (`y0.0`, ...) into `folder`."""
    sys.path.insert(0, argument["packages"])
    _declare_compiled_ops()
    torch.manual_seed(0)
    channel.phase("importing and building it")
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(argument["program"], "program.py", "exec"), names)
    module: nn.Module = names["Captured"]().eval()
    channel.phase("running it")
    runs: dict[str, Tensor] = {}
    with torch.no_grad():
        _move_vectors(module)
        for index in range(INPUTS):
            x = names["example"]()
            runs[f"x{index}"] = x
            for place, y in enumerate(_tensors(module(x))):
                runs[f"y{index}.{place}"] = y.contiguous().clone()
    folder = Path(argument["folder"])
    # Tied weights are the same memory under two names, which the file cannot say.
    save_file(
        {name: tensor.contiguous().clone() for name, tensor in module.state_dict().items()}, folder / WEIGHTS
    )
    save_file(runs, folder / RUNS)
    return {"results": sum(name.startswith("y0.") for name in runs)}


def _declare_compiled_ops() -> None:
    """torchvision wants these to be known even where its compiled ops, built for CUDA, cannot be loaded."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)


_kept: list[torch.library.Library] = []
"""What a library declares is gone when the object is."""


def _move_vectors(module: nn.Module) -> None:
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.dim() != 1 or not tensor.is_floating_point():
            continue
        moved = tensor + SPREAD * torch.randn_like(tensor)
        tensor.copy_(moved.abs() + SPREAD if name.endswith("running_var") else moved)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    return [tensor for item in items for tensor in _tensors(item)]

"""Trained weights at run time: fitting a file of weights into a module.

The file is read by the reader of the analysis, so that both accept the same files and see the same tensors,
and so that opening a file of weights never runs code from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from torchlean.capture.weights import WeightFileError, read_weights

ModuleType = TypeVar("ModuleType", bound=nn.Module)


def load_weights(module: ModuleType, path: Path) -> ModuleType:
    """Read `path` into `module` (every name, every shape) and switch it to evaluation mode.

    Raises:
        FileNotFoundError, ValueError, TypeError: as `torchlean.load` describes.
    """
    if not isinstance(module, nn.Module):
        hint = f": write {module.__name__}()" if isinstance(module, type) else ""
        raise TypeError(f"tl.load needs a module instance, got {module!r}{hint}")
    weights = _tensors(path)
    mismatch = misfits(module.state_dict(), weights)
    if mismatch:
        raise ValueError(
            f"the weights in {path} do not fit {type(module).__name__}:\n  " + "\n  ".join(mismatch)
        )
    module.load_state_dict(weights, strict=True)
    module.eval()
    return module


def misfits(expected: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> list[str]:
    """What keeps the weights `got` from filling a module whose state_dict is `expected`, a sentence each."""
    missing = [f"missing: `{name}` {_shape(expected[name])}" for name in expected if name not in got]
    extra = [f"unexpected: `{name}` {_shape(got[name])}" for name in got if name not in expected]
    wrong = [
        f"wrong shape: `{name}` needs {_shape(tensor)}, the file has {_shape(got[name])}"
        for name, tensor in expected.items()
        if name in got and got[name].shape != tensor.shape
    ]
    return missing + extra + wrong


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))


def _tensors(path: Path) -> Mapping[str, Tensor]:
    if not path.exists():
        raise FileNotFoundError(
            f"no file of weights at {path}\n"
            "A relative path counts from the folder of the file that calls tl.load."
        )
    try:
        return read_weights(str(path)).tensors
    except WeightFileError as error:
        raise ValueError(f"the file of weights {path} {error}") from error

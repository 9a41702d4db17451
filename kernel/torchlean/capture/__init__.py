"""Static capture: Python source to graph, with the place of every node, without running anything.

`capture_file` is the entry. `onnx` is the front end for ONNX files, which needs nothing of the interpreter: so the
interpreter is imported on first use, and verifying a network does not wait for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchlean.capture.budgets import Cancelled
    from torchlean.capture.file_capture import capture_file
    from torchlean.capture.result import Capture, Observation, Role, Symbol, Unit, UnitKind
    from torchlean.capture.workspace import Workspace

__all__ = [
    "Cancelled",
    "Capture",
    "Observation",
    "Role",
    "Symbol",
    "Unit",
    "UnitKind",
    "Workspace",
    "capture_file",
]

_HOMES = {
    "Cancelled": "budgets",
    "Workspace": "workspace",
    "capture_file": "file_capture",
    **dict.fromkeys(("Capture", "Observation", "Role", "Symbol", "Unit", "UnitKind"), "result"),
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)

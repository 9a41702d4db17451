"""Static capture: Python source to graph, with the place of every node, without running anything.

`capture_file` is the entry. The interpreter's parts register themselves on import: expressions and statements with
`interpreter.EXPRESSIONS` and `STATEMENTS`, functions implemented here with `values.NATIVES`.
"""

from torchlean.capture import (  # the imports fill the tables of the interpreter
    comprehensions,
    expressions,
    imports,
    intrinsics,
    legacy_constructors,
    loading,
    loops,
    numpy_api,
    paths,
    standard,
    standard_classes,
    statements,
    torchlean_api,
)
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
    "comprehensions",
    "expressions",
    "imports",
    "intrinsics",
    "legacy_constructors",
    "loading",
    "loops",
    "numpy_api",
    "paths",
    "standard",
    "standard_classes",
    "statements",
    "torchlean_api",
]

"""Fills the interpreter's tables: importing this module imports every part that registers itself on import.

Expressions and statements register with `interpreter.EXPRESSIONS` and `STATEMENTS`, functions implemented here with
`values.NATIVES`.
"""

from torchlean.capture import (
    comprehensions,
    data_sources,
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

__all__ = [
    "comprehensions",
    "data_sources",
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

"""Fills the interpreter's tables: importing this module imports every part that registers itself on import.

Expressions and statements register with `interpreter.EXPRESSIONS` and `STATEMENTS`, functions implemented here with
`values.NATIVES`.
"""

import ast

from torchlean.capture import (
    assumptions,
    comprehensions,
    data_sources,
    differentiation,
    expressions,
    files,
    imports,
    intrinsics,
    legacy_constructors,
    loading,
    loops,
    managers,
    numpy_api,
    numpy_arrays,
    paths,
    raising,
    regular_expressions,
    scalers,
    signatures,
    standard,
    standard_classes,
    statements,
    torchlean_api,
    torchlean_lyapunov,
    torchlean_residual,
    torchlean_robust,
)
from torchlean.capture.unfamiliar import pass_over

__all__ = [
    "assumptions",
    "comprehensions",
    "data_sources",
    "differentiation",
    "expressions",
    "files",
    "imports",
    "intrinsics",
    "legacy_constructors",
    "loading",
    "loops",
    "managers",
    "numpy_api",
    "numpy_arrays",
    "paths",
    "raising",
    "regular_expressions",
    "scalers",
    "signatures",
    "standard",
    "standard_classes",
    "statements",
    "torchlean_api",
    "torchlean_lyapunov",
    "torchlean_residual",
    "torchlean_robust",
]

pass_over(vars(ast).values())

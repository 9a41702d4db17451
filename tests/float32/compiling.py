"""`torch.compile` in tests: it needs a C++ compiler, and headers, that not every machine has."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch._inductor.exc import CppCompileError, InductorError, InvalidCxxCompiler


def compiled(function: Callable[..., Any], **options: int) -> Callable[..., Any]:
    """The function by `torch.compile`, whole and for fixed shapes; skips where nothing can be compiled here.

    Args:
        options: inductor's, with `__` for dots in their names.
    """
    reason = _missing()
    if reason is not None:
        pytest.skip(reason)
    named = {name.replace("__", "."): value for name, value in options.items()}
    return torch.compile(  # type: ignore[no-any-return]
        function, fullgraph=True, dynamic=False, options=named
    )


@functools.cache
def _missing() -> str | None:
    """Why not even a sum can be compiled; None where it can."""
    try:
        torch.compile(lambda x: x + 1.0)(torch.zeros(2))
    except InductorError as error:
        if isinstance(error.inner_exception, InvalidCxxCompiler):
            return "torch.compile finds no C++ compiler"
        if isinstance(error.inner_exception, CppCompileError):
            return "this machine's C++ compiler does not compile what torch.compile writes"
        raise
    return None

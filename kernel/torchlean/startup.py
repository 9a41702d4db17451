"""Importing torch quickly."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import large packages inside, without the garbage collector looking at them again and again.

    torch makes some hundred thousand objects that live as long as the process. Collections while they are made, and
    every full one afterwards, visit all of them for nothing: a third of the processor time of starting a command. So
    the collector rests during the imports, and leaves what they made alone from then on (`gc.freeze`).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()

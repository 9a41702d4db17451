"""What the server's tests share: the environment of subprocesses, and waiting."""

from __future__ import annotations

import asyncio
import inspect
import os
import pathlib
import time
from collections.abc import Awaitable, Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]

PATIENCE = 120.0
"""Seconds until a condition that does not come about fails a test; nothing is asserted about how soon it does."""

ENVIRONMENT = {
    # Subprocesses find the packages and the toy analysis whether or not the project is installed.
    "PYTHONPATH": os.pathsep.join(
        [*(str(ROOT / part) for part in ("kernel", "server", ".")), os.environ.get("PYTHONPATH", "")]
    ),
    "OMP_NUM_THREADS": "1",
}


async def until(condition: Callable[[], object | Awaitable[object]], patience: float = PATIENCE) -> None:
    """Wait until something is so; the condition may be asynchronous."""
    end = time.monotonic() + patience
    while True:
        found = condition()
        if await found if inspect.isawaitable(found) else found:
            return
        if time.monotonic() > end:
            raise AssertionError("did not come about")
        await asyncio.sleep(0.01)

"""Memory for large matrices that are needed for a moment, again and again."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

SMALL, HELD = 2**13, 2**20
"""Elements below which memory is quickly had, and above which it is not kept (8 MiB)."""


class Scratch(threading.local):
    """Memory for the large matrices of a pass, kept from pass to pass: fresh pages take longer to get than to fill."""

    def __init__(self) -> None:
        self._kept: dict[str, npt.NDArray[np.float64]] = {}

    def matrix(self, use: str, rows: int, columns: int) -> npt.NDArray[np.float64]:
        """Uninitialised; valid until the next request for the same use."""
        size = rows * columns
        if not SMALL < size <= HELD:
            return np.empty((rows, columns))
        kept = self._kept.get(use)
        if kept is None or len(kept) < size:
            kept = self._kept[use] = np.empty(size)
        return kept[:size].reshape(rows, columns)


__all__ = ["Scratch"]

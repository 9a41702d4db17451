"""What was measured of the kernels, as `benchmarks.kernels` has written it to measured.json beside this file.

Figures belong to one version of torch on one processor; the stated bounds are chosen to hold for others as well.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

ALL_INPUTS = 510 << 23
"""Patterns of binary32 that are numbers: all but the infinities' and NaNs' two binades."""


@dataclass(frozen=True)
class Measurement:
    """The worst error met on one path of a kernel.

    `path`: vectorised (contiguous tensors) or strided (element by element, as the rest of a vector is).
    `capability`: the instructions that torch's kernels were compiled for. `ulps`: after taking off the absolute
    part that is stated; `inputs`: the bits of the operands where it was met; `count`: how many inputs were tried.
    `early`: the smallest magnitude of an input that gave an infinity although the exact result is a number.
    """

    path: str
    capability: str
    ulps: float
    inputs: tuple[int, ...]
    count: int
    early: float | None

    @property
    def exhaustive(self) -> bool:
        """Whether every number was tried."""
        return self.count == ALL_INPUTS


@functools.cache
def measured() -> Mapping[str, tuple[Measurement, ...]]:
    """The measurements of each function. The names are those of `KERNELS`."""
    functions = _read()["functions"]
    return MappingProxyType(
        {name: tuple(_measurement(row) for row in rows) for name, rows in functions.items()}
    )


@functools.cache
def machine() -> str:
    """The processor and the versions that the figures belong to."""
    text: str = _read()["machine"]
    return text


def _measurement(row: dict[str, Any]) -> Measurement:
    return Measurement(
        row["path"],
        row["capability"],
        row["ulps"],
        tuple(int(bits, 16) for bits in row["inputs"]),
        row["count"],
        row["early"],
    )


def _read() -> dict[str, Any]:
    file = resources.files("torchlean.float32.kernels") / "measured.json"
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content

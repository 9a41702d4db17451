"""`tl.residual`: how close proved bounds of a trained network come to its largest sampled residual, and at what cost.

The largest residual is sampled on a grid in double precision; a bound is tried for some multiples of it.
"""

from __future__ import annotations

import re
import sys
import time
from importlib import import_module
from pathlib import Path
from unittest import mock

import torch

from benchmarks.table import Table
from torchlean.analysis import Session, pipeline
from torchlean.analysis.result import ClaimResult

EXAMPLE = Path(__file__).parents[1] / "examples" / "pinn" / "heat.py"

GRID = 401
"""Places and times at which the residual is sampled."""

LIMIT = 300.0
"""Seconds for branch and bound of one claim."""

RATIOS = (3.0, 2.0, 1.5, 1.25, 1.1)


def run() -> list[Table]:
    """One row for each multiple."""
    largest = sampled()
    rows = []
    for ratio in RATIOS:
        before = time.process_time()
        claim = decided(ratio * largest)
        rows.append(
            (
                f"{ratio:g}",
                f"{ratio * largest:.5f}",
                claim.verdict.value,
                f"{time.process_time() - before:.1f}",
            )
        )
    note = f"Largest residual on {GRID} by {GRID} points: {largest:.6f}. Processor seconds, reading the file included."
    columns = ("bound / largest sampled", "bound", "verdict", "seconds")
    return [Table("Residual of the heat equation", columns, rows, note)]


def sampled() -> float:
    """The largest residual on the grid."""
    sys.path.insert(0, str(EXAMPLE.parent))
    try:
        heat = import_module("heat")
    finally:
        sys.path.pop(0)
    axis = torch.linspace(0.0, 1.0, GRID, dtype=torch.float64)
    x, t = (each.reshape(-1, 1).requires_grad_() for each in torch.meshgrid(axis, axis, indexing="ij"))
    heat.rod.double()
    return float(heat.equation(x, t).abs().max().detach())


def decided(eps: float) -> ClaimResult:
    """The example's residual with this tolerance, and nothing else."""
    text = EXAMPLE.read_text(encoding="utf-8")
    text, changed = re.subn(r"    eps=[^)]*\)", f"    eps={eps!r},\n)", text)
    assert changed == 1, "the example states one tolerance of its residual"
    with mock.patch.object(pipeline, "FACT_SECONDS", LIMIT):
        analysis = pipeline.analyse(str(EXAMPLE), text, Session())
    (claim,) = (unit.claim for unit in analysis.units if unit.claim is not None)
    return claim

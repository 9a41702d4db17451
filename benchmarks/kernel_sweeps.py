"""Sweeps of torch's element-wise float32 functions over all 2^32 inputs: minutes each, and resumable.

    python -m benchmarks.kernel_sweeps [--path vectorised] [NAME ...]

What is known so far lies in build/kernels, a file for each function and path, saved after every sixteen binades;
a sweep goes on where the last one stopped. `benchmarks.kernels` makes the table of it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress
from tests.float32.functions import UNARY
from tests.float32.interpolation import Ramp
from tests.float32.sweep import BINADES, BLOCK, PATHS, Tally, Worst, measure_all

STATES = Path(__file__).parents[1] / "build" / "kernels"

_SAVED_AFTER = 16
_KEPT = 1 << 24
"""Bytes of one array that is freed at once: from then on the C library keeps freed blocks for the next ones."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions (default: all in the table)")
    parser.add_argument("--path", action="append", choices=tuple(PATHS), help="default: both")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    np.empty(_KEPT, dtype=np.uint8)
    for path in arguments.path or PATHS:
        for name in arguments.names or UNARY:
            sweep(name, path)


def sweep(name: str, path: str) -> Tally:
    """Finish the sweep of one function on one path."""
    tally = load(name, path) or Tally()
    ramp = Ramp(BLOCK)
    open_ones = [binade for binade in range(BINADES) if binade & 0xFF != 0xFF and not tally.counts[binade]]
    with Progress(disable=not sys.stderr.isatty()) as progress:
        for done, binade in enumerate(progress.track(open_ones, description=f"{name}, {path}"), 1):
            measure_all(UNARY[name], binade, ramp, {path: tally})
            if done % _SAVED_AFTER == 0 or done == len(open_ones):
                save(name, path, tally)
    return tally


def load(name: str, path: str) -> Tally | None:
    """What an earlier sweep has found, None where there was none."""
    file = STATES / f"{name}-{path}.npz"
    if not file.is_file():
        return None
    with np.load(file) as state:
        return Tally(
            ulps=Worst(state["ulps_figures"], state["ulps_inputs"]),
            counts=state["counts"],
            early=float(state["early"]),
            invalid=int(state["invalid"]),
            invalid_at=int(state["invalid_at"]),
        )


def save(name: str, path: str, tally: Tally) -> None:
    """Written whole or not at all: a sweep may be stopped at any time."""
    STATES.mkdir(parents=True, exist_ok=True)
    partial = STATES / f"{name}-{path}.partial.npz"
    np.savez(
        partial,
        ulps_figures=tally.ulps.figures,
        ulps_inputs=tally.ulps.inputs,
        counts=tally.counts,
        early=tally.early,
        invalid=tally.invalid,
        invalid_at=tally.invalid_at,
    )
    partial.replace(STATES / f"{name}-{path}.npz")


if __name__ == "__main__":
    main()

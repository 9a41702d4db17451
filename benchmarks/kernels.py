"""The errors of torch's element-wise float32 functions, in ulps: what was measured beside what is stated.

    python -m benchmarks.kernels [NAME ...]

writes kernel/torchlean/float32/kernels/measured.json and the table in docs/float32.md: from the finished sweeps of
`benchmarks.kernel_sweeps` where there are any, from samples elsewhere. With names only these functions of one operand
are measured again, with vector instructions: after a sweep the others need not be. `python -m benchmarks kernels`
shows the table as it was recorded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.float32.exact_functions import EXACT, error_in_ulps
from tests.float32.functions import BINARY, UNARY
from tests.float32.interpolation import Ramp
from tests.float32.sweep import (
    BINADES,
    BLOCK,
    PATHS,
    Tally,
    computed_at,
    measure,
    measure_all,
    sample,
    sample_pairs,
)

from benchmarks.kernel_sweeps import load
from benchmarks.table import Table
from torchlean.float32 import kernels
from torchlean.float32.kernels.measured import ALL_INPUTS, machine, measured
from torchlean.float32.kernels.page import page_with_tables, table

ROOT = Path(__file__).parents[1]
JSON = ROOT / "kernel" / "torchlean" / "float32" / "kernels" / "measured.json"
PAGE = ROOT / "docs" / "float32.md"

PER_BINADE = 1 << 12
"""Sampled inputs with the same sign and exponent: two million in all."""

PAIRS = 4_000_000
CONFIRMED = 4
"""Binades, the worst ones, whose worst inputs are looked at again with mpmath."""


def run() -> list[Table]:
    """The table of what is recorded: nothing is measured here, sweeps take hours."""
    header, *rows = table()
    result = Table("torch's float32 functions: errors in ulps", header, note=f"Measured on {machine()}.")
    for row in rows:
        result.add(*row)
    return [result]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="functions to measure again (default: all)")
    parser.add_argument("--sample", metavar="FILE", help="only sample, with these instructions, into a file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.sample:
        Path(arguments.sample).write_text(json.dumps(_functions(swept=False)), encoding="utf-8")
        return
    if arguments.names:
        functions = _again(arguments.names)
    else:
        functions = _functions(swept=True)
        for name, rows in _without_vector_instructions().items():
            functions[name] += rows
    content = {"machine": _machine(), "functions": functions}
    JSON.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    measured.cache_clear()
    machine.cache_clear()
    if PAGE.is_file():
        PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _functions(*, swept: bool) -> dict[str, list[dict[str, Any]]]:
    return {
        **{name: list(_unary(name, swept)) for name in UNARY},
        **{name: list(_binary(name)) for name in BINARY},
    }


def _again(names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What is recorded, with new rows of these functions; those without vector instructions stay."""
    functions: dict[str, list[dict[str, Any]]] = json.loads(JSON.read_text(encoding="utf-8"))["functions"]
    capability = torch.backends.cpu.get_cpu_capability()
    for name in names:
        others = [row for row in functions[name] if row["capability"] != capability]
        functions[name] = [*_unary(name, True), *others]
    return functions


def _unary(name: str, swept: bool) -> Iterator[dict[str, Any]]:
    for path in PATHS:
        tally = load(name, path) if swept else None
        if tally is None or int(tally.counts.sum()) != ALL_INPUTS:
            tally = _sampled(name, path)
        elif kernels.KERNELS[name].absolute:
            tally = _allowing(name, path, tally)
        yield _row(name, path, tally)


def _sampled(name: str, path: str) -> Tally:
    random = np.random.default_rng(1)
    kernel = kernels.KERNELS[name]
    tally = Tally(kernel.absolute)
    for binade in range(BINADES // 2 if kernel.domain[0] == 0 else BINADES):
        if binade & 0xFF != 0xFF:
            measure(UNARY[name], sample(binade, PER_BINADE, random), {path: tally})
    return tally


def _allowing(name: str, path: str, tally: Tally) -> Tally:
    """The sweep, with the worst binades done again until the worst ones are among those: now the absolute part is taken
    off first. Errors only become smaller by that, so no binade that is left can have a larger one.
    """
    kernel, ramp = kernels.KERNELS[name], Ramp(BLOCK)
    done = set[int]()
    while open_ones := set(_worst(name, tally)) - done:
        for binade in open_ones:
            again = Tally(kernel.absolute)
            measure_all(UNARY[name], binade, ramp, {path: again})
            tally.ulps.figures[binade] = again.ulps.figures[binade]
            tally.ulps.inputs[binade] = again.ulps.inputs[binade]
        done |= open_ones
    return tally


def _worst(name: str, tally: Tally) -> list[int]:
    """The binades of the function's domain with the largest errors, of which there are some."""
    inside = BINADES // 2 if kernels.KERNELS[name].domain[0] == 0 else BINADES
    worst = np.argsort(tally.ulps.figures[:inside])[-CONFIRMED:]
    return [binade for binade in worst.tolist() if tally.ulps.figures[binade] > 0]


def _row(name: str, path: str, tally: Tally) -> dict[str, Any]:
    """The worst input, its error counted again with mpmath: the references have small errors of their own."""
    worst, at = 0.0, 0
    for binade in _worst(name, tally):
        bits = int(tally.ulps.inputs[binade])
        result = computed_at(UNARY[name], path, bits)
        ulps = error_in_ulps(EXACT[name], result, bits, allowance=kernels.KERNELS[name].absolute)
        if ulps > worst:
            worst, at = ulps, bits
    return _plain(path, worst, (at,), int(tally.counts.sum()), tally.early)


def _binary(name: str) -> Iterator[dict[str, Any]]:
    for path in PATHS:
        result = sample_pairs(BINARY[name], path, PAIRS, kernels.KERNELS[name].absolute)
        patterns = result.inputs
        computed = computed_at(BINARY[name], path, *patterns)
        allowance = kernels.KERNELS[name].absolute
        ulps = error_in_ulps(EXACT[name], computed, *patterns, allowance=allowance)
        yield _plain(path, ulps, patterns, PAIRS, result.early)


def _plain(path: str, ulps: float, inputs: tuple[int, ...], count: int, early: float) -> dict[str, Any]:
    return {
        "path": path,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "ulps": float(f"{ulps:.6g}"),
        "inputs": [f"{bits:#010x}" for bits in inputs],
        "count": count,
        "early": early if np.isfinite(early) else None,
    }


def _without_vector_instructions() -> dict[str, list[dict[str, Any]]]:
    """The same kernels compiled for any x86-64: torch reads the choice when it is loaded."""
    file = ROOT / "build" / "kernels" / "default.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "benchmarks.kernels", "--sample", str(file)],
        env={**os.environ, "ATEN_CPU_CAPABILITY": "default"},
        cwd=ROOT,
        check=True,
    )
    rows: dict[str, list[dict[str, Any]]] = json.loads(file.read_text(encoding="utf-8"))
    return rows


def _machine() -> str:
    """Such as `AMD EPYC, Linux, torch 2.13.0 with MKL and oneDNN`."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    libraries = [
        name
        for name, there in (
            ("MKL", torch.backends.mkl.is_available()),
            ("oneDNN", torch.backends.mkldnn.is_available()),
        )
        if there
    ]
    return ", ".join(
        [*(names[:1] or [platform.machine()]), platform.system(), f"torch {torch.__version__}", *libraries]
    )


if __name__ == "__main__":
    main()

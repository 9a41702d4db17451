"""How long `import torchlean` takes, and what it brings in."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.table import Table, median, milliseconds

RUNS = 9


def run() -> list[Table]:
    """Wall time of a whole interpreter, with and without the import."""
    empty = [_seconds("pass") for _ in range(RUNS)]
    light = [_seconds("import torchlean") for _ in range(RUNS)]
    torch = [_seconds("import torch") for _ in range(3)]
    table = Table("Import", ["what", "median", "goal"])
    table.add("`import torchlean`", milliseconds(median(light) - median(empty)), "≤ 100 ms, no torch")
    table.add("`import torch`, to compare", milliseconds(median(torch) - median(empty)), "")
    return [table]


def _seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start

"""Whole runs of `torchlean verify` on public competition instances: decided, wrong, and how long, start-up included."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.table import Table, median

DATA = Path(__file__).parents[2] / "shared" / "data" / "vnncomp"
"""Networks, properties and known results; not part of the repository."""

LIMIT = 60.0
"""Seconds for one instance, start-up included."""

EVERY = int(os.environ.get("EVERY", "3"))
"""Every so many instances of a family are run: `EVERY=1 python -m benchmarks verification` runs all of them."""

_WHICH = "All instances" if EVERY == 1 else f"Every {EVERY}. instance of a family (at least one)"

CONTRADICTIONS = {("sat", "unsat"), ("unsat", "sat")}


def run() -> list[Table]:
    if not (DATA / "expected.csv").is_file():
        print(f"the competition's instances are not at {DATA}: verification is not measured")
        return []
    table = Table(
        "`torchlean verify` on instances of VNN-COMP",
        ["family", "instances", "decided", "wrong", "median", "slowest decided", "goal"],
        note=f"{_WHICH}, {LIMIT:g} s each, one after the other, the start of "
        "Python and the import of torch included. Expected verdicts are the competition's; a verdict on an instance "
        "that it did not decide, or disputed, counts as decided.",
    )
    families: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (DATA / "expected.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            families[row["instance"].split("/")[0]].append(row)
    for family, rows in families.items():
        _measure(table, family, rows[::EVERY])
    return [table]


def _measure(table: Table, family: str, rows: list[dict[str, str]]) -> None:
    times, slowest = [], 0.0
    decided = wrong = 0
    for row in rows:
        verdict, seconds = _verdict(*row["instance"].split("|"))
        times.append(seconds)
        if verdict in ("sat", "unsat"):
            decided += 1
            slowest = max(slowest, seconds)
        wrong += (verdict, row["expected"]) in CONTRADICTIONS
    goal = "all decided, median ≤ 3 s" if family == "acasxu" else ""
    table.add(
        family, str(len(rows)), str(decided), str(wrong), f"{median(times):.2f} s", f"{slowest:.1f} s", goal
    )


def _verdict(model: str, property: str) -> tuple[str, float]:
    command = [sys.executable, "-m", "torchlean.cli", "verify", str(DATA / model), str(DATA / property)]
    start = time.perf_counter()
    done = subprocess.run([*command, "--timeout", str(LIMIT)], capture_output=True, text=True, check=False)
    lines = done.stdout.split("\n")
    return (lines[-2].split()[0] if len(lines) > 1 and lines[-2] else "error"), time.perf_counter() - start

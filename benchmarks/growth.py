"""How time and peak memory grow with width, depth and the number of boxes; plots beside the table.

Every point is a process of its own, so that its peak memory is its own: what it needs beyond the network itself.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.intervals import dense
from benchmarks.plot import Line, loglog
from benchmarks.table import Table
from torchlean.bounds import BoundsCache, propagate
from torchlean.bounds.crown import crown, crown_boxes
from torchlean.intervals import Interval

PLOTS = Path(__file__).parent / "plots"

INPUTS, OUTPUTS = 16, 10
RADIUS = 0.05
RUNS = 3

SWEEPS: dict[str, list[tuple[int, int, int]]] = {
    "width": [(width, 4, 1) for width in (64, 128, 256, 512, 1024)],
    "depth": [(128, depth, 1) for depth in (1, 2, 4, 8, 16)],
    "boxes": [(64, 4, boxes) for boxes in (16, 64, 256, 1024, 4096)],
}
"""What is varied: (width, depth, boxes) of each point."""

METHODS = {"width": ("ibp", "crown"), "depth": ("ibp", "crown"), "boxes": ("crown",)}


def run() -> list[Table]:
    tables = []
    PLOTS.mkdir(exist_ok=True)
    for index, (name, sweep) in enumerate(SWEEPS.items()):
        table = Table(
            f"Growth with {name}",
            [name, *(f"{method}, {what}" for method in METHODS[name] for what in ("time", "memory"))],
            note=f"{INPUTS} inputs, relu layers, {OUTPUTS} outputs, random weights, half-width {RADIUS}; "
            f"see plots/{name}-time.svg and plots/{name}-memory.svg.",
        )
        measured = {method: [_point(method, *sizes) for sizes in sweep] for method in METHODS[name]}
        values = [sizes[index] for sizes in sweep]
        for row, value in enumerate(values):
            cells = (
                [f"{measured[m][row][0] * 1e3:.3g} ms" for m in measured],
                [f"{measured[m][row][1] / 2**20:.3g} MiB" for m in measured],
            )
            table.add(str(value), *(cell for pair in zip(*cells, strict=True) for cell in pair))
        for place, (what, unit, scale) in enumerate((("time", "ms", 1e3), ("memory", "MiB", 2.0**-20))):
            lines = [
                Line(
                    m, [(v, max(point[place] * scale, 1e-3)) for v, point in zip(values, points, strict=True)]
                )
                for m, points in measured.items()
            ]
            text = loglog(f"{what} against {name}", name, f"{what} in {unit}", lines)
            (PLOTS / f"{name}-{what}.svg").write_text(text, encoding="utf-8")
        tables.append(table)
    return tables


def _point(method: str, width: int, depth: int, boxes: int) -> tuple[float, float]:
    """Seconds (least of several runs) and bytes at the peak, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.growth", method, str(width), str(depth), str(boxes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def _measure(method: str, width: int, depth: int, boxes: int) -> tuple[float, float]:
    torch.set_num_threads(1)
    graph = dense([INPUTS, *[width] * depth, OUTPUTS])
    centre = torch.rand(boxes, INPUTS, generator=torch.Generator().manual_seed(0)).double()
    box = Interval(centre - RADIUS, centre + RADIUS)
    root = {"x": Interval(box.lower.amin(0), box.upper.amax(0))}
    alone = {"x": Interval(box.lower[0], box.upper[0])}
    calls: dict[str, Callable[[], object]] = {
        "ibp": lambda: propagate(graph, alone, BoundsCache()),
        "crown": partial(crown_boxes, graph, {"x": box}, root, BoundsCache())
        if boxes > 1
        else lambda: crown(graph, alone, BoundsCache()),
    }
    before = _peak(forget=True)
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        calls[method]()
        times.append(time.perf_counter() - start)
    return min(times), _peak() - before


def _peak(forget: bool = False) -> int:
    """The most memory that this process held, in bytes.

    Args:
        forget: count from now on, where the system can (importing torch needs more than most of what is measured).
    """
    with contextlib.suppress(OSError):
        if forget:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    # Linux counts in KiB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], *(int(text) for text in sys.argv[2:5]))))

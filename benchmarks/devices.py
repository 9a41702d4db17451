"""Linear bounds of many boxes on a CUDA device beside this processor."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from benchmarks.crown import BASELINES, baseline, boxes_of
from benchmarks.intervals import dense
from benchmarks.table import Table, milliseconds
from torchlean.bounds import BoundsCache
from torchlean.bounds.crown import crown_boxes
from torchlean.bounds.device import PROCESSOR, device_of, on
from torchlean.graph import Graph
from torchlean.intervals import Interval

COUNTS = (512, 16384)
"""Boxes of one step of branch and bound, and as many as keep a device busy."""

RUNS = 3


def run() -> list[Table]:
    if not torch.cuda.is_available():
        print("torch finds no CUDA device: devices are not compared")
        return []
    table = Table(
        "Linear bounds of many boxes on a CUDA device",
        ["network", "boxes", "processor", "device", "ratio"],
        note=f"{torch.cuda.get_device_name()} beside {torch.get_num_threads()} threads of the processor; float64, "
        "random boxes of a quarter of the root's width (of the last network ±0.001), transfers counted; minimum of "
        f"{RUNS} runs.",
    )
    x = torch.rand(784, generator=torch.Generator().manual_seed(0)).double()
    networks = [("784→256×4→10", dense([784, 256, 256, 256, 256, 10]), Interval(x - 0.002, x + 0.002), 1 / 2)]
    if (BASELINES / "autolirpa.json").is_file():
        networks = [(name, *baseline(name), 1 / 4) for name in ("tanh_small", "acas_1_1_prop1")] + networks
    for name, graph, root, share in networks:
        for count in COUNTS if root.lower.numel() < 100 else COUNTS[:1]:
            boxes = boxes_of(root, share, count)
            here, there = (_seconds(graph, root, boxes, device) for device in (PROCESSOR, device_of("cuda")))
            ratio = f"{there / here:.2f}"
            table.add(name, str(count), milliseconds(here), milliseconds(there), ratio)
    return [table]


def _seconds(graph: Graph, root: Interval, boxes: Interval, device: torch.device) -> float:
    cache = BoundsCache()

    def bound() -> None:
        with on(device):
            found = crown_boxes(graph, {"x": boxes.to(device)}, {"x": root.to(device)}, cache)
        for interval in found.values():
            interval.to(PROCESSOR)

    bound()
    return min(_timed(bound) for _ in range(RUNS))


def _timed(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

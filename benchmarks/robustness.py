"""`tl.robust` on the digits: how many samples are certified and how, in what time, and how that grows.

Certified by *separate boxes* is what every tool can do that bounds each score alone: the least score of the class above
the greatest of each other. The rows bound differences of scores instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from benchmarks.intervals import dense
from benchmarks.table import Table
from torchlean.analysis import Session
from torchlean.analysis.result import FamilyResult
from torchlean.analysis.sample_verdicts import decided_family
from torchlean.analysis.units import UnitGraph, bound_unit, unit_graph
from torchlean.bounds import BoundsCache, propagate
from torchlean.bounds.crown import crown_boxes
from torchlean.capture import capture_file
from torchlean.claims.batch import BatchRun
from torchlean.claims.domain import Box
from torchlean.claims.groups import Caches, robust_groups
from torchlean.claims.samples import Samples, balls
from torchlean.graph import Graph, evaluate
from torchlean.intervals import Interval
from torchlean.rounding import ErrorsCache

DIGITS = Path(__file__).parents[1] / "examples" / "digits"

RUNS = 3

Result = TypeVar("Result")

FAMILIES = (("linear.py", "safe", ""), ("robust.py", "safe", "≤ 10 s"), ("robust.py", "safe_in_l2", ""))

SIZES = [(inputs, 64) for inputs in (16, 64, 256, 1024)] + [(64, width) for width in (32, 128, 256, 512)]
"""(inputs, width) of networks with three hidden layers."""

COUNT = 100
EPS = 0.0005


def run() -> list[Table]:
    return [_digits(), _growth()]


def _digits() -> Table:
    table = Table(
        "Robustness of digit classifiers",
        [
            "family",
            "correct",
            "separate boxes, IBP",
            "separate boxes, CROWN",
            "certified",
            "refuted",
            "unknown",
            "time",
            "goal",
        ],
        note="360 samples that training has not seen, eps 0.02 in the maximum norm or 0.15 in the Euclidean one (of "
        "which boxes see their hull); least time of several whole decisions, capture not counted, nothing remembered. "
        "A published softmax regression on scikit-learn's digits has 349 of 360 correct and 318 certified at eps 0.02 "
        "by separate boxes, where differences can reach 331; it is another model, trained otherwise.",
    )
    for file, name, goal in FAMILIES:
        path = DIGITS / file
        capture = capture_file(str(path), path.read_text(encoding="utf-8"), Session((str(DIGITS),)).workspace)
        unit = next(unit for unit in capture.units if unit.name == name and unit.samples is not None)
        part = unit_graph(capture, unit)
        assert unit.samples is not None
        seconds, family = _least(partial(_counted, part))
        alone, together = _separate(part.graph, part.outputs[0], unit.samples)
        counts = (family.correct, alone, together, family.proved, family.refuted, family.unknown)
        table.add(f"{file} {name}", *map(str, counts), f"{seconds:.1f} s", goal)
    return table


def _least(call: Callable[[], Result]) -> tuple[float, Result]:
    """The least time of several runs, and what the last gave."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return min(times), result


def _counted(part: UnitGraph) -> FamilyResult:
    """A family decided with nothing remembered."""
    session = Session()
    return decided_family(bound_unit(part, session.bounds, lambda: False), session, lambda: False)


def _separate(graph: Graph, scores: int, samples: Samples) -> tuple[int, int]:
    """How many samples boxes of the scores certify, by intervals and by CROWN."""
    shape = (len(samples), *graph.inputs[0].type.shape)
    boxes = Interval(samples.lower.reshape(shape), samples.upper.reshape(shape))
    each = [
        propagate(graph, {"x": Interval(low, high)}, BoundsCache())[scores]
        for low, high in zip(boxes.lower, boxes.upper, strict=True)
    ]
    stacked = Interval(torch.stack([x.lower for x in each]), torch.stack([x.upper for x in each]))
    sharp = crown_boxes(graph, {"x": boxes}, wanted=[scores])[scores]
    return _certified(stacked, samples), _certified(sharp, samples)


def _certified(scores: Interval, samples: Samples) -> int:
    assert samples.labels is not None
    own = torch.nn.functional.one_hot(samples.labels, scores.lower.shape[-1]).bool()
    least = scores.lower.flatten(1)[own]
    others = scores.upper.flatten(1).masked_fill(own, -torch.inf).amax(1)
    return int((least > others).sum())


def _growth() -> Table:
    table = Table(
        "Growth of robustness with inputs and width",
        ["inputs", "width", "time", "time per sample", "certified"],
        note=f"{COUNT} random samples labelled by the network itself, three hidden layers of random weights, "
        f"ten classes, eps {EPS}: bounds and attacks, nothing split.",
    )
    for inputs, width in SIZES:
        graph = dense([inputs, width, width, width, 10])
        x = torch.rand(COUNT, 1, inputs, generator=torch.Generator().manual_seed(0))
        samples = balls(x.double(), _labels(graph, x), EPS, "linf", (0.0, 1.0), "")
        seconds, decided = _least(partial(_decided, graph, samples))
        table.add(
            str(inputs), str(width), f"{seconds:.2f} s", f"{seconds / COUNT * 1e3:.1f} ms", str(decided)
        )
    return table


def _labels(graph: Graph, x: Tensor) -> Tensor:
    (output,) = graph.outputs
    return torch.stack(
        [evaluate(graph, {"x": sample})[output].argmax() for sample in x.reshape(COUNT, *_shape(graph))]
    )


def _shape(graph: Graph) -> tuple[int, ...]:
    return graph.inputs[0].type.shape


def _decided(graph: Graph, samples: Samples) -> int:
    hull, shape = samples.hull(), _shape(graph)
    domains = {"x": Box(hull.lower.reshape(shape), hull.upper.reshape(shape), "")}
    caches = Caches(BoundsCache(), ErrorsCache())
    groups = robust_groups(graph, graph.outputs[0], samples, domains, caches, lambda: False)
    run = BatchRun(groups, samples, "x", caches.bounds, lambda: False)
    run.decide(lambda group, member: None, seconds=0.0)
    return sum(decision.proved for decision in run.decisions.values())

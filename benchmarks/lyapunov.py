"""`tl.lyapunov`: the time of three facts on the trained examples, and how it grows with width and dimension.

Wider networks compute the same functions: each hidden neuron is doubled and its outgoing weights are shared between the
two. So the facts stay the same, and only the work for bounding grows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.table import Table
from torchlean.analysis import Session
from torchlean.analysis.level_sets import Studied, study
from torchlean.analysis.result import Verdict

EXAMPLES = Path(__file__).parents[1] / "examples" / "stability"

RUNS = 3

LIMIT = 30.0
"""Seconds for branch and bound of one fact."""

COPIES = (1, 2, 4)
"""Of each hidden neuron of the pendulum's controller (2, 32, 32, 1) and function (2, 32, 1)."""

DIMENSIONS = (1, 2, 3, 4)

LINEAR = """import torch
import torchlean as tl

stable = tl.lyapunov(
    lambda x: (x**2).sum(),
    lambda x: 0.8 * x + 0.1 * torch.tanh(x.roll(1, 0)),
    region=tl.box([-1.0] * {n}, [1.0] * {n}),
    level=(0.1, 0.9),
    decrease=0.01,
)
"""
"""Coupled coordinates: as far as a chain of n of them."""


def run() -> list[Table]:
    return [_examples(), _growth()]


def _examples() -> Table:
    table = Table(
        "Lyapunov functions: three facts",
        ["system", "inside", "decreases", "inner", "boxes", "time", "goal"],
        note="Capture and all three facts for every float32 execution, on one thread; least time of several runs with "
        "nothing remembered.",
    )
    for file, name, goal in (
        ("pendulum.py", "stable", "≤ 30 s"),
        ("van_der_pol.py", "stable", ""),
        ("weak_motor.py", "weak", ""),
    ):
        text = (EXAMPLES / file).read_text(encoding="utf-8")
        facts, seconds = _least(EXAMPLES / file, text, name)
        table.add(file.removesuffix(".py"), *_verdicts(facts), f"{_boxes(facts):,}", f"{seconds:.1f} s", goal)
    return table


def _growth() -> Table:
    table = Table(
        "Lyapunov functions: growth with width and dimension",
        ["system", "inside", "decreases", "inner", "boxes", "time"],
        note="The pendulum with every hidden neuron doubled and doubled again, which changes no function; chains "
        f"of n coordinates, each coupled to the next by a tanh. At most {LIMIT:g} s a fact; one run each.",
    )
    text = (EXAMPLES / "pendulum.py").read_text(encoding="utf-8")
    for copies in COPIES:
        with tempfile.TemporaryDirectory() as folder:
            wide = text.replace("hidden: int = 32", f"hidden: int = {32 * copies}")
            for part in ("controller", "lyapunov"):
                file = f"pendulum_{part}.safetensors"
                save_file(_widened(load_file(EXAMPLES / file), copies), Path(folder, file))
            facts, seconds = _timed(Path(folder, "pendulum.py"), wide, "stable")
        row = (f"pendulum, width {32 * copies}", *_verdicts(facts), f"{_boxes(facts):,}", f"{seconds:.1f} s")
        table.add(*row)
    for n in DIMENSIONS:
        facts, seconds = _timed(Path("chain.py").absolute(), LINEAR.format(n=n), "stable")
        table.add(f"chain of {n}", *_verdicts(facts), f"{_boxes(facts):,}", f"{seconds:.1f} s")
    return table


def _widened(weights: Mapping[str, Tensor], copies: int) -> dict[str, Tensor]:
    """The same network with each hidden neuron `copies` times."""
    layers = sorted({name.partition(".")[0] for name in weights})
    found = {}
    for layer in layers:
        weight, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        if layer != layers[0]:
            weight = weight.repeat(1, copies) / copies
        if layer != layers[-1]:
            weight, bias = weight.repeat(copies, 1), bias.repeat(copies)
        found |= {f"{layer}.weight": weight.contiguous(), f"{layer}.bias": bias.contiguous()}
    return found


def _least(path: Path, text: str, name: str) -> tuple[list[Studied], float]:
    runs = [_timed(path, text, name) for _ in range(RUNS)]
    return min(runs, key=lambda run: run[1])


def _timed(path: Path, text: str, name: str) -> tuple[list[Studied], float]:
    start = time.perf_counter()
    return study(str(path), text, name, Session((str(path.parent),)), LIMIT), time.perf_counter() - start


def _verdicts(facts: list[Studied]) -> list[str]:
    words = {Verdict.PROVED: "proved", Verdict.REFUTED: "refuted", Verdict.UNKNOWN: "open"}
    return [words[fact.result.verdict] for fact in facts]


def _boxes(facts: list[Studied]) -> int:
    return sum(fact.decision.boxes for fact in facts if fact.decision is not None)

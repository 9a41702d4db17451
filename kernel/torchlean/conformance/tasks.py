"""Getting the numbers: the sandbox is asked for units and modes, and again for the rest where one of them ends it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from torchlean.conformance.job import INPUTS, TRACE, WEIGHTS
from torchlean.sandbox import Limits, Report, run

Task = tuple[int, str]
"""A unit, by its place, and a mode."""

STARTS = 12
"""Processes for one file at most: each that dies takes one task with it, and importing torch takes seconds."""


@dataclass(frozen=True, slots=True)
class Done:
    """Of one task: what was observed, (inputs, *shape) each, or why there is nothing; `broken` where it did not run."""

    tensors: tuple[Tensor, ...] = ()
    reason: str = ""
    broken: bool = False


@dataclass(slots=True)
class Weights:
    """Parameters that the import of the file made: the lines that made each, its name, its numbers."""

    found: list[tuple[tuple[tuple[str, int], ...], str, Tensor]] = field(default_factory=list)


@dataclass(slots=True)
class Asking:
    """One file, and what has come of it.

    Attributes:
        units: as the job wants them (`job.run`).
        inputs: of each unit, (inputs, *shape) by name.
        failed: the file could not even be imported, and why.
        reports: of every process.
    """

    path: str
    roots: Sequence[str]
    units: Sequence[Mapping[str, Any]]
    inputs: Sequence[Mapping[str, Tensor]]
    limits: Limits
    seconds: float
    done: dict[Task, Done] = field(default_factory=dict)
    weights: Weights = field(default_factory=Weights)
    failed: str = ""
    reports: list[Report] = field(default_factory=list)

    def run(self, tasks: Sequence[Task], told: Callable[[str], None] = lambda text: None) -> None:
        """Do all of them, in order.

        Raises:
            SandboxError: no process can be started.
        """
        left = list(tasks)
        for _ in range(STARTS):
            if not left or self.failed:
                return
            told(f"{self.units[left[0][0]]['name']}, {left[0][1]}")
            left = self._some(left)
        for task in left:
            self.done[task] = Done(reason="too many modes before it ended the process", broken=True)

    def trace(self, task: Task, point: Mapping[str, Tensor]) -> list[tuple[list[tuple[str, int]], Tensor]]:
        """What each call of torch's gave when the task was run on one input; empty where that cannot be seen."""
        with tempfile.TemporaryDirectory(prefix="torchlean-", ignore_cleanup_errors=True) as folder:
            _save_inputs(folder, task[0], {name: value[None] for name, value in point.items()})
            report = self._process("trace", [task], folder)
            if report.ending != "finished":
                return []
            tensors = load_file(Path(folder) / TRACE)
            return [
                ([(str(path), int(line)) for path, line in places], tensors[str(number)])
                for number, places in enumerate(report.result["places"])
            ]

    def _some(self, tasks: Sequence[Task]) -> list[Task]:
        """One process; gives back what it did not come to."""
        with tempfile.TemporaryDirectory(prefix="torchlean-", ignore_cleanup_errors=True) as folder:
            for unit in {unit for unit, _ in tasks}:
                _save_inputs(folder, unit, self.inputs[unit])
            report = self._process("run", tasks, folder)
            self.reports.append(report)
            begun = self._take(report, Path(folder))
        left = [task for task in tasks if task not in self.done]
        if report.ending == "finished" or not left:
            return []
        if begun is None:
            self.failed = report.what_happened
        elif begun in left:
            self.done[begun] = Done(reason=report.what_happened, broken=True)
            left.remove(begun)
        return left

    def _take(self, report: Report, folder: Path) -> Task | None:
        """Read what came, and give the task that was begun last."""
        begun: Task | None = None
        for part in report.parts:
            if "weights" in part:
                tensors = load_file(folder / WEIGHTS)
                self.weights.found = [
                    (tuple((str(path), int(line)) for path, line in lines), name, tensors[key])
                    for lines, name, key in part["weights"]
                ]
            elif "begun" in part:
                begun = (part["begun"][0], part["begun"][1])
            else:
                self.done[part["unit"], part["mode"]] = _read(part, folder)
        return begun

    def _process(self, job: str, tasks: Sequence[Task], folder: str) -> Report:
        argument = {
            "path": self.path,
            "roots": list(self.roots),
            "units": list(self.units),
            "tasks": list(tasks),
            "seconds": self.seconds,
        }
        return run(
            f"torchlean.conformance.job:{job}",
            argument,
            self.limits,
            roots=self.roots,
            place=Path(self.path).parent,
            folder=folder,
        )


def _save_inputs(folder: str, unit: int, inputs: Mapping[str, Tensor]) -> None:
    tensors = {name: value.contiguous().clone() for name, value in inputs.items()}
    save_file(tensors, Path(folder) / INPUTS.format(unit=unit))


def _read(part: Mapping[str, Any], folder: Path) -> Done:
    if "file" not in part:
        return Done(reason=str(part["reason"]), broken=bool(part.get("raised")))
    try:
        tensors = load_file(folder / str(part["file"]))
        return Done(tuple(tensors[str(place)] for place in range(len(tensors))))
    except (OSError, SafetensorError, KeyError) as error:
        return Done(reason=f"its results cannot be read ({error})", broken=True)

"""How much of models that nobody here wrote is captured, why not the rest, and whether what is captured is what runs.

The packages are downloaded into a folder under build/ and read like files of a workspace: nothing of them is imported
into this process, and the project does not depend on them. What is captured wholly is compared with the real model,
which runs in the sandbox on weights and inputs drawn there.
"""

from __future__ import annotations

import os
import re
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.foreign import reference
from benchmarks.foreign.models import CALLED, LOADED, PACKAGES, Model, models_of
from benchmarks.foreign.packages import FOLDER, NotDownloaded, unpacked
from benchmarks.table import Table, median
from torchlean.capture import Cancelled, Capture, Unit, UnitKind, Workspace, capture_file
from torchlean.graph import evaluate
from torchlean.sandbox import Limits
from torchlean.sandbox import run as run_in_sandbox

CAPTURE_SECONDS = 30.0
"""Of processor time, after which a capture counts as not followed: an editor would have given up long before."""

LIMITS = Limits(seconds=120.0, memory=4096, files=1024)

COMPARED = 30_000_000
"""Parameters of the models that are compared: larger ones are built of the same parts, and running them twice takes
most of the time."""

AGREES = 1e-4
"""Largest difference, as a fraction of the largest result. Another order of summation stays far below it in a hundred
layers of float32, and a layer that is left out or mistaken shows far above."""

ROOT = Path(__file__).parents[1]

REASONS = 10

FOLLOW_UPS = (
    "`Captured` has no attribute `model`",
    "its constructor could not be followed",
    "its result is not followed",
)
"""Failures that only say that something failed before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one model.

    Attributes:
        followed: `wholly`, `partly` or `not`.
        reason: why not wholly.
        seconds: of processor time, for the capture and all that it imports.
        difference: largest difference to the real model, as a fraction of the largest result; None where not compared.
        remark: why it was not compared.
    """

    model: str
    followed: str
    reason: str
    seconds: float
    difference: float | None = None
    remark: str = ""


def run() -> Iterator[Table]:
    """One table of the packages, and one of the most frequent reasons."""
    try:
        packages = unpacked()
    except NotDownloaded as error:
        yield _counts({}, f"not measured, the packages cannot be downloaded: {error}")
        return
    outcomes = {package: list(examined(package, packages)) for package in PACKAGES}
    yield from tables(outcomes)


def examined(package: str, packages: Path) -> Iterator[Outcome]:
    """The outcomes of a package's models, each told as it comes: all of them take half an hour or more."""
    for model in models_of(package):
        outcome = examine(model, packages)
        told = "" if outcome.difference is None else f"off by {outcome.difference:.1e} of the largest"
        details = ", ".join(filter(None, [f"{outcome.seconds:.1f} s", outcome.reason, told, outcome.remark]))
        print(f"{outcome.model}: {outcome.followed} ({details})", flush=True)
        yield outcome


def tables(outcomes: dict[str, list[Outcome]]) -> Iterator[Table]:
    yield _counts(
        outcomes,
        "Of each package the models listed in benchmarks/foreign/. Times are processor time for one capture with all "
        f"that it imports. Models of up to {COMPARED:,} parameters are compared: they agree where the outputs of the "
        f"real model, with random weights, are ours up to {AGREES:g} of the largest.",
    )
    yield _reasons(outcomes)


def _counts(outcomes: dict[str, list[Outcome]], note: str) -> Table:
    columns = (
        "package",
        "models",
        "wholly",
        "partly",
        "not",
        "median",
        "slowest",
        "compared",
        "agree",
        "largest difference",
    )
    table = Table("Models of other people's packages", columns, note=note)
    for package, found in outcomes.items():
        kinds = Counter(outcome.followed for outcome in found)
        seconds = [outcome.seconds for outcome in found]
        differences = [outcome.difference for outcome in found if outcome.difference is not None]
        table.add(
            package,
            str(len(found)),
            *(str(kinds[kind]) for kind in ("wholly", "partly", "not")),
            f"{median(seconds):.1f} s",
            f"{max(seconds):.1f} s",
            str(len(differences)),
            str(sum(difference <= AGREES for difference in differences)),
            f"{max(differences):.1e}" if differences else "",
        )
    return table


def _reasons(outcomes: dict[str, list[Outcome]]) -> Table:
    table = Table(
        f"The {REASONS} most frequent reasons why such models are not captured wholly", ("reason", "models")
    )
    counted = Counter(outcome.reason for found in outcomes.values() for outcome in found if outcome.reason)
    for reason, count in counted.most_common(REASONS):
        table.add(reason.replace("|", "\\|"), str(count))
    return table


def examine(model: Model, packages: Path) -> Outcome:
    """Capture a model, and compare it with the real one where that is possible."""
    begun = time.process_time()
    try:
        capture = _captured(model.program + CALLED, FOLDER / "programs", packages)
    except Cancelled:
        return Outcome(model.constructor, "not", "it takes too long", time.process_time() - begun)
    seconds = time.process_time() - begun
    unit = _unit(capture)
    if unit.failure is not None:
        followed = "partly" if _depends_on_input(capture, unit) else "not"
        return Outcome(model.constructor, followed, _reason(capture, unit.failure), seconds)
    if unit.parameters > COMPARED:
        return Outcome(model.constructor, "wholly", "", seconds, remark=f"{unit.parameters:,} parameters")
    return _compared(model, packages, seconds)


def _captured(text: str, folder: Path, packages: Path) -> Capture:
    end = time.process_time() + CAPTURE_SECONDS
    path = str(folder / "program.py")
    return capture_file(
        path,
        text,
        Workspace([folder], packages=PACKAGES, installed=[packages, sysconfig.get_paths()["purelib"]]),
        lambda: time.process_time() > end,
    )


def _unit(capture: Capture) -> Unit:
    return next(unit for unit in capture.units if unit.kind is UnitKind.MODULE)


def _depends_on_input(capture: Capture, unit: Unit) -> bool:
    """Whether any operation on the input was followed."""
    below = set(unit.inputs)
    return any(any(operand in below for operand in node.inputs) for node in capture.graph)


def _reason(capture: Capture, failure: str) -> str:
    """The first cause: of the failure, or of what was reported before it if that says more."""
    if failure in FOLLOW_UPS:
        failure = next(
            (found.message for found in capture.diagnostics if found.message not in FOLLOW_UPS), failure
        )
    failure = (
        failure.removeprefix("unknown from here: ").removesuffix("; its numbers can be any").splitlines()[0]
    )
    while (nested := re.search(r"condition that is not known: `.*?` \((.*)\)$", failure)) is not None:
        failure = nested[1]
    return failure


# -- agreement ---------------------------------------------------------------------------------------------------------


def _compared(model: Model, packages: Path, seconds: float) -> Outcome:
    # The sandbox's process imports its job, and starts in another folder.
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(ROOT) not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, known)])
    with tempfile.TemporaryDirectory(prefix="torchlean-") as name:
        folder = Path(name)
        argument = {"program": model.program, "packages": str(packages), "folder": name}
        report = run_in_sandbox(
            f"{reference.__name__}:run", argument, LIMITS, roots=[packages], folder=folder
        )
        if report.ending != "finished":
            return Outcome(model.constructor, "wholly", "", seconds, remark=report.what_happened)
        capture = _captured(model.program + LOADED.format(weights=reference.WEIGHTS), folder, packages)
        unit = _unit(capture)
        if unit.failure is not None:
            remark = _reason(capture, unit.failure)
            return Outcome(model.constructor, "wholly", "", seconds, remark=f"with weights: {remark}")
        try:
            difference = _difference(capture, unit, load_file(folder / reference.RUNS))
        except ValueError as error:  # it draws numbers
            return Outcome(model.constructor, "wholly", "", seconds, remark=str(error))
    return Outcome(model.constructor, "wholly", "", seconds, difference)


def _difference(capture: Capture, unit: Unit, runs: dict[str, Tensor]) -> float:
    """The largest, as a fraction of the largest number among the results."""
    cone, renumbered = capture.graph.cone(unit.outputs)
    largest, scale = 0.0, torch.finfo(torch.float32).tiny
    for index in range(reference.INPUTS):
        values = evaluate(cone, {"x": runs[f"x{index}"]})
        for place, output in enumerate(unit.outputs):
            ours, theirs = values[renumbered[output]], runs[f"y{index}.{place}"]
            if ours.shape != theirs.shape:
                return float("inf")
            largest = max(largest, float((ours - theirs).abs().max()))
            scale = max(scale, float(theirs.abs().max()))
    return largest / scale

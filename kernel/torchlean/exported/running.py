"""Exporting from outside: a process with limits runs the user's code, and what it answers is read as data."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from torchlean.exported.program import TENSORS, Job, Refusal, Reply, ReplyError, job_document, read_reply
from torchlean.graph.hashing import tensor_digest
from torchlean.sandbox import Limits, Report, run

JOB = "torchlean.exported.exporting:export"

SECONDS = 120.0
"""`import torch` and the first export take some ten seconds on a slow machine; the rest is the user's."""


class ExportError(Exception):
    """The process gave no answer. The message is a clause about what it did instead; `report` says more."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


def export(
    job: Job, limits: Limits | None = None, cancel: threading.Event | None = None
) -> tuple[Reply, Report]:
    """Run a job in the sandbox.

    Raises:
        ExportError: it ended without an answer (time, memory, a crash), or with one that cannot be read.
        SandboxError: no process can be started.
    """
    with tempfile.TemporaryDirectory(prefix="torchlean-", ignore_cleanup_errors=True) as folder:
        argument = {**job_document(job), "folder": folder}
        report = run(
            JOB,
            argument,
            limits or Limits(seconds=SECONDS),
            roots=[Path(job.path).parent, *job.roots],
            place=Path(job.path).parent,
            folder=folder,
            cancel=cancel,
        )
        if report.ending != "finished":
            raise ExportError(report.what_happened, report)
        try:
            return read_reply(report.result, load_file(Path(folder) / TENSORS)), report
        except (OSError, SafetensorError, ReplyError) as error:
            raise ExportError(f"it answered with something that cannot be read ({error})", report) from error


def export_settled(job: Job) -> tuple[Reply, frozenset[str]]:
    """Run a job twice, with two seeds, to tell what the program is from what one run of it happened to draw.

    Returns:
        The first reply, where units that come out as another program in the other run are refused; and the keys of its
        tensors that have other numbers there: weights that are drawn, and not loaded.

    Raises:
        ExportError, SandboxError: as `export`.
    """
    reply, _ = export(job)
    other, _ = export(replace(job, seed=job.seed + 1))
    units = tuple(
        unit if unit == twin else Refusal("record", "two runs of the file give different programs")
        for unit, twin in zip(reply.units, other.units, strict=True)
    )
    drawn = frozenset(
        key
        for key, data in reply.tensors.items()
        if key not in other.tensors or tensor_digest(data) != tensor_digest(other.tensors[key])
    )
    return replace(reply, units=units), drawn

"""Exporting from outside: a process with limits runs the user's code, and what it answers is read as data."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from torchlean.exported.program import TENSORS, Job, Reply, ReplyError, job_document, read_reply
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


def drawn(job: Job, reply: Reply) -> frozenset[str]:
    """The keys of the reply's tensors that come out otherwise with another seed: what is drawn, and not loaded.

    Raises:
        ExportError, SandboxError: as `export`.
    """
    other, _ = export(replace(job, seed=job.seed + 1))
    mine, theirs = reply.tensors, other.tensors
    return frozenset(
        key for key in mine if key not in theirs or tensor_digest(mine[key]) != tensor_digest(theirs[key])
    )

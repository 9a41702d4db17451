"""What runs in the sandbox: import the user's file, find its objects, and export them.

The file is imported, not run as a script: what stands under `if __name__ == "__main__"` stays out.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from torchlean.exported.program import (
    TENSORS,
    Job,
    Program,
    Refusal,
    Reply,
    Request,
    read_job,
    reply_document,
)
from torchlean.exported.recording import (
    OWN_FOLDER,
    TORCH_FOLDER,
    Unrecordable,
    functional,
    record,
    user_frames,
)
from torchlean.exported.subjects import NotFound, Subjects
from torchlean.sandbox.channel import Channel
from torchlean.sandbox.user import imported

LONGEST_MESSAGE = 500
"""Characters of an exception's text: torch's own may be pages."""


ELSEWHERE = (
    *("/proc/", "/sys/", "/dev/", "/etc/", "/usr/lib/", "/usr/share/", "/lib/"),
    *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Where the system's and Python's own files lie."""


class _Refused(Exception):
    """A unit that cannot be exported."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def export(argument: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    """The job of the sandbox: `argument` is a job's document and the `folder` for the tensors."""
    reply = exported(read_job(argument), channel)
    # Copies: tensors that share memory cannot be stored.
    tensors = {key: value.contiguous().clone() for key, value in reply.tensors.items()}
    safetensors.torch.save_file(tensors, Path(argument["folder"]) / TENSORS)
    return reply_document(reply)


def exported(job: Job, channel: Channel) -> Reply:
    """Import the file and export its units."""
    torch.manual_seed(job.seed)
    tensors: dict[str, Tensor] = {}
    units: list[Program | Refusal] = []
    subjects = Subjects()
    _warm_up()
    read = _watch_reading()
    sys.path[:0] = job.roots
    sys.argv = [job.path]
    try:
        with subjects.watching(), _refusing("load", job):
            module = imported(job.path, channel)
    except _Refused as refused:
        units = [refused.refusal for _ in job.requests]
    else:
        subjects.names = vars(module)
        for index, request in enumerate(job.requests):
            channel.phase(f"exporting {request.name}")
            units.append(_unit(job, subjects, request, f"u{index}.", tensors))
    return Reply(torch.__version__, tuple(units), tuple(sorted(_own(job.path, read))), tensors)


def _warm_up() -> None:
    """What torch itself does at its first export (folders that it makes) is done before the user's code is there."""
    with _quiet():
        torch.export.export(nn.Identity(), (torch.zeros(1),), strict=False).run_decompositions({})


@contextmanager
def _quiet() -> Iterator[None]:
    """torch warns of its own ways of exporting; nobody can act on that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _unit(
    job: Job, subjects: Subjects, request: Request, prefix: str, tensors: dict[str, Tensor]
) -> Program | Refusal:
    try:
        with _refusing("make", job):
            subject = subjects.find(request)
        with _refusing("export", job), user_frames(), _quiet():
            program = torch.export.export(subject.module, subject.arguments, subject.keywords, strict=False)
            program = functional(program)
        result, stored = record(program, [name for name, _ in request.inputs], prefix)
    except _Refused as refused:
        return refused.refusal
    except Unrecordable as error:
        return Refusal("record", str(error))
    tensors.update(stored)
    return replace(result, parameters=sum(p.numel() for p in subject.module.parameters()))


@contextmanager
def _refusing(stage: str, job: Job) -> Iterator[None]:
    """Whatever the user's code raises, exits included, is the reason of a refusal."""
    try:
        yield
    except NotFound as error:
        raise _Refused(Refusal("find", str(error))) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's code may raise anything
        raise _Refused(Refusal(stage, _told(error), _place(error, job))) from error


def _told(error: BaseException) -> str:
    """`ValueError: the first paragraph of its message`."""
    if isinstance(error, GuardOnDataDependentSymNode):
        return "which branch it takes depends on the numbers of a tensor, which are not known before it runs"
    text = str(error).strip().split("\n\n")[0]
    text = " ".join(line.strip() for line in text.splitlines())
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE].rstrip() + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException, job: Job) -> tuple[str, int] | None:
    """The innermost line that is not torch's, in the user's own file where one is."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return os.path.abspath(error.filename), error.lineno - 1
    frames = [
        (os.path.abspath(frame.filename), (frame.lineno or 1) - 1)
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.exists(frame.filename)
    ]
    theirs = [place for place in frames if not place[0].startswith((TORCH_FOLDER, OWN_FOLDER, *ELSEWHERE))]
    own = [place for place in theirs if place[0] == job.path]
    return next(iter([*own[-1:], *theirs[-1:]]), None)


def _watch_reading() -> set[str]:
    """The files that are opened from now on; those with weights, too, which safetensors reads past Python."""
    read: set[str] = set()

    def opened(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
            read.add(os.path.abspath(arguments[0]))

    def safe_open(filename: Any, *arguments: Any, **keywords: Any) -> Any:
        read.add(os.path.abspath(filename))
        return plain(filename, *arguments, **keywords)

    reader: Any = safetensors.torch
    plain, reader.safe_open = reader.safe_open, safe_open
    sys.addaudithook(opened)
    return read


def _own(path: str, read: Iterable[str]) -> set[str]:
    """Files that were read or imported and belong to no installation: the user's own."""
    imported = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    found = set()
    for file in (*read, *(os.path.abspath(name) for name in imported if isinstance(name, str))):
        parts = Path(file).parts
        installed = file.startswith((OWN_FOLDER, tempfile.gettempdir() + os.sep, *ELSEWHERE))
        foreign = any(part in ("site-packages", "dist-packages", "__pycache__") for part in parts)
        if file != path and not installed and not foreign and os.path.isfile(file):
            found.add(file)
    return found

"""Exported programs in the user's cache, by content: the file's text, what is asked for, and the version of torch.

What a program read besides (imported files, weights) is only known after it ran. An entry therefore lists these files
with their hashes, and counts as long as each is what it was. Nothing in the cache is needed: it can always be made
again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from torchlean.exported.program import Job, Reply, ReplyError, job_document, read_reply, reply_document
from torchlean.lean.places import cache_folder
from torchlean.writing import write_whole

FORMAT = 1
"""Of the record and of what is recorded; entries of another one are not found."""

MOST_ENTRIES = 200
"""Entries that are kept; those that nobody asked for longest go."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of a job.

    Attributes:
        reply: with the reason for every unit, where nothing was exported.
        drawn: the keys of its tensors that another run draws otherwise.
        passing: another try may do better, because this one ran out of time or memory.
    """

    reply: Reply
    drawn: frozenset[str] = frozenset()
    passing: bool = False


def key(job: Job, text: str) -> str:
    """What an export of these units of a file with this text is stored under."""
    asked = json.dumps([FORMAT, torch.__version__, job_document(job), text], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


class Store:
    """The entries in one folder; by default the user's."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = cache_folder() / "exports" if folder is None else folder
        self._hashes: dict[str, tuple[tuple[int, int], str]] = {}
        self._read: dict[str, tuple[Stored, Mapping[str, str]]] = {}

    def get(self, key: str) -> Stored | None:
        """The export under a key; None where there is none, or where a file that it read is another now."""
        for look in (self._read.get, self._loaded):
            found = look(key)
            if found is not None and all(self._hash(path) == digest for path, digest in found[1].items()):
                self._read[key] = found
                return found[0]
        return None

    def put(self, key: str, stored: Stored, read: Iterable[str]) -> None:
        """Keep an export that read these files. On a disk that is full or read-only nothing is kept."""
        files = {path: self._hash(path) for path in sorted({*stored.reply.files, *read})}
        document = {
            "files": files,
            "reply": reply_document(stored.reply),
            "drawn": sorted(stored.drawn),
            "passing": stored.passing,
        }
        self._read[key] = stored, files
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = self._folder / f"{key}.{os.getpid()}.tmp"
            save_file(dict(stored.reply.tensors), temporary)
            os.replace(temporary, self._file(key, "safetensors"))
            write_whole(self._file(key, "json"), json.dumps(document))
            self._clean()
        except OSError:
            return

    def _loaded(self, key: str) -> tuple[Stored, Mapping[str, str]] | None:
        try:
            raw: Any = json.loads(self._file(key, "json").read_text(encoding="utf-8"))
            reply = read_reply(raw["reply"], load_file(self._file(key, "safetensors")))
            files = {str(path): str(digest) for path, digest in raw["files"].items()}
            return Stored(reply, frozenset(map(str, raw["drawn"])), bool(raw["passing"])), files
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, ReplyError):
            return None

    def _file(self, key: str, suffix: str) -> Path:
        return self._folder / f"{key}.{suffix}"

    def _hash(self, path: str) -> str:
        """Of a file's content, empty where it cannot be read; remembered as long as size and time stay."""
        try:
            status = os.stat(path)
            stamp = status.st_mtime_ns, status.st_size
            known = self._hashes.get(path)
            if known is None or known[0] != stamp:
                with open(path, "rb") as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
                known = self._hashes[path] = stamp, digest
            return known[1]
        except OSError:
            return ""

    def _clean(self) -> None:
        entries = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for entry in entries[:-MOST_ENTRIES]:
            entry.unlink(missing_ok=True)
            entry.with_suffix(".safetensors").unlink(missing_ok=True)

"""Compiled modules in the cache: one folder per module and source, and one folder per state of the whole library.

Both appear in one step when they are complete, and are never changed afterwards; so any number of processes may read
while one writes. A module that did not change is not compiled again when others do.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from torchlean.lean.sources import Module

SUFFIXES = (".olean", ".olean.server", ".olean.private", ".ir")
"""What Lean writes for a module; the first is always there."""

_KEY = 32
"""Hexadecimal digits that name a folder: 128 bits."""

_RECORD = "record.json"

_UNUSED_SECONDS = 14 * 24 * 3600
"""States of the library that nobody has used for so long are removed."""


class Store:
    """The compiled modules below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = folder / "modules"

    def has(self, module: Module) -> bool:
        return (self._place(module) / _RECORD).is_file()

    def warnings(self, module: Module) -> list[str]:
        """What Lean had to remark when it compiled the module."""
        record = json.loads((self._place(module) / _RECORD).read_text(encoding="utf-8"))
        return [str(text) for text in record["warnings"]]

    def put(self, module: Module, built: Path, warnings: Sequence[str]) -> None:
        """Take over the files that Lean wrote below `built`."""
        self.objects.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=self.objects))
        try:
            hashes = {}
            for suffix in SUFFIXES:
                file = built / module.path(suffix)
                if file.exists():
                    shutil.copyfile(file, staging / f"module{suffix}")
                    hashes[suffix] = _hash(staging / f"module{suffix}")
            record = {"module": module.name, "warnings": list(warnings), "hashes": hashes}
            (staging / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            target = self._place(module)
            if not target.exists():
                with contextlib.suppress(FileExistsError):
                    staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def link(self, module: Module, folder: Path) -> bool:
        """Put the module's files where Lean looks for them below `folder`. False, and the module is forgotten: they are
        not what was written once."""
        place = self._place(module)
        try:
            hashes = json.loads((place / _RECORD).read_text(encoding="utf-8"))["hashes"]
            whole = all(_hash(place / f"module{suffix}") == value for suffix, value in hashes.items())
        except (OSError, ValueError, KeyError):
            whole = False
        if not whole:
            shutil.rmtree(place, ignore_errors=True)
            return False
        for suffix in hashes:
            target = folder / module.path(suffix)
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(place / f"module{suffix}", target)
        return True

    def state(self, identity: str) -> Path:
        """The folder for `LEAN_PATH` of a whole library, complete where it exists."""
        return self.folder / "states" / identity[:_KEY]

    def assemble(self, modules: Sequence[Module], identity: str) -> Path | None:
        """Make that folder anew, which one process may do at a time. None: a module is missing or was damaged, and is
        to be compiled (again)."""
        target = self.state(identity)
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
        try:
            links = [
                self.link(module, staging) for module in modules
            ]  # all, so that all damage is found at once
            if not all(links):
                return None
            shutil.rmtree(target, ignore_errors=True)  # what is there lacks files, else nobody would ask
            staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        self._remove_unused(target)
        return target

    def _remove_unused(self, used: Path) -> None:
        os.utime(used)
        oldest = time.time() - _UNUSED_SECONDS
        for folder in (*used.parent.iterdir(), *self.objects.iterdir()):
            with contextlib.suppress(OSError):
                linked = folder.parent == self.objects and (folder / "module.olean").stat().st_nlink > 1
                if folder != used and not linked and folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def _place(self, module: Module) -> Path:
        return self.objects / module.key[:_KEY]


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)

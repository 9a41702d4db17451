"""The embedded Lean in the cache: where it is, and whether it is whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from torchlean.lean import pins
from torchlean.lean.places import lean_folder

RECORD = "installed.json"
"""Written last: a folder without it is not an installation."""

SHORT = 16
"""Hexadecimal digits of a hash that name a folder: 64 bits, for a handful of folders that nobody chooses."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """An installation in the cache.

    Attributes:
        folder: with the repaired glue, the program, the core library in `lib`, and `node` where it was fetched too.
        identity: hash of what was installed: the package's tarball and the repairs.
    """

    folder: Path
    identity: str

    @property
    def glue(self) -> Path:
        return self.folder / pins.GLUE

    @property
    def core(self) -> Path:
        return self.folder / "lib"


def identity() -> str:
    """Hash of everything that decides what the installation is."""
    return hashlib.sha256(f"{pins.TARBALL_SHA512}\n{pins.REPAIRED_SHA256}".encode()).hexdigest()


def place() -> Path:
    """The folder of this TorchLean's embedded Lean, installed or not."""
    return lean_folder() / f"embedded-{pins.LEAN_PACKAGE_VERSION}-{identity()[:SHORT]}"


def find_embedded(folder: Path | None = None) -> Embedded | None:
    """The installation, or None where there is none or files of it are missing or of another size."""
    where = place() if folder is None else folder
    try:
        record = json.loads((where / RECORD).read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record.get("identity") != identity():
            return None
        sizes = record["sizes"]
        whole = all((where / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return Embedded(where, identity()) if whole and sizes else None

"""Certificates and pictures as files, for people to read."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from torchlean.analysis.result import Certificate
from torchlean.writing import write_whole

DIGITS = 16
"""Of a certificate's hash in the name of its folder: enough to keep those of a lifetime apart."""


def write_certificate(certificate: Certificate, claim: str) -> str:
    """Write it into the user's cache, or into a temporary folder where that cannot be written; the path.

    Raises:
        OSError: neither can be written.
    """
    name = re.sub(r"[^A-Za-z0-9_]+", "_", claim).strip("_") or "claim"
    return kept(Path("certificates", certificate.digest[:DIGITS], f"{name}.lean"), certificate.source)


def kept(inside: Path, content: str) -> str:
    """Write a file into the user's cache, or into a temporary folder where that cannot be written; the path.

    Raises:
        OSError: neither can be written.
    """
    from torchlean.lean.places import cache_folder

    try:
        return _write(cache_folder() / inside, content)
    except OSError:
        return _write(Path(tempfile.gettempdir(), f"torchlean-{_user()}", inside), content)


def _write(path: Path, content: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return str(path)


def _user() -> str:
    """Several people may share a folder for temporary files."""
    return str(os.getuid()) if hasattr(os, "getuid") else "user"

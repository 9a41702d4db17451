"""Downloading the packages, once: unpacked wheels in a folder that only the sandbox ever imports from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements.txt"

FOLDER = Path(__file__).parents[2] / "build" / "coverage"

SECONDS = 600
"""What downloading 60 MB may take."""


class NotDownloaded(Exception):
    """The packages are not there and cannot be had. The message says why."""


def unpacked() -> Path:
    """The folder with the packages of `requirements.txt`, downloaded where it is not there or its list was another.

    Raises:
        NotDownloaded: without a network, for example.
    """
    folder, copy = FOLDER / "packages", FOLDER / "packages.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if copy.is_file() and copy.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    # No dependencies and wheels only: nothing of the packages runs here.
    options = ["--no-deps", "--only-binary", ":all:", "--no-compile", "--target", str(folder)]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        *options,
        "--requirement",
        str(REQUIREMENTS),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotDownloaded(f"pip did not end within {SECONDS} s") from error
    if done.returncode:
        raise NotDownloaded((done.stderr.strip().splitlines() or ["pip failed"])[-1])
    copy.write_text(wanted, encoding="utf-8")
    return folder

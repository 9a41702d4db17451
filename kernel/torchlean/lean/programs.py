"""Asking a program that was found for its version."""

from __future__ import annotations

import subprocess
from pathlib import Path

ANSWER_SECONDS = 30.0
"""How long a program may take to tell its version: far more than any needs, so that a broken one does not hang us."""


def version_text(program: Path) -> str | None:
    """What it prints for `--version`; None where it does not run, fails, or prints what is no text."""
    try:
        done = subprocess.run(
            [str(program), "--version"],
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None

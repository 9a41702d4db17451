"""What `make demo` shows: the bounds of every layer and the verdict of every claim of two trained networks, one of them
with Lean.

The same commands work on any file of yours. Refuted and undecided claims are part of the show, so the exit
status is 0 when the commands themselves did their work.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

CONTROLLER = "pendulum/controller.py"
DIGITS = "digits/dense.py"

# `torchlean check` exits with 1 when a claim is not proved; 2 and above mean that the command itself failed.
SHOWS: list[tuple[str, list[str], set[int]]] = [
    (
        "What every tensor of the pendulum's controller can be, for all states of its first claim",
        ["bounds", CONTROLLER],
        {0},
    ),
    (
        "The same for the digit classifier, for all images near one handwritten 3",
        ["bounds", DIGITS],
        {0},
    ),
    (
        "The claims about digits: proved, refuted by an input, or not decided",
        ["check", "--no-lean", DIGITS],
        {0, 1},
    ),
    (
        "The claims about the controller, those that are proved checked by the Lean kernel too (a minute or two)",
        ["check", CONTROLLER],
        {0, 1},
    ),
]


def show(title: str, arguments: list[str], expected: set[int]) -> bool:
    """Run one command in this folder with its output passed on; whether it ended as expected."""
    print(f"\n== {title}\n$ torchlean {shlex.join(arguments)}\n", flush=True)
    status = subprocess.run([sys.executable, "-m", "torchlean.cli", *arguments], cwd=HERE).returncode
    if status not in expected:
        print(f"the command failed with status {status}", file=sys.stderr)
    return status in expected


def main() -> int:
    # A list, so that one failure does not keep the rest from being shown.
    worked = [show(*case) for case in SHOWS]
    return 0 if all(worked) else 1


if __name__ == "__main__":
    sys.exit(main())

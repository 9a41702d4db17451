"""Where the `torchlean` command begins: what it does when it is stopped before it has begun.

Importing the package and click takes some hundredths of a second, in which Python would answer Ctrl-C with a traceback.
So this module stands outside of the package and imports nothing else at first.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command; until its own answer to signals is there, end at once with their exit code.

    Signals that are ignored stay so: a shell starts what runs in the background without Ctrl-C.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, _stopped)
    from torchlean.cli import main as command

    for number in heard:
        signal.signal(number, before[number])
    command()


def _stopped(number: int, frame: FrameType | None) -> None:
    """Say so, as the command does later, and end without the traceback of an import."""
    os.write(2, b"stopped\n")
    if sys.argv[1:2] == ["verify"]:
        os.write(1, b"unknown\n")
    os._exit(128 + number)

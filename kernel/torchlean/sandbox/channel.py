"""What a job in the sandbox says to whoever started it: one JSON object a line, through a pipe of its own.

The program's own prints go elsewhere, so they cannot be taken for answers. A child that the program forks is a copy of
this process, too: it must neither answer nor go on with the job.
"""

from __future__ import annotations

import json
import os
from typing import Any


class Channel:
    """The end in the process that works, which alone may speak."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._owner = os.getpid()

    def phase(self, text: str) -> None:
        """From now on the job does this: a clause like "importing model.py"."""
        self.write({"phase": text})

    def send(self, part: Any) -> None:
        """Answer in parts, so that what is known survives a crash later on. `part` must be JSON."""
        self.write({"part": part})

    def write(self, message: dict[str, Any]) -> None:
        if os.getpid() != self._owner:
            os._exit(0)  # a fork of the program came out of the program's own code
        left = json.dumps(message).encode() + b"\n"
        while left:
            left = left[os.write(self._descriptor, left) :]

    @property
    def mine(self) -> bool:
        """Whether this is the process that may speak."""
        return os.getpid() == self._owner

"""Jobs that the tests of the sandbox run in it."""

from __future__ import annotations

from typing import Any

from torchlean.sandbox import Channel
from torchlean.sandbox.user import imported


def importing(path: str, channel: Channel) -> dict[str, Any]:
    """Import a file and tell the JSON that it calls `answer`."""
    module = imported(path, channel)
    channel.send("imported")
    channel.phase("answering")
    return {"answer": module.answer}

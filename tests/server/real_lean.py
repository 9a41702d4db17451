"""The server's own Lean, with a library that is compiled in seconds."""

from __future__ import annotations

from pathlib import Path

from torchlean_server.lean.service import LeanService


class SmallLibrary(LeanService):
    def __init__(self) -> None:
        super().__init__(Path(__file__).parent / "lean_library")

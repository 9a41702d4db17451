"""From the text of a file to everything known of it, in plain data: the facade that the CLI and the server use.

`result` and `wire` import nothing heavy, so the language server's process can use them; `analyse` and `Session` pull
in torch and are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchlean.analysis.pipeline import analyse
    from torchlean.analysis.session import Session

__all__ = ["Session", "analyse"]


def __getattr__(name: str) -> Any:
    if name == "analyse":
        from torchlean.analysis.pipeline import analyse

        return analyse
    if name == "Session":
        from torchlean.analysis.session import Session

        return Session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

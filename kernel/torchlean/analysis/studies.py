"""What an editor asks about a Lyapunov function beyond its verdicts, answered in plain data."""

from __future__ import annotations

import time
from collections.abc import Callable

from torchlean.analysis.level_sets import NoLevelError, largest_level, study
from torchlean.analysis.pictures import NoPictureError, picture
from torchlean.analysis.pipeline import FACT_SECONDS
from torchlean.analysis.session import Session
from torchlean.edits import Fix

PATIENCE = 6
"""Times the seconds of an analysis after which no further level is tried: a person waits for some minutes."""


def answered(
    what: str,
    name: str,
    path: str,
    text: str,
    session: Session,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[str, tuple[Fix, ...]]:
    """A picture (SVG), or a sentence about the largest level, with the edit that writes it if the file says another.

    Where there is neither, a sentence says why.

    Args:
        what: `picture` or `level`.

    Raises:
        Cancelled: by the caller.
    """
    try:
        if what == "picture":
            return picture(name, study(path, text, name, session, FACT_SECONDS, cancelled)), ()
        until = time.monotonic() + PATIENCE * session.seconds
        found = largest_level(
            path, text, name, session, FACT_SECONDS, cancelled, enough=lambda: time.monotonic() > until
        )
    except (NoLevelError, NoPictureError) as error:
        return str(error), ()
    return found.text(name), () if found.fix is None else (found.fix,)

"""Paths as texts have them: a string in a file, or a client's URI, can say what no file is called."""

from __future__ import annotations

import os


def nameable(path: str) -> bool:
    """Whether the system can be asked about a path: not with a null character or half a character of UTF-16.

    Python raises a `ValueError` for these, and not the `OSError` of a file that is not there.
    """
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False

"""Where files of the user's cache lie. Everything in that folder can be made again, and is never needed to be right."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder of this user's cache: `TORCHLEAN_CACHE`, or `torchlean` in the folder that the system has for caches.

    It need not exist yet. Links in the path are resolved, since the embedded Lean sees folders by their real names.
    """
    chosen = os.environ.get("TORCHLEAN_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return (_system_folder() / "torchlean").resolve()


def _system_folder() -> Path:
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg and os.path.isabs(xdg):  # the XDG specification has relative paths ignored
        return Path(xdg)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path.home() / ".cache"


def lean_folder() -> Path:
    """What belongs to Lean in the cache: the embedded build, compiled modules, results."""
    return cache_folder() / "lean"

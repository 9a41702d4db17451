"""Starting Python: importing torch quickly, memory for tensors, and processes that do not import what lies in the
current folder."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import large packages inside, without the garbage collector looking at them again and again.

    torch makes some hundred thousand objects that live as long as the process. Collections while they are made, and
    every full one afterwards, visit all of them for nothing: a third of the processor time of starting a command. So
    the collector rests during the imports, and leaves what they made alone from then on (`gc.freeze`).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def keep_freed_memory() -> None:
    """Let the C library keep the memory of tensors that are gone for those to come. For processes of our own.

    glibc asks the system for the memory of each tensor of some megabytes, and gives it back with the tensor: every page
    is then made anew, for 2 ms a thousand of them. Of 47 ms for the bounds of a small convolutional network, that was
    between nothing and 26, as the threshold happened to move while the process started.

    Nothing is done where the C library is another one.
    """
    try:
        glibc = hasattr(os, "confstr") and (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except ValueError:  # the name is glibc's own
        glibc = False
    if glibc:
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        library.mallopt(_TRIM_THRESHOLD, KEPT_BYTES)


LARGE_BYTES = 32 * 2**20
"""Allocations above this go back to the system at once; glibc takes no more (mallopt(3))."""

KEPT_BYTES = 128 * 2**20
"""The most that is kept."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of mallopt, from glibc's malloc.h."""


def module_command(name: str) -> list[str]:
    """The command that runs a module in another Python process; arguments may follow.

    `python -m` looks for modules in the current folder first. That is the user's: its `random.py` would be run instead
    of Python's own. (`-P` prevents this from Python 3.11 on, `-c` leaves it to the program.) An empty entry in
    `PYTHONPATH`, as `$PYTHONPATH:more` leaves it, means that folder too; where it is named, it is wanted.
    """
    program = (
        "import os, sys; here = os.getcwd(); named = os.environ.get('PYTHONPATH', '').split(os.pathsep); "
        "sys.path[:] = [place for place in sys.path if place and (place != here or here in named)]; "
        f"import runpy; runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    )
    return [sys.executable, "-c", program]

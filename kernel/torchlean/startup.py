"""Starting Python: importing torch quickly, and a process that does not import what lies in the current folder."""

from __future__ import annotations

import gc
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

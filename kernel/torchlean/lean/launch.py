"""Runs a program harmlessly: `python -I -S launch.py PARENT PRIORITY PROGRAM ARGUMENT...`.

It sets what a process can only set for itself, and then becomes the program: a low priority, so that checks in the
background never slow down the editor; a stack for deep terms; and death together with the process
that started it. Doing this in a hook between fork and exec would be unsafe in a parent that has threads.
"""

import os
import sys

MIB = 1024 * 1024

STACK = 64 * MIB
"""Bytes of stack for the main thread: a little more than the embedded Lean is told that it may use."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    parent, priority, *command = sys.argv[1:]
    if hasattr(os, "nice"):
        os.nice(int(priority))
    _limit()
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            sys.exit(1)  # it ended before the call
    os.execv(command[0], command)


def _limit() -> None:
    try:
        import resource
    except ImportError:  # no such limits on this system
        return

    def lower(kind: int, wanted: int) -> None:
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))

    lower(resource.RLIMIT_STACK, STACK)
    lower(resource.RLIMIT_CORE, 0)


if __name__ == "__main__":
    main()

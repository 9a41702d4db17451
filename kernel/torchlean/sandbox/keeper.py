"""The process that stands between us and the user's program: `keeper DESCRIPTOR`, with the order as JSON on its input.

It builds the walls while it still has a single thread, forks the process that works, becomes the parent of whatever
that leaves behind, and ends all of it. Where the system has namespaces of processes, a child of the keeper does this,
as the first process of a new one; when that one ends, however it ends, the kernel ends the others.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

from torchlean.processes import end_below
from torchlean.sandbox.channel import Channel
from torchlean.sandbox.limits import Limits, lower
from torchlean.sandbox.walls import adopt_orphans, crowd_limited, die_with_parent, fenced, separated
from torchlean.sandbox.watch import Watch


def main() -> None:
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    os.setpgid(
        0, 0
    )  # all of it, and nothing else: where processes cannot be listed, the group is what can be ended
    die_with_parent(parent)
    order = json.load(sys.stdin)
    separate = separated()
    Channel(descriptor).write({"separate": separate})
    if not separate:
        _tend(order, descriptor)
        end_below(os.getpid())
        return
    first = os.fork()
    if first == 0:
        die_with_parent(0)  # which has no number in here
        crowd_limited(Limits(**order["limits"]).tasks)
        _tend(order, descriptor)
        os._exit(0)
    os.waitpid(first, 0)


def _tend(order: dict[str, Any], descriptor: int) -> None:
    """Fork the process that works, wait for its end, and tell it."""
    adopt_orphans()
    here = os.getpid()
    worker = os.fork()
    if worker == 0:
        die_with_parent(here)
        _work(order, descriptor)
    while True:  # orphans end here, too
        ended, status = os.wait()
        if ended == worker:
            break
    Channel(descriptor).write({"ended": os.waitstatus_to_exitcode(status)})


def _work(order: dict[str, Any], descriptor: int) -> None:
    """Do the job and end this process."""
    channel = Channel(descriptor)
    folder = str(order["folder"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.chdir(order["place"])
    lower(Limits(**order["limits"]))
    channel.write({"fenced": fenced([folder])})
    Watch(channel, folder, order["roots"]).start()
    code = 1
    try:
        module, _, name = str(order["job"]).partition(":")
        result = getattr(importlib.import_module(module), name)(order["argument"], channel)
        channel.write({"result": result})
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException as error:  # noqa: BLE001 - whatever a program of the user's raises is its result
        told = {"error": _line(error), "traceback": traceback.format_exc(), "memory": _lacks_memory(error)}
        channel.write(told)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # its threads, `atexit` functions and finalizers do not get another turn


def _line(error: BaseException) -> str:
    """What Python prints of an exception on the last line of its traceback, without notes that were added to it."""
    told = traceback.TracebackException.from_exception(error)
    told.__notes__ = None  # type: ignore[attr-defined] # from Python 3.11 on
    return list(told.format_exception_only())[-1].strip()


def _lacks_memory(error: BaseException) -> bool:
    # torch says it in a RuntimeError of its allocator's, the system as ENOMEM
    words = ("can't allocate memory", "not enough memory", "cannot allocate memory", "bad_alloc")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


if __name__ == "__main__":
    main()

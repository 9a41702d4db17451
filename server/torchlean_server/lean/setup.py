"""Setting the embedded Lean up for an editor, in a process of its own: `python -m torchlean_server.lean.setup`.

It takes minutes, and a person may cancel it or close the editor. `torchlean.lean` copes with being killed: the next
set-up goes on or begins anew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from torchlean.startup import module_command
from torchlean_server import limits

COMMAND = tuple(module_command("torchlean_server.lean.setup"))


class SetUpFailed(Exception):
    """The message says why, for people."""


async def set_up(report: Callable[[int, str], None], command: Sequence[str] = COMMAND) -> None:
    """Run it; `report` is told percent and what is being done. Cancel the task to end it.

    Raises:
        SetUpFailed: Lean is not in place.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            "--parent",
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise SetUpFailed(f"{command[0]} cannot be started: {error.strerror or error}") from error
    assert process.stdout is not None
    last = ""
    try:
        async for line in process.stdout:
            percent, _, last = line.decode(errors="replace").rstrip("\n").partition("\t")
            report(int(percent), last)
        code = await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code != 0:
        raise SetUpFailed(last or f"the set-up ended with exit code {code}")


def main(arguments: list[str]) -> int:
    from torchlean.lean.errors import SetupError
    from torchlean.lean.installing import set_up as install

    parser = argparse.ArgumentParser(prog="torchlean_server.lean.setup")
    parser.add_argument("--parent", type=int, required=True)
    limits.die_with_parent(parser.parse_args(arguments).parent)

    def tell(share: float, text: str) -> None:
        print(f"{int(100 * share)}\t{' '.join(text.split())}", flush=True)

    try:
        install(tell)
    except SetupError as error:
        tell(0, str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

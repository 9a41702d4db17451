"""Setting Lean up from an editor: a process that reports, fails with words, and ends when it is cancelled."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from tests.server.environment import until
from tests.server.test_lifecycle import assert_gone

from torchlean_server.lean.setup import SetUpFailed, set_up

PROGRAM = "import os, sys, time; print('7\\tfetching'); print(f'40\\t{os.getpid()}', flush=True); "


def command(rest: str) -> tuple[str, ...]:
    return sys.executable, "-c", PROGRAM + rest


async def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[int, str]] = []
    await set_up(lambda percent, text: told.append((percent, text)), command("print('100\\tdone')"))
    assert [told[0], told[-1]] == [(7, "fetching"), (100, "done")]


async def test_its_last_words_say_why_it_failed() -> None:
    with pytest.raises(SetUpFailed, match=r"^the disk is full$"):
        await set_up(lambda *_: None, command("print('0\\tthe disk is full'); sys.exit(1)"))


async def test_a_set_up_that_cannot_start_has_failed() -> None:
    with pytest.raises(SetUpFailed, match="no_such_program"):
        await set_up(lambda *_: None, ("/no_such_program",))


async def test_cancelling_it_ends_its_process(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    task = asyncio.ensure_future(
        set_up(lambda percent, text: told.append((percent, text)), command("time.sleep(600)"))
    )
    await until(lambda: len(told) == 2)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await asyncio.to_thread(assert_gone, [int(told[1][1])])

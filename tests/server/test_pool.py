"""Worker processes and what becomes of requests when they misbehave."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests.server.environment import ENVIRONMENT, PATIENCE, until

from torchlean.analysis import wire
from torchlean.analysis.result import FileAnalysis
from torchlean_server import messages
from torchlean_server.pool import AnalysisStopped, Limits, Pool, Request

TOY = "tests.server.toy:analyse"


@asynccontextmanager
async def started(size: int = 1, limits: Limits | None = None, grace: float = 2.0) -> AsyncIterator[Pool]:
    os.environ.update(ENVIRONMENT)
    pool = Pool(TOY, size=size, grace=grace)
    pool.limits = limits or Limits()
    pool.start()
    try:
        yield pool
    finally:
        await pool.stop()


def request(text: str, key: str = "a", overlays: dict[str, tuple[int, str]] | None = None) -> Request:
    return Request(key, f"/{key}.py", text, overlays or {})


async def answer(
    pool: Pool, request: Request, publish: Callable[[FileAnalysis], None] = lambda _: None
) -> FileAnalysis:
    return await asyncio.wait_for(pool.analyse(request, publish), PATIENCE)


def names(analysis: FileAnalysis) -> list[str]:
    return [unit.name for unit in analysis.units]


async def test_layers_come_before_the_result_and_stray_prints_harm_nothing(tmp_path: pathlib.Path) -> None:
    over = tmp_path / "over"
    async with started() as pool:
        layers: list[FileAnalysis] = []

        def heard(layer: FileAnalysis) -> None:
            layers.append(layer)
            over.touch()

        text = f"def f():\n    x = [0, 1]\n# early 60 unless {over}\n# print\n"
        analysis = await answer(pool, request(text), heard)
        assert [layer.complete for layer in layers] == [False]
        assert analysis.complete and names(analysis) == ["f"]


async def test_the_facts_of_a_long_unit_come_in_short_messages_and_in_order() -> None:
    count = 2 * messages.FACTS + 1
    text = (
        "def f():\n"
        + "".join(f"    x = [{k}, {k + 1}]\n" for k in range(count))
        + "def g():\n    y = [7, 8]\n"
    )
    async with started() as pool:
        analysis = await answer(pool, request(text))
    assert [[fact.lower for fact in unit.facts] for unit in analysis.units] == [list(range(count)), [7]]
    whole = wire.encode(analysis)
    parts = list(messages.divided({"type": "result", "id": 3, "analysis": whole}))
    assert [len(part.get("facts", [])) for part in parts] == [messages.FACTS, messages.FACTS, 1, 1, 0]
    assert max(len(messages.frame(part)) for part in parts) < len(messages.frame({"analysis": whole})) / 2
    assert wire.decode(messages.united(parts[-1]["analysis"], parts[:-1])) == analysis


async def test_a_request_that_is_cancelled_frees_its_worker() -> None:
    async with started() as pool:
        slow = asyncio.create_task(answer(pool, request("# sleep 30")))
        await until(lambda: pool.counts.started == 1)
        slow.cancel()
        assert names(await answer(pool, request("def f(): pass"))) == ["f"]
        assert pool.workers[0].starts == 1
        assert pool.counts.cancelled == 1


async def test_a_worker_that_ignores_cancellation_is_replaced() -> None:
    async with started(grace=0.2) as pool:
        layers: list[FileAnalysis] = []
        slow = asyncio.create_task(answer(pool, request("# early 0\n# stubborn 30"), layers.append))
        await until(lambda: layers)
        slow.cancel()
        assert names(await answer(pool, request("def f(): pass"))) == ["f"]
        assert pool.workers[0].starts == 2


async def test_a_heavy_document_does_not_hold_up_another() -> None:
    async with started(size=2) as pool:
        await until(lambda: all(worker.idle for worker in pool.workers))
        heavy = asyncio.create_task(answer(pool, request("# stubborn 60", "heavy")))
        await until(lambda: pool.counts.started == 1)
        for _ in range(3):
            assert names(await answer(pool, request("def f(): pass", "light"))) == ["f"]
        assert not heavy.done()
        heavy.cancel()


async def test_a_killed_worker_loses_nothing(tmp_path: pathlib.Path) -> None:
    async with started() as pool:
        over = tmp_path / "over"
        running = asyncio.create_task(answer(pool, request(f"# sleep 60 unless {over}\ndef f(): pass")))
        await until(lambda: pool.counts.started == 1)
        pid = pool.workers[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        over.touch()
        assert names(await running) == ["f"]
        assert (pool.counts.retried, pool.workers[0].starts) == (1, 2)


async def test_a_crash_is_tried_again_once(tmp_path: pathlib.Path) -> None:
    async with started() as pool:
        assert names(await answer(pool, request(f"# crash once {tmp_path}/mark\ndef f(): pass"))) == ["f"]
        assert (pool.counts.started, pool.counts.stopped) == (2, 0)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("# crash", "RuntimeError: told to crash"),
        ("# die", "killed by signal 9"),
        ("# memory", "out of memory"),
        ("# shared memory", "out of memory"),
    ],
)
async def test_an_analysis_that_never_succeeds_is_reported_with_its_reason(order: str, reason: str) -> None:
    # Only the orders that eat memory get little of it: a worker needs some merely to start.
    memory = 512 if "memory" in order else 4096
    async with started(limits=Limits(memory=memory)) as pool:
        with pytest.raises(AnalysisStopped, match=reason):
            await answer(pool, request(order))
        assert (pool.counts.started, pool.counts.stopped) == (2, 1)
        pool.limits = Limits()
        assert names(await answer(pool, request("def f(): pass"))) == ["f"]


@pytest.mark.parametrize(("order", "starts"), [("# sleep 60", 1), ("# stubborn 60", 2)])
async def test_an_analysis_that_takes_too_long_is_dropped_and_not_tried_again(
    order: str, starts: int
) -> None:
    async with started(limits=Limits(seconds=0.5), grace=0.2) as pool:
        with pytest.raises(AnalysisStopped, match=r"longer than 0\.5 s"):
            await answer(pool, request(order))
        assert (pool.counts.started, pool.counts.retried, pool.counts.stopped) == (1, 0, 1)
        pool.limits = Limits()
        assert names(await answer(pool, request("def f(): pass"))) == ["f"]
        # A process that heeds the cancellation lives on, with all that it has computed.
        assert pool.workers[0].starts == starts


async def test_unsaved_texts_reach_the_worker_also_after_it_was_replaced_and_leave_it_again() -> None:
    async with started() as pool:

        async def seen(overlays: dict[str, tuple[int, str]]) -> list[str]:
            analysis = await answer(pool, request("# shows lib.py", overlays=overlays))
            return [diagnostic.message for diagnostic in analysis.diagnostics]

        assert await seen({"/lib.py": (1, "one = 1\n")}) == ["lib.py starts with one = 1"]
        assert await seen({"/lib.py": (2, "two = 2\n")}) == ["lib.py starts with two = 2"]
        pid = pool.workers[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not pool.workers[0].idle)
        assert await seen({"/lib.py": (2, "two = 2\n")}) == ["lib.py starts with two = 2"]
        assert await seen({}) == []


async def test_a_worker_that_cannot_start_is_reported_with_what_it_said() -> None:
    os.environ.update(ENVIRONMENT)
    pool = Pool("tests.server.no_such_module:analyse", size=1)
    pool.start()
    try:
        with pytest.raises(AnalysisStopped, match=r"(?s)does not start.*no_such_module"):
            await answer(pool, request("x"))
    finally:
        await pool.stop()


PARENT = """
import asyncio, os, sys
from torchlean_server.pool import Pool, Request

async def main():
    pool = Pool({analysis!r}, size=1)
    pool.start()
    asyncio.create_task(pool.analyse(Request("a", "/a.py", {text!r}), print))
    while not pool.counts.started:
        await asyncio.sleep(0.01)
    print(pool.workers[0].pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("order", ["# sleep 60", "# stubborn 60"])
def test_workers_end_when_the_server_is_killed(order: str) -> None:
    code = textwrap.dedent(PARENT).format(analysis=TOY, text=order)
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, **ENVIRONMENT}
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert _alive(worker)
    parent.kill()
    parent.wait()
    asyncio.run(until(lambda: not _alive(worker)))
    parent.stdout.close()


def _alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent's notice does not."""
    try:
        os.kill(pid, 0)
        stat = pathlib.Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False

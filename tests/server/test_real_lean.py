"""The real Lean behind the server, with certificates of one line and a library of one definition."""

from __future__ import annotations

import asyncio
import pathlib
import random
import signal
from typing import Any

import psutil
import pytest
from tests.server.editor import TOY, editing
from tests.server.environment import until
from tests.server.raw import start
from tests.server.test_certificates import MODEL, write_weights
from tests.server.test_lifecycle import assert_gone, initialized

from torchlean.lean import LeanMissingError, Library, find_toolchain
from torchlean.lean.embedded import find_embedded

SERVER = (*TOY, "--lean", "tests.server.real_lean:SmallLibrary")

MINUTES = 600
"""Seconds for a test that takes half a minute on a machine that does nothing else."""


def setup_module() -> None:
    try:
        find_toolchain()
    except LeanMissingError as missing:
        pytest.skip(f"there is no Lean: {missing}")


def claims() -> str:
    """One that Lean accepts and one that it rejects, which nobody has asked it about before."""
    number = random.randrange(2**60)
    true, false = (
        f"lean TorchLean.isDouble {number} {2 * number + odd} = true := by decide" for odd in (0, 1)
    )
    return f'def good():\n    "{true}"\n    x = [0, 1]\n\n\ndef bad():\n    "{false}"\n    x = [0, 1]\n'


async def verdicts(folder: pathlib.Path, text: str) -> list[dict[str, Any]]:
    async with editing("modern", *SERVER, lean=True) as editor:
        uri = editor.open(folder / "m.py", text)
        answer = await asyncio.wait_for(editor.wait_until_checked(uri), MINUTES)
        titles = await editor.titles(uri)
        assert titles[0].startswith("proved (Lean kernel, ")
        assert titles[1] == "proved by bounds, rejected by Lean · margin ≥ 1"
        assert await editor.codes(uri) == ["TL300", "TL300", "TL402"]
        found: list[dict[str, Any]] = answer["claims"]
        return found


async def test_lean_accepts_what_is_true_rejects_what_is_not_and_is_asked_once(
    tmp_path: pathlib.Path,
) -> None:
    text = claims()
    good, bad = await verdicts(tmp_path, text)
    assert (good["evidence"], good["lean"]) == ("kernel", "accepted")
    assert (bad["evidence"], bad["lean"]) == ("engine", "rejected")
    assert "decide" in bad["detail"]
    # Another server, another process: to the last digit the answers of the first one.
    assert await verdicts(tmp_path, text) == [good, bad]


def arguments(process: psutil.Process) -> list[str]:
    """Of its command; none where it has ended since it was listed."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_lean_does_not_outlive_a_killed_server() -> None:
    server = start(*SERVER)
    try:
        raw = initialized(server)
        raw.open("file:///m.py", claims())
        leans: list[int] = []

        def at_work() -> bool:
            workers = psutil.Process(server.pid).children(recursive=True)
            leans[:] = [process.pid for process in workers if "--stdin" in arguments(process)]
            return bool(leans)

        asyncio.run(until(at_work, MINUTES))
        server.send_signal(signal.SIGKILL)
        assert_gone(leans)
    finally:
        server.kill()
        server.communicate()


@pytest.mark.skipif(
    find_embedded() is None, reason="it would fetch the embedded Lean: run `torchlean lean setup`"
)
async def test_setting_up_what_is_set_up_is_done_at_once() -> None:
    async with editing("modern", *SERVER, lean=True) as editor:
        answer = await asyncio.wait_for(editor.command("torchlean.setUpLean"), MINUTES)
        assert answer == {"ready": True, "reason": ""}


async def test_a_claim_about_a_network_in_the_editor_is_accepted_by_the_kernel(
    tmp_path: pathlib.Path,
) -> None:
    library = Library.of(find_toolchain())
    if not library.complete:
        built, total = library.built, len(library.modules)
        pytest.skip(f"{built} of {total} modules of the library are compiled: run `torchlean lean setup`")
    # Other weights each time: Lean is asked, and not what it said before.
    write_weights(tmp_path, bias=random.random())
    async with editing("modern", root=tmp_path, lean=True) as editor:
        uri = editor.open(tmp_path / "model.py", MODEL)
        answer = await asyncio.wait_for(editor.wait_until_checked(uri), MINUTES)
        found = {claim["name"]: (claim["evidence"], claim["lean"]) for claim in answer["claims"]}
        assert found == {
            "stays_small": ("kernel", "accepted"),
            "smooth": ("engine", "uncheckable"),
            "wrong": ("counterexample", None),
        }
        titles = await editor.titles(uri)
        assert any(title.startswith("proved (Lean kernel, ") for title in titles)

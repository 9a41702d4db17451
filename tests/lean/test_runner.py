"""What a process may do, told apart: only a Lean that read everything and wrote a clean module has proved something.

The misbehaving processes are a script; nothing here takes its word for a proof, and one test makes sure of it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from torchlean.lean import (
    Accepted,
    Cancelled,
    Crashed,
    Garbage,
    Library,
    LibraryError,
    Limits,
    OutOfMemory,
    Rejected,
    ResultCache,
    Runner,
    StackOverflow,
    TimedOut,
    Toolchain,
    checked,
)
from torchlean.lean.sources import Module
from torchlean.lean.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are told apart by their numbers")

FAKE = Path(__file__).with_name("fake_lean.py")
TOOLCHAIN = Toolchain("native", "4.28.0", FAKE, "0" * 64, (sys.executable, str(FAKE)))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library without modules, which is therefore complete."""
    return Library(TOOLCHAIN, (), Store(tmp_path / "store"))


@pytest.fixture
def runner(library: Library):
    with Runner(TOOLCHAIN, library, timeout=30.0) as runner:
        yield runner


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("SILENT", Crashed, "before the end of its input"),
        ("GARBAGE", Garbage, "not JSON at all"),
        ("HALF A LINE", Garbage, "severity"),
        ("SEAL WITH FAILURE", Crashed, "exit status 3"),
        ("SEAL WITH ERROR", Crashed, "exit status 0"),
        ("REJECT", Rejected, "no proof"),
        ("STACK", StackOverflow, "Stack overflow detected"),
        ("PANIC", OutOfMemory, "out of memory"),
        ("SIGNAL", Crashed, "SIGSEGV"),
        ("FLOOD", Garbage, "xxx"),
    ],
)
def test_each_way_to_end_is_told_apart(runner: Runner, source: str, kind: type, words: str) -> None:
    outcome = runner.check(source)
    assert type(outcome) is kind, outcome
    assert words in outcome.describe()


def test_a_program_that_says_all_is_well_and_writes_no_module_has_proved_nothing(runner: Runner) -> None:
    outcome = runner.check("SEAL")
    assert isinstance(outcome, Garbage)
    assert "compiled form" in outcome.describe()


def test_the_word_at_the_end_is_another_each_time(runner: Runner) -> None:
    source = 'SEAL\n#print "' + "0" * 32 + '"'
    assert not isinstance(runner.check(source), Accepted)


def test_a_check_that_takes_too_long_is_stopped_and_the_next_one_works(runner: Runner) -> None:
    runner.prepare()
    outcome = runner.check("HANG", timeout=0.3)
    assert isinstance(outcome, TimedOut) and outcome.seconds < 20
    assert isinstance(runner.check("REJECT"), Rejected)


def test_a_check_is_cancelled_from_another_thread(runner: Runner) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    outcome = runner.check("HANG", cancel=cancel)
    assert isinstance(outcome, Cancelled) and outcome.seconds < 20


def test_a_check_that_is_cancelled_before_it_begins_starts_nothing(runner: Runner) -> None:
    cancel = threading.Event()
    cancel.set()
    assert runner.check("REJECT", cancel=cancel) == Cancelled(0.0)


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="the system does not tell a process's memory"
)
def test_a_check_that_takes_too_much_memory_is_stopped(library: Library) -> None:
    with Runner(TOOLCHAIN, library, limits=Limits(memory=100), spare=False) as runner:
        outcome = runner.check("HOG", timeout=30)
    assert isinstance(outcome, OutOfMemory), outcome


def test_a_spare_that_was_killed_while_it_waited_is_replaced(runner: Runner) -> None:
    runner.prepare()
    assert runner._spare is not None
    spare = runner._spare.result().process
    os.kill(spare.pid, 9)
    while spare.alive:
        time.sleep(0.01)
    assert isinstance(runner.check("REJECT"), Rejected)


def test_a_new_spare_starts_when_one_is_taken(runner: Runner) -> None:
    runner.prepare()
    assert runner._spare is not None
    first = runner._spare.result().process.pid
    runner.check("REJECT")
    assert runner._spare is not None and runner._spare.result().process.pid != first


def test_closing_ends_the_spare_and_leaves_nothing_behind(
    library: Library, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runner = Runner(TOOLCHAIN, library)
    runner.prepare()
    assert runner._spare is not None
    process = runner._spare.result().process
    runner.close()
    assert not process.alive
    assert not list(tmp_path.glob("torchlean-check-*"))
    assert isinstance(runner.check("REJECT"), Crashed)


def test_a_program_that_cannot_be_started_is_a_crash_and_no_exception(library: Library) -> None:
    gone = Toolchain("native", "4.28.0", FAKE, "0" * 64, ("/nowhere/lean",))
    with Runner(gone, library, spare=False) as runner:
        assert isinstance(runner.check("REJECT"), Crashed)


def test_several_threads_check_at_once(runner: Runner) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(runner.check("REJECT"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(outcome) for outcome in found] == [Rejected] * 4


def test_a_library_that_is_not_compiled_is_refused(tmp_path: Path) -> None:
    library = Library(TOOLCHAIN, (Module("TorchLean.A", b"", (), "0" * 64),), Store(tmp_path))
    with pytest.raises(LibraryError, match=r"0 of 1 modules.*torchlean lean setup"):
        Runner(TOOLCHAIN, library)


def test_a_library_that_vanishes_refutes_nothing(tmp_path: Path) -> None:
    """Somebody empties the cache: Lean then rejects every import, which says nothing about the proof."""
    library = Library(TOOLCHAIN, (Module("TorchLean.A", b"", (), "0" * 64),), Store(tmp_path / "store"))
    compiled = library.folder / library.modules[0].path(".olean")
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    with ResultCache.open(tmp_path / "results.sqlite") as cache, Runner(TOOLCHAIN, library) as runner:
        assert isinstance(checked("REJECT", runner, None), Rejected)
        compiled.unlink()
        outcome = checked("REJECT", runner, cache)
        assert isinstance(outcome, Crashed) and "compiled library is gone" in outcome.describe()
        compiled.touch()
        assert isinstance(checked("REJECT", runner, cache), Rejected), "nothing else was remembered"


def test_what_the_gate_refuses_never_reaches_lean_nor_the_cache(runner: Runner, tmp_path: Path) -> None:
    with ResultCache.open(tmp_path / "results.sqlite") as cache:
        outcome = checked("theorem x : 1 = 2 := sorry", runner, cache)
        assert isinstance(outcome, Rejected) and outcome.seconds == 0.0
        assert runner._spare is None


def test_what_was_judged_is_not_judged_again_and_what_was_not_is(runner: Runner, tmp_path: Path) -> None:
    with ResultCache.open(tmp_path / "results.sqlite") as cache:
        first = checked("REJECT", runner, cache)
        assert checked("REJECT", runner, cache) == first
        checked("SIGNAL", runner, cache)
    with ResultCache.open(tmp_path / "results.sqlite") as cache:
        runner.close()  # from here on, what is not remembered is a crash
        assert checked("REJECT", runner, cache) == first
        assert isinstance(checked("SIGNAL", runner, cache), Crashed)

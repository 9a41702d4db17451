"""The real Lean: what it accepts, what it refuses, and what happens when it is disturbed. Each run takes seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.lean.conftest import HEADER, TINY, tiny_library, write_tiny

from torchlean.lean import (
    Accepted,
    Cancelled,
    Crashed,
    Library,
    LibraryCancelled,
    LibraryError,
    Limits,
    OutOfMemory,
    Rejected,
    Runner,
    StackOverflow,
    TimedOut,
    Toolchain,
)
from torchlean.lean.olean import foundations
from torchlean.lean.process import LeanProcess

pytestmark = pytest.mark.lean

SECONDS = 600.0
"""For one run: far more than any needs, since other tests may run beside it."""

START = "module\nprelude\npublic import TorchLean.Positive\npublic section\n"
GOOD = START + "theorem TorchLean.Certificate.good : 0 < TorchLean.one 3 := TorchLean.one_pos 3\n"
ENDLESS = START + "theorem slow : (2 ^ (2 ^ 24 - 1)) ^ 4000 % 7 = 1 := by decide +kernel\n"


@pytest.fixture(scope="module")
def runner(tiny: Library):
    with Runner(tiny.toolchain, tiny, timeout=SECONDS, spare=False) as runner:
        yield runner


def test_the_library_is_compiled_without_a_remark_and_its_modules_are_found_again(tiny: Library) -> None:
    assert (tiny.built, tiny.complete, tiny.warnings()) == (2, True, {})
    names = foundations(tiny.folder / "TorchLean" / "Positive.olean").theorems
    assert "TorchLean.one_pos" in names


def test_a_proof_is_accepted(runner: Runner) -> None:
    outcome = runner.check(GOOD)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.messages == ()


def test_a_wrong_statement_is_rejected_at_its_place_after_letters_of_several_bytes(runner: Runner) -> None:
    # The comment is longer than what is read at once, and shifted so that letters lie across the borders.
    comment = "/- " + "∀é𝔽" * 20_000 + " -/\n"
    source = START + comment + "theorem bad : TorchLean.one 1 = 3 := by decide\n"
    outcome = runner.check(source)
    assert isinstance(outcome, Rejected), outcome
    (error,) = outcome.messages
    assert (error.severity, error.line, error.column) == ("error", 6, 40)
    assert "false" in error.text


def test_axioms_and_sorry_are_found_in_the_compiled_form_and_comments_cannot_hide_the_end(
    runner: Runner,
) -> None:
    outcome = runner.check(
        START + "theorem bad : 1 = 2 := sorry\naxiom cheat : 1 = 2\ntheorem worse : 1 = 2 := cheat\n"
    )
    assert isinstance(outcome, Rejected), outcome
    text = " ".join(message.text for message in outcome.messages)
    assert "cheat is an axiom" in text and "it uses sorryAx" in text
    assert not isinstance(runner.check(GOOD + "/- the end is in here"), Accepted)


def test_a_warm_spare_is_used_once_and_a_killed_check_harms_nobody(tiny: Library) -> None:
    with Runner(tiny.toolchain, tiny, timeout=SECONDS) as runner:
        runner.prepare()
        assert runner._spare is not None
        first = runner._spare.result().process
        threading.Timer(1.0, lambda: os.kill(first.pid, 9)).start()
        outcome = runner.check(ENDLESS)
        assert isinstance(outcome, Crashed) and "SIGKILL" in outcome.describe()
        assert isinstance(runner.check(GOOD), Accepted)


def test_a_check_is_stopped_by_time_and_by_wish(runner: Runner) -> None:
    assert isinstance(runner.check(ENDLESS, timeout=1.0), TimedOut)
    cancel = threading.Event()
    threading.Timer(1.0, cancel.set).start()
    assert isinstance(runner.check(ENDLESS, cancel=cancel), Cancelled)


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="the system does not tell a process's memory"
)
def test_too_much_memory_is_told(tiny: Library) -> None:
    with Runner(tiny.toolchain, tiny, limits=Limits(memory=400), timeout=SECONDS, spare=False) as runner:
        outcome = runner.check(GOOD)
    if tiny.toolchain.kind == "embedded":  # a native one needs less
        assert isinstance(outcome, OutOfMemory), outcome


def test_a_term_too_deep_for_the_stack_gets_an_answer_or_is_told(runner: Runner) -> None:
    deep = "(" * 20_000 + "1" + ")" * 20_000
    outcome = runner.check(START + f"theorem deep : {deep} = 1 := rfl\n")
    assert isinstance(outcome, (Rejected, StackOverflow, OutOfMemory)), outcome


def test_a_module_that_is_not_proved_is_not_taken_into_the_library(lean: Toolchain, tmp_path: Path) -> None:
    files = {"TorchLean/One.lean": HEADER + "public section\naxiom TorchLean.free : 1 = 2\n"}
    library = tiny_library(lean, tmp_path, files)
    with pytest.raises(LibraryError, match=r"TorchLean\.One is not proved: TorchLean\.free is an axiom"):
        library.build()
    assert not library.complete and library.built == 0


def test_a_module_with_an_error_is_named_with_the_place(lean: Toolchain, tmp_path: Path) -> None:
    files = {"TorchLean/One.lean": HEADER + "theorem wrong : 1 = 2 := by omega\n"}
    with pytest.raises(LibraryError, match=r"TorchLean\.One:\n  TorchLean/One\.lean:4:28: error"):
        tiny_library(lean, tmp_path, files).build()


def test_building_is_cancelled_and_goes_on_from_there(lean: Toolchain, tmp_path: Path) -> None:
    library = tiny_library(lean, tmp_path)
    cancel = threading.Event()

    def stop_after_one(done: int, total: int, text: str) -> None:
        if done == 1:
            cancel.set()

    with pytest.raises(LibraryCancelled):
        library.build(stop_after_one, cancel)
    assert (library.built, library.complete) == (1, False)
    compiled: list[str] = []
    library.build(lambda done, total, text: compiled.append(text))
    assert library.complete
    assert not any("One" in text for text in compiled)


BUILDER = """
import sys
from pathlib import Path
from tests.lean.conftest import tiny_library
from torchlean.lean import find_toolchain
library = tiny_library(find_toolchain(), Path(sys.argv[1]))
work = set()
library.build(lambda done, total, text: work.add(text))
assert library.complete
print(sum("TorchLean" in text for text in work))
"""


def test_two_processes_that_build_at_once_do_the_work_once(lean: Toolchain, tmp_path: Path) -> None:
    write_tiny(tmp_path / "sources")
    command = [sys.executable, "-c", BUILDER, str(tmp_path)]
    root = Path(__file__).parents[2]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(int(output) for output in outputs) == len(TINY)


def test_a_damaged_compiled_module_is_compiled_again(lean: Toolchain, tmp_path: Path) -> None:
    library = tiny_library(lean, tmp_path, {"TorchLean/One.lean": TINY["TorchLean/One.lean"]})
    library.build()
    for file in library.folder.rglob("One.olean"):
        file.unlink()
    for file in (tmp_path / "store" / "modules").rglob("module.olean"):
        file.write_bytes(b"olean, but not really")
    assert not library.complete
    library.build()
    assert foundations(library.folder / "TorchLean" / "One.olean").faults == ()


def test_the_embedded_lean_sees_a_folder_wherever_it_is(lean: Toolchain, tmp_path: Path) -> None:
    folder = tmp_path / "a folder with ünusual name"
    folder.mkdir()
    (folder / "A.lean").write_text(HEADER + "theorem a : 1 = 1 := rfl\n", encoding="utf-8")
    run = LeanProcess(lean, ["--json", "-o", str(folder / "A.olean"), "A.lean"], [], folder).finish(
        "", SECONDS
    )
    assert run.code == 0, run
    assert (folder / "A.olean").is_file()

"""`torchlean verify` ends when it must, wherever it is: time limits at every stage, and signals."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.verification.networks import endless

from torchlean.bounds.branching.explore import Exploration
from torchlean.cli import main
from torchlean.command.limits import Terminated, TimeUp, alarm
from torchlean.vnnlib import witness

LIMIT = 0.3
"""Seconds: time enough to reach the stage that never ends."""

PATIENCE = 60
"""Seconds after which a command that should have been ended by a signal ends by itself."""

needs_alarms = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="the system has no interval timers"
)


def stuck(*arguments: object, **named: object) -> None:
    """A stage that asks nobody for the time."""
    while True:
        time.sleep(0.001)


STAGES = [
    ("torchlean.command.verify", "digest"),
    ("torchlean.command.verify", "parse_file"),
    ("torchlean.command.verify", "load_onnx"),
    ("torchlean.verification.verify", "pose"),
    ("torchlean.verification.attack", "Attack.wide"),
    ("torchlean.bounds.branching.bounder", "Bounder.whole"),
    ("torchlean.bounds.branching.explore", "Exploration.step"),
]


def run(tmp_path: Path, *options: object) -> Result:
    files = ["--result", str(tmp_path / "result"), "--certificate", str(tmp_path / "tree")]
    fixed = ["verify", *map(str, endless(tmp_path)), *files, "--workers", "1"]
    return CliRunner().invoke(main, [*fixed, *map(str, options)])


@needs_alarms
@pytest.mark.parametrize(("module", "name"), STAGES)
def test_a_stage_that_never_ends_is_interrupted(
    module: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *owner, attribute = name.split(".")
    place = importlib.import_module(module)
    monkeypatch.setattr(getattr(place, owner[0]) if owner else place, attribute, stuck)
    result = run(tmp_path, "--timeout", LIMIT)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "timeout"), result.output
    assert witness.read(str(tmp_path / "result")).verdict == "timeout"


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.1, 0.7])
def test_a_time_limit_of_any_length_ends_in_timeout_with_whole_files(limit: float, tmp_path: Path) -> None:
    result = run(tmp_path, "--timeout", limit)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "timeout"), result.output
    tree = tmp_path / "tree"
    # What ends while files are read has nothing to certify.
    assert not tree.exists() or json.loads(tree.read_text())["verdict"] == "timeout"
    assert witness.read(str(tmp_path / "result")).verdict == "timeout"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_without_a_verdict_or_a_file(
    number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck(*arguments: object, **named: object) -> None:
        os.kill(os.getpid(), number)
        stuck()

    monkeypatch.setattr("torchlean.bounds.branching.explore.Exploration.step", struck)
    # A signal that is lost fails the test, and does not hang it.
    result = run(tmp_path, "--timeout", PATIENCE)
    assert (result.exit_code, result.stdout) == (code, "unknown\n")
    assert "stopped" in result.stderr and "Traceback" not in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["endless.vnnlib", "model.onnx"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_boxes_are_split_keeps_the_tree_to_go_on_from(
    number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step ends, and with it the search; the result of half a search is not written."""
    step, steps = Exploration.step, iter(range(10**9))

    def struck(exploration: Exploration, batch: int) -> bool:
        if next(steps) == 4:
            os.kill(os.getpid(), number)
        return step(exploration, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Exploration, "step", struck)
        result = run(tmp_path, "--timeout", PATIENCE)
    assert (result.exit_code, result.stdout) == (code, "unknown\n")
    assert (
        result.stderr.startswith("stopped: not decided, shown on ")
        and "hardest left: margin" in result.stderr
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["endless.vnnlib", "model.onnx", "tree"]
    document = json.loads((tmp_path / "tree").read_text())
    (region,) = document["regions"]
    assert document["verdict"] == "unknown" and len(region["first"]) > 5
    again = run(tmp_path, "--timeout", 4, "--resume", tmp_path / "tree")
    assert again.exit_code == 1 and again.stdout.endswith("timeout\n"), again.output
    assert len(json.loads((tmp_path / "tree").read_text())["regions"][0]["first"]) >= len(region["first"])


def test_a_second_signal_does_not_wait_for_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def struck(*arguments: object, **named: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(PATIENCE)

    monkeypatch.setattr("torchlean.command.verify.SLACK", PATIENCE)
    monkeypatch.setattr("torchlean.bounds.branching.explore.Exploration.step", struck)
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (130, "unknown\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["endless.vnnlib", "model.onnx"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_command_is_imported_has_the_word_too(
    number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what is imported drops the exception that a signal usually is."""

    @contextmanager
    def importing() -> Iterator[None]:
        try:
            os.kill(os.getpid(), number)
            time.sleep(0.01)
        except (KeyboardInterrupt, Terminated):  # as the code of others may
            pytest.fail("a signal was raised amid imports")
        yield

    monkeypatch.setattr("torchlean.cli.quick_imports", importing)
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (code, "unknown\n")


def test_a_signal_while_a_file_is_written_leaves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torchlean.writing.os.fsync", lambda handle: os.kill(os.getpid(), signal.SIGTERM))
    result = run(tmp_path, "--timeout", LIMIT)
    assert (result.exit_code, result.stdout) == (143, "unknown\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["endless.vnnlib", "model.onnx"]


def test_a_process_of_its_own_prints_the_verdict_alone_into_a_pipe(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "torchlean.cli",
        "verify",
        *map(str, endless(tmp_path)),
        "--timeout",
        "0.1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (1, "timeout", "")


@needs_alarms
def test_an_alarm_rings_again_where_the_first_one_was_lost() -> None:
    rung = 0
    with pytest.raises(TimeUp), alarm(time.monotonic() + 0.01):
        while True:
            try:
                stuck()
            except TimeUp:
                rung += 1
                if rung == 2:
                    raise
    assert rung == 2


@needs_alarms
def test_an_alarm_that_a_destructor_drops_rings_again_and_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow:
        def __del__(self) -> None:
            stuck()

    dropped: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", dropped.append)
    with pytest.raises(TimeUp), alarm(time.monotonic() + 0.01):
        slow = Slow()
        del slow
        stuck()
    assert dropped == []


@needs_alarms
def test_nothing_rings_after_the_end() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with alarm(time.monotonic() + 60):
        pass
    with pytest.raises(TimeUp), alarm(time.monotonic() - 1):
        pass
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0

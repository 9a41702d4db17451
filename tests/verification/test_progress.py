"""What is told of a verification while it runs: the share that is shown, and where it is hardest."""

from __future__ import annotations

import os
import random
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
from click.testing import CliRunner
from tests.verification.networks import Exact, endless, mlp, saved
from tests.verification.properties import decimal, read, text

from torchlean.capture.onnx import load_onnx
from torchlean.cli import main
from torchlean.command.progress import lines
from torchlean.verification import Progress, verify

BOUND = re.compile(r"margin at least (-?[0-9.e-]+)")
RANGE = re.compile(r"(X_\d+) in \[([^,]+), ([^]]+)\]")


def told(
    path: Path,
    content: str,
    seconds: float | None = None,
    until: Callable[[Progress], bool] = lambda _: False,
) -> tuple[list[Progress], str]:
    """What is told until a search is decided, out of time, or has told what `until` waits for."""
    reports: list[Progress] = []
    found = verify(
        load_onnx(path),
        read(content),
        seconds,
        report=reports.append,
        stopped=lambda: bool(reports) and until(reports[-1]),
    )
    return reports, found.message


def test_the_hardest_box_and_its_bound_are_told_and_are_no_better_than_what_inputs_in_it_give(
    tmp_path: Path,
) -> None:
    path = saved(mlp(random.Random(1), [2, 8, 8, 1]), tmp_path)
    exact, source = Exact(onnx.load(path)), random.Random(0)
    inside = [[Fraction(source.randint(-64, 64), 64) for _ in range(2)] for _ in range(500)]
    values = [exact(x)[0] for x in inside]
    floor = Fraction(float(min(values) - (max(values) - min(values)) / 50))
    content = text([("-1", "1")] * 2, 1, f"(<= Y_0 {decimal(floor)})")
    reports, _ = told(path, content)
    shares = [progress.share for progress in reports]
    assert shares == sorted(shares) and shares[-1] == 1.0 and reports[-1].hardest == ""
    assert reports[0].hardest.endswith("on the whole domain")
    looked = 0
    for progress in reports[:-1]:
        bound = BOUND.match(progress.hardest)
        assert bound is not None, progress
        ends = {name: (Fraction(low), Fraction(high)) for name, low, high in RANGE.findall(progress.hardest)}
        box = [ends.get(f"X_{i}", (Fraction(-1), Fraction(1))) for i in range(2)]
        assert all(low < high for low, high in box)
        for t in (Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)):
            point = [low + (high - low) * t for low, high in box]
            # The decimal is rounded downward, as the bound is.
            assert Fraction(bound[1]) <= exact(point)[0] - floor
            looked += 1
    assert looked > 8


def test_of_several_regions_it_says_which(tmp_path: Path) -> None:
    model, _ = endless(tmp_path)
    ranges = [" ".join(f"(<= {low} X_{i} {high})" for i in range(6)) for low, high in ((-1, 1), (-2, 2))]
    cases = " ".join(f"(and {ends} (> Y_0 {most}))" for ends, most in zip(ranges, (7, 12), strict=True))
    declared = "".join(f"(declare-const X_{i} Real)" for i in range(6)) + "(declare-const Y_0 Real)"
    reports, message = told(
        model, f"{declared}(assert (or {cases}))", until=lambda last: "region 2" in last.hardest
    )
    assert reports[-1].hardest.endswith(", region 2 of 2")
    assert 0.5 <= reports[-1].share < 1
    assert re.search(r"the hardest left: margin at least -.*, region 2 of 2$", message)


def test_a_search_that_is_out_of_time_says_where_it_was_hardest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, file = endless(tmp_path)
    now = 0.0

    def passing(last: Progress) -> bool:
        nonlocal now
        if RANGE.search(last.hardest):
            now = 10.0
        return False

    module = sys.modules[verify.__module__]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    _, message = told(model, file.read_text(), 5.0, passing)
    assert re.match(
        r"not decided in time: shown on [0-9.]+ % with [0-9,]+ boxes, the hardest left: margin at least -",
        message,
    )
    assert RANGE.search(message)


def test_a_log_gets_a_line_now_and_then_and_standard_output_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torchlean.command.progress.LINE_SECONDS", 0.0)
    arguments = ["verify", *map(str, endless(tmp_path)), "--workers", "1", "--timeout", "1.5"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1 and "hardest: " not in result.stdout
    assert result.stdout.splitlines()[-1] == "timeout" and len(result.stdout.splitlines()) == 2
    told = result.stderr.splitlines()
    assert len(told) > 1
    for line in told:
        assert re.match(
            r"\d+ s: [0-9.]+ %, [0-9,]+ box(es)?, [0-9,]+ open; hardest: margin at least -", line
        ), line


def test_lines_come_no_more_often_than_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    report = lines(lambda: now)
    for second in range(46):
        now = 100.0 + second
        report(second / 50.04, f"{second} boxes\nhardest: here")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f"{second} s: {share} %, {second} boxes; hardest: here"
        for second, share in ((10, 19.9), (20, 39.9), (30, 59.9), (40, 79.9))
    ]


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal of 100 columns."""
    pty = pytest.importorskip("pty", reason="the system has no pseudo-terminals")
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    yield ours, theirs
    os.close(ours)


def test_a_terminal_shows_share_boxes_and_the_hardest_below(
    tmp_path: Path, terminal: tuple[int, int]
) -> None:
    ours, theirs = terminal
    command = [sys.executable, "-m", "torchlean.cli", "verify", *map(str, endless(tmp_path))]
    process = subprocess.Popen(
        [*command, "--workers", "1"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown, asked = b"", False
    while True:
        try:
            part = os.read(ours, 2**16)
        except OSError:  # how the system says that the other end is closed
            break
        if not part:
            break
        shown += part
        if not asked and b" where X_" in shown:
            process.send_signal(signal.SIGINT)
            asked = True
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out.splitlines()[-1]) == (130, b"unknown")
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r" % [0-9,]+ boxes, [0-9,]+ open", drawn)
    assert re.search(r"hardest: margin at least -[0-9.e-]+ where X_[0-9] in \[", drawn)
    assert "hardest" not in out.decode().splitlines()[-1]

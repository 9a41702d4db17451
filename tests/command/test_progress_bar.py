"""The bar on a terminal claims no more than what is done."""

from __future__ import annotations

import io
import re
import sys

import pytest

from torchlean.command.progress import bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("places", "share", "shown"),
    [
        (1, 0.99999, "99.9 %"),
        (1, 1.0, "100.0 %"),
        (0, 0.9999, "99 %"),
        (0, 0.505, "50 %"),
        (1, 0.0004, "0.0 %"),
    ],
)
def test_a_share_is_rounded_down(
    places: int, share: float, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with bar(places, lambda share, text: pytest.fail("a terminal has a bar")) as report:
        report(share, "boxes [all] of them\nbelow the bar")
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    last = [line for line in drawn.splitlines() if "%" in line][-1]
    assert re.search(rf"(?<![0-9.]){re.escape(shown)} boxes \[all\] of them", last)
    assert "below the bar" in drawn

"""The command is stopped cleanly while it is still being imported."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

PROGRAM = """
import os, signal, sys
import torchlean_start

signal.signal(signal.SIGINT, signal.{handler})  # whatever the tests themselves were started with

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {at!r}:
            os.kill(os.getpid(), {number})
            # Packages catch what they like around their imports.
        return None

sys.meta_path.insert(0, Finder())
sys.argv = ["torchlean", *{arguments!r}]
torchlean_start.main()
"""


@pytest.mark.parametrize("at", ["torchlean", "torchlean.claims.api", "click", "torchlean.startup"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(("arguments", "out"), [(["verify", "a", "b"], "unknown\n"), (["check", "a"], "")])
def test_a_signal_amid_the_first_imports_ends_the_command_without_a_traceback(
    at: str, number: int, code: int, arguments: list[str], out: str
) -> None:
    program = PROGRAM.format(at=at, number=int(number), arguments=arguments, handler="default_int_handler")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, "stopped\n")


@pytest.mark.parametrize("handler", ["default_int_handler", "SIG_IGN"])
def test_signals_are_answered_as_before_once_the_command_is_there(handler: str) -> None:
    program = (
        f"import signal, sys, torchlean_start; signal.signal(signal.SIGINT, signal.{handler})\n"
        "sys.argv = ['torchlean', '--version']\n"
        "try: torchlean_start.main()\n"
        "except SystemExit: pass\n"
        f"print(signal.getsignal(signal.SIGINT) == signal.{handler})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "True", done.stderr


def test_a_signal_that_is_ignored_stops_no_import() -> None:
    number = int(signal.SIGINT)
    program = PROGRAM.format(at="click", number=number, arguments=["--version"], handler="SIG_IGN")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("torchlean, version"), done.stderr


def test_the_installed_command_begins_there() -> None:
    content = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'torchlean = "torchlean_start:main"' in content
    assert '"kernel/torchlean_start"' in content

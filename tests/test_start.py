"""The command is stopped cleanly while it is still being imported."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

PROGRAM = """
import os, sys
import torchlean_start

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
    program = PROGRAM.format(at=at, number=int(number), arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, "stopped\n")


def test_the_command_answers_signals_itself_once_it_is_there() -> None:
    program = (
        "import signal, sys, torchlean_start; sys.argv = ['torchlean', '--version']\n"
        "try: torchlean_start.main()\n"
        "except SystemExit: pass\n"
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "True", done.stderr


def test_the_installed_command_begins_there() -> None:
    content = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'torchlean = "torchlean_start:main"' in content
    assert '"kernel/torchlean_start.py" = "torchlean_start.py"' in content

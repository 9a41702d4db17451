"""Processes of our own do not import what lies in the user's folder, and keep memory for tensors."""

from __future__ import annotations

import os
import pathlib
import platform
import subprocess
import sys

import pytest

from torchlean.startup import module_command

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize("places", [None, "", os.pathsep])
def test_a_module_runs_with_its_arguments_and_without_the_current_folder(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, places: str | None
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if places is not None:
        monkeypatch.setenv("PYTHONPATH", places)
    for name in ("json", "argparse", "random"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the user's code ran')\n", encoding="utf-8")
    command = [*module_command("json.tool"), "--indent", "1"]
    done = subprocess.run(command, cwd=tmp_path, input="[1]", capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[\n 1\n]\n", "")


def test_no_process_is_started_in_another_way() -> None:
    sources = [path for part in ("kernel", "server") for path in (ROOT / part).rglob("*.py")]
    assert len(sources) > 100
    assert [path.name for path in sources if 'executable, "-m"' in path.read_text(encoding="utf-8")] == []


def test_a_folder_that_is_named_stays_a_place_of_modules(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wanted.py").write_text("print('found')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = subprocess.run(module_command("wanted"), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "found\n"


FAULTS = """
import resource, sys
import numpy as np
from torchlean.startup import LARGE_BYTES, keep_freed_memory

if "kept" in sys.argv:
    keep_freed_memory()

def faults(size):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        together = [np.ones(size, np.uint8) for _ in range(4)]
        del together
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

small = LARGE_BYTES - 2**20
faults(small)
print(faults(small), faults(LARGE_BYTES + 2**20))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_memory_of_tensors_is_used_again_up_to_a_size() -> None:
    def faults(*arguments: str) -> tuple[int, int]:
        command = [sys.executable, "-c", FAULTS, *arguments]
        # A setting in the environment, such as a test runner's, would hide ours.
        settings = {
            name: value for name, value in os.environ.items() if not name.startswith(("MALLOC", "GLIBC"))
        }
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=settings)
        small, large = map(int, done.stdout.split())
        return small, large

    small, large = faults("kept")
    assert small < 100
    assert large > 5 * 4 * 20  # what is large goes back to the system each time
    assert faults()[0] > 5 * 4 * 20  # and so does everything where nobody asks for more

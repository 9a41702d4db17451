"""What a process counts as its own memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

LARGE = 600
"""MiB that the parent touches."""

SCRIPT = f"""
import subprocess, sys
block = bytearray({LARGE} * 2**20)
for place in range(0, len(block), 4096):
    block[place] = 1
code = "from torchlean_server.limits import peak_memory; print(peak_memory())"
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone counts a parent's peak as the child's")
def test_a_process_is_not_charged_for_the_memory_of_its_parent() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert 0 < int(done.stdout) < LARGE // 2

"""A file has the same graph, numbered alike, in every process: Python's hashes of texts differ from one to the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = [
    ROOT / "tests" / "hazards" / "programs" / "stable" / "soft_label_training.py",
    ROOT / "tests" / "fixtures" / "scripts" / "gan_by_hand.py",
]

LISTED = """
import sys
from pathlib import Path
from torchlean.capture import Workspace, capture_file

for path in map(Path, sys.argv[1:]):
    capture = capture_file(str(path), path.read_text(encoding="utf-8"), Workspace([path.parent]))
    for node in capture.graph:
        print(node.id, node.op, node.inputs, node.type, node.digest.hex())
    print([(each.code, each.span, each.message) for each in capture.diagnostics])
"""


def test_graphs_do_not_depend_on_the_hashes_of_texts() -> None:
    def listed(seed: int) -> str:
        command = [sys.executable, "-W", "ignore", "-c", LISTED, *map(str, PROGRAMS)]
        settings = {**os.environ, "PYTHONHASHSEED": str(seed)}
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=True).stdout

    first = listed(1)
    assert first.count("\n") > 100
    assert listed(2) == first
    assert listed(3) == first

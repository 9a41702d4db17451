"""`pytest --torchlean`: run as its users run it, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CLAIMS = """
import torch
import torchlean as tl

print("this file is analysed and never run")


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def kept(x):
    return torch.relu(x).sum() <= 3.0


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def broken(x):
    return torch.relu(x).sum() <= 1.0


@tl.claim(x=tl.box(-1.0, 1.0, shape=(20,)))
def open_question(x):
    return (x * x.clone()).sum() >= -0.1
"""

TEST = "def test_ordinary():\n    assert True\n"


def run(folder: Path, *arguments: str, plugin: bool = True) -> subprocess.CompletedProcess[str]:
    loaded = ["-p", "torchlean.pytest_plugin"] if plugin else []
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *loaded, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text(CLAIMS)
    (tmp_path / "test_own.py").write_text(TEST)
    return tmp_path


def test_each_claim_is_a_test_with_its_verdict_and_the_file_is_not_run(folder: Path) -> None:
    done = run(folder, "--torchlean", "model.py", "-v", "-s")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "model.py::kept PASSED" in done.stdout
    assert "model.py::broken FAILED" in done.stdout
    assert "model.py::open_question FAILED" in done.stdout
    assert "model.py:14: broken refuted by a float32 input, executed: x = [1, 1]" in done.stdout
    assert "model.py:19: open_question not decided:" in done.stdout
    assert "1 passed" in done.stdout and "2 failed" in done.stdout
    assert "this file is analysed" not in done.stdout


def test_one_claim_can_be_selected_and_a_proved_one_passes(folder: Path) -> None:
    done = run(folder, "--torchlean", "model.py::kept")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_folder_gives_its_claims_beside_its_own_tests(folder: Path) -> None:
    done = run(folder, "--torchlean", "--collect-only", "-q", ".")
    collected = [line for line in done.stdout.splitlines() if "::" in line]
    assert collected == [
        "model.py::kept",
        "model.py::broken",
        "model.py::open_question",
        "test_own.py::test_ordinary",
    ]


def test_without_the_option_nothing_changes_and_nothing_heavy_is_loaded(folder: Path) -> None:
    (folder / "test_own.py").write_text(
        "import sys\n\n\ndef test_light():\n"
        "    assert not {'torch', 'numpy', 'torchlean.analysis', 'torchlean.capture'} & set(sys.modules)\n"
    )
    done = run(folder, "-q")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_file_that_cannot_be_analysed_fails_even_without_a_claim(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("import torchlean as tl\n\ndef half(\n")
    done = run(tmp_path, "--torchlean", "model.py")
    assert done.returncode == 1, done.stdout
    assert "model.py:3: TL100" in done.stdout


def test_time_that_is_over_is_a_failure_that_says_so(folder: Path) -> None:
    done = run(folder, "--torchlean", "--torchlean-timeout", "0.001", "model.py::kept")
    assert done.returncode == 1
    assert "not decided: the time for this file was over (--torchlean-timeout)" in done.stdout


@pytest.mark.parametrize("wrong", ["0", "-1", "soon", "inf", "nan"])
def test_a_timeout_that_is_no_time_is_refused(folder: Path, wrong: str) -> None:
    done = run(folder, "--torchlean", f"--torchlean-timeout={wrong}", "model.py")
    assert done.returncode == 4
    assert "--torchlean-timeout" in done.stderr


def test_each_sample_of_a_family_is_a_test(tmp_path: Path) -> None:
    program = (
        "import torch\nimport torchlean as tl\n\n\ndef net(x):\n    return torch.stack([x[:, 0], -x[:, 0]], 1)\n\n\n"
        'safe = tl.robust(net, data="points.npz", eps=0.1)\n'
    )
    (tmp_path / "model.py").write_text(program)
    points = np.array([[0.5], [-0.5], [0.05]], dtype=np.float32)
    np.savez(tmp_path / "points.npz", x=points, y=np.array([0, 1, 0]))
    done = run(tmp_path, "--torchlean", "model.py", "-v")
    assert "model.py::safe[0] PASSED" in done.stdout, done.stdout
    assert "model.py::safe[1] PASSED" in done.stdout
    assert "model.py::safe[2] FAILED" in done.stdout


def test_the_plugin_is_an_entry_point() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points.pytest11]\n"torchlean.pytest_plugin" = "torchlean.pytest_plugin"' in text

"""Processes of our own do not import what lies in the user's folder."""

from __future__ import annotations

import os
import pathlib
import subprocess

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

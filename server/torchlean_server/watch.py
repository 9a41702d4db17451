"""Watches the files that open documents depend on: weights, data, imported modules.

Directories are watched, not files: editors and training scripts replace files, and a file that is looked for may not
exist yet. They replace directories too, so that the one above is watched as well, or the nearest that exists.
Reports come on the event loop, after a short rest, since writing a file is many events.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from watchdog.events import EVENT_TYPE_MODIFIED, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from torchlean_server.paths import nameable

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch

REST = 0.2
"""Seconds without a further event before a change is reported."""

_CHANGES = frozenset({"created", "modified", "moved", "deleted", "closed"})
"""Kinds of events that can mean new content. (Reading a file gives `opened` and `closed_no_write`.)"""


class Watcher:
    """Reports changes of a set of files.

    Args:
        changed: called on the event loop with the path as it was given to `update`.
        log: for what cannot be watched.
    """

    def __init__(self, changed: Callable[[str], None], log: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = changed
        self._log = log
        self._observer: BaseObserver | None = None
        self._watches: dict[str, ObservedWatch] = {}
        self._paths: dict[str, set[str]] = {}
        self._folders: frozenset[str] = frozenset()
        self._resting: dict[str, asyncio.TimerHandle] = {}

    def update(self, paths: Mapping[str, float]) -> None:
        """Watch exactly these files from now on. Each comes with the time (of `time.time`) when it was last read: it
        may have changed between that and the beginning of the watch. What no file can be called never changes."""
        paths = {path: moment for path, moment in paths.items() if nameable(path)}
        known = {path for names in self._paths.values() for path in names}
        names: dict[str, set[str]] = {}
        for path in paths:
            # A link changes when it is redirected, and when its target changes.
            for name in {path, os.path.realpath(path)}:
                names.setdefault(name, set()).add(path)
        self._paths = names
        self._folders = frozenset(folder for name in names for folder in _above(name))
        fresh = self._watch_all()
        unseen = {path for name, given in names.items() if os.path.dirname(name) in fresh for path in given}
        for path in (paths.keys() - known) | unseen:
            if _changed_since(path, paths[path]):
                self.touched(path)

    def touched(self, path: str) -> None:
        """Something happened to this file; also for reports that come from elsewhere (the client)."""
        for watched in self._paths.get(path, ()):
            if (timer := self._resting.get(watched)) is not None:
                timer.cancel()
            self._resting[watched] = self._loop.call_later(REST, self._rested, watched)

    def stop(self) -> None:
        for timer in self._resting.values():
            timer.cancel()
        if self._observer is not None:
            self._observer.stop()

    def _rested(self, path: str) -> None:
        del self._resting[path]
        self._changed(path)

    def _watch_all(self) -> set[str]:
        """Watch what is to be watched, as far as it exists, and nothing else; what was not watched before."""
        wanted = set()
        for folder in {os.path.dirname(name) for name in self._paths}:
            existing = (above for above in _above(folder) if os.path.isdir(above))
            wanted |= {folder, next(existing, folder)}
        for directory in self._watches.keys() - wanted:
            self._unwatch(directory)
        fresh = {directory for directory in wanted - self._watches.keys() if os.path.isdir(directory)}
        for directory in fresh:
            self._watch(directory)
        return fresh

    def _replaced(self, folder: str) -> None:
        """A folder above watched files came, went or was moved: its watches are of what is not there any more."""
        for directory in [d for d in self._watches if folder in (d, *_above(d))]:
            self._unwatch(directory)
        self._watch_all()
        for name in [name for name in self._paths if folder in _above(name)]:
            self.touched(name)

    def _watch(self, directory: str) -> None:
        try:
            if self._observer is None:
                self._observer = Observer()
                self._observer.daemon = True
                self._observer.start()
            self._watches[directory] = self._observer.schedule(_Handler(self._event), directory)
        except OSError as error:
            # Typically the system's limit of watches; the client may still report changes.
            self._log(f"cannot watch {directory}: {error}")

    def _unwatch(self, directory: str) -> None:
        watch = self._watches.pop(directory)
        if self._observer is not None:
            self._observer.unschedule(watch)

    def _event(self, path: str, replaced: bool) -> None:
        """Called on the observer's thread; of most that happens in these directories nobody wants to know."""
        if self._loop.is_closed():
            return
        if replaced and path in self._folders:
            self._loop.call_soon_threadsafe(self._replaced, path)
        if path in self._paths:
            self._loop.call_soon_threadsafe(self.touched, path)


def _above(path: str) -> list[str]:
    """The folders above a path, nearest first."""
    return [str(folder) for folder in PurePath(path).parents]


def _changed_since(path: str, moment: float) -> bool:
    """Whether a file is newer. The time of the directory entry counts too: a file moved here keeps its own."""
    try:
        status = os.stat(path)
    except OSError:
        return False
    return max(status.st_mtime, status.st_ctime) >= moment


class _Handler(FileSystemEventHandler):
    def __init__(self, event: Callable[[str, bool], None]) -> None:
        self._event = event

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _CHANGES:
            replaced = event.is_directory and event.event_type != EVENT_TYPE_MODIFIED
            for path in (event.src_path, event.dest_path):
                if path:
                    self._event(os.fsdecode(path), replaced)

"""Weight and data files: safetensors, torch checkpoints and NumPy archives, read without running anything.

The files are foreign input: half-written by a training run, renamed, truncated, or made to harm. So nothing
is unpickled but tensors and plain containers, and sizes are read from the headers and held against `LIMITS`
before memory is asked for. Files are read, not memory-mapped: a mapped file that a training run truncates
would kill the process.

`read_weights` reads one file; `WeightCache` keeps results per version of a file, so that a loaded tensor
stays the same object and its content digest is computed once.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from torchlean.capture.weight_formats import LIMITS, WeightFileError, read_content

__all__ = ["LIMITS", "WeightCache", "WeightFile", "WeightFileError", "read_weights"]


@dataclass(frozen=True, eq=False, slots=True)
class WeightFile:
    """What one file holds.

    Attributes:
        path: the absolute path it was read from.
        content: what loading it in Python gives: a tensor, or containers and plain values with tensors in
            them. Not to be modified.
        unusable: names of an archive's members that are not numbers, and why they were left out.
    """

    path: str
    content: object
    unusable: Mapping[str, str] = field(default_factory=dict)

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Names to tensors: the file's own dictionary, or its only nested one (`{"model": {...}, "epoch": 3}`).

        Raises:
            WeightFileError: there is no such dictionary, or there are several.
        """
        if not isinstance(self.content, Mapping):
            raise WeightFileError(f"holds a {_kind(self.content)}, not a dictionary of named tensors")
        if is_state_dict(self.content):
            return self.content
        found = {name: value for name, value in self.content.items() if is_state_dict(value)}
        if len(found) == 1:
            return next(iter(found.values()))
        if not found:
            raise WeightFileError(
                f"has no dictionary of named tensors; its keys are {_listed(map(repr, self.content))}"
            )
        names = " and ".join(repr(name) for name in found)
        raise WeightFileError(
            f"has several dictionaries of tensors, {names}: choose one with torch.load(path)[...] "
            "and load_state_dict"
        )


def is_state_dict(value: object) -> bool:
    """A non-empty mapping from names to tensors."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) for key in value)
        and all(isinstance(item, torch.Tensor) for item in value.values())
    )


def read_weights(path: str) -> WeightFile:
    """Read one weight or data file.

    Args:
        path: absolute, or relative to the working directory.

    Raises:
        WeightFileError: missing, unreadable, damaged, dangerous or too large; the message is the end of a
            sentence (`is empty: ...`), for the caller to put the file's name in front.
    """
    absolute = os.path.abspath(path)
    content, unusable = read_content(Path(absolute))
    return WeightFile(absolute, content, unusable)


Version = tuple[str, int, int, int]
"""Path, modification time in nanoseconds, size and inode: one of them changes when a file is rewritten."""


class WeightCache:
    """Weight files by version. Failures are kept too: a damaged gigabyte is not read at every keystroke.

    Safe to use from several threads. The least recently used files are dropped when more than `limit` bytes
    are held.
    """

    def __init__(self, limit: int = 2**31) -> None:
        # 2 GiB: a handful of models of the size that interval analysis can follow at all.
        self._limit = limit
        self._held: OrderedDict[Version, WeightFile | WeightFileError] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: str) -> WeightFile:
        """Like `read_weights`, from memory where the file has not changed.

        Raises:
            WeightFileError: as `read_weights`; also when the file changes while it is being read.
        """
        absolute = os.path.abspath(path)
        version = _version(absolute)
        if version is None:
            return read_weights(absolute)  # missing: raises, with the right words
        with self._lock:
            held = self._held.get(version)
            if held is not None:
                self._held.move_to_end(version)
        if held is None:
            held = self._fresh(absolute, version)
        if isinstance(held, WeightFileError):
            raise WeightFileError(str(held))
        return held

    def _fresh(self, path: str, version: Version) -> WeightFile | WeightFileError:
        result: WeightFile | WeightFileError
        try:
            result = read_weights(path)
        except WeightFileError as error:
            result = error.with_traceback(None)
        if _version(path) != version:
            return WeightFileError(
                "is being written at this moment; it will be read again when it is complete"
            )
        with self._lock:
            self._held[version] = result
            while len(self._held) > 1 and sum(key[2] for key in self._held) > self._limit:
                self._held.popitem(last=False)
        return result


def _version(path: str) -> Version | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (path, status.st_mtime_ns, status.st_size, status.st_ino)


def _kind(value: object) -> str:
    return "single tensor" if isinstance(value, torch.Tensor) else type(value).__name__


def _listed(names: Iterable[str], limit: int = 5) -> str:
    """At most five names: enough to recognise a file by."""
    words = list(names)
    return ", ".join(words[:limit]) + (", ..." if len(words) > limit else "")

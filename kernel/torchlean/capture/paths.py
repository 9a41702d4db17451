"""`pathlib.Path` as text: enough to say which weight file a program means. No file is looked at.

Importing this module registers the natives.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from torchlean.capture.attributes import READERS
from torchlean.capture.values import Native, Unknown, Value, native

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


class FilePath(str):
    """A path; `/` joins, and its attributes are those of `pathlib` that need no file system."""

    __slots__ = ()

    def __truediv__(self, other: object) -> FilePath:
        if not isinstance(other, str):
            return NotImplemented
        return FilePath(os.path.join(self, other))

    def __rtruediv__(self, other: object) -> FilePath:
        if not isinstance(other, str):
            return NotImplemented
        return FilePath(os.path.join(other, self))


@native("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath")
def _path(run: Interpreter, *parts: Value) -> Value:
    return FilePath(os.path.normpath(os.path.join(*[str(part) for part in parts])) if parts else ".")


@native("pathlib.Path.cwd")
def _cwd(run: Interpreter) -> Value:
    return Unknown("the working folder is known when the program runs")


@native("pathlib.Path.home")
def _home(run: Interpreter) -> Value:
    return Unknown("the home folder is known when the program runs")


TEXTS = ("name", "stem", "suffix")
"""Attributes that are plain strings."""

WRITES = frozenset({"mkdir", "touch", "unlink", "write_text", "write_bytes", "rmdir", "rename"})
"""Methods whose effect is outside of the program."""


def of_path(run: Interpreter, owner: FilePath, name: str) -> Value:
    """An attribute of a path."""
    pure = PurePosixPath(owner)
    if name in TEXTS:
        return getattr(pure, name)
    if name == "parent":
        return FilePath(pure.parent)
    if name == "parents":
        return tuple(FilePath(parent) for parent in pure.parents)
    if name == "parts":
        return pure.parts
    method = METHODS.get(name)
    if method is not None:
        return Native(name, lambda run, *arguments, **options: method(owner, *arguments))
    if name in WRITES:
        return Native(name, lambda run, *arguments, **options: None, accepts_unknown=True)
    return Unknown(f"`{name}` of a path is asked when the program runs", run.place())


def _same(owner: FilePath, *arguments: Value) -> Value:
    """Paths of the analysed file are absolute; links are not looked at."""
    return owner


def _with_suffix(owner: FilePath, suffix: str) -> Value:
    return FilePath(PurePosixPath(owner).with_suffix(suffix))


def _with_name(owner: FilePath, name: str) -> Value:
    return FilePath(PurePosixPath(owner).with_name(name))


def _join(owner: FilePath, *parts: str) -> Value:
    return FilePath(os.path.join(owner, *parts))


def _text(owner: FilePath) -> Value:
    return str(owner)


METHODS: dict[str, Callable[..., Value]] = {
    "resolve": _same,
    "absolute": _same,
    "expanduser": _same,
    "with_suffix": _with_suffix,
    "with_name": _with_name,
    "joinpath": _join,
    "as_posix": _text,
    "__str__": _text,
    "__fspath__": _text,
}

READERS[FilePath] = of_path

"""The Lean library's sources: where they are, what imports what, and the hashes that name their compiled forms."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torchlean.lean.errors import LibraryError

ROOT = "TorchLean"

CHECKER = ("TorchLean.Check", "TorchLean.Parts", "TorchLean.Layers", "TorchLean.Bridge")
"""What certificates import. The rest of the library (binary32, approximation, stability) is not needed to check one,
takes longer to compile, and changes at other times."""

_PACKAGE = Path(__file__).resolve().parents[1]
_FOLDERS = (_PACKAGE / "lean_library", _PACKAGE.parents[1] / "lean")
"""In the installed package (pyproject.toml, `force-include`), or beside `kernel/` in the source tree."""

_IMPORT = re.compile(r"(?:public\s+)?(?:meta\s+)?import\s+(?:all\s+)?([\w.]+)")
_COMMENT = re.compile(r"/-.*?-/|--[^\n]*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the library.

    Attributes:
        name: dotted, such as "TorchLean.Check".
        source: its bytes, read once: what is hashed is what is compiled.
        imports: the modules of the library that it imports.
        key: hash of the Lean that compiles it, its source, and the keys of what it imports.
    """

    name: str
    source: bytes
    imports: tuple[str, ...]
    key: str

    def path(self, suffix: str) -> str:
        """Where it lies below a folder of `LEAN_PATH`."""
        return "/".join(self.name.split(".")) + suffix


def library_folder() -> Path:
    """The folder with `TorchLean.lean`, `TorchLean/` and `lean-toolchain`.

    Raises:
        LibraryError: the installation lacks it.
    """
    for folder in _FOLDERS:
        if (folder / ROOT).is_dir():
            return folder
    raise LibraryError(
        f"the Lean library is neither in {_FOLDERS[0]} nor in {_FOLDERS[1]}: install torchlean again"
    )


def read_modules(folder: Path, compiler: str, roots: Sequence[str] = ()) -> tuple[Module, ...]:
    """The roots and the modules that they import, directly or not; each after what it imports.

    Args:
        compiler: the identity of the Lean that will compile them.
        roots: none for the whole library: `TorchLean`, or, where there is no such module, all in the folder. What
            certificates import comes first.

    Raises:
        LibraryError: one cannot be read, is missing, or they import each other in a circle.
    """
    reader = _Reader(folder, compiler)
    for name in roots or _everything(folder):
        reader.visit(name, ())
    return tuple(reader.done.values())


def checker(folder: Path) -> tuple[str, ...]:
    """The modules that certificates import, as far as this library has them."""
    return tuple(name for name in CHECKER if _file(folder, name).is_file())


def _everything(folder: Path) -> list[str]:
    if (folder / f"{ROOT}.lean").is_file():
        return [*checker(folder), ROOT]
    files = sorted((folder / ROOT).rglob("*.lean"))
    return [*checker(folder), *(".".join(file.relative_to(folder).with_suffix("").parts) for file in files)]


def _file(folder: Path, name: str) -> Path:
    return folder.joinpath(*name.split(".")).with_suffix(".lean")


def imports(source: str) -> tuple[str, ...]:
    """The modules of the library that a source's header names."""
    names = []
    for line in _COMMENT.sub("", source).splitlines():
        text = line.strip()
        found = _IMPORT.fullmatch(text)
        if found is not None:
            if found[1].split(".")[0] == ROOT:
                names.append(found[1])
        elif text not in ("", "module", "prelude"):
            break
    return tuple(dict.fromkeys(names))


class _Reader:
    def __init__(self, folder: Path, compiler: str) -> None:
        self.folder = folder
        self.compiler = compiler
        self.done: dict[str, Module] = {}

    def visit(self, name: str, above: tuple[str, ...]) -> None:
        if name in self.done:
            return
        if name in above:
            raise LibraryError(f"modules import each other in a circle: {' -> '.join([*above, name])}")
        file = _file(self.folder, name)
        try:
            source = file.read_bytes()
            needed = imports(source.decode("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            importer = f", which {above[-1]} imports," if above else ""
            raise LibraryError(f"{name}{importer} cannot be read: {error}") from error
        for other in needed:
            self.visit(other, (*above, name))
        keys = [self.done[other].key for other in needed]
        state = hashlib.sha256("\n".join([self.compiler, name, *keys, ""]).encode())
        state.update(source)
        self.done[name] = Module(name, source, needed, state.hexdigest())

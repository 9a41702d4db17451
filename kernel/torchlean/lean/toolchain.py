"""Which Lean is used: a native one of the pinned version where the user has it, else the embedded one.

A native Lean starts in half a second and the embedded one in ten, so the native one comes first. Versions that do not
count are passed over in silence by `find_toolchain` and listed by `torchlean lean status`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from torchlean.lean.embedded import find_embedded
from torchlean.lean.errors import LeanMissingError
from torchlean.lean.node import find_node
from torchlean.lean.pins import LEAN_VERSION, NATIVE_SERIES, NODE_MAJOR
from torchlean.lean.programs import version_text
from torchlean.lean.repairs import MOUNTS_VARIABLE

PATH_VARIABLE = "TORCHLEAN_LEAN"

MAIN_STACK = 60_000
"""KiB of stack for the embedded Lean's main thread; see `launch.py`, which makes the system provide it."""

THREADS = 2
"""Of the embedded Lean; by default it takes one for each core, and each costs a second to start and 100 MB."""

_SETUP = "Run `torchlean lean setup`, which fetches the embedded one (about 120 MB, once)"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A Lean that can be run.

    Attributes:
        version: as it calls itself, such as "4.28.0-pre".
        place: the program, or the folder of the embedded build.
        identity: SHA-256 hex; equal only for the same build of Lean.
        command: what to run, before any argument.
        core: the folder of the core library, where Lean must be told.
    """

    kind: Literal["native", "embedded"]
    version: str
    place: Path
    identity: str
    command: tuple[str, ...]
    core: Path | None = None
    visible: tuple[Path, ...] = field(default=())

    def environment(self, libraries: Sequence[Path], folders: Sequence[Path] = ()) -> dict[str, str]:
        """The environment of a run that imports from `libraries` and reads or writes files in `folders`."""
        paths = [path.resolve() for path in libraries]
        variables = dict(os.environ)
        # Settings of the user's own Lean projects must not reach these runs.
        for name in ("LEAN_PATH", "LEAN_SRC_PATH", "LEAN_SYSROOT", "LEAN_OPTS", "NODE_OPTIONS"):
            variables.pop(name, None)
        if self.core is not None:
            seen = [*paths, *(folder.resolve() for folder in folders), *self.visible, Path.cwd()]
            variables[MOUNTS_VARIABLE] = json.dumps(_outermost(seen))
            paths.append(self.core)
        variables["LEAN_PATH"] = os.pathsep.join(map(str, paths))
        return variables


def find_toolchain(path: str | None = None) -> Toolchain:
    """The Lean to use.

    Args:
        path: the setting `torchlean.lean.path`: a program, or the folder of a toolchain with `bin/lean`. Where it, or
            the variable `TORCHLEAN_LEAN`, is given, nothing else is looked at.

    Raises:
        LeanMissingError: there is none; the message says how to get one.
    """
    path = path or os.environ.get(PATH_VARIABLE)
    if path:
        return _named(path)
    for candidate in native_candidates():
        version = native_version(candidate)
        if version is not None and version.startswith(NATIVE_SERIES):
            return _native(candidate, version)
    return _embedded()


def native_candidates() -> Iterator[Path]:
    """Programs that may be a Lean of the pinned version: those of elan by name, then the one on the PATH.

    elan's folders are looked at directly: asking its proxy for a version that is not there would download it.
    """
    home = Path(os.environ.get("ELAN_HOME") or Path.home() / ".elan")
    program = "lean.exe" if os.name == "nt" else "lean"
    try:
        names = sorted(folder.name for folder in (home / "toolchains").iterdir())
    except OSError:
        names = []
    # The release is named without a suffix, and sorts before its candidates.
    for name in names:
        if re.search(rf"v{re.escape(NATIVE_SERIES)}\d", name):
            yield home / "toolchains" / name / "bin" / program
    on_path = shutil.which("lean")
    if on_path is not None and not _is_proxy(Path(on_path)):
        yield Path(on_path)


def native_version(program: Path) -> str | None:
    """What `lean --version` says, such as "4.28.0"; None where it is no Lean that runs."""
    found = re.search(r"Lean \(version ([^,\s)]+)", version_text(program) or "")
    return None if found is None else found[1]


def _is_proxy(program: Path) -> bool:
    """Whether this is elan under the name `lean`: the same program under all names of the tools."""
    elan = program.with_name("elan.exe" if os.name == "nt" else "elan")
    return elan.is_file() and (
        elan.resolve() == program.resolve() or elan.stat().st_size == program.stat().st_size
    )


def _named(path: str) -> Toolchain:
    given = Path(path).expanduser()
    program = given / "bin" / ("lean.exe" if os.name == "nt" else "lean") if given.is_dir() else given
    version = native_version(program)
    given_as = f"the Lean that is set (`torchlean.lean.path`, --lean or {PATH_VARIABLE}) is {path!r}, which"
    if version is None:
        raise LeanMissingError(f"{given_as} is no Lean that runs")
    if not version.startswith(NATIVE_SERIES):
        written = f"the library is written for {NATIVE_SERIES}x (see lean/lean-toolchain)"
        raise LeanMissingError(f"{given_as} is Lean {version}; {written}")
    return _native(program, version)


def _native(program: Path, version: str) -> Toolchain:
    real = program.resolve()
    status = real.stat()
    # What a replaced toolchain cannot keep: its place, size and date. Hashing it would read 100 MB at each start.
    trace = f"native\n{version}\n{real}\n{status.st_size}\n{status.st_mtime_ns}"
    return Toolchain("native", version, real, hashlib.sha256(trace.encode()).hexdigest(), (str(real),))


def _embedded() -> Toolchain:
    found = find_embedded()
    if found is None:
        raise LeanMissingError(
            f"there is no Lean {NATIVE_SERIES}x here. {_SETUP}, or install that version with elan"
        )
    node = find_node(found.folder)
    if node is None:
        raise LeanMissingError(
            f"the embedded Lean is here, but no Node.js {NODE_MAJOR} or newer that runs it. Install "
            "`torchlean[lean]`, which brings one, or run `torchlean lean setup` again"
        )
    command = (str(node), f"--stack-size={MAIN_STACK}", str(found.glue), f"--threads={THREADS}")
    return Toolchain(
        "embedded", LEAN_VERSION, found.folder, found.identity, command, found.core, (found.folder,)
    )


def _outermost(folders: Sequence[Path]) -> list[str]:
    """The folders without those inside another one: a folder is mounted once."""
    kept: list[Path] = []
    for folder in sorted({folder.resolve() for folder in folders}):
        if not any(folder.is_relative_to(other) for other in kept) and folder != folder.parent:
            kept.append(folder)
    return [str(folder) for folder in kept]

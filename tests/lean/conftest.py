"""The real embedded Lean, set up once in the user's cache, and a library of three small modules compiled with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from torchlean.lean import LeanMissingError, Library, SetupError, Toolchain, find_toolchain, set_up
from torchlean.lean.sources import read_modules
from torchlean.lean.store import Store

HEADER = "module\nprelude\npublic import Init.Omega\n"

TINY = {
    "TorchLean/One.lean": HEADER + "public section\nnamespace TorchLean\n/-- One more. -/\n"
    "@[expose] def one (n : Nat) : Nat := n + 1\nend TorchLean\n",
    "TorchLean/Positive.lean": HEADER + "public import TorchLean.One\npublic section\nnamespace TorchLean\n"
    "theorem one_pos (n : Nat) : 0 < one n := by unfold one; omega\nend TorchLean\n",
}


def write_tiny(folder: Path, files: dict[str, str] = TINY) -> Path:
    """The sources of a library without a root, below `folder`."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def tiny_library(toolchain: Toolchain, folder: Path, files: dict[str, str] = TINY) -> Library:
    """Its sources in `folder/sources`, its compiled modules in `folder/store`: nothing of the user's cache."""
    sources = write_tiny(folder / "sources", files)
    return Library(toolchain, read_modules(sources, toolchain.identity), Store(folder / "store"))


@pytest.fixture(scope="session")
def lean() -> Toolchain:
    """A real Lean: a native one where the user has it, else the embedded one, set up as a user would."""
    try:
        return find_toolchain()
    except LeanMissingError:
        pass
    try:
        set_up()
    except SetupError as error:
        if "could not fetch" in str(error):
            pytest.skip(f"the embedded Lean is not here and cannot be fetched: {error}")
        raise
    return find_toolchain()


@pytest.fixture(scope="session")
def tiny(lean: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The small library, compiled."""
    library = tiny_library(lean, tmp_path_factory.mktemp("tiny"))
    library.build()
    return library

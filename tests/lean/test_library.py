"""The library's sources, how they are read, and that Lean accepts all of them without a remark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.lean.conftest import write_tiny

from torchlean.lean import Library, LibraryError, Toolchain
from torchlean.lean.sources import ROOT, checker, imports, library_folder, read_modules

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted((REPOSITORY / "lean" / ROOT).rglob("*.lean"))

_COMMENTS = re.compile(r"/-.*?-/|--[^\n]*", re.DOTALL)
_REFUSED = re.compile(
    r"\b(axiom|sorry|admit|native_decide|bv_decide|implemented_by|extern|unsafe|csimp|skipKernelTC)\b"
)


def test_imports_are_read_from_the_header_and_nowhere_else() -> None:
    source = """/- import TorchLean.Commented -/
module
prelude
public import Init.Omega
import TorchLean.A -- why
public import TorchLean.B.C
public meta import TorchLean.D
import all TorchLean.E

public section
import TorchLean.F
"""
    assert imports(source) == ("TorchLean.A", "TorchLean.B.C", "TorchLean.D", "TorchLean.E")


def test_modules_come_after_what_they_import(tmp_path: Path) -> None:
    write_tiny(
        tmp_path,
        {
            "TorchLean.lean": "import TorchLean.B\nimport TorchLean.A\n",
            "TorchLean/A.lean": "",
            "TorchLean/B.lean": "import TorchLean.A\n",
            "TorchLean/Unused.lean": "",
        },
    )
    assert [module.name for module in read_modules(tmp_path, "")] == [
        "TorchLean.A",
        "TorchLean.B",
        "TorchLean",
    ]


def test_a_key_changes_with_the_source_with_what_it_imports_and_with_the_lean(tmp_path: Path) -> None:
    files = {"TorchLean/A.lean": "", "TorchLean/B.lean": "import TorchLean.A\n", "TorchLean/C.lean": ""}
    write_tiny(tmp_path, files)
    before = {module.name: module.key for module in read_modules(tmp_path, "one")}
    other = {module.name: module.key for module in read_modules(tmp_path, "two")}
    write_tiny(tmp_path, {"TorchLean/A.lean": "-- changed"})
    after = {module.name: module.key for module in read_modules(tmp_path, "one")}
    assert {name for name in before if before[name] != after[name]} == {"TorchLean.A", "TorchLean.B"}
    assert all(before[name] != other[name] for name in before)


def test_what_certificates_need_comes_first_and_alone_where_asked(tmp_path: Path) -> None:
    write_tiny(
        tmp_path,
        {
            "TorchLean/Approximation.lean": "",
            "TorchLean/Check.lean": "import TorchLean.Net\n",
            "TorchLean/Net.lean": "",
        },
    )
    everything = [module.name for module in read_modules(tmp_path, "")]
    assert everything == ["TorchLean.Net", "TorchLean.Check", "TorchLean.Approximation"]
    part = [module.name for module in read_modules(tmp_path, "", checker(tmp_path))]
    assert part == ["TorchLean.Net", "TorchLean.Check"]


def test_a_circle_of_imports_is_named(tmp_path: Path) -> None:
    write_tiny(
        tmp_path, {"TorchLean/A.lean": "import TorchLean.B\n", "TorchLean/B.lean": "import TorchLean.A\n"}
    )
    with pytest.raises(LibraryError, match=r"circle: TorchLean\.A -> TorchLean\.B -> TorchLean\.A"):
        read_modules(tmp_path, "")


def test_a_missing_module_is_named_with_who_imports_it(tmp_path: Path) -> None:
    write_tiny(tmp_path, {"TorchLean/A.lean": "import TorchLean.Gone\n"})
    with pytest.raises(LibraryError, match=r"TorchLean\.Gone, which TorchLean\.A imports,"):
        read_modules(tmp_path, "")


def test_the_wheel_is_told_to_carry_the_library() -> None:
    assert '"lean" = "torchlean/lean_library"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert library_folder() == REPOSITORY / "lean"


def test_the_pinned_toolchain_is_of_the_series_that_is_accepted() -> None:
    from torchlean.lean.pins import NATIVE_SERIES

    pinned = (REPOSITORY / "lean" / "lean-toolchain").read_text(encoding="utf-8").strip()
    assert pinned.startswith(f"leanprover/lean4:v{NATIVE_SERIES}")


def test_every_module_belongs_to_the_library() -> None:
    names = {module.name for module in read_modules(REPOSITORY / "lean", "")}
    for file in SOURCES:
        name = ".".join(file.relative_to(REPOSITORY / "lean").with_suffix("").parts)
        assert name in names, f"TorchLean.lean does not import {name}"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(REPOSITORY / "lean")))
def test_no_source_has_a_hole_or_a_way_around_the_kernel(file: Path) -> None:
    text = _COMMENTS.sub("", file.read_text(encoding="utf-8"))
    assert _REFUSED.findall(text) == []


@pytest.mark.lean
def test_lean_accepts_the_whole_library_without_a_remark(lean: Toolchain) -> None:
    """With the axioms of each module examined, which is part of compiling it (`library.py`)."""
    library = Library.of(lean, roots=())
    library.build()
    assert library.complete
    assert library.warnings() == {}

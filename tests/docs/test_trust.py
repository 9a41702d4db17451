"""docs/trust.md names theorems; each of them is where the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (?P<names>`[^|]*`) \|[^|]*\| `(?P<file>[^`|]*\.lean)` \|", re.MULTILINE)


def _named() -> list[tuple[str, str]]:
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    return [
        (name, row["file"]) for row in _ROW.finditer(page) for name in re.findall(r"`([^`]+)`", row["names"])
    ]


def test_the_page_names_theorems() -> None:
    assert len(_named()) >= 15


@pytest.mark.parametrize(("name", "file"), _named())
def test_a_theorem_stands_in_the_file_that_the_page_names(name: str, file: str) -> None:
    source = (ROOT / "lean" / "TorchLean" / file).read_text(encoding="utf-8")

    assert re.search(rf"^theorem {re.escape(name)}\b", source, re.MULTILINE), f"no theorem {name} in {file}"

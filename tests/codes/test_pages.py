"""Every diagnostic code has a page, and `torchlean explain` finds it wherever the package lives."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from torchlean.diagnostics import CODES
from torchlean.explain import UnknownCodeError, explain

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "codes"
SECTIONS = ["Why it matters", "Example", "What to do"]


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {page.stem for page in PAGES.iterdir()} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_bears_its_codes_title_and_answers_the_three_questions(code) -> None:
    lines = (PAGES / f"{code}.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {code}: {CODES[code]}"
    assert lines[2].strip(), "what the code means comes first, before any heading"
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert headings == SECTIONS
    assert any(line.startswith("```") for line in lines)


@pytest.mark.parametrize("code", CODES)
def test_pages_refer_to_existing_codes_alone(code) -> None:
    text = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert set(re.findall(r"TL\d{3}", text)) <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_explain_gives_the_page(code) -> None:
    assert explain(code) == (PAGES / f"{code}.md").read_text(encoding="utf-8")


def test_explain_reads_small_letters_and_spaces_too() -> None:
    assert explain(" tl101 ") == explain("TL101")


def test_a_code_that_looks_alike_is_suggested() -> None:
    with pytest.raises(UnknownCodeError) as error:
        explain("T301")
    assert "TL301 (claim refuted)" in str(error.value)


def test_a_word_finds_the_codes_about_it() -> None:
    with pytest.raises(UnknownCodeError, match="TL304"):
        explain("domain")


def test_nonsense_is_told_where_codes_run() -> None:
    with pytest.raises(UnknownCodeError, match=f"from {min(CODES)} to {max(CODES)}"):
        explain("zzz")


def test_an_installed_package_finds_its_pages_inside_itself(tmp_path) -> None:
    # As in the wheel: the package without the source tree around it, the pages in `torchlean/codes`.
    shutil.copytree(
        ROOT / "kernel" / "torchlean", tmp_path / "torchlean", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(PAGES, tmp_path / "torchlean" / "codes")
    program = "import torchlean.explain as e; print(e.__file__); print(e.explain('TL300'), end='')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    file, page = done.stdout.split("\n", 1)
    assert Path(file).is_relative_to(tmp_path)
    assert page == explain("TL300")


def test_the_wheel_is_told_to_carry_the_pages() -> None:
    assert '"docs/codes" = "torchlean/codes"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")

"""Agreement as evidence: found for what was run, and for nothing else; the program is not run here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from torchlean.analysis import Session, analyse
from torchlean.analysis.agreement import AgreementRows, FileAgreements, program_digest
from torchlean.analysis.result import Agreement, FileAnalysis
from torchlean.analysis.units import unit_graph
from torchlean.analysis.wire import decode, encode
from torchlean.capture import capture_file

PROGRAM = """
import torch
import torchlean as tl
from helper import scale

@tl.claim(x=tl.box([-1.0], [1.0]))
def is_small(x):
    return scale(x) <= 3.0

@tl.claim(x=tl.box([-1.0], [1.0]))
def is_large(x):
    return x >= -2.0
"""

AGREES = Agreement(True, "agrees with torch 1.0 eager, on 7 inputs", "1.0", ("eager",), 7)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCHLEAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "helper.py").write_text("def scale(x):\n    return 2.0 * x\n", encoding="utf-8")
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    return file


def remember(file: Path, agreement: Agreement) -> None:
    """For the first claim."""
    session = Session((str(file.parent),))
    text = file.read_text(encoding="utf-8")
    capture = capture_file(str(file), text, session.workspace)
    program = program_digest(text, capture.dependencies, session.workspace)
    assert program is not None
    with AgreementRows.here() as rows:
        FileAgreements(rows, program).put(unit_graph(capture, capture.units[0]), agreement)


def shown(file: Path) -> list[Agreement | None]:
    return [unit.agreement for unit in analysed(file).units if unit.kind == "claim"]


def analysed(file: Path) -> FileAnalysis:
    return analyse(str(file), file.read_text(encoding="utf-8"), Session((str(file.parent),)))


def test_nothing_is_said_and_nothing_is_made_where_nothing_was_compared(file: Path) -> None:
    assert shown(file) == [None, None]
    assert not (file.parent / "cache").exists()


def test_agreement_is_shown_for_the_unit_that_was_run(file: Path) -> None:
    remember(file, AGREES)
    assert shown(file) == [AGREES, None]
    analysis = analysed(file)
    assert decode(encode(analysis)).units == analysis.units


def test_comments_and_spaces_change_nothing(file: Path) -> None:
    remember(file, AGREES)
    file.write_text("# more\n\n" + PROGRAM.replace("return x >=", "return  x  >="), encoding="utf-8")
    assert shown(file) == [AGREES, None]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("program.py", "<= 3.0", "<= 4.0"),
        ("program.py", "[1.0]))\ndef is_small", "[2.0]))\ndef is_small"),
        ("program.py", "import torch\n", "import torch\nprint(torch.rand(1))\n"),
        ("helper.py", "2.0 * x", "2.5 * x"),
        ("helper.py", "return 2.0 * x", "print('x')\n    return 2.0 * x"),
    ],
    ids=["graph", "domain", "file", "number of an imported file", "imported file"],
)
def test_whatever_changes_ends_the_agreement(file: Path, name: str, old: str, new: str) -> None:
    remember(file, AGREES)
    place = file.with_name(name)
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_text(text.replace(old, new), encoding="utf-8")
    assert shown(file) == [None, None]


def test_another_version_of_torch_ends_the_agreement(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(file, AGREES)
    monkeypatch.setattr(torch, "__version__", "99.0")
    assert shown(file) == [None, None]


def test_a_program_that_parts_from_its_graph_is_an_error_at_the_node(file: Path) -> None:
    remember(file, Agreement(False, "eager torch and the graph part", "1.0", ("eager",), 1, node=2))
    (found,) = (each for each in analysed(file).diagnostics if each.code == "TL114")
    assert (found.message, found.span.path) == ("eager torch and the graph part", str(file))


def test_a_damaged_store_says_nothing(file: Path) -> None:
    remember(file, AGREES)
    with AgreementRows.here() as rows:
        place = rows.file
    place.write_bytes(b"no database" * 1000)
    assert shown(file) == [None, None]

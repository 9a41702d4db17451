"""What the menu offers on claims that were not proved: the counterexample as a test, and exact numbers."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lsprotocol import types
from tests.server.editor import editing
from tests.server.test_code_actions import actions, after

from torchlean.analysis.result import ClaimResult, Evidence, UnitResult, Verdict
from torchlean.source import Span
from torchlean_server.features.reproduction import test_of as reproduction_of

TEXT = """\
import torch

import torchlean as tl

LIMIT = 1.0


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def stays_below(x):
    return torch.relu(x).sum() <= LIMIT


@tl.claim(x=tl.box(-1.0, 1.0))
def stays_just_below(x):
    return torch.tanh(x) <= 0.76159415625


@tl.claim(x=tl.box(-1.0, 1.0))
def is_fine(x):
    return x <= 1.0
"""


def written(action: types.CodeAction, path: Path) -> str:
    """The text of the new file after the edit, as a client applies it."""
    assert action.edit is not None and action.edit.document_changes is not None
    new, change = action.edit.document_changes
    assert isinstance(new, types.CreateFile) and new.uri == path.as_uri()
    assert new.options is not None and new.options.ignore_if_exists
    assert isinstance(change, types.TextDocumentEdit) and change.text_document.uri == path.as_uri()
    (edit,) = change.edits
    assert isinstance(edit, types.TextEdit)
    before = path.read_text() if path.exists() else ""
    at = (edit.range.start.line, edit.range.start.character)
    assert at == (before.count("\n"), len(before.rpartition("\n")[2])), "it is added at the end"
    return before + edit.new_text


def passes(folder: Path) -> bool:
    """Whether pytest, started by a person in that folder, is content."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "test_model_counterexamples.py",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 0


async def test_a_counterexample_becomes_a_test_that_fails_until_the_claim_holds_there(tmp_path: Path) -> None:
    model, test = tmp_path / "model.py", tmp_path / "test_model_counterexamples.py"
    model.write_text(TEXT)
    async with editing("visual_studio_code", root=tmp_path) as editor:
        uri = editor.open(model, TEXT)
        await editor.checked(uri)
        (action,) = await actions(editor, uri, "stays_below")
        assert action.title == "Copy the counterexample of stays_below as a test"
        test.write_text(written(action, test))
        assert await actions(editor, uri, "stays_below") == [], "the same test is offered once"
        assert await actions(editor, uri, "is_fine") == []
        assert not passes(tmp_path)
        model.write_text(TEXT.replace("LIMIT = 1.0", "LIMIT = 2.0"))
        assert passes(tmp_path)
        # Another counterexample of the same file is added behind the first.
        changed = TEXT.replace("return x <= 1.0", "return x <= 0.5")
        editor.replace(uri, changed)
        await editor.checked(uri)
        (action,) = await actions(editor, uri, "is_fine")
        both = written(action, test)
        assert both.startswith(test.read_text() + "\n\n") and both.count("def test_") == 2
        compile(both, str(test), "exec")


async def test_a_claim_that_only_rounding_keeps_open_can_be_stated_of_exact_numbers(tmp_path: Path) -> None:
    async with editing("visual_studio_code", root=tmp_path) as editor:
        uri = editor.open(tmp_path / "model.py", TEXT)
        await editor.checked(uri)
        assert "TL307" in await editor.codes(uri)
        (action,) = await actions(editor, uri, "stays_just_below")
        assert action.title == "State stays_just_below of exact numbers"
        exact = after(editor, uri, action)
        assert exact == TEXT.replace(
            "@tl.claim(x=tl.box(-1.0, 1.0))\ndef stays_just",
            '@tl.claim(arithmetic="real", x=tl.box(-1.0, 1.0))\ndef stays_just',
        )
        editor.replace(uri, exact)
        await editor.checked(uri)
        assert "TL307" not in await editor.codes(uri)


def refuted(name: str, inputs: dict[str, object]) -> UnitResult:
    claim = ClaimResult(Verdict.REFUTED, Evidence.COUNTEREXAMPLE, "refuted", counterexample=inputs)
    return UnitResult("claim", name, Span("m.py", 0, 0, 0, 1), "", 0, (), (), (), claim)


@pytest.mark.parametrize(
    "numbers",
    [
        -0.0,
        [1.0, math.inf, 3.4028234663852886e38, 1e-45],
        [[float(torch.tensor(0.1)) * k for k in range(9)] for _ in range(9)],
    ],
)
def test_the_numbers_of_a_test_are_the_very_input(numbers: object) -> None:
    text = reproduction_of(refuted("claimed", {"x": numbers}), Path("/nowhere/a-model.py"))
    assert text is not None
    assert all(len(line) <= 120 for line in text.splitlines())
    given: list[torch.Tensor] = []
    # The claim's file is not there: what stands in for it takes the input.
    replaced = text.replace(
        "    claimed = runpy.run_path(str(Path(__file__).with_name('a-model.py')))['claimed']",
        "    claimed = lambda x: given.append(x) or True",
    )
    assert replaced != text
    names: dict[str, object] = {"given": given}
    exec(replaced, names)
    (test,) = [value for name, value in names.items() if name.startswith("test_claimed_holds_at_")]
    assert callable(test)
    test()
    (x,) = given
    expected = torch.tensor(numbers, dtype=torch.float32)
    assert x.dtype == torch.float32 and torch.equal(x, expected)
    assert torch.equal(x.signbit(), expected.signbit())

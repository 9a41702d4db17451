"""Whatever expression a diagnostic stands on, a proposal leaves Python behind and touches its own lines alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from torchlean.edits import applied
from torchlean.fixes import propose
from torchlean.fixes.propose import GUARDS
from torchlean.fixes.source_file import SourceFile

ROOT = Path(__file__).parents[1]

FILES = [
    *sorted((ROOT / "hazards" / "programs").rglob("*.py")),
    *sorted((ROOT / "capture" / "models").rglob("*.py")),
]

CODES = ("TL201", *GUARDS)
"""Taken in turn: every place meets all formulas, and the guards of one code."""


def places(file: SourceFile) -> list[ast.expr]:
    """Expressions that compute something."""
    kinds = (ast.Call, ast.BinOp, ast.Compare)
    return [node for node in ast.walk(file.tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_proposal_for_every_expression_is_python_and_local(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    file = SourceFile(str(path), text)
    for number, node in enumerate(places(file)):
        span = file.span(*file.offsets(node))
        for proposal in propose(file, CODES[number % len(CODES)], span):
            after = applied(text, proposal.edits)
            ast.parse(after)
            before, now = text.splitlines(), after.splitlines()
            added = [line for line in now if line.startswith("import ") and line not in before]
            assert len(added) == len(proposal.edits) - 1
            first = proposal.edits[0].span.line
            assert [line for line in now if line not in added][:first] == before[:first]

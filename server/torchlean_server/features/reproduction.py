"""What a menu offers on a claim that was not proved: its counterexample as a test, or to state it of exact numbers.

The test goes to a file of its own beside the claim's, `test_NAME_counterexamples.py`, where pytest finds it; further
ones are added at its end. It calls the claim as the program has it on the numbers that refuted it: it fails until the
network or the claim is repaired, and from then on keeps both so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torchlean.analysis.result import UnitResult
from torchlean.literals import tensor_statement
from torchlean_server.features.actions import Action, Change
from torchlean_server.features.diagnostics import problems
from torchlean_server.state import Document
from torchlean_server.text import Text

_DIGITS = 8
"""Of the input's digest in a test's name: enough to tell a claim's counterexamples apart."""


@dataclass(frozen=True, slots=True)
class NewTest:
    """`text` to add at the end of the file `path`, which may not exist yet; `end` is where that is in what it has."""

    title: str
    path: str
    text: str
    existing: Text | None


def tests(document: Document, start: int, end: int, text_of: Callable[[str], Text | None]) -> list[NewTest]:
    """For the refuted claims whose names stand on the lines of a range."""
    found = []
    source = Path(document.path)
    path = str(source.with_name(f"test_{source.stem}_counterexamples.py"))
    existing = text_of(path)
    for unit, _ in _claims(document, start, end):
        text = test_of(unit, source)
        if text is None or (existing is not None and text in existing.string):
            continue
        if existing is not None and existing.string:
            text = ("\n\n" if existing.string.endswith("\n") else "\n\n\n") + text
        found.append(NewTest(f"Copy the counterexample of {unit.name} as a test", path, text, existing))
    return found


def exact_numbers(document: Document, start: int, end: int) -> list[Action]:
    """To state claims of exact numbers that are shown in exact arithmetic only."""
    found = []
    for unit, at in _claims(document, start, end):
        said = tuple(p for p in problems(document) if p.code == "TL307" and p.start == at)
        call = document.text.string.rfind("claim(", 0, at)
        if not said or call < 0 or "def " in document.text.string[call : at - len("def ")]:
            continue
        place = call + len("claim(")
        change = Change(place, place, 'arithmetic="real", ')
        found.append(Action(f"State {unit.name} of exact numbers", (change,), said, preferred=False))
    return found


def test_of(unit: UnitResult, source: Path) -> str | None:
    """A function for pytest that calls the claim on its counterexample. None where there is none."""
    claim = unit.claim
    if claim is None or claim.counterexample is None:
        return None
    inputs = [
        tensor_statement(name, numbers, _dtype(unit, name)) for name, numbers in claim.counterexample.items()
    ]
    digest = hashlib.sha256("".join(inputs).encode()).hexdigest()[:_DIGITS]
    name = unit.name.replace(".", "_")
    root = unit.name.partition(".")[0]
    arguments = ", ".join(f"{name}={name}" for name in claim.counterexample)
    lines = [
        f"def test_{name}_holds_at_{digest}():",
        "    import torch",
        "",
        *_importing(source, root),
        "",
        *(line for text in inputs for line in text.splitlines()),
        f"    assert torch.as_tensor({unit.name}({arguments})).all()",
    ]
    return "\n".join(lines) + "\n"


def _claims(document: Document, start: int, end: int) -> Iterator[tuple[UnitResult, int]]:
    """Claims of the text of now, with the places of their names."""
    track = document.complete
    if track is None or track.anchor.revision != document.revision:
        return
    lines = range(document.text.position(start)[0], document.text.position(end)[0] + 1)
    for unit in track.analysis.units:
        where = track.now(unit.span)
        if unit.kind == "claim" and where is not None and document.text.position(where[0])[0] in lines:
            yield unit, where[0]


def _importing(source: Path, name: str) -> list[str]:
    """From the file beside: as part of its package, or as pytest puts a test's folder on the path."""
    if not source.stem.isidentifier():
        return [
            "    import runpy",
            "    from pathlib import Path",
            "",
            f"    {name} = runpy.run_path(str(Path(__file__).with_name({source.name!r})))[{name!r}]",
        ]
    package = "." if source.with_name("__init__.py").exists() else ""
    return [f"    from {package}{source.stem} import {name}"]


def _dtype(unit: UnitResult, name: str) -> str:
    """Of an input, as torch names it."""
    inputs = (fact.dtype for fact in unit.facts if fact.op == "input" and fact.label == name)
    return next(inputs, "float32").removeprefix("torch.")

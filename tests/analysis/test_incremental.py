"""What a session knows from earlier texts changes no answer: after any edits it is that of a new session."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.analysis.random_edits import edited

from torchlean.analysis import Session, analyse, wire
from torchlean.analysis.result import Counters, FileAnalysis
from torchlean.capture.parsing import parse
from torchlean.hazards.syntax import walked

PROGRAMS = sorted((Path(__file__).parent.parent / "hazards" / "programs").glob("*/*.py"))

CONTROLLER = '''
import torch
from torch import nn
import torchlean as tl

GAIN = 1.00
EPS: float = 1e-8


class Controller(nn.Module):
    def __init__(self, hidden: int = 4):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        return GAIN * torch.tanh(self.out(x))

    def unused(self, x, y):
        return torch.log(torch.sigmoid(self(x))) / (y.norm() + EPS)


controller = Controller()
shared = torch.load("shared.pt")


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def bounded(x):
    return controller(x).abs() <= 4.0


def first(state, dt: float = 0.05):
    """One Euler step."""
    force = controller(state)[..., 0]
    turning = torch.sin(state) + 0.5 * force
    return torch.log(torch.softmax(shared - turning, dim=-1)) * dt


def second(state):
    total = 0.0
    for step in range(20_000_000):
        total += first(state).exp().sum()
    return torch.sqrt((shared * state) @ (shared * shared)), total / shared


def third(logits, mask):
    chosen = logits[mask > 0.5].mean()
    return chosen, torch.exp(nn.Linear(3, 3)(logits)), (logits * logits) @ (logits * logits)
'''


def told(path: str, text: str, session: Session) -> Any:
    """Everything that anybody is shown of the file, without how long it took and what was computed for it."""
    analysis: FileAnalysis = replace(analyse(path, text, session), counters=Counters(0, 0))
    units = tuple(
        replace(unit, claim=None if unit.claim is None else replace(unit.claim, seconds=0.0))
        for unit in analysis.units
    )
    return wire.encode(replace(analysis, units=units))


def from_scratch(path: str, text: str) -> Any:
    """The same from a session and tables that know no other text."""
    parse.cache_clear()
    walked.cache_clear()
    return told(path, text, Session())


def assert_edits_leave_nothing_behind(path: str, text: str, count: int, source: random.Random) -> int:
    """Follow random edits with one session; how many problems it told of."""
    session = Session()
    texts = [text]
    problems = 0
    for _ in range(count):
        # Now and then a person undoes what was done, or goes on from an earlier text.
        before = source.choice(texts) if source.random() < 0.2 else texts[-1]
        texts.append(edited(before, source))
        warm = told(path, texts[-1], session)
        cold = from_scratch(path, texts[-1])
        assert warm == cold, f"differs after these edits:\n{texts[-1]}"
        problems += len(warm["diagnostics"])
    return problems


@pytest.mark.parametrize("seed", range(4))
def test_edits_of_a_controller_leave_nothing_behind(seed: int, tmp_path: Path) -> None:
    path = str(tmp_path / "controller.py")
    assert assert_edits_leave_nothing_behind(path, CONTROLLER, 20, random.Random(seed)) > 20


@pytest.mark.parametrize("seed", range(8))
def test_edits_of_published_programs_leave_nothing_behind(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    text = source.choice(PROGRAMS).read_text(encoding="utf-8")
    path = str(tmp_path / "program.py")
    assert_edits_leave_nothing_behind(path, text, 6, source)


def test_lines_above_move_what_is_told_and_change_nothing_else(tmp_path: Path) -> None:
    path, session = str(tmp_path / "controller.py"), Session()
    before = analyse(path, CONTROLLER, session)
    after = analyse(path, "\n\n\n" + CONTROLLER, session)
    assert [(d.code, d.message, d.span.line + 3) for d in before.diagnostics if "line" not in d.message] == [
        (d.code, d.message, d.span.line) for d in after.diagnostics if "line" not in d.message
    ]
    assert len(before.diagnostics) == len(after.diagnostics) > 3

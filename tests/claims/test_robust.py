"""Claims about the samples of a data file: refused in the same words by program and analysis, run, and sampled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import torchlean as tl
from torchlean.analysis import Session, analyse

X = np.linspace(0.0, 1.0, 12, dtype=np.float32).reshape(4, 3)
Y = np.array([0, 1, 1, 0])

HEAD = """\
import torch
import torchlean as tl

def net(x):
    return torch.stack([x.sum(-1), 1.5 - x.sum(-1)], -1)

"""

FILES = {
    "good": {"x": X, "y": Y},
    "no_labels": {"x": X},
    "nan": {"x": np.where(X[2, 1] == X, np.nan, X), "y": Y},
    "infinite": {"x": np.where(X[2, 1] == X, np.inf, X), "y": Y},
    "empty": {"x": X[:0], "y": Y[:0]},
    "flags": {"x": X > 0.5, "y": Y},
    "float_labels": {"x": X, "y": Y.astype(np.float32)},
    "few_labels": {"x": X, "y": Y[:3]},
    "column_of_labels": {"x": X, "y": Y[:, None]},
    "negative": {"x": X, "y": Y - 1},
}

CALLS = [f'tl.robust(net, data="{name}.npz", eps=0.1)' for name in FILES if name != "good"] + [
    'tl.robust(net, data="missing.npz", eps=0.1)',
    'tl.robust(net, data="broken.npz", eps=0.1)',
    "tl.robust(net, data=7, eps=0.1)",
    'tl.robust(3, data="good.npz", eps=0.1)',
    'tl.robust(net, data="good.npz", eps=-0.1)',
    'tl.robust(net, data="good.npz", eps=float("nan"))',
    'tl.robust(net, data="good.npz", eps=float("inf"))',
    'tl.robust(net, data="good.npz", eps="wide")',
    'tl.robust(net, data="good.npz", eps=0.1, norm="l1")',
    'tl.robust(net, data="good.npz", eps=0.1, norm=2)',
    'tl.robust(net, data="good.npz", eps=0.1, clip=(1, 0))',
    'tl.robust(net, data="good.npz", eps=0.1, clip=3)',
    'tl.robust(net, data="good.npz", eps=0.1, clip=(2, 3))',
    'tl.robust(net, data="good.npz", eps=0.1, norm="l2", clip=(0.0, 0.5))',
    'tl.ball("missing.npz", 0.1)',
    'tl.ball("nan.npz", 0.1)',
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files, which a program without a file of its own looks into."""
    for name, arrays in FILES.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 and nothing more")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("call", CALLS)
def test_both_refuse_in_the_same_words(call: str, folder: Path) -> None:
    program = f"{HEAD}safe = {call}\n"
    with pytest.raises(tl.DomainError) as refused:
        exec(program, {})
    analysis = analyse(str(folder / "model.py"), program, Session())
    (found,) = [d for d in analysis.diagnostics if d.code == "TL304"]
    assert str(refused.value) == found.message
    assert found.span.line == program.count("\n") - 1
    assert analysis.families == ()


def test_a_label_that_is_no_class_is_refused_by_both(folder: Path) -> None:
    np.savez(folder / "good.npz", x=X, y=np.array([0, 1, 5, 0]))
    program = f'{HEAD}safe = tl.robust(net, data="good.npz", eps=0.1)\n'
    names: dict[str, object] = {}
    exec(program, names)
    safe = names["safe"]
    with pytest.raises(tl.DomainError) as refused:
        safe[2](torch.from_numpy(X[2:3]))  # type: ignore[index] # a Robust
    analysis = analyse(str(folder / "model.py"), program, Session())
    messages = [d.message for d in analysis.diagnostics if d.code == "TL304"]
    assert messages == [str(refused.value)]
    assert "the label 5 for sample 2" in messages[0]


def test_claims_about_samples_run_and_are_sampled(folder: Path) -> None:
    def net(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x.sum(-1), 1.5 - x.sum(-1)], -1)

    safe = tl.robust(net, data=folder / "good.npz", eps=0.1, clip=(0, 1))
    assert len(safe) == len(list(safe)) == 4
    with pytest.raises(IndexError):
        safe[4]
    # Scores sum(x) and 1.5 - sum(x): class 1 where sum(x) < 0.75, as it is for samples 0 (0.27), and not for 3 (2.7).
    assert not safe[0](torch.from_numpy(X[:1]))
    assert safe[3](torch.from_numpy(X[3:]))
    assert safe[0].sample(20, seed=0).violated == 20
    assert safe[3].sample(20, seed=0).violated == 0


def test_a_claim_over_a_ball_of_a_file_is_sampled_around_each_sample(folder: Path) -> None:
    @tl.claim(x=tl.ball(str(folder / "good.npz"), 0.05))
    def is_small(x: torch.Tensor) -> torch.Tensor:
        return x.sum() <= 1.6

    found = is_small.sample(10, seed=0)
    assert found.tried == 40
    # Sums are 0.27, 1.09, 1.91 and 2.73, and change by 0.15.
    assert found.violated == 20
    assert "4 samples" in repr(is_small)


def test_the_l2_claim_says_nothing_of_what_lies_outside_of_the_ball(folder: Path) -> None:
    def net(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[:, 0], 1 - x[:, 0]], -1)

    safe = tl.robust(net, data=folder / "good.npz", eps=0.1, norm="l2")
    corner = torch.from_numpy(X[3:]) - 0.09  # 0.156 away
    assert safe[3](corner)
    assert safe[3](torch.tensor([[0.75, 1.0, 1.0]]))


@pytest.mark.parametrize("body", ["x[0]", "x.argmax(-1)", "(x, 1)", "x[:, :1]", "x > 0", "x.to(torch.int64)"])
def test_what_gives_no_row_of_scores_is_refused_by_both(folder: Path, body: str) -> None:
    program = f'{HEAD}safe = tl.robust(lambda x: {body}, data="good.npz", eps=0.1)\n'
    names: dict[str, object] = {}
    exec(program, names)
    with pytest.raises(tl.DomainError, match="must return scores of shape"):
        names["safe"][0](torch.from_numpy(X[:1]))  # type: ignore[index] # a Robust
    analysis = analyse(str(folder / "model.py"), program, Session())
    (message,) = [d.message for d in analysis.diagnostics if d.code == "TL303"]
    assert "must return scores of shape" in message

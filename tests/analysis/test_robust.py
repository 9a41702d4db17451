"""Robust families from their call to their counts, on the digits: certified samples withstand strong attacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import torchlean as tl
from torchlean.analysis import Session, analyse
from torchlean.analysis.curves import curves
from torchlean.analysis.result import Evidence, FamilyResult, FileAnalysis, Verdict
from torchlean.analysis.wire import decode, encode
from torchlean.cancellation import Cancelled
from torchlean.claims.robustness import Robust

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
SAMPLES = 48

MODEL = """\
import torch
from torch import nn
import torchlean as tl

class Dense(nn.Module):
    def __init__(self, hidden: int = 64):
        super().__init__()
        self.fc1 = nn.Linear(64, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, hidden)
        self.fc4 = nn.Linear(hidden, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x = torch.relu(self.fc3(x))
        return self.fc4(x)

net = tl.load(Dense(), "dense.safetensors")
safe = tl.robust(net, data="some.npz", eps=EPS, norm="NORM", clip=(0, 1))
"""

LINF = MODEL.replace("EPS", "0.06").replace("NORM", "linf")
L2 = MODEL.replace("EPS", "0.4").replace("NORM", "l2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(DIGITS / "dense.safetensors", tmp_path)
    with np.load(DIGITS / "digits_test.npz") as arrays:
        np.savez(tmp_path / "some.npz", x=arrays["x"][:SAMPLES], y=arrays["y"][:SAMPLES])
    return tmp_path


def family_of(result: FileAnalysis) -> FamilyResult:
    (family,) = result.families
    return family


def checked(folder: Path, text: str, session: Session | None = None) -> FamilyResult:
    return family_of(analyse(str(folder / "model.py"), text, session or Session()))


def run(folder: Path, text: str) -> Robust:
    """The family of the running program."""
    names: dict[str, object] = {}
    exec(compile(text, str(folder / "model.py"), "exec"), names)
    safe = names["safe"]
    assert isinstance(safe, Robust)
    return safe


def strongest(safe: Robust, norm: str, eps: float, index: int) -> Tensor:
    """The worst input, (1, 64), that a hundred steps of gradient descent with ten restarts find, with torch alone."""
    samples = safe.samples
    assert samples.labels is not None
    center, label = samples.centers[index].float().unsqueeze(0), int(samples.labels[index])
    generator = torch.Generator().manual_seed(index)
    points = project(center + eps * torch.randn(10, 64, generator=generator), center, norm, eps)
    for step in range(100):
        points.requires_grad_()
        scores = safe.net(points)
        others = scores.masked_fill(nn.functional.one_hot(torch.tensor(label), 10).bool(), -torch.inf)
        margin = scores[:, label] - others.amax(1)
        (slope,) = torch.autograd.grad(margin.sum(), points)
        way = slope.sign() if norm == "linf" else slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-12)
        points = project(points.detach() - eps * 0.97**step * way, center, norm, eps)
    return points[safe.net(points).softmax(1)[:, label].argmin()].unsqueeze(0)


def project(points: Tensor, center: Tensor, norm: str, eps: float) -> Tensor:
    away = points - center
    if norm == "linf":
        away = away.clamp(-eps, eps)
    else:
        away = away * (eps / away.norm(dim=1, keepdim=True).clamp(min=eps)) * (1 - 1e-6)
    return (center + away).clamp(0, 1)


@pytest.mark.parametrize(("text", "norm", "eps"), [(LINF, "linf", 0.06), (L2, "l2", 0.4)])
def test_certified_samples_withstand_attacks_and_refuted_ones_replay(
    folder: Path, text: str, norm: str, eps: float
) -> None:
    family = checked(folder, text)
    safe = run(folder, text)
    assert (family.name, family.kind, family.total) == ("safe", "robust", SAMPLES)
    assert family.proved + family.refuted + family.unknown == SAMPLES
    # Both kinds occur at this radius, so that the loop below says something.
    assert family.proved > SAMPLES / 3 and family.refuted > 2
    assert list(family.members) == [f"safe[{index}]" for index in range(SAMPLES)]
    for index, claim in enumerate(family.members.values()):
        if claim.verdict is Verdict.PROVED:
            assert claim.evidence is Evidence.ENGINE and claim.margin is not None and claim.margin > 0
            assert safe[index](strongest(safe, norm, eps, index)), (
                f"sample {index} was certified, and is attacked"
            )
        if claim.verdict is Verdict.REFUTED:
            assert claim.evidence is Evidence.COUNTEREXAMPLE and claim.counterexample is not None
            x = torch.tensor(claim.counterexample["x"])
            away = x.double() - safe.samples.centers[index]
            distance = away.abs().max() if norm == "linf" else away.norm()
            assert float(distance) <= eps and float(x.min()) >= 0 and float(x.max()) <= 1
            assert not safe[index](x)


def test_accuracy_counts_the_samples_themselves(folder: Path) -> None:
    family = checked(folder, LINF)
    safe = run(folder, LINF)
    labels = safe.samples.labels
    right = (safe.net(safe.samples.centers.float()).argmax(1) == labels).sum()
    assert family.correct == int(right)
    assert family.text.endswith(f"of {SAMPLES} (accuracy {int(right)})")


def test_a_radius_of_zero_certifies_what_is_classified_correctly(folder: Path) -> None:
    family = checked(folder, LINF.replace("eps=0.06", "eps=0.0"))
    assert family.proved == family.correct and family.unknown == 0


def test_ties_are_refuted(folder: Path) -> None:
    same = "import torch\nimport torchlean as tl\ndef net(x):\n    return torch.stack([x.sum(-1)] * 10, -1)\n"
    family = checked(
        folder, f"import torch\nimport torchlean as tl\n{same}" + LINF.splitlines()[-1].replace("0.06", "0")
    )
    assert (family.refuted, family.correct) == (SAMPLES, 0)


def test_what_was_decided_is_remembered_and_a_changed_sample_is_decided_anew(folder: Path) -> None:
    session = Session()
    first = checked(folder, LINF, session)
    # What ran out of time is tried again, and may end otherwise.
    settled = [name for name, claim in first.members.items() if claim.verdict is not Verdict.UNKNOWN]
    assert len(settled) > 1
    commented = checked(folder, LINF + "\n# a comment\n", session)
    assert all(commented.members[name] == first.members[name] for name in settled)
    with np.load(folder / "some.npz") as arrays:
        x, y = arrays["x"], arrays["y"]
    x[0] = 0.5
    np.savez(folder / "some.npz", x=x, y=y)
    again = checked(folder, LINF, session)
    assert again.members["safe[0]"] != first.members["safe[0]"]
    assert all(again.members[name] == first.members[name] for name in settled if name != "safe[0]")


def test_the_data_file_is_a_dependency_present_or_not(folder: Path) -> None:
    result = analyse(str(folder / "model.py"), LINF, Session())
    assert str(folder / "some.npz") in result.dependencies
    (folder / "some.npz").unlink()
    assert str(folder / "some.npz") in analyse(str(folder / "model.py"), LINF, Session()).dependencies


def test_counts_are_published_while_they_grow(folder: Path) -> None:
    layers: list[FileAnalysis] = []
    analyse(str(folder / "model.py"), LINF, Session(), publish=layers.append)
    counted = [len(family_of(layer).members) for layer in layers if layer.families]
    assert counted and counted == sorted(counted)
    assert all(decode(json.loads(json.dumps(encode(layer)))) == layer for layer in layers[-1:])


def test_what_was_decided_before_a_cancellation_is_kept(folder: Path) -> None:
    session = Session()

    def stop() -> bool:
        return len(session.decided) > 0

    with pytest.raises(Cancelled):
        analyse(str(folder / "model.py"), LINF, session, stop)
    kept = len(session.decided)
    assert 0 < kept < SAMPLES
    family = checked(folder, LINF, session)
    assert len(family.members) == SAMPLES
    assert len(session.decided) == family.proved + family.refuted


def test_untrained_weights_are_not_attacked_and_said_to_be_untrained(folder: Path) -> None:
    text = LINF.replace('tl.load(Dense(), "dense.safetensors")', "Dense()")
    result = analyse(str(folder / "model.py"), text, Session())
    assert {"TL305", "TL310"} <= {d.code for d in result.diagnostics}
    family = family_of(result)
    assert family.refuted == 0
    assert family.correct is None and "accuracy" not in family.text, "no sample was executed"


def test_a_claim_over_a_ball_of_a_file_is_one_claim_for_each_sample(folder: Path) -> None:
    claim = """
@tl.claim(x=tl.ball("some.npz", eps=0.02, clip=(0, 1)))
def three_is_below(x):
    y = net(x)
    return y[3] <= y[8] + BOUND
"""
    text = MODEL[: MODEL.index("safe =")] + claim.replace("BOUND", "0.0")
    family = checked(folder, text)
    assert (family.kind, family.total, family.correct) == ("claim", SAMPLES, None)
    assert family.proved > 0 and family.refuted > 0
    names: dict[str, object] = {}
    exec(compile(text, str(folder / "model.py"), "exec"), names)
    replay = names["three_is_below"]
    assert isinstance(replay, tl.Claim)
    for member in family.members.values():
        if member.counterexample is not None:
            assert not bool(replay(torch.tensor(member.counterexample["x"])))


def test_a_family_that_no_name_is_bound_to_is_reported(folder: Path) -> None:
    text = LINF.replace("safe = tl.robust", "tl.robust")
    result = analyse(str(folder / "model.py"), text, Session())
    (found,) = [d for d in result.diagnostics if d.code == "TL304"]
    assert "bound to" in found.message and found.span.line == LINF.count("\n") - 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("net(x)[0]", "of shape (1, classes)"),
        ("net(x).argmax(-1)", "of shape (1, classes)"),
        ("(net(x), 1)", "returns tuple"),
        ("net(x)[:, :1]", "two classes at least"),
    ],
)
def test_what_gives_no_row_of_scores_cannot_be_analysed(folder: Path, body: str, words: str) -> None:
    text = LINF.replace("tl.robust(net,", f"tl.robust(lambda x: {body},")
    result = analyse(str(folder / "model.py"), text, Session())
    assert family_of(result).members == {}
    (found,) = [d for d in result.diagnostics if d.code == "TL303"]
    assert words in found.message


def test_curves_never_rise_with_the_radius(folder: Path) -> None:
    (curve,) = curves(str(folder / "model.py"), LINF, Session(), [0.02, 0.0, 0.06])
    assert [eps for eps, _ in curve.points] == [0.0, 0.02, 0.06]
    proved = [counts.proved for _, counts in curve.points]
    refuted = [counts.refuted for _, counts in curve.points]
    assert proved == sorted(proved, reverse=True) and refuted == sorted(refuted)
    assert len(curve.labels) == SAMPLES


def test_rounding_is_taken_off_as_it_is_around_each_sample(folder: Path) -> None:
    """Around all samples together, rounding may take off more than any sample's margin."""
    generator = np.random.default_rng(0)
    x = generator.uniform(-1e3, 1e3, (6, 64)).astype(np.float32)
    x[0] = 0.0
    imports = "import torch\nimport torchlean as tl\n"
    scores = imports + "def net(x):\n    s = x.sum(-1)\n    return torch.stack([s, s - 1e-3], -1)\n"
    np.savez(folder / "some.npz", x=x, y=np.zeros(len(x), dtype=np.int64))
    family = checked(folder, scores + 'safe = tl.robust(net, data="some.npz", eps=1e-4)\n')
    assert family.members["safe[0]"].verdict is Verdict.PROVED
    # Sums of some thousand are off by more than 1e-3 in some orders of summation.
    assert family.proved == 1

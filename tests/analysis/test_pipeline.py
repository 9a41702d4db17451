"""One file from text to verdicts: what is said, what is reused, what is published early."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from torchlean.analysis import Session, analyse, pipeline
from torchlean.analysis.result import Evidence, FileAnalysis, UnitResult, Verdict
from torchlean.bounds import Cancelled
from torchlean.bounds.branching.hardest import Hardest
from torchlean.claims.decide import Decision, Question, decide
from torchlean.claims.splitting import Progress, Report

MODEL = """
import torch
from torch import nn
import torchlean as tl

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 8)
        self.fc2 = nn.Linear(8, 8)
        self.fc3 = nn.Linear(8, 1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)

net = tl.load(Net(), "net.safetensors")

@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def easy(x):
    return net(x) <= 1000.0

@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def wrong(x):
    return net(x) <= -1000.0
"""


MANY_PRODUCTS = """
@tl.claim(x=tl.box(-1.0, 1.3, shape=(20,)))
def never_negative(x):
    return (x * x.clone()).sum() >= -0.1
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_weights(tmp_path)
    return tmp_path


def write_weights(folder: Path, scale: float = 1.0) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = {"fc1": (8, 2), "fc2": (8, 8), "fc3": (1, 8)}
    tensors = {}
    for name, shape in shapes.items():
        tensors[f"{name}.weight"] = torch.randn(shape, generator=generator)
        tensors[f"{name}.bias"] = torch.randn(shape[0], generator=generator)
    tensors["fc3.weight"] *= scale
    save_file(tensors, folder / "net.safetensors")


def check(folder: Path, text: str = MODEL, session: Session | None = None) -> FileAnalysis:
    return analyse(str(folder / "model.py"), text, session or Session((str(folder),)))


def claim(result: FileAnalysis, name: str) -> UnitResult:
    (unit,) = [unit for unit in result.units if unit.kind == "claim" and unit.name == name]
    return unit


def test_a_provable_claim_is_proved_by_the_engine_with_a_margin(workspace: Path) -> None:
    found = claim(check(workspace), "easy").claim
    assert found is not None
    assert (found.verdict, found.evidence) == (Verdict.PROVED, Evidence.ENGINE)
    assert found.margin is not None and found.margin > 0
    assert "for every float32 execution" in found.detail and "taken off for rounding" in found.detail


def test_a_false_claim_is_refuted_by_an_input_of_the_domain_that_violates_it(workspace: Path) -> None:
    found = claim(check(workspace), "wrong").claim
    assert found is not None and found.counterexample is not None
    assert (found.verdict, found.evidence) == (Verdict.REFUTED, Evidence.COUNTEREXAMPLE)
    x = torch.tensor(found.counterexample["x"])
    assert x.shape == (2,) and bool((x.abs() <= 1).all())


def test_a_claim_between_bounds_and_samples_stays_unknown(workspace: Path) -> None:
    """A sum of squares written as products reaches zero at one point: no bound by planes ever gets there."""
    text = MODEL[: MODEL.index("@tl.claim")] + MANY_PRODUCTS
    found = claim(check(workspace, text), "never_negative").claim
    assert found is not None
    assert (found.verdict, found.evidence, found.counterexample) == (Verdict.UNKNOWN, Evidence.NONE, None)
    assert "proves nothing" in found.detail


def test_comments_and_blank_lines_recompute_nothing(workspace: Path) -> None:
    session = Session((str(workspace),))
    first = check(workspace, session=session)
    again = check(
        workspace,
        "# a comment\n\n" + MODEL.replace("return self.fc3(x)", "return self.fc3(x)  # out"),
        session,
    )
    assert first.counters.computed > 0
    assert again.counters.computed == 0
    assert claim(again, "easy").span.line == claim(first, "easy").span.line + 2


def test_changing_one_layer_recomputes_that_layer_and_what_follows(workspace: Path) -> None:
    session = Session((str(workspace),))
    text = MODEL[: MODEL.index("@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))\ndef wrong")]
    check(workspace, text, session)
    edited = text.replace("x = torch.relu(self.fc2(x))", "x = torch.tanh(self.fc2(x))")
    again = check(workspace, edited, session)
    # tanh, fc3, the comparison and the two nodes of its margin by intervals, the same by linear bounds, and fc2 again
    # because its reader now bends everywhere; tanh and fc3 for the module by itself. No weight, and not fc1.
    assert again.counters.computed == 5 + 6 + 2
    assert again.counters.reused == 31


UNTRAINED = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 8)
        self.outer = nn.Linear(8, 1)

    def forward(self, x):
        return self.outer(torch.relu(self.inner(x)))

y = Net()(torch.rand(2))
"""


def test_a_new_layer_leaves_the_untrained_weights_of_other_layers_alone(workspace: Path) -> None:
    session = Session((str(workspace),))
    check(workspace, UNTRAINED, session)
    text = UNTRAINED.replace("self.inner =", "self.first = nn.Linear(2, 2)\n        self.inner =")
    again = check(workspace, text, session)
    # The new layer's weight is not used, so nothing that is shown depends on it.
    assert again.counters.computed == 0


def test_intervals_alone_are_used_where_the_session_says_so(workspace: Path) -> None:
    session = Session((str(workspace),))
    session.method = "ibp"
    unit = claim(check(workspace, session=session), "easy")
    assert {fact.method for fact in unit.facts} == {"ibp"}
    assert "crown" in {fact.method for fact in claim(check(workspace), "easy").facts}


def test_new_weights_are_seen(workspace: Path) -> None:
    session = Session((str(workspace),))
    before = claim(check(workspace, session=session), "easy").claim
    write_weights(workspace, scale=100.0)
    after = claim(check(workspace, session=session), "easy").claim
    assert before is not None and after is not None
    assert before.margin != after.margin


def test_the_weight_file_is_a_dependency(workspace: Path) -> None:
    assert str(workspace / "net.safetensors") in check(workspace).dependencies


def test_a_missing_weight_file_leaves_shapes_and_says_so(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert "TL110" in [found.code for found in result.diagnostics]
    assert [fact.shape for fact in claim(result, "easy").facts if fact.op == "linear"][-1] == (1,)


def test_a_missing_weight_file_is_said_once_and_not_at_every_claim(workspace: Path) -> None:
    (workspace / "net.safetensors").unlink()
    result = analyse(str(workspace / "model.py"), MODEL, Session())
    assert sorted(found.code for found in result.diagnostics) == ["TL110", "TL300", "TL302"]
    assert all("smaller domain" not in found.message for found in result.diagnostics)
    never_loaded = analyse(
        str(workspace / "model.py"), MODEL.replace('tl.load(Net(), "net.safetensors")', "Net()"), Session()
    )
    assert sorted(found.code for found in never_loaded.diagnostics) == ["TL300", "TL302", "TL305", "TL305"]


@pytest.mark.parametrize(
    ("comparison", "needed"), [(">=", "must not be negative"), (">", "must be positive")]
)
def test_an_open_claim_says_which_margin_it_needs(tmp_path: Path, comparison: str, needed: str) -> None:
    text = "import torch\nimport torchlean as tl\n" + MANY_PRODUCTS.replace(">=", comparison)
    (found,) = [d for d in analyse(str(tmp_path / "m.py"), text, Session()).diagnostics if d.code == "TL302"]
    assert needed in found.message and "smaller domain" in found.message


def test_broken_code_gives_a_diagnostic_and_no_exception(workspace: Path) -> None:
    result = check(workspace, MODEL.replace("def forward(self, x):", "def forward(self, x:"))
    assert "TL100" in [found.code for found in result.diagnostics]


def test_bounds_are_published_while_a_long_search_goes_on(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers: list[FileAnalysis] = []
    seen: list[bool] = []

    def bounded(layer: FileAnalysis) -> bool:
        """A layer of the time of a search, with bounds: on a slow machine others may have come before."""
        units = [claim(layer, name) for name in ("easy", "wrong")]
        return any(unit.reached for unit in units) and all(
            any(fact.lower is not None for fact in unit.facts) for unit in units
        )

    def long_search(
        question: Question, cancelled: Callable[[], bool], seconds: float, report: Report
    ) -> Decision:
        ends = torch.tensor([0.5]), torch.tensor([1.0])
        worst = Hardest(-0.25, *ends, narrowed=(("x[0]", 0.5, 1.0),))
        report(Progress(boxes=8, open=3, verified=0.6251, hardest=worst))
        while time.perf_counter() - started < 60 and not any(map(bounded, layers)):
            assert not cancelled()
        seen.append(any(map(bounded, layers)))
        return decide(question, cancelled)

    monkeypatch.setattr(pipeline, "decide", long_search)
    started = time.perf_counter()
    analyse(str(workspace / "model.py"), MODEL, Session(), publish=layers.append)
    assert seen == [True, True]
    assert not any(layer.complete for layer in layers)
    reached = {claim(layer, "easy").reached for layer in layers}
    assert "5 of 8 boxes shown (62.5 %), hardest: margin at least -0.25 where x[0] in [0.5, 1]" in reached


CHAIN = """
import torch
a = torch.rand(3, 3)
b = a.exp()
c = b.sin()
d = c + b
"""


class Hurrying:
    """A clock by which every look at it is three times as late as the last."""

    def __init__(self) -> None:
        self.now = 1.0

    def perf_counter(self) -> float:
        self.now *= 3.0
        return self.now


def test_the_first_bounds_of_a_unit_are_published_before_its_last_ones_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers: list[FileAnalysis] = []
    monkeypatch.setattr(pipeline, "time", Hurrying())
    result = analyse(str(tmp_path / "chain.py"), CHAIN, Session(), publish=layers.append)
    (whole,) = result.units
    assert not whole.begun
    known = []
    for unit in (unit for layer in layers for unit in layer.units):
        bounded = [fact.lower is not None for fact in unit.facts]
        assert unit.begun == (True in bounded and False in bounded)
        if unit.begun:
            known.append(bounded.count(True))
            assert bounded == sorted(bounded, reverse=True)
            for fact, final in zip(unit.facts, whole.facts, strict=True):
                assert fact.lower is None or (fact.lower, fact.upper) == (final.lower, final.upper)
    assert known == sorted(known) and len(set(known)) >= 3


def test_hazards_are_published_before_a_slow_claim_is_decided(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers: list[FileAnalysis] = []

    def told() -> bool:
        return any("TL205" in [found.code for found in layer.diagnostics] for layer in layers)

    def long_search(
        question: Question, cancelled: Callable[[], bool], seconds: float, report: Report
    ) -> Decision:
        while time.perf_counter() - started < 60 and not told():
            assert not cancelled()
        assert told(), "the claim is being decided, and the hazard is not known yet"
        return decide(question, cancelled)

    monkeypatch.setattr(pipeline, "decide", long_search)
    started = time.perf_counter()
    text = MODEL + "noise = torch.log(torch.rand(10))\n"
    result = analyse(str(workspace / "model.py"), text, Session(), publish=layers.append)
    assert [found.code for found in result.diagnostics].count("TL205") == 1
    first = next(layer for layer in layers if layer.examined)
    assert not first.complete and all(unit.claim is None for unit in first.units)


def test_cancelling_raises_and_the_next_answer_is_whole(workspace: Path) -> None:
    session = Session((str(workspace),))
    calls = iter(range(10**9))
    with pytest.raises(Cancelled):
        analyse(str(workspace / "model.py"), MODEL, session, cancelled=lambda: next(calls) > 5)
    assert claim(check(workspace, session=session), "easy").claim is not None


@pytest.mark.parametrize("count", [0, 3])
def test_cached_and_cold_answers_are_the_same(workspace: Path, count: int) -> None:
    session = Session((str(workspace),))
    edits: list[Callable[[str], str]] = [
        lambda text: text.replace("nn.Linear(8, 8)", "nn.Linear(8, 8, bias=True)"),
        lambda text: text.replace("[1.0, 1.0]", "[0.5, 1.0]"),
        lambda text: text.replace("torch.relu", "torch.sigmoid"),
    ]
    text = MODEL
    check(workspace, text, session)
    for edit in edits[:count]:
        text = edit(text)
        warm, cold = check(workspace, text, session), check(workspace, text)
        assert [unit.facts for unit in warm.units] == [unit.facts for unit in cold.units]
        assert [(u.name, u.claim and u.claim.verdict) for u in warm.units] == [
            (u.name, u.claim and u.claim.verdict) for u in cold.units
        ]


TOUCHING = """
import torch
import torchlean as tl

@tl.claim(x=tl.box(-1.0, 1.3, shape=(2,)))
def touches(x):
    return (x * x.clone()).sum() >= LIMIT
"""


@pytest.mark.parametrize(("limit", "asked"), [("0.0", 2), ("-0.1", 1)])
def test_an_answer_that_ran_out_of_time_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, asked: int
) -> None:
    """The margin of the first is zero at one input, which no number of boxes can show; the second is proved by some."""
    finished: list[bool] = []

    def counting(
        question: Question, cancelled: Callable[[], bool], seconds: float, report: Report
    ) -> Decision:
        decision = decide(question, cancelled, seconds, report)
        finished.append(decision.finished)
        return decision

    monkeypatch.setattr(pipeline, "decide", counting)
    monkeypatch.setattr(pipeline, "SPLIT_SECONDS", 0.03 if asked > 1 else 60.0)
    session = Session()
    for _ in range(2):
        analyse(str(tmp_path / "m.py"), TOUCHING.replace("LIMIT", limit), session)
    assert finished == [asked == 1] * asked


def test_the_key_of_a_claim_changes_with_its_meaning_alone(workspace: Path) -> None:
    def key(text: str) -> str:
        found = claim(check(workspace, text), "easy").claim
        assert found is not None and found.key
        return found.key

    before = key(MODEL)
    assert (
        key(MODEL.replace("    return net(x) <= 1000.0", "    # easy\n\n    return net(x) <= 1000.0"))
        == before
    )
    assert key(MODEL.replace("1000.0", "1000.5")) != before
    assert key(MODEL.replace("[1.0, 1.0]", "[1.0, 1.5]")) != before
    assert key(MODEL.replace("x = torch.relu(self.fc2(x))", "x = self.fc2(x)")) != before
    write_weights(workspace, scale=0.5)
    assert key(MODEL) != before

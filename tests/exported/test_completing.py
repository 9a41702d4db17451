"""`capture = "export"`: what static capture does not follow comes from the exported program while that is current."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from torchlean.analysis.pipeline import analyse
from torchlean.analysis.result import Evidence, FileAnalysis, Verdict
from torchlean.analysis.session import Session
from torchlean.capture import capture_file
from torchlean.capture.result import Capture
from torchlean.capture.workspace import Workspace
from torchlean.configuration import ask_for_export, capture_setting
from torchlean.exported import running
from torchlean.exported.completing import UNSAVED, WAITING, Completion
from torchlean.exported.program import Job, Leaf, Program, Ref, Refusal, Reply, Step
from torchlean.exported.store import Store, Stored
from torchlean.ops import TensorType

PROGRAMS = Path(__file__).parent / "programs"

MODEL = """import torch
import torchlean as tl

from somewhere import net


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def is_small(x):
    return net(x) <= 3.5
"""

X = TensorType((2,), torch.float32)
TRUTH = TensorType((2,), torch.bool)


def program(weight: str = "u0.1") -> Program:
    """`x * weight <= 3.5`"""
    leaves = (Leaf("input", "x", X), Leaf("parameter", "net.scale", X, weight))
    steps = (
        Step("aten.mul.Tensor", {"self": Ref(0), "other": Ref(1)}, (X,), (("somewhere.py", 4),)),
        Step("aten.le.Scalar", {"self": Ref(2), "other": 3.5}, (TRUTH,), ()),
    )
    return Program(leaves, steps, (Ref(3),))


def reply(scale: float = 3.0, files: tuple[str, ...] = ()) -> Reply:
    return Reply(torch.__version__, (program(),), files, {"u0.1": torch.full((2,), scale)})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(MODEL)
    (tmp_path / "torchlean.toml").write_text('capture = "export"\n')
    return path


def completed(path: Path, store: Store, text: str | None = None) -> Capture:
    workspace = Workspace([path.parent])
    workspace.completion = Completion(store)
    return capture_file(str(path), path.read_text() if text is None else text, workspace)


def analysed(path: Path, store: Store) -> FileAnalysis:
    session = Session((str(path.parent),))
    session.workspace.completion = Completion(store)
    return analyse(str(path), path.read_text(), session)


def test_without_the_setting_an_export_is_only_offered(file: Path, tmp_path: Path) -> None:
    (tmp_path / "torchlean.toml").unlink()
    (tmp_path / ".git").mkdir()
    capture = completed(file, Store(tmp_path / "cache"))
    assert capture.offer == str(tmp_path / "torchlean.toml") and not capture.wanted
    assert str(tmp_path / "torchlean.toml") in capture.dependencies
    ask_for_export(capture.offer)
    capture = completed(file, Store(tmp_path / "cache"))
    assert capture.wanted and not capture.offer


def test_an_export_that_is_not_there_is_wanted_and_nothing_is_run(file: Path, tmp_path: Path) -> None:
    capture = completed(file, Store(tmp_path / "cache"))
    (unit,) = capture.units
    assert unit.failure is not None and unit.failure.endswith(f"({WAITING})")
    assert capture.wanted
    assert not (tmp_path / "cache").exists()


def test_a_claim_is_decided_about_the_exported_program_and_says_so(file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    store.put(completed(file, store).wanted, Stored(reply(3.0)), ())
    (unit,) = analysed(file, store).units
    assert unit.front_end == "export" and unit.failure is None
    assert not [d for d in analysed(file, store).diagnostics if d.code == "TL102"]
    assert unit.claim is not None and unit.claim.verdict is Verdict.PROVED
    assert unit.claim.evidence is Evidence.ENGINE
    assert "the exported program" in unit.claim.detail


def test_a_false_claim_about_the_exported_program_is_refuted(file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    store.put(completed(file, store).wanted, Stored(reply(4.0)), ())
    (unit,) = analysed(file, store).units
    assert unit.claim is not None and unit.claim.verdict is Verdict.REFUTED


def test_an_export_survives_the_process_that_made_it(file: Path, tmp_path: Path) -> None:
    first = Store(tmp_path / "cache")
    first.put(completed(file, first).wanted, Stored(reply()), ())
    (unit,) = completed(file, Store(tmp_path / "cache")).units
    assert unit.failure is None and unit.trained


def test_an_export_is_stale_as_soon_as_a_file_that_it_read_is_another(file: Path, tmp_path: Path) -> None:
    store, other = Store(tmp_path / "cache"), tmp_path / "somewhere_else.py"
    other.write_text("SCALE = 3\n")
    store.put(completed(file, store).wanted, Stored(reply(files=(str(other),))), ())
    assert not completed(file, store).wanted
    other.write_text("SCALE = 30\n")
    stale = completed(file, store)
    assert stale.wanted and stale.units[0].failure is not None


def test_an_export_speaks_of_the_saved_text_alone(file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    store.put(completed(file, store).wanted, Stored(reply()), ())
    edited = completed(file, store, MODEL.replace("3.5", "3.25"))
    assert not edited.wanted
    assert edited.units[0].failure is not None and edited.units[0].failure.endswith(f"({UNSAVED})")
    assert completed(file, store, MODEL.replace("\n", "\r\n")).units[0].failure is None


def test_a_damaged_entry_is_no_entry(file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    key = completed(file, store).wanted
    store.put(key, Stored(reply()), ())
    (tmp_path / "cache" / f"{key}.json").write_text("{}")
    assert completed(file, Store(tmp_path / "cache")).wanted == key


def test_weights_that_every_import_draws_anew_prove_nothing(file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    store.put(completed(file, store).wanted, Stored(reply(), frozenset({"u0.1"})), ())
    (unit,) = completed(file, store).units
    assert unit.failure is not None and "`net.scale` is drawn anew" in unit.failure


def test_two_runs_tell_what_is_drawn_and_refuse_what_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(program(), outputs=(Ref(2),))
    tensors = {"u0.1": torch.zeros(2), "u1.1": torch.zeros(2)}
    replies = {
        0: Reply("2", (program(), program("u1.1")), (), tensors),
        1: Reply("2", (program(), changed), (), {**tensors, "u0.1": torch.ones(2)}),
    }
    monkeypatch.setattr(running, "export", lambda job: (replies[job.seed], None))
    reply, drawn = running.export_settled(Job("model.py", (), ()))
    assert drawn == {"u0.1"}
    assert reply.units[0] == program()
    assert reply.units[1] == Refusal("record", "two runs of the file give different programs")


def test_the_setting_has_two_values(tmp_path: Path) -> None:
    (tmp_path / "torchlean.toml").write_text('# models\ncapture = "run"\n')
    found = capture_setting(str(tmp_path / "model.py"))
    assert not found.export
    (diagnostic,) = found.diagnostics
    assert diagnostic.code == "TL501" and diagnostic.span.line == 1 and "'run'" in diagnostic.message
    (tmp_path / "torchlean.toml").write_text('capture = "source"\n')
    found = capture_setting(str(tmp_path / "model.py"))
    assert not found.export and not found.open and not found.diagnostics


def test_asking_for_exports_keeps_what_a_configuration_says(tmp_path: Path) -> None:
    place = tmp_path / "torchlean.toml"
    place.write_text('[[vnnlib]]\nproperty = "a.vnnlib"\nnetwork = "a.onnx"\n')
    ask_for_export(str(place))
    assert capture_setting(str(tmp_path / "model.py")).export
    assert place.read_text().endswith('network = "a.onnx"\n')


@pytest.mark.slow
def test_the_command_line_exports_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHLEAN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    shutil.copytree(PROGRAMS, folder)
    (folder / "torchlean.toml").write_text('capture = "export"\n')
    path = folder / "unfollowed.py"
    result = analyse(str(path), path.read_text(), Session((str(folder),), exports=True))
    claims = {unit.name: unit.claim for unit in result.units if unit.claim is not None}
    assert {name: claim.verdict for name, claim in claims.items()} == {
        "is_not_negative": Verdict.PROVED,
        "stays_small": Verdict.PROVED,
    }
    again = analyse(str(path), path.read_text(), Session((str(folder),)))  # from the cache: nothing is run
    assert [unit.claim and unit.claim.verdict for unit in again.units[:2]] == [Verdict.PROVED] * 2
    helper = folder / "helper_package" / "blocks.py"
    assert str(helper) in again.dependencies
    helper.write_text(helper.read_text() + "\n")
    assert analyse(str(path), path.read_text(), Session((str(folder),))).wanted

"""`torchlean check` with certificates and what Lean says of them: evidence is what the kernel answered, and no more."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from torchlean.certificate import digest, read
from torchlean.cli import main
from torchlean.command.kernel import Kernel, Unavailable
from torchlean.lean import Accepted, Message, OutOfMemory, Rejected, TimedOut

CLAIMS = """
import torch
import torchlean as tl

@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def small(x):
    return (x * 0.5).abs() <= 0.75

@tl.claim(x=tl.box([-1.0], [1.0]))
def curved(x):
    return torch.tanh(x) <= 1.0

@tl.claim(x=tl.box([-1.0], [1.0]))
def false(x):
    return x <= 0.5
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "model.py"
    file.write_text(CLAIMS, encoding="utf-8")
    return file


def claims_of(result: Result) -> dict[str, Any]:
    (file,) = json.loads(result.stdout)["files"]
    return {claim["name"]: claim for claim in file["claims"]} | {"diagnostics": file["diagnostics"]}


def answered(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[str]:
    """Let every question to the kernel be answered so; the questions."""
    asked: list[str] = []

    def ask(self: Kernel, source: str) -> Any:
        asked.append(source)
        return answer

    monkeypatch.setattr(Kernel, "ask", ask)
    return asked


def test_what_the_kernel_accepts_has_its_evidence(model, monkeypatch) -> None:
    (source,) = [answered(monkeypatch, Accepted(3.14))]
    claims = claims_of(run("check", model, "--json"))
    assert (claims["small"]["verdict"], claims["small"]["evidence"]) == ("proved", "kernel")
    assert len(source) == 1, "claims that are not proved, or not checkable, are not asked about"


def test_the_evidence_of_other_claims_stays(model, monkeypatch) -> None:
    answered(monkeypatch, Accepted(3.14))
    claims = claims_of(run("check", model, "--json"))
    assert claims["curved"]["evidence"] == "engine"
    assert claims["false"]["evidence"] == "counterexample"


def test_the_op_that_stops_lean_is_named_with_its_line(model, monkeypatch) -> None:
    answered(monkeypatch, Accepted(3.14))
    assert "not checked by Lean: `tanh` on line 11 is outside the Lean checker" in run("check", model).output


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Rejected(1.0, (Message("error", 3, 1, "it is false"),)), "TL402", "rejected by Lean"),
        (TimedOut(120.0), "TL401", "stopped after 120 s"),
        (OutOfMemory(9.0, "2 GB"), "TL401", "out of memory"),
    ],
)
def test_no_other_answer_is_evidence_and_none_is_hidden(answer, code, words, model, monkeypatch) -> None:
    answered(monkeypatch, answer)
    claims = claims_of(run("check", model, "--json"))
    assert (claims["small"]["verdict"], claims["small"]["evidence"]) == ("proved", "engine")
    (found,) = [found for found in claims["diagnostics"] if found["code"] == code]
    assert words in found["message"] and found["message"].startswith("small: proved by bounds, but")


def test_without_a_lean_the_reason_is_said(model, monkeypatch) -> None:
    answered(monkeypatch, Unavailable("TL400", "there is no Lean: run `torchlean lean setup`"))
    result = run("check", model)
    assert "(engine," in result.output and "not checked by Lean: there is no Lean" in result.output


def test_nobody_is_asked_with_no_lean(model, monkeypatch) -> None:
    asked = answered(monkeypatch, Accepted(3.14))
    result = run("check", model, "--no-lean")
    assert not asked and "Lean" not in result.output


def test_certificates_of_proved_claims_are_written_in_both_forms(model, tmp_path) -> None:
    folder = tmp_path / "new" / "certificates"
    run("check", model, "--no-lean", "--certificate", folder)
    assert sorted(file.name for file in folder.iterdir()) == ["model.small.json", "model.small.lean"]
    document = read((folder / "model.small.json").read_text(encoding="utf-8"))
    assert document.lean == (folder / "model.small.lean").read_text(encoding="utf-8")
    assert document.file == digest(CLAIMS)


def test_what_lean_is_asked_is_what_is_written(model, tmp_path, monkeypatch) -> None:
    asked = answered(monkeypatch, Accepted(3.14))
    run("check", model, "--certificate", tmp_path)
    assert asked == [(tmp_path / "model.small.lean").read_text(encoding="utf-8")]


def test_an_edit_of_the_model_changes_the_question(model, tmp_path, monkeypatch) -> None:
    asked = answered(monkeypatch, Accepted(3.14))
    run("check", model)
    model.write_text(CLAIMS.replace("x * 0.5", "x * 0.625"), encoding="utf-8")
    run("check", model)
    model.write_text("# a remark\n" + CLAIMS, encoding="utf-8")
    run("check", model)
    assert asked[0] != asked[1] and asked[0] == asked[2]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that cannot be written")
def test_a_folder_that_cannot_be_written_is_an_error(model, tmp_path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    result = run("check", model, "--no-lean", "--certificate", folder)
    assert result.exit_code != 0 and "cannot be written" in result.output


def test_a_file_in_the_folders_place_is_wrong_usage(model) -> None:
    assert run("check", model, "--certificate", model).exit_code == 2

"""What people read about rounding errors: hovers, the table and the JSON of `torchlean bounds`, verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from torchlean.analysis import Session, analyse
from torchlean.analysis.result import FileAnalysis, TensorFact
from torchlean.analysis.wire import decode, encode
from torchlean.cli import main
from torchlean_server import render

PROGRAM = """
import torch
import torchlean as tl

@tl.claim(x=tl.box([0.0, 0.0], [1.0, 1.0]))
def claimed(x):
    y = torch.tanh(x)
    big = y + 1000.0
    back = big - 1000.0
    power = torch.exp(x * 100.0)
    return back <= LIMIT
"""


def program(limit: float) -> str:
    return PROGRAM.replace("LIMIT", str(limit))


def analysed(text: str) -> FileAnalysis:
    return analyse("/nowhere/model.py", text, Session())


def fact(result: FileAnalysis, label: str) -> TensorFact:
    (unit,) = [unit for unit in result.units if unit.kind == "claim"]
    places = [place for place in unit.places if place.label == label and place.role == "assignment"]
    return unit.facts[places[0].facts[0]]


def rows(shown: TensorFact) -> dict[str, str]:
    return dict(render.fact_rows(shown))


def test_a_hover_says_how_far_an_execution_may_be_off_and_which_line_is_to_blame() -> None:
    result = analysed(program(2.0))
    back = fact(result, "back")
    assert back.rounding is not None and back.rounding.blame is not None
    text = rows(back)["rounding"]
    assert text.startswith("off by at most 0.0000")
    assert "ulp)" in text and text.endswith("all from line 8")
    assert back.rounding.blame.line == 7
    assert "float32 rounding comes on top" in render.method_text(back)


def test_the_executed_interval_is_shown_where_it_reaches_visibly_further() -> None:
    back = fact(analysed(program(2.0)), "back")
    assert back.rounding is not None and back.lower is not None and back.upper is not None
    assert back.rounding.lower < back.lower and back.rounding.upper > back.upper
    assert rows(back)["float32"] != rows(back)["interval"]
    x = torch.linspace(0, 1, 1001)
    run = torch.tanh(x) + 1000.0 - 1000.0
    assert float(run.max()) > float(torch.tanh(x.double()).max()) + 1e-6, (
        "the execution leaves the exact interval"
    )
    assert back.rounding.lower <= float(run.min()) and float(run.max()) <= back.rounding.upper


def test_a_hover_says_why_there_is_no_bound() -> None:
    power = fact(analysed(program(2.0)), "power")
    assert rows(power)["rounding"] == "no bound: `exp` may overflow to infinity"
    assert "float32 rounding not included" in render.method_text(power)


def test_exact_tensors_have_no_row_about_rounding() -> None:
    result = analysed("import torch\nimport torchlean as tl\n\n@tl.claim(x=tl.box([-1.0], [1.0]))\n"
                      "def claimed(x):\n    y = torch.relu(x)\n    return y <= 1.0\n")  # fmt: skip
    y = fact(result, "y")
    assert y.rounding is not None and y.rounding.error == 0.0
    assert "rounding" not in rows(y) and "rounding" not in render.method_text(y)


def test_rounding_crosses_process_borders() -> None:
    result = analysed(program(2.0))
    assert decode(json.loads(json.dumps(encode(result)))) == result


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        (0.8, "with at most 0.0000599 taken off for rounding"),
        (
            float(torch.tanh(torch.tensor(1.0).double())) + 1e-4,
            "with at most 0.0000599 taken off for rounding",
        ),
    ],
)
def test_a_proved_claim_says_what_rounding_took_off_its_margin(limit: float, says: str) -> None:
    (unit,) = [unit for unit in analysed(program(limit)).units if unit.kind == "claim"]
    assert unit.claim is not None and unit.claim.verdict.value == "proved"
    assert says in unit.claim.detail


def test_a_claim_whose_executions_may_overflow_is_proved_of_exact_numbers_only() -> None:
    text = program(2.0).replace("return back <= 2.0", "return torch.exp(x * 90.0) >= -1.0")
    (unit,) = [unit for unit in analysed(text).units if unit.kind == "claim"]
    assert unit.claim is not None and unit.claim.verdict.value == "unknown"
    assert "how much rounding takes off is not known (`exp` may overflow to infinity)" in unit.claim.detail


# The command line


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(main, ["bounds", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "model.py"
    file.write_text(program(2.0))
    return file


def nodes(model: Path, *options: str) -> dict[str, dict[str, Any]]:
    """By op; `add` and `sub` occur once, each."""
    return {node["op"]: node for node in json.loads(run(model, "--json", *options).stdout)["nodes"]}


def test_the_table_has_a_column_for_the_error(model: Path) -> None:
    output = run(model).stdout
    assert "error" in output.splitlines()[2] and "∞" in output
    assert "no error bound: `exp` may overflow to infinity" in output


def test_errors_ranks_the_lines_that_the_results_error_comes_from(model: Path) -> None:
    output = run(model, "--errors").stdout
    listed = output.split("the rounding error of the result comes from:\n")[1].splitlines()
    assert listed[0].endswith("8: big = y + 1000.0")
    lines = json.loads(run(model, "--json", "--errors").stdout)["lines"]
    assert lines[0]["line"] == 7 and 0.99 < lines[0]["share"] <= 1.0


def test_json_has_errors_and_null_where_there_is_none(model: Path) -> None:
    found = nodes(model, "--elements")
    assert found["input"]["error"] == 0.0 and found["exp"]["error"] is None
    assert 3e-5 < found["add"]["error"] < 1e-4
    assert max(found["add"]["elements"]["error"]) == found["add"]["error"]
    assert found["input"]["elements"]["error"] == [0.0, 0.0]


@pytest.mark.parametrize("option", [["--autocast", "bfloat16"], ["--autocast", "float16"]])
def test_other_arithmetic_has_other_errors(model: Path, option: list[str]) -> None:
    assert nodes(model, *option)["tanh"]["error"] > 100 * nodes(model)["tanh"]["error"]


def test_settings_of_the_machine_are_options(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 2)
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    file = tmp_path / "model.py"
    file.write_text(
        "import torch\nfrom torch import nn\nimport torchlean as tl\n\n"
        "layer = tl.load(nn.Linear(4, 2), 'layer.pt')\n\n"
        "@tl.claim(x=tl.box([0.0] * 4, [1.0] * 4))\ndef claimed(x):\n    return (layer(x) * 1e-30) * 1e-12 <= 1.0\n"
    )
    plain, tf32, flushed = (nodes(file, *option) for option in ([], ["--tf32"], ["--flush-to-zero"]))
    assert tf32["linear"]["error"] > 100 * plain["linear"]["error"]
    assert flushed["mul"]["error"] > 1e5 * plain["mul"]["error"]


def test_errors_of_compiled_kernels_are_an_option(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text(
        "import torch\nimport torchlean as tl\n\n"
        "@tl.claim(x=tl.box([1e-6], [2e-6]))\ndef claimed(x):\n    return torch.erf(x) <= 1.0\n"
    )
    plain, compiled = (nodes(file, *option)["erf"]["error"] for option in ([], ["--compiled"]))
    assert plain < 1e-12 and 5e-7 < compiled < 2e-6

"""The command line as scripts use it: exit codes, JSON documents, messages."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from torchlean.cli import main
from torchlean.fixes.source_file import SourceFile

EXAMPLES = Path(__file__).parents[2] / "examples"
PENDULUM = EXAMPLES / "pendulum" / "controller.py"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def json_of(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    return json.loads(result.stdout)


def write(folder: Path, text: str) -> Path:
    file = folder / "model.py"
    file.write_text(text, encoding="utf-8")
    return file


TRUE_CLAIM = """
import torch
import torchlean as tl

@tl.claim(x=tl.box([-1.0], [1.0]))
def bounded(x):
    return torch.tanh(x) <= 1.0
"""


def test_all_claims_proved_is_exit_code_0(tmp_path: Path) -> None:
    result = run("check", write(tmp_path, TRUE_CLAIM))
    assert result.exit_code == 0, result.output
    assert "proved" in result.output and "engine" in result.output


ESCAPES = r'''"""An \invalid escape."""
import torch
import torchlean as tl

class Scale:
    "Another \invalid one."
    def __init__(self, factor):
        self.factor = factor if factor is not "one" else 1.0

    def of(self, x):
        return x * self.factor

words = Scale.of.__code__.co_varnames

@tl.claim(x=tl.box([-1.0], [1.0]))
def bounded(x):
    return torch.log(torch.softmax(Scale(len(words)).of(x), -1)) <= 1.0
'''


def test_what_python_warns_of_while_it_reads_a_file_is_left_to_linters(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = run("check", "--no-lean", write(tmp_path, ESCAPES))
        SourceFile("model.py", ESCAPES)
    assert result.exit_code == 0, result.output
    assert [
        str(each.message) for each in said if issubclass(each.category, (SyntaxWarning, DeprecationWarning))
    ] == []


def test_a_refuted_claim_is_exit_code_1(tmp_path: Path) -> None:
    file = write(tmp_path, TRUE_CLAIM.replace("<= 1.0", "<= 0.5"))
    result = run("check", file)
    assert result.exit_code == 1
    assert "refuted" in result.output


def test_an_undecided_claim_is_exit_code_1(tmp_path: Path) -> None:
    """A square is never negative, but a product of two factors may be: that both are the same is not known here."""
    many = TRUE_CLAIM.replace("tl.box([-1.0], [1.0])", "tl.box(-1.0, 1.3, shape=(20,))")
    text = many.replace("torch.tanh(x) <= 1.0", "(x * x.clone()).sum() >= -0.1")
    result = run("check", write(tmp_path, text))
    assert result.exit_code == 1
    assert "unknown" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "no/such/file.py"],
        ["bounds"],
        ["explain", "TL999"],
        ["check", "--timeout", "-1", "."],
        ["x"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_check_prints_one_json_object_with_every_claim() -> None:
    document = json_of("check", PENDULUM, "--no-lean")
    (file,) = document["files"]
    assert file["path"] == str(PENDULUM)
    verdicts = {claim["name"]: (claim["verdict"], claim["evidence"]) for claim in file["claims"]}
    assert verdicts["stays_in_actuator_range"] == ("proved", "engine")
    assert verdicts["too_tight"] == ("refuted", "counterexample")
    assert verdicts["just_too_tight_for_intervals"] == ("proved", "engine")
    claim = next(claim for claim in file["claims"] if claim["name"] == "too_tight")
    lines = PENDULUM.read_text(encoding="utf-8").splitlines()
    start, end = claim["range"]["start"], claim["range"]["end"]
    assert lines[start["line"]][start["character"] : end["character"]] == "too_tight"
    assert len(claim["counterexample"]["x"]) == 2


def test_a_diagnostic_in_json_has_code_severity_and_range(tmp_path: Path) -> None:
    text = "import torch\nx = '😀', torch.zeros(2, 3) @ torch.zeros(2, 3)\n"
    (file,) = json_of("check", write(tmp_path, text))["files"]
    (found,) = file["diagnostics"]
    assert (found["code"], found["severity"]) == ("TL101", "error")
    # The emoji takes two UTF-16 units.
    assert found["range"]["start"] == {"line": 1, "character": 10}
    assert "(2, 3)" in found["message"]


def test_a_folder_is_searched_for_python_files_but_not_in_virtual_environments(tmp_path: Path) -> None:
    write(tmp_path, TRUE_CLAIM)
    environment = tmp_path / "env"
    environment.mkdir()
    (environment / "pyvenv.cfg").write_text("", encoding="utf-8")
    write(environment, TRUE_CLAIM.replace("<= 1.0", "<= 0.5"))
    assert [Path(file["path"]).parent for file in json_of("check", tmp_path)["files"]] == [tmp_path]


def test_a_file_that_is_not_text_is_an_error_and_the_others_are_still_checked(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_bytes(b"\xff\xfe\x00x")
    write(tmp_path, TRUE_CLAIM)
    result = run("check", tmp_path, "--json")
    assert result.exit_code == 1
    broken, good = json.loads(result.stdout)["files"]
    assert "not UTF-8" in broken["diagnostics"][0]["message"]
    assert good["claims"][0]["verdict"] == "proved"


def test_a_timeout_is_said_and_is_exit_code_1(tmp_path: Path) -> None:
    result = run("check", write(tmp_path, TRUE_CLAIM), "--timeout", "0.000001")
    assert result.exit_code == 1
    assert "did not finish" in result.output


def test_bounds_prints_a_row_for_every_node_of_the_claim() -> None:
    nodes = json_of("bounds", PENDULUM, "--claim", "stays_in_actuator_range")["nodes"]
    assert [node["id"] for node in nodes] == list(range(len(nodes)))
    linear = [node for node in nodes if node["op"] == "linear"]
    assert [node["shape"] for node in linear] == [[32], [32], [1]]
    lines = PENDULUM.read_text(encoding="utf-8").splitlines()
    assert "self.fc1(x)" in lines[linear[0]["line"]]
    assert -2.5 <= linear[-1]["lower"] < linear[-1]["upper"] <= 2.5


CANCELLING = """
import torch
import torchlean as tl

@tl.claim(x=tl.box(-1.0, 1.0, shape=(3,)))
def cancels(x):
    h = 3 * x
    return h - 2 * x <= 2.0
"""


def of_op(nodes: list[dict[str, Any]], op: str) -> dict[str, Any]:
    (found,) = [node for node in nodes if node["op"] == op]
    return found


def test_bounds_names_the_method_of_each_bound_and_what_intervals_alone_give(tmp_path: Path) -> None:
    file = write(tmp_path, CANCELLING)
    difference = of_op(json_of("bounds", file)["nodes"], "sub")
    assert difference["method"] == "crown"
    assert -1.001 < difference["lower"] <= -1 and 1 <= difference["upper"] < 1.001
    assert difference["interval"] == {"lower": -5.0, "upper": 5.0}
    for node in json_of("bounds", file, "--method", "ibp")["nodes"]:
        assert node["method"] == "ibp"
        assert node["interval"] == {"lower": node["lower"], "upper": node["upper"]}


def test_the_table_shows_intervals_only_where_they_say_much_less(tmp_path: Path) -> None:
    file = write(tmp_path, CANCELLING)
    table = run("bounds", file).stdout.splitlines()
    (heading,) = [line for line in table if "method" in line]
    assert "intervals alone" in heading
    (difference,) = [line for line in table if " sub " in line]
    assert "crown" in difference and "[-5, 5]" in difference
    assert all(
        "[" not in line for line in table if "%" in line and " sub " not in line and " le " not in line
    )
    assert "intervals alone" not in run("bounds", file, "--method", "ibp").stdout


def test_the_table_says_where_an_interval_rule_stands_on_linear_bounds(tmp_path: Path) -> None:
    """Such a bound is not what `--method ibp` gives, though the last step was the same."""
    file = write(tmp_path, CANCELLING)

    def method(*more: str) -> str:
        (row,) = [line for line in run("bounds", file, *more).stdout.splitlines() if "│ le " in line]
        return row.split("│")[8].strip()

    assert method() == "ibp on linear" and method("--method", "ibp") == "ibp"


def test_optimised_slopes_are_never_looser_and_say_so() -> None:
    claim = ("bounds", PENDULUM, "--claim", "stays_in_actuator_range", "--method")
    crown, alpha = json_of(*claim, "crown")["nodes"], json_of(*claim, "alpha")["nodes"]
    for a, b in zip(alpha, crown, strict=True):
        assert b["lower"] <= a["lower"] <= a["upper"] <= b["upper"]
    (before,) = [node for node in crown if node["op"] == "linear" and node["shape"] == [1]]
    (after,) = [node for node in alpha if node["id"] == before["id"]]
    assert after["method"] == "alpha"
    assert after["upper"] - after["lower"] < before["upper"] - before["lower"]


def test_bounds_says_where_linear_bounds_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torchlean.claims.decide.CROWN_WORK", 1)
    result = run("bounds", write(tmp_path, CANCELLING))
    assert "intervals only" in result.stderr
    assert "crown" not in result.stdout


def test_elements_lists_every_bound() -> None:
    nodes = json_of("bounds", PENDULUM, "--elements")["nodes"]
    for node in nodes:
        lower = node["elements"]["lower"]
        assert len(lower) == len(node["elements"]["upper"])
        if node["lower"] is not None:
            assert min(lower) == node["lower"]


def test_bounds_names_what_there_is_when_asked_for_something_else() -> None:
    result = run("bounds", PENDULUM, "--claim", "nonsense")
    assert result.exit_code == 2
    assert "stays_in_actuator_range" in result.output


def test_an_unbounded_value_is_null_in_json(tmp_path: Path) -> None:
    nodes = json_of("bounds", write(tmp_path, "import torch\ny = torch.randn(3) + 1\n"))["nodes"]
    assert nodes[0]["lower"] is None and nodes[0]["upper"] is None


def test_a_file_without_anything_to_bound_says_so(tmp_path: Path) -> None:
    result = run("bounds", write(tmp_path, "print('hello')\n"))
    assert result.exit_code == 1
    assert "no claim, module or tensor computation" in result.output


def test_explain_prints_the_page_of_a_code() -> None:
    result = run("explain", "TL101")
    assert result.exit_code == 0
    assert "TL101" in result.output


def test_help_imports_no_torch() -> None:
    code = "import sys, torchlean.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

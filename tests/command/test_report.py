"""`torchlean report` and what `torchlean check` says of families."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import xml.dom.minidom
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from torchlean.cli import main

MODEL = """\
import torch
import torchlean as tl


def net(x):
    total = x.sum(-1)
    return torch.stack([total, 1.5 - total], -1)


safe = tl.robust(net, data="some.npz", eps=0.05)


@tl.claim(x=tl.box(0.0, 1.0, shape=(1, 3)))
def adds_up(x):
    return net(x).sum() <= 1.5 + 1e-3
"""

SUMS = (2.0, 1.0, 0.8, 0.3)
"""Class 0 is right where the sum is above 0.75, and a sum may change by 0.15."""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    x = np.array([[total / 3] * 3 for total in SUMS], dtype=np.float32)
    np.savez(tmp_path / "some.npz", x=x, y=np.zeros(len(SUMS), dtype=np.int64))
    path = tmp_path / "model.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


def test_check_counts_families_and_fails_where_a_sample_is_refuted(file: Path) -> None:
    result = run("check", file, "--no-lean")
    assert result.exit_code == 1
    assert "certified 2, refuted 2, unknown 0 of 4 (accuracy 3)" in result.output
    file.write_text(
        MODEL.replace("0.05", "0.0").replace("def net(x):", "def net(x):\n    x = x + 1"), encoding="utf-8"
    )
    assert run("check", file, "--no-lean").exit_code == 0


def test_json_lists_families_and_the_claim_of_each_sample(file: Path) -> None:
    (found,) = json.loads(run("check", file, "--no-lean", "--json").stdout)["files"]
    (family,) = found["families"]
    counts = {"proved": 2, "refuted": 2, "unknown": 0, "total": 4, "correct": 3}
    assert {"name": "safe", "kind": "robust", **counts}.items() <= family.items()
    claims = {claim["name"]: claim for claim in found["claims"]}
    assert list(claims) == ["adds_up", "safe[0]", "safe[1]", "safe[2]", "safe[3]"]
    assert claims["safe[0]"]["verdict"] == "proved" and claims["safe[0]"]["margin"] > 2.0
    (example,) = claims["safe[3]"]["counterexample"]["x"]
    assert sum(example) < 0.75
    assert claims["safe[3]"]["range"]["start"] == {
        "line": MODEL[: MODEL.index("safe =")].count("\n"),
        "character": 0,
    }


def test_the_report_is_one_page_that_loads_nothing(file: Path, tmp_path: Path) -> None:
    result = run("report", file, "--eps", "0", "--eps", "0.05", "--eps", "0.2")
    assert result.exit_code == 1 and result.output.strip().endswith("model.report.html")
    text = (tmp_path / "model.report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    # What the panel's program may do is tested with it (test_panel_bundle.py).
    text = re.sub(r"(<script[^>]*>).*?</script>", r"\1</script>", text, flags=re.S)
    assert not re.search(r"(src|href)=|https?://|url\(|@import", text)
    document = xml.dom.minidom.parseString(text.partition("\n")[2])
    cells = [
        [cell.firstChild.toxml() if cell.firstChild else "" for cell in row.getElementsByTagName("td")]
        for row in document.getElementsByTagName("tr")
    ]
    assert ["0", "3", "1", "0", "75 %"] in cells
    assert ["0.05", "2", "2", "0", "50 %"] in cells
    assert ["0.2", "1", "3", "0", "25 %"] in cells
    assert sum("safe[" in row[0] for row in cells if row) == len(SUMS)
    assert any("adds_up" in row[0] for row in cells if row)
    assert len(document.getElementsByTagName("svg")) == 1


def test_the_page_carries_the_graph_of_each_claim_and_module_by_both_methods(
    file: Path, tmp_path: Path
) -> None:
    file.write_text(MODEL + "\n# </script><b>\n", encoding="utf-8")
    run("report", file)
    text = (tmp_path / "model.report.html").read_text(encoding="utf-8")
    assert text.count("</script>") == 2 and "<b>" not in text
    embedded = re.search(r'id="torchlean-data">(.*?)</script>', text)
    assert embedded is not None
    data = json.loads(embedded[1])
    assert data["text"] == file.read_text(encoding="utf-8")
    assert set(data["graphs"]) == {"claim:adds_up", "family:safe"}
    for method, graph in data["graphs"]["claim:adds_up"].items():
        assert (graph["method"], graph["unit"]) == (method, "claim:adds_up")
        line = MODEL.splitlines().index("    total = x.sum(-1)")
        places = [node for node in graph["nodes"] if node["range"] is not None]
        (total,) = [node for node in places if node["range"]["start"]["line"] == line and node["op"] == "sum"]
        assert total["lower"] <= 0 <= 3 <= total["upper"] and 0 < total["error"] < 1e-6
        assert sum(total["elements"]["widths"]["counts"]) == 1


def test_the_policy_of_the_page_allows_its_own_program_by_its_digest(file: Path, tmp_path: Path) -> None:
    run("report", file)
    text = (tmp_path / "model.report.html").read_text(encoding="utf-8")
    program = re.search(r"<script>(.*)</script>", text, flags=re.S)
    assert program is not None
    digest = base64.b64encode(hashlib.sha256(program[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in text


def test_a_file_without_claims_has_a_page_that_says_so(file: Path, tmp_path: Path) -> None:
    file.write_text("x = '<script>'\n", encoding="utf-8")
    assert run("report", file, "-o", tmp_path / "page.html").exit_code == 0
    assert "states no claim" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_the_page_quotes_is_escaped(file: Path, tmp_path: Path) -> None:
    file.write_text(MODEL.replace('"some.npz"', '"<b>.npz"'), encoding="utf-8")
    run("report", file, "-o", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;.npz" in text and "<b>" not in text


@pytest.mark.parametrize("eps", ["-0.1", "nan", "inf"])
def test_a_radius_that_makes_no_sense_is_wrong_usage(file: Path, eps: str) -> None:
    assert run("report", file, "--eps", eps).exit_code == 2


def test_a_page_that_cannot_be_written_is_said_before_the_work(file: Path, tmp_path: Path) -> None:
    result = run("report", file, "-o", tmp_path / "none" / "page.html")
    assert result.exit_code == 2 and "cannot be written" in result.output

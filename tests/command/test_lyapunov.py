"""`torchlean lyapunov`: verdicts, the picture, the largest level, and what it refuses."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from torchlean.cli import main

MODEL = """import torch
import torchlean as tl


def V(x):
    return (x**2).sum()


def step(x):
    return 0.5 * x


stable = tl.lyapunov(V, step, region=tl.box([-1.0] * {n}, [1.0] * {n}), level={level}, decrease=0.05)
"""

SVG = "{http://www.w3.org/2000/svg}"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["lyapunov", *map(str, arguments)])


def model(folder: Path, n: int = 2, level: str = "(0.2, 0.6)") -> Path:
    path = folder / "model.py"
    path.write_text(MODEL.format(n=n, level=level), encoding="utf-8")
    return path


def test_it_tells_the_facts_and_draws_a_panel_for_each(tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    result = run(model(tmp_path), "--picture", out)
    assert result.exit_code == 0
    assert [line.partition(": proved")[0] for line in result.stdout.splitlines()[:3]] == [
        "stable.inside",
        "stable.decreases",
        "stable.inner",
    ]
    drawing = ElementTree.parse(out).getroot()
    panels = drawing.findall(f"{SVG}g")
    assert len(panels) == 3
    for panel in panels:
        boxes = [box for box in panel.findall(f"{SVG}rect") if box.get("fill")]
        area = sum(float(box.get("width", 0)) * float(box.get("height", 0)) for box in boxes)
        assert area == pytest.approx(320 * 320, rel=1e-3)  # the boxes are the region
        assert [path.get("class") for path in panel.findall(f"{SVG}path")] == ["level", "inner"]


def test_more_coordinates_are_drawn_in_slices(tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    assert run(model(tmp_path, n=3), "--picture", out).exit_code == 0
    labels = [text.text for text in ElementTree.parse(out).getroot().iter(f"{SVG}text")]
    assert [label for label in labels if label and label.startswith("x[")] == ["x[0]", "x[1]"] * 3 + [
        "x[1]",
        "x[2]",
    ] * 3


def test_one_coordinate_is_no_picture(tmp_path: Path) -> None:
    result = run(model(tmp_path, n=1), "--picture", tmp_path / "out.svg")
    assert result.exit_code == 1
    assert "one coordinate" in result.stderr


def test_the_largest_level_is_found_below_the_border_and_is_proved(tmp_path: Path) -> None:
    result = run(model(tmp_path), "--level")
    assert result.exit_code == 0
    written = result.stdout.rpartition("write level=")[2].strip()
    rho = float(written.strip("()").split(",")[1])
    assert 0.9 < rho <= 1.0  # V is 1 at the nearest points of the border
    assert run(model(tmp_path, level=written)).exit_code == 0


def test_a_level_that_cannot_be_proved_is_lowered(tmp_path: Path) -> None:
    path = model(tmp_path, level="(0.2, 0.8)")
    text = path.read_text(encoding="utf-8").replace("0.5 * x", "x * (0.4 + (x**2).sum())")
    path.write_text(text, encoding="utf-8")
    result = run(path, "--level", "--timeout", "3")
    assert result.exit_code == 1
    # V falls by 0.05 where 0.4 + V <= sqrt(1 - 0.05 / V), which is V <= 0.5533 above rho0.
    written = result.stdout.rpartition("write level=")[2].strip()
    assert 0.4 < float(written.strip("()").split(",")[1]) < 0.5534


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: text.replace("level=(0.2, 0.6)", "level=tuple([0.2, 0.6])"),
            "not written as two numbers",
        ),
        (lambda text: text.replace("0.5 * x", "2.0 * x"), "no level of `stable` was proved"),
        (lambda text: text.replace("stable = ", ""), "states no Lyapunov function"),
        (lambda text: text + text.replace("stable", "other"), "choose one by --name"),
        (lambda text: "def f(:\n", "TL100 invalid syntax"),
        (lambda text: text.replace("level=(0.2, 0.6)", "level=(0.6, 0.2)"), "TL304 level=(rho0, rho)"),
    ],
)
def test_what_cannot_be_studied_is_refused_with_the_reason(change, said: str, tmp_path: Path) -> None:
    path = model(tmp_path)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    result = run(path, "--level", "--timeout", "1")
    assert result.exit_code != 0
    assert said in result.stderr


def test_names_are_checked(tmp_path: Path) -> None:
    result = run(model(tmp_path), "--name", "unstable")
    assert result.exit_code == 1
    assert "no Lyapunov function `unstable`: it has stable" in result.stderr

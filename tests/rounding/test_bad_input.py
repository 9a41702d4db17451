"""Numbers that are none, tensors without elements, dtypes without a bound: what commands say, and do not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from torchlean.cli import main

UNIT = "x=tl.box(-1.0, 1.0, shape=(3,))"
PROGRAM = """import torch
import torch.nn.functional as F
import torchlean as tl


@tl.claim({domain})
def claimed(x):
    y = {value}
    return y < 9.0
"""
SAID = [
    (UNIT, "(x + float('inf')) - float('inf')", "inf is NaN"),
    (UNIT, "F.linear(x, torch.full((1, 3), float('nan')))", "holds NaN"),
    (UNIT, "x.to(torch.float8_e4m3fn).float()", "float8_e4m3fn numbers are not analysed"),
    (UNIT, "x[3:].mean()", "`mean` of no elements is 0/0 = NaN"),
    (UNIT, "torch.complex(x, x).abs()", "`torch.complex` is not followed"),
    (UNIT, "F.linear(x, torch.ones(2, 3, dtype=torch.float64))", "one dtype, got float32, float64"),
    ("x=tl.box(-1.0, 1.0, shape=(0,))", "F.linear(x, torch.zeros(2, 0))", "has no element"),
    ("x=tl.box(float('nan'), 1.0, shape=(3,))", "x * x", "the lower end is NaN"),
]


def said(folder: Path, domain: str, value: str, *command: str) -> str:
    file = folder / "model.py"
    file.write_text(PROGRAM.format(domain=domain, value=value))
    result = CliRunner().invoke(main, [command[0], str(file), *command[1:]])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return " ".join(result.output.split())


@pytest.mark.parametrize(("domain", "value", "text"), SAID)
def test_input_without_ordinary_numbers_is_named(domain: str, value: str, text: str, tmp_path: Path) -> None:
    assert text in said(tmp_path, domain, value, "check")


@pytest.mark.parametrize(("domain", "value"), [case[:2] for case in SAID])
def test_bounds_state_no_error_of_what_has_none(domain: str, value: str, tmp_path: Path) -> None:
    output = said(tmp_path, domain, value, "bounds", "--errors")
    if "not captured wholly" in output:
        assert "rounding error of the result" not in output and "no rounding error" not in output
    elif "shape=(0,)" not in domain:
        assert "the rounding error of the result has no bound" in output

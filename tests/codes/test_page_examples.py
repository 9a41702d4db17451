"""The example on each page triggers its code, at the place and with the words that the page shows."""

import fnmatch
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from torchlean.analysis import Session, analyse
from torchlean.diagnostics import CODES
from torchlean.explain import explain

OF_THE_EDITOR = {"TL400", "TL401", "TL402", "TL403", "TL501", "TL502"}
"""Lean, settings and process limits are not reached by analysing a file; tests/server covers them."""

OF_RUNNING = {"TL114"}
"""Reached only where a program is run, which no analysis does; tests/conformance covers it."""


def block(page: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found is not None, f"the page has no {language} block"
    return found[1]


def prepare(folder: Path) -> None:
    """The files of weights and data that pages speak of."""
    save_file({"weight": torch.zeros(1, 4), "bias": torch.zeros(1)}, folder / "four_inputs.safetensors")
    diverged = torch.tensor([[0.5, torch.nan]])
    save_file({"weight": diverged, "bias": torch.zeros(1)}, folder / "diverged.safetensors")
    save_file({"weight": torch.tensor([[1.0], [-1.0]])}, folder / "sign.safetensors")
    thirds = torch.tensor([[1.0, 2.0]], dtype=torch.float64) / 3
    save_file({"weight": thirds, "bias": torch.zeros(1)}, folder / "double.safetensors")
    counted = {"num_batches_tracked": torch.tensor(9), "weight": torch.ones(2), "bias": torch.zeros(2)}
    seen = {"running_mean": torch.full((2,), 0.5), "running_var": torch.full((2,), 1 / 12)}
    statistics = {f"0.{name}": value for name, value in {**counted, **seen}.items()}
    save_file(statistics, folder / "normalised.safetensors")
    np.savez(folder / "signs.npz", x=np.float32([[-1.0], [-0.01], [0.5], [2.0]]), y=np.array([1, 1, 0, 1]))


@pytest.mark.parametrize("code", sorted(set(CODES) - OF_THE_EDITOR - OF_RUNNING))
def test_the_example_shows_what_the_page_says(code, tmp_path) -> None:
    prepare(tmp_path)
    page = explain(code)
    language, name = ("vnnlib", "a.vnnlib") if "```vnnlib" in page else ("python", "model.py")
    analysis = analyse(str(tmp_path / name), block(page, language), Session())
    shown = [
        f"{found.span.line + 1}:{found.span.column + 1} {found.severity.name.lower()} {found.code} "
        f"{found.message.replace(str(tmp_path), '/project')}"
        for found in analysis.diagnostics
    ]
    # The page wraps long messages and may shorten them with an ellipsis.
    expected = re.sub(r"\s+", " ", block(page, "text")).strip()
    pattern = "*".join(re.sub(r"([*?[])", r"[\1]", part) for part in expected.split("…"))
    matches = [line for line in shown if fnmatch.fnmatchcase(re.sub(r"\s+", " ", line), pattern)]
    assert matches, f"expected {expected!r}, got:\n" + "\n".join(shown)

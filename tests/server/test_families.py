"""Families of claims over LSP with the real analysis: counts in lens and hover, and a data file that changes."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from tests.server.editor import Editor, editing
from tests.server.environment import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = """\
import torch
import torchlean as tl


def net(x):
    total = x.sum(-1)
    return torch.stack([total, 1.5 - total], -1)


safe = tl.robust(net, data="some.npz", eps=0.05)
"""


def data(folder: pathlib.Path, *sums: float) -> None:
    """Samples of three equal numbers with these sums; class 0 is right where the sum is above 0.75."""
    x = np.array([[total / 3] * 3 for total in sums], dtype=np.float32)
    np.savez(folder / "some.npz", x=x, y=np.zeros(len(sums), dtype=np.int64))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor() -> AsyncIterator[Editor]:
    async with editing("neovim@0.11.0") as editor:
        yield editor


async def test_lens_hover_and_diagnostic_count_the_samples(editor: Editor, tmp_path: pathlib.Path) -> None:
    data(tmp_path, 2.0, 1.0, 0.8, 0.3)
    uri = editor.open(tmp_path / "model.py", MODEL)
    await editor.checked(uri)
    counts = "certified 2, refuted 2, unknown 0 of 4 (accuracy 3)"
    assert counts in await editor.titles(uri)
    (problem,) = await editor.problems(uri)
    assert (problem.code, problem.message) == ("TL310", f"safe: {counts}")
    assert problem.range.start == editor.position(uri, MODEL.index("safe ="))
    text = await editor.hover_text(uri, "safe =")
    assert counts in text and "A tie counts as a failure" in text


async def test_each_sample_is_listed_as_a_claim_of_its_family(editor: Editor, tmp_path: pathlib.Path) -> None:
    data(tmp_path, 2.0, 1.0, 0.8, 0.3)
    uri = editor.open(tmp_path / "model.py", MODEL)
    await editor.checked(uri)
    answer = await editor.request("torchlean/claims", uri)
    listed = answer["claims"]
    assert [claim["name"] for claim in listed] == [f"safe[{index}]" for index in range(4)]
    assert [claim["verdict"] for claim in listed] == ["proved", "proved", "refuted", "refuted"]
    assert [claim["evidence"] for claim in listed] == ["engine", "engine", "counterexample", "counterexample"]
    assert {(claim["kind"], claim["family"], claim["freshness"]) for claim in listed} == {
        ("claim", "safe", "current")
    }
    assert listed[0]["range"]["start"]["line"] == MODEL[: MODEL.index("safe =")].count("\n")


async def test_a_changed_data_file_is_counted_anew(editor: Editor, tmp_path: pathlib.Path) -> None:
    data(tmp_path, 2.0, 1.0)
    uri = editor.open(tmp_path / "model.py", MODEL)
    await editor.checked(uri)
    assert "certified 2, refuted 0, unknown 0 of 2 (accuracy 2)" in await editor.titles(uri)
    data(tmp_path, 2.0, 1.0, 0.1)

    async def counted() -> bool:
        return "certified 2, refuted 1, unknown 0 of 3 (accuracy 2)" in await editor.titles(uri)

    await until(counted)


async def test_wrong_data_is_an_error_at_its_path(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = editor.open(tmp_path / "model.py", MODEL)
    await editor.checked(uri)
    (problem,) = await editor.problems(uri)
    assert problem.code == "TL304" and "does not exist" in problem.message
    assert problem.range.start == editor.position(uri, MODEL.index('"some.npz"'))
    assert await editor.titles(uri) == []

"""Numeric hazards while a person edits a training script, over the real language server."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsprotocol import types
from tests.server.editor import Editor, editing

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT = """\
import torch
import torch.nn.functional as F
from torch import nn

net = nn.Linear(4, 3)  # 值 😀
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(100):
    p = torch.softmax(net(torch.rand(8, 4)), dim=1)
    loss = -torch.log(p)[:, 0].mean()
    loss.backward()
    optimizer.step()
noise = torch.log(torch.rand(10))
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor() -> AsyncIterator[Editor]:
    async with editing("neovim@0.11.0") as editor:
        yield editor


def hazards(problems: list[types.Diagnostic]) -> list[types.Diagnostic]:
    return [problem for problem in problems if str(problem.code).startswith("TL2")]


async def test_a_hazard_is_drawn_under_its_expression_and_goes_when_it_is_repaired(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = editor.open(tmp_path / "train.py", SCRIPT)
    await editor.checked(uri)
    loss, noise = hazards(await editor.problems(uri))
    start = SCRIPT.index("torch.log(p)")
    assert loss.code == "TL211"
    assert loss.severity == types.DiagnosticSeverity.Hint
    assert loss.range == types.Range(
        editor.position(uri, start), editor.position(uri, start + len("torch.log(p)"))
    )
    assert (noise.code, noise.severity) == ("TL205", types.DiagnosticSeverity.Error)
    assert "Executed in float32: with rand = [0, " in noise.message

    editor.edit(uri, "torch.softmax(net", "F.log_softmax(net")
    editor.edit(uri, "-torch.log(p)[:", "-p[:")
    await editor.checked(uri)
    (left,) = hazards(await editor.problems(uri))
    assert left.code == "TL205"

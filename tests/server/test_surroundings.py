"""What the server says when the machine around it is not as it should be."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest
from tests.server.editor import Editor, editing
from tests.server.environment import ENVIRONMENT, until

MODEL = """\
import torch
import torchlean as tl
from scale import factor


@tl.claim(x=tl.box([-1.0], [1.0]))
def small(x):
    return x * factor <= 5.0
"""


async def verdict(editor: Editor, uri: str) -> str | None:
    claims = (await editor.request("torchlean/claims", uri))["claims"]
    current = [claim["verdict"] for claim in claims if claim["freshness"] == "current"]
    return current[0] if current else None


async def test_a_python_without_torch_is_said_to_be_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "torch").mkdir()
    # As Python says it where nothing of that name is installed.
    missing = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
    (tmp_path / "torch" / "__init__.py").write_text(missing, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]])
    async with editing("modern", environment={**ENVIRONMENT, "PYTHONPATH": path}) as editor:
        uri = editor.open(tmp_path / "m.py", MODEL)
        await until(lambda: editor.stages(uri) == ["stopped"])
        (problem,) = await editor.problems(uri)
        assert problem.code == "TL502"
        assert f"has no module `torch`, which `{sys.executable} -m pip install torch`" in problem.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
async def test_a_module_whose_text_would_never_come_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "scale.py")
    async with editing("modern", root=tmp_path) as editor:
        uri = editor.open(tmp_path / "m.py", MODEL)
        await editor.checked(uri)
        assert sorted(await editor.codes(uri)) == ["TL102", "TL303"]


async def test_two_windows_on_one_folder_each_see_what_the_other_saves(tmp_path: pathlib.Path) -> None:
    (tmp_path / "scale.py").write_text("factor = 2.0\n", encoding="utf-8")
    async with editing("modern", root=tmp_path) as first, editing("modern", root=tmp_path) as second:
        uris = [editor.open(tmp_path / "m.py", MODEL) for editor in (first, second)]
        for editor, uri in zip((first, second), uris, strict=True):
            await editor.checked(uri)
            assert await verdict(editor, uri) == "proved"
        # What one has not saved is its own affair.
        first.open(tmp_path / "scale.py", "factor = 10.0\n")
        await until(lambda: refuted(first, uris[0]))
        assert await verdict(second, uris[1]) == "proved"
        (tmp_path / "scale.py").write_text("factor = 10.0\n", encoding="utf-8")
        await until(lambda: refuted(second, uris[1]))


async def refuted(editor: Editor, uri: str) -> bool:
    return await verdict(editor, uri) == "refuted"

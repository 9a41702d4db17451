"""Whatever is typed, the server stays alive: prefixes and deletions of the examples, through the real analysis."""

from __future__ import annotations

import pathlib
import random
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.server.editor import Editor, editing

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
FILES = ["pendulum/controller.py", "untrained.py", "shape_error.py", "digits/conv.py"]
CASES = 40
"""Texts per file: each is sent as a whole, as fast as the server answers."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor() -> AsyncIterator[Editor]:
    async with editing("neovim@0.7.0") as editor:
        yield editor


def mutilated(text: str, count: int, seed: int) -> list[str]:
    """Prefixes and single-character deletions, drawn at random."""
    draw = random.Random(seed)
    places = [draw.randrange(len(text)) for _ in range(count)]
    return [
        text[:place] if index % 2 else text[:place] + text[place + 1 :] for index, place in enumerate(places)
    ]


@pytest.mark.parametrize("name", FILES)
async def test_the_server_survives_prefixes_and_deletions(
    editor: Editor, tmp_path: pathlib.Path, name: str
) -> None:
    folder = tmp_path / "work"
    shutil.copytree((EXAMPLES / name).parent, folder)
    path = folder / pathlib.Path(name).name
    text = path.read_text(encoding="utf-8")
    uri = editor.open(path, text)
    await editor.checked(uri)
    good = await editor.titles(uri)
    for broken in mutilated(text, CASES, seed=len(text)):
        editor.replace(uri, broken)
        await editor.checked(uri)
    editor.replace(uri, text)
    await editor.checked(uri)
    assert good and await editor.titles(uri) == good
    assert "TL502" not in await editor.codes(uri)
    statistics = await editor.statistics()
    assert all(worker["starts"] <= 1 for worker in statistics["workers"]), "no worker had to be started again"

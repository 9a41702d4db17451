"""Exported programs in the editor: offered where they help, made in the background where that is allowed, and shown."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import sys

import pytest
from tests.server.editor import editing
from tests.server.environment import ENVIRONMENT, until

from torchlean.analysis.result import FileAnalysis, UnitResult
from torchlean.diagnostics import diagnostic
from torchlean.source import Span
from torchlean_server.documents import Documents
from torchlean_server.exporter import Exporter
from torchlean_server.features.exports import COMMAND, TITLE, offers
from torchlean_server.state import Document

PROGRAMS = pathlib.Path(__file__).parents[1] / "exported" / "programs"

TEXT = "import models\n\ndef claim(x):\n    return models.net(x) <= 1\n"


def document(tmp_path: pathlib.Path, **analysis: object) -> Document:
    path = str(tmp_path / "model.py")
    opened = Document("file:///model.py", path, 1, TEXT)
    opened.changed()
    opened.accept(FileAnalysis(path, **analysis), opened.anchor())  # type: ignore[arg-type]
    return opened


class Office:
    """What an exporter is asked for and says; its process appends what it is given to a file."""

    def __init__(self, folder: pathlib.Path, program: str = "") -> None:
        self.log = folder / "log"
        self.said: list[str | None] = []
        self.rechecked: list[Document] = []
        self.documents = Documents()
        write = f"import sys; open({str(self.log)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n'); {program}"
        self.exporter = Exporter(
            self.documents,
            lambda: ("/root",),
            lambda document, why: self.rechecked.append(document),
            self.said.append,
            [sys.executable, "-c", write],
        )

    def begun(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.mark.asyncio
async def test_nothing_is_run_that_the_client_has_not_allowed(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path)
    opened = document(tmp_path, wanted="a")
    office.exporter.follow(opened)
    await asyncio.sleep(0)
    assert not office.said


@pytest.mark.asyncio
async def test_each_export_is_tried_once_and_the_document_is_checked_again(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path)
    office.exporter.allowed = True
    opened = document(tmp_path, wanted="a")
    office.documents.open(opened)
    office.exporter.follow(opened)
    office.exporter.follow(opened)
    await until(lambda: office.rechecked == [opened])
    office.exporter.follow(opened)
    await asyncio.sleep(0.05)
    assert office.begun() == [f"{opened.path} /root"]
    assert office.said == [opened.path, None]


@pytest.mark.asyncio
async def test_an_export_for_an_older_text_is_not_begun(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path)
    office.exporter.allowed = True
    opened = document(tmp_path, wanted="a")
    opened.changed()
    office.exporter.follow(opened)
    await asyncio.sleep(0)
    assert not office.said


@pytest.mark.asyncio
async def test_stopping_ends_the_process(tmp_path: pathlib.Path) -> None:
    office = Office(tmp_path, "import time; time.sleep(600)")
    office.exporter.allowed = True
    opened = document(tmp_path, wanted="a")
    office.documents.open(opened)
    office.exporter.follow(opened)
    await until(lambda: office.begun())
    office.exporter.stop()
    await until(lambda: office.said == [opened.path, None])
    assert not office.rechecked


def test_an_export_is_offered_where_something_is_not_followed_and_nowhere_else(
    tmp_path: pathlib.Path,
) -> None:
    path = str(tmp_path / "model.py")
    name = Span(path, 2, 4, 2, 9)
    unit = UnitResult("claim", "claim", name, "", 0, (), (), (), failure="`models` is not followed")
    unknown = diagnostic("TL102", Span(path, 0, 7, 0, 13), "unknown from here: `models`")
    opened = document(tmp_path, units=(unit,), diagnostics=(unknown,), offer="torchlean.toml")
    for line, offered in enumerate([True, False, True, False]):
        offset = opened.text.offset(line, 0)
        found = offers(opened, offset, offset)
        assert [(offer.title, offer.command) for offer in found] == ([(TITLE, COMMAND)] if offered else [])
    assert not offers(document(tmp_path, units=(unit,), diagnostics=(unknown,)), 0, 0)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_model_that_is_not_followed_is_taken_from_its_export(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "work"
    shutil.copytree(PROGRAMS, folder)
    (folder / ".git").mkdir()
    environment = {**ENVIRONMENT, "TORCHLEAN_CACHE": str(tmp_path / "cache")}
    path = folder / "unfollowed.py"
    allowed = {"export.enabled": True}
    async with editing(
        "neovim@0.11.0", root=folder, options=allowed, configuration=allowed, environment=environment
    ) as editor:
        uri = editor.open(path, path.read_text())
        await editor.checked(uri)
        assert "cannot be analysed" in await editor.titles(uri)
        command, arguments = (await editor.offers(uri, "def is_not_negative"))[TITLE]
        answer = await editor.command(command, *arguments)
        assert answer["written"] == str(folder / "torchlean.toml")

        async def proved() -> bool:
            titles = await editor.titles(uri)
            return sum(title.startswith("proved (engine)") for title in titles) == 2

        await until(proved, patience=240)
        assert "the exported program" in await editor.hover_text(uri, "is_not_negative")
        assert "relu" in await editor.hover_text(uri, "helpers.activation")
        editor.edit(uri, "x) >= 0", "x) >= 1")
        await editor.checked(uri)
        assert "save the file" in await editor.hover_text(uri, "is_not_negative")


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize(
    "configuration", [None, {"export.enabled": False}], ids=["nothing is set", "not trusted"]
)
async def test_a_folder_that_asks_for_exports_has_nothing_run_before_its_client_allows_it(
    configuration: object, tmp_path: pathlib.Path
) -> None:
    """Neovim sets nothing unless its user does; VS Code sends false for a workspace that is not trusted."""
    folder = tmp_path / "work"
    shutil.copytree(PROGRAMS, folder)
    (folder / "torchlean.toml").write_text('capture = "export"\n')
    environment = {**ENVIRONMENT, "TORCHLEAN_CACHE": str(tmp_path / "cache")}
    path = folder / "unfollowed.py"
    async with editing(
        "neovim@0.11.0",
        root=folder,
        options=configuration,
        configuration=configuration,
        environment=environment,
    ) as editor:
        uri = editor.open(path, path.read_text())
        await editor.checked(uri)
        assert "cannot be analysed" in await editor.titles(uri)
        assert "an editor that may (`export.enabled`)" in await editor.hover_text(uri, "is_not_negative")
        assert await editor.command(COMMAND, uri) == {"written": None}
        assert "the workspace is not trusted with running its code" in editor.client.messages[-1].message
    assert not (tmp_path / "cache" / "exports").exists()

"""The committed picture shows what the server says now."""

import asyncio
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).resolve().parents[2] / "docs"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


drawing = loaded("drawing")
make_pictures = loaded("make_pictures")


def test_the_picture_of_a_hover_says_what_the_server_says() -> None:
    shown = drawing.text_of(make_pictures.PICTURE.read_text(encoding="utf-8"))
    now = make_pictures.drawn(asyncio.run(make_pictures.ask()))
    assert shown == [row.plain.rstrip() for row in now.rows], "run `make pictures` and look at docs/hover.svg"


def test_the_picture_shows_all_kinds_of_answers() -> None:
    shown = "\n".join(drawing.text_of(make_pictures.PICTURE.read_text(encoding="utf-8")))
    for words in (
        "∈ [",
        "proved (engine)",
        "refuted (counterexample)",
        "interval",
        "1,185 parameters",
        "TL301",
    ):
        assert words in shown


def test_the_picture_loads_nothing_from_elsewhere() -> None:
    svg = make_pictures.PICTURE.read_text(encoding="utf-8")
    assert svg.count("http") == 1 and 'xmlns="http://www.w3.org/2000/svg"' in svg

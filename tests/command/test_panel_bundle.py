"""The bounds panel that the package carries is the one whose sources stand in `vscode-extension/panel`."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from torchlean.command.embedding import BUNDLE

EXTENSION = Path(__file__).parents[2] / "vscode-extension"


@pytest.mark.skipif(not EXTENSION.is_dir(), reason="the sources of the panel are in the repository alone")
@pytest.mark.parametrize("name", ["panel.js", "panel.css"])
def test_the_bundle_is_made_from_the_sources_as_they_are(name: str) -> None:
    """By the digest that `vscode-extension/panel/build.mjs` writes: the bundler itself is not needed for that."""
    manifest = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    state = hashlib.sha256()
    for package in ("@dagrejs/dagre", "esbuild"):
        state.update(f"{package} {manifest['devDependencies'][package]}\n".encode())
    sources = [file for file in (EXTENSION / "panel").iterdir() if file.suffix in (".ts", ".css")]
    for file in sorted(sources):
        state.update(f"{file.name}\n".encode() + file.read_bytes())
    assert len(sources) > 5
    text = (BUNDLE / name).read_text(encoding="utf-8")
    made = re.search(r"\((\w{64})\)", text.partition("\n")[0])
    assert made is not None and made[1] == state.hexdigest(), "run `npm run build` in vscode-extension"


def test_the_bundle_loads_nothing_and_cannot_end_its_element() -> None:
    program = (BUNDLE / "panel.js").read_text(encoding="utf-8")
    assert "</script" not in program.lower() and "<!--" not in program
    # The namespace of SVG is a name, and nothing is fetched from it.
    assert set(re.findall(r"https?://[^\"'`\s]*", program)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|eval|importScripts)\b", program)
    style = (BUNDLE / "panel.css").read_text(encoding="utf-8")
    assert not re.search(r"@import|url\(|</style", style.lower())

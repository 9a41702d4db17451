"""Draws `docs/hover.svg`: what an editor shows of `examples/pendulum/controller.py`, as the language server says it.

The server is started as an editor starts it, and every interval, verdict and hover in the picture is its answer;
only the drawing (colours, gutter, frame) is made here. A test compares the committed picture's text with what the
server says now, so run this again (`make pictures`) after changing what it says.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient
from rich.console import Console
from rich.style import Style
from rich.syntax import Syntax
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parent))
from drawing import FAINT, FRAME, INK, RAISED, Drawing

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "pendulum" / "controller.py"
PICTURE = ROOT / "docs" / "hover.svg"

SHOWN = ("class Controller", "return self.fc3"), ("@tl.claim", "<= 2.5"), ("def too_tight", "<= 2.0")
"""First and last line of each excerpt, by the words in them."""

LEFT_OUT = ('"""',)
"""Lines with these words are left out of the excerpts: the picture is about the others."""

HOVERED = "self.fc2(x)"

WIDTH = 118
HOVER_WIDTH = 84
"""Columns of the picture, and those after which an editor's hover breaks lines."""

PATIENCE = 60.0
"""Seconds until a server that does not answer is given up."""

ACCENT = "#8bd5ca"
SEVERITIES = {
    types.DiagnosticSeverity.Error: "#ed8796",
    types.DiagnosticSeverity.Warning: "#eed49f",
    types.DiagnosticSeverity.Information: "#8aadf4",
    types.DiagnosticSeverity.Hint: "#a6da95",
}


@dataclass(frozen=True)
class Said:
    """The server's answers about the example."""

    hints: Sequence[types.InlayHint]
    lenses: Sequence[types.CodeLens]
    diagnostics: Sequence[types.Diagnostic]
    hover: types.Hover


async def ask(path: Path = EXAMPLE) -> Said:
    """Open a file in a server of its own and ask for everything that the picture shows."""
    text = path.read_text(encoding="utf-8")
    client = LanguageClient("pictures", "1")
    answered: asyncio.Future[Sequence[types.Diagnostic]] = asyncio.get_running_loop().create_future()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params: types.PublishDiagnosticsParams) -> None:
        if not answered.done():
            answered.set_result(params.diagnostics)

    with tempfile.TemporaryDirectory() as cache:
        # What was found out about the example before, such as its agreement with torch, differs between machines.
        environment = {**os.environ, "TORCHLEAN_CACHE": cache}
        await client.start_io(sys.executable, "-m", "torchlean_server", env=environment)
        try:
            # Whether Lean is set up, and how long it takes, differs between machines.
            options = {"lean": {"enabled": False}}
            await client.initialize_async(
                types.InitializeParams(types.ClientCapabilities(), initialization_options=options)
            )
            client.initialized(types.InitializedParams())
            document = types.TextDocumentIdentifier(path.as_uri())
            client.text_document_did_open(
                types.DidOpenTextDocumentParams(types.TextDocumentItem(document.uri, "python", 1, text))
            )
            diagnostics = await asyncio.wait_for(answered, PATIENCE)
            everything = types.Range(types.Position(0, 0), types.Position(len(text.splitlines()), 0))
            hints = await client.text_document_inlay_hint_async(types.InlayHintParams(document, everything))
            lenses = await client.text_document_code_lens_async(types.CodeLensParams(document))
            hover = await client.text_document_hover_async(types.HoverParams(document, place(text, HOVERED)))
            await client.shutdown_async(None)
        finally:
            client.exit(None)
            await client.stop()
    if hover is None:
        raise ValueError(f"the server says nothing about {HOVERED!r}")
    return Said(hints or [], lenses or [], diagnostics, hover)


def place(text: str, words: str) -> types.Position:
    """Where words stand in a text whose lines are plain ASCII up to there."""
    before = text[: text.index(words)]
    return types.Position(before.count("\n"), len(before.rpartition("\n")[2]))


def drawn(said: Said, path: Path = EXAMPLE) -> Drawing:
    """The picture."""
    lines = path.read_text(encoding="utf-8").splitlines()
    highlighter = Syntax("", "python", theme="one-dark")
    code = highlighter.highlight("\n".join(lines)).split("\n", allow_blank=True)
    drawing = Drawing()
    for number, excerpt in enumerate(_excerpts(lines)):
        if number:
            drawing.rows.append(_gutter("⋮"))
        for line in excerpt:
            drawing.rows += _lenses(said, line, len(lines[line]) - len(lines[line].lstrip()))
            _draw_code(drawing, said, line, code[line])
            if said.hover.range is not None and said.hover.range.start.line == line:
                _draw_hover(drawing, said.hover, said.hover.range.start.character)
    return drawing


def _excerpts(lines: list[str]) -> Iterator[list[int]]:
    for first, last in SHOWN:
        start = next(i for i, line in enumerate(lines) if first in line)
        end = next(i for i, line in enumerate(lines) if last in line and i >= start)
        yield [i for i in range(start, end + 1) if not any(words in lines[i] for words in LEFT_OUT)]


def _gutter(text: str = "") -> Text:
    return Text(f"{text:>3}  ", FAINT)


def _lenses(said: Said, line: int, indent: int) -> Iterator[Text]:
    for lens in said.lenses:
        if lens.range.start.line == line and lens.command is not None:
            yield _gutter() + Text(" " * indent + lens.command.title, FAINT)


def _draw_code(drawing: Drawing, said: Said, line: int, code: Text) -> None:
    """A line of code with its problems underlined, its hint, and the message of what is more than a hint."""
    row, margin, number = _gutter(str(line + 1)) + _on_no_ground(code), len(_gutter()), len(drawing.rows)
    hovered = said.hover.range
    if hovered is not None and hovered.start.line == line:
        start, end = hovered.start.character, hovered.end.character
        drawing.chips.append((number, margin + start, margin + end, FRAME))
    for hint in said.hints:
        if hint.position.line == line:
            row += Text("   ") + Text(str(hint.label), ACCENT)
            drawing.chips.append((number, len(row) - len(str(hint.label)) - 1, len(row) + 1, RAISED))
    for problem in said.diagnostics:
        if problem.range.start.line == line and problem.severity is not None:
            color = SEVERITIES[problem.severity]
            start, end = problem.range.start.character, problem.range.end.character
            drawing.waves.append((number, margin + start, margin + end, color))
            if problem.severity != types.DiagnosticSeverity.Hint:
                row += Text(f"   ● {problem.code} {problem.message}", color)
    drawing.rows.append(row)


def _on_no_ground(code: Text) -> Text:
    """Highlighted code without the ground that the highlighter's theme paints behind it."""
    plain = Text(code.plain.rstrip(), INK)
    for span in code.spans:
        style = span.style if isinstance(span.style, Style) else Style.parse(span.style)
        plain.stylize(Style(color=style.color, bold=style.bold), span.start, span.end)
    return plain


def _draw_hover(drawing: Drawing, hover: types.Hover, column: int) -> None:
    """The hover in a frame below its place."""
    if not isinstance(hover.contents, types.MarkupContent):
        raise TypeError(f"expected the hover as Markdown, got {hover.contents!r}")
    console = Console(width=HOVER_WIDTH)
    lines = [part for line in _markdown(hover.contents.value) for part in line.wrap(console, HOVER_WIDTH)]
    width = max(len(line) for line in lines)
    left = min(len(_gutter()) + column, WIDTH - width - 4)
    first = len(drawing.rows)
    for line in [Text(), *lines, Text()]:
        inside = Text(line.plain, INK)
        inside.spans += line.spans
        drawing.rows.append(Text(" " * (left + 2)) + inside)
    drawing.frames.append((first + 0.4, len(drawing.rows) - 0.4, left, left + width + 4))


def _markdown(source: str) -> Iterator[Text]:
    """The little Markdown that hovers use: bold, code and fenced blocks; empty lines are left out around blocks."""
    fenced = False
    for line in re.sub(r"\n*```(text)?\n*", "\n```\n", source).strip().splitlines():
        if line == "```":
            fenced = not fenced
            yield Text("")
        elif fenced:
            text = Text(line)
            text.highlight_regex(r"^[a-z]+", FAINT)
            text.highlight_regex(r"\[-?[\d.e∞]+, [^\]]+\]", ACCENT)
            yield text
        else:
            yield _inline(line.strip())


def _inline(line: str) -> Text:
    text = Text()
    for bold, code, plain in re.findall(r"\*\*(.+?)\*\*|`([^`]+)`|([^*`]+)", line):
        if bold:
            text.append(bold.replace("`", ""), "bold")
        else:
            text.append(code or plain, ACCENT if code else FAINT)
    return text


def main() -> None:
    drawing = drawn(asyncio.run(ask()))
    description = (
        "An editor with intervals at the ends of lines, a hover, verdicts over claims, and a refuted claim"
    )
    PICTURE.write_text(drawing.svg(WIDTH, "controller.py", description), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()

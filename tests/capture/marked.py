"""Programs with the expected diagnostics drawn under their lines.

    y = torch.relu(x) @ w
    #   ^^^^^^^^^^^^^^^^^ TL101

A marking line says that the last line of code above it has a diagnostic with this code at these columns. Columns count
code points. Marking lines stay in the program: they are comments.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from torchlean.capture import Capture, Workspace, capture_file

MARK = re.compile(r"^\s*#\s*(\^+) (TL\d{3})")

Place = tuple[str, int, int, int]
"""Code, zero-based line, first column, column after the last."""


def expected(text: str) -> set[Place]:
    """The diagnostics that are drawn in a program."""
    places: set[Place] = set()
    code_line = 0
    for number, line in enumerate(text.splitlines()):
        mark = MARK.match(line)
        if mark is None:
            code_line = number
        else:
            places.add((mark.group(2), code_line, mark.start(1), mark.end(1)))
    return places


def found(capture: Capture) -> set[Place]:
    """The diagnostics of a capture; one over several lines ends at the first line's end, as it is drawn."""
    return {
        (d.code, d.span.line, d.span.column, d.span.end_column)
        for d in capture.diagnostics
        if d.span.line == d.span.end_line
    }


def capture(text: str, folder: Path, **files: str) -> Capture:
    """Capture a program among other files of its folder, given by their paths without `.py`."""
    for name, content in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content))
    return capture_file(str(folder / "main.py"), textwrap.dedent(text), Workspace([folder]))


def check_marked(text: str, folder: Path, **files: str) -> Capture:
    """The program has exactly the diagnostics that are drawn in it."""
    result = capture(text, folder, **files)
    shown = "\n".join(f"{d.code} {d.span}: {d.message}" for d in result.diagnostics)
    assert found(result) == expected(textwrap.dedent(text)), f"diagnostics:\n{shown}"
    return result

"""The bounds panel on the report's page: the same program as in the editor, with the graphs of all units in the page.

The program (`bundle/`) is made from `vscode-extension/panel` and committed, so that no installation needs Node.js; a
test holds it to its sources. It loads nothing: the page's policy allows this one script, by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from torchlean.analysis import wording
from torchlean.analysis.panel import node_object, rows, spread_objects
from torchlean.analysis.session import Session
from torchlean.analysis.viewing import view_of
from torchlean.analysis.views import METHODS, Viewed, unit_id
from torchlean.capture import capture_file
from torchlean.capture.result import UnitKind
from torchlean.command.report import utf16_range

BUNDLE = Path(__file__).parent / "bundle"

LARGEST = 16_000_000
"""Characters of graphs in one page: browsers open it at once, and mail takes it."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """What the page carries: elements for its body, rules for its style sheet, its content security policy."""

    body: str
    style: str
    policy: str


def embedding(
    path: str, text: str, session: Session, cancelled: Callable[[], bool] = lambda: False
) -> Embedding | None:
    """The panel with the graphs of all claims and modules, by every method; None where there are none.

    Raises:
        Cancelled: by the caller.
    """
    capture = capture_file(path, text, session.workspace, cancelled)
    lines = text.splitlines()
    graphs: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    size = 0
    # Where a domain is stated, bounds say most.
    for unit in sorted(capture.units, key=lambda unit: not unit.domains):
        if unit.kind is UnitKind.SCRIPT or not unit.inputs:
            continue
        if size > LARGEST:
            left_out.append(unit.name)
            continue
        id = unit_id(unit.kind.value, unit.name)
        views = {method: view_of(capture, unit, method, {}, session, cancelled) for method in METHODS}
        graphs[id] = {method: _graph(id, method, view, path, lines) for method, view in views.items()}
        size += len(json.dumps(graphs[id]))
    return _embedded({"text": text, "graphs": graphs}, left_out) if graphs else None


def _graph(id: str, method: str, view: Viewed, path: str, lines: list[str]) -> dict[str, Any]:
    """The answer that a language server would give (docs/protocol.md, `torchlean/graph`)."""
    unit = view.unit
    assert unit is not None, "a unit of this capture, for its own domain"
    shown = rows(
        unit,
        lambda place: place.span if place.span.path == path else None,
        lambda span: (span.end_line - span.line, span.end_column - span.column),
    )
    nodes = [
        {
            **node_object(row, None if row.place is None else utf16_range(row.place, lines)),
            "elements": spread,
        }
        for row, spread in zip(shown, spread_objects(view), strict=True)
    ]
    return {
        "unit": id,
        "method": method,
        "domain": wording.domain_text(unit),
        "freshness": "current",
        "standing": False,
        "changed": False,
        "inputs": [],
        "note": view.note,
        "nodes": nodes,
    }


def _embedded(data: dict[str, Any], left_out: list[str]) -> Embedding:
    program = (BUNDLE / "panel.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    # Nothing in the data can end its element: HTML knows no escapes there, JSON does.
    content = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    missing = (
        f'<p class="faint">Left out, for their size: {escape(", ".join(left_out))}</p>' if left_out else ""
    )
    return Embedding(
        '<div id="torchlean-panel"></div>\n<div id="torchlean-source" aria-label="Source" role="region" '
        f'tabindex="0"></div>\n{missing}\n<script type="application/json" id="torchlean-data">{content}</script>\n'
        f"<script>{program}</script>",
        (BUNDLE / "panel.css").read_text(encoding="utf-8"),
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'",
    )

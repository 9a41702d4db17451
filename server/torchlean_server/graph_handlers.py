"""The requests of tables and diagrams of bounds: a unit's graph, for the file's domain or one that a person tries out.

What is shown anyway is answered at once. For histograms, another method or another domain a worker looks at the text
again: the newest such question about a document wins. docs/protocol.md describes the messages for clients.
"""

from __future__ import annotations

import math
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified, JsonRpcException, JsonRpcInvalidParams

from torchlean.analysis import wording
from torchlean.analysis.panel import Row, input_object, node_object, spread_objects
from torchlean.analysis.views import METHODS, Ends, View, Viewed, misfit
from torchlean_server.features import domain, graph
from torchlean_server.features.graph import Place
from torchlean_server.list_handlers import FRESHNESS, identifier, named_document
from torchlean_server.pool import AnalysisStopped
from torchlean_server.server import Server
from torchlean_server.state import Document, ShownUnit
from torchlean_server.viewer import Overtaken

GRAPH = "torchlean/graph"

SET_DOMAIN = "torchlean/setDomain"


def register(server: Server) -> None:
    """Tell the server which message leads where."""
    server.feature(GRAPH)(show_graph)
    server.feature(SET_DOMAIN)(set_domain)


async def show_graph(ls: Server, params: Any) -> dict[str, Any] | None:
    """`{textDocument: {uri}, unit, method, elements}`: the graph of a unit with its bounds; None where a newer question
    about the document, or an edit, came before the answer."""
    document = named_document(ls, GRAPH, params)
    method = getattr(params, "method", None)
    if method not in (None, *METHODS):
        raise JsonRpcInvalidParams(f"{GRAPH}: the method is one of {', '.join(METHODS)}, got {method!r}")
    shown = _unit(GRAPH, document, getattr(params, "unit", None))
    own = ls.configuration.settings.method
    answer = {"textDocument": identifier(document), "units": graph.choices(document), "method": method or own}
    if shown is None:
        return {**answer, **_NOTHING}
    chosen = document.domains.get(shown.id, {})
    if method is None and not chosen and getattr(params, "elements", None) is not True:
        return {**answer, **_as_shown(ls, document, shown)}
    seen = await _viewed(ls, document, View(shown.id, method or own, chosen))
    if seen is None:
        return None
    if seen.unit is None:
        # For example behind a syntax error: what is shown is older, and of the file's own domain.
        return {
            **answer,
            **_as_shown(ls, document, shown),
            "method": own,
            "standing": bool(chosen),
            "note": seen.refused,
        }
    spreads = spread_objects(seen)
    rows = graph.viewed_rows(document, seen.unit)
    return {
        **answer,
        "unit": shown.id,
        "domain": wording.domain_text(seen.unit),
        "freshness": "current",
        "standing": bool(chosen),
        "changed": bool(chosen),
        "inputs": [input_object(box) for box in seen.inputs],
        "note": seen.note,
        "nodes": [
            {**_node(ls, document, row), "elements": spread}
            for row, spread in zip(rows, spreads, strict=True)
        ],
    }


def set_domain(ls: Server, params: Any) -> dict[str, Any]:
    """`{textDocument: {uri, version}, unit, domain}`: boxes to try out, until others come or null takes them back."""
    document = named_document(ls, SET_DOMAIN, params)
    version = getattr(params.textDocument, "version", None)
    if version is not None and version != document.version:
        raise JsonRpcContentModified(
            f"{SET_DOMAIN}: the domain is for version {version!r} of a document that is at {document.version}"
        )
    shown = _unit(SET_DOMAIN, document, getattr(params, "unit", None))
    if shown is None:
        raise JsonRpcInvalidParams(f"{SET_DOMAIN}: nothing in this document has bounds")
    given = getattr(params, "domain", None)
    boxes = {} if given is None else _boxes(given, shown)
    ls.viewer.drop(document)
    if boxes:
        document.domains[shown.id] = boxes
    else:
        document.domains.pop(shown.id, None)
    return {"textDocument": identifier(document), "unit": shown.id, "changed": bool(boxes)}


_NOTHING: dict[str, Any] = {
    "unit": None,
    "domain": "",
    "freshness": "current",
    "standing": False,
    "changed": False,
    "inputs": [],
    "note": "",
    "nodes": [],
}
"""Of a document without bounds."""


def _as_shown(ls: Server, document: Document, shown: ShownUnit) -> dict[str, Any]:
    return {
        **_NOTHING,
        "unit": shown.id,
        "domain": wording.domain_text(shown.unit),
        "freshness": FRESHNESS[shown.layer.freshness],
        "nodes": [_node(ls, document, row) for row in graph.rows(document, shown)],
    }


async def _viewed(ls: Server, document: Document, view: View) -> Viewed | None:
    try:
        return await ls.viewer.view(document, view)
    except Overtaken:
        return None
    except AnalysisStopped as stop:
        raise JsonRpcException(
            f"{GRAPH}: there is no answer: {stop.reason}", types.LSPErrorCodes.RequestFailed.value
        ) from stop


def _unit(method: str, document: Document, name: object) -> ShownUnit | None:
    if name is not None and not isinstance(name, str):
        raise JsonRpcInvalidParams(f"{method}: a unit is named by a string, got {name!r}")
    try:
        return graph.find(document, name)
    except domain.UnknownUnit as error:
        raise JsonRpcInvalidParams(f"{method}: {error}") from error


def _boxes(given: object, shown: ShownUnit) -> dict[str, Ends]:
    """The boxes of `[{input, lower, upper}]`, if each is one of an input of the unit.

    Raises:
        JsonRpcInvalidParams: they are not.
    """
    inputs = {fact.label: fact.shape for fact in shown.unit.facts if fact.op == "input"}
    if not isinstance(given, list):
        raise JsonRpcInvalidParams(f"{SET_DOMAIN}: expected [{{input, lower, upper}}] or null, got {given!r}")
    boxes: dict[str, Ends] = {}
    for box in given:
        name = getattr(box, "input", None)
        if not isinstance(name, str) or name not in inputs:
            known = ", ".join(inputs) or "none"
            raise JsonRpcInvalidParams(f"{SET_DOMAIN}: {shown.id} has no input {name!r}; there are: {known}")
        if name in boxes:
            raise JsonRpcInvalidParams(f"{SET_DOMAIN}: there are two boxes for `{name}`")
        boxes[name] = _box(name, inputs[name], box)
    return boxes


def _box(name: str, shape: tuple[int, ...], box: object) -> Ends:
    ends = Ends(*(_numbers(name, which, getattr(box, which, None)) for which in ("lower", "upper")))
    wrong = misfit(name, shape, ends)
    if wrong is not None:
        raise JsonRpcInvalidParams(f"{SET_DOMAIN}: {wrong}")
    size = max(len(ends.lower), len(ends.upper))
    pairs = zip(*(end * size if len(end) == 1 else end for end in (ends.lower, ends.upper)), strict=True)
    for index, (lower, upper) in enumerate(pairs):
        if lower > upper:
            raise JsonRpcInvalidParams(
                f"{SET_DOMAIN}: `{name}` is empty: the lower end {lower!r} is above the upper end {upper!r} "
                f"at element {index}"
            )
    return ends


def _numbers(name: str, which: str, given: object) -> tuple[float, ...]:
    numbers: list[Any] = given if isinstance(given, list) else [given]
    for number in numbers:
        # JSON has integers of any size, and Python reads NaN and Infinity where JSON has none.
        numeric = isinstance(number, (int, float)) and not isinstance(number, bool)
        if not numeric or not _is_finite(number):
            raise JsonRpcInvalidParams(
                f"{SET_DOMAIN}: the {which} end of `{name}` consists of finite numbers, got {number!r}"
            )
    return tuple(float(number) for number in numbers)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _node(ls: Server, document: Document, row: Row[Place]) -> dict[str, Any]:
    return node_object(row, None if row.place is None else ls.converter.range(document.text, *row.place))

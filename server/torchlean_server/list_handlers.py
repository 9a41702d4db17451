"""The requests for what editors draw beside the text: lists of claims, tables and diagrams of bounds.

docs/protocol.md describes them for clients.
"""

from __future__ import annotations

import math
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from torchlean_server import render
from torchlean_server.features import claims, domain, graph
from torchlean_server.features.claims import Listed
from torchlean_server.features.graph import Row
from torchlean_server.server import Server
from torchlean_server.state import Document, Freshness

CLAIMS = "torchlean/claims"

GRAPH = "torchlean/graph"

_FRESHNESS = {Freshness.CURRENT: "current", Freshness.CHECKING: "checking", Freshness.STALE: "stale"}


def register(server: Server) -> None:
    """Tell the server which message leads where."""
    server.feature(CLAIMS)(list_claims)
    server.feature(GRAPH)(show_graph)


def list_claims(ls: Server, params: Any) -> dict[str, Any]:
    """`{textDocument: {uri}}`: the document's claims as they are shown now."""
    document = _document(ls, CLAIMS, params)
    return {
        "textDocument": _identifier(document),
        "claims": [_claim(ls, document, claim) for claim in claims.listed(document)],
    }


def show_graph(ls: Server, params: Any) -> dict[str, Any]:
    """`{textDocument: {uri}, unit: id or null}`: the graph of a unit with its bounds, as they are shown now."""
    document = _document(ls, GRAPH, params)
    name = getattr(params, "unit", None)
    if name is not None and not isinstance(name, str):
        raise JsonRpcInvalidParams(f"{GRAPH}: a unit is named by a string, got {name!r}")
    try:
        shown = graph.find(document, name)
    except domain.UnknownUnit as error:
        raise JsonRpcInvalidParams(f"{GRAPH}: {error}") from error
    answer = {"textDocument": _identifier(document), "units": graph.choices(document)}
    if shown is None:
        return {**answer, "unit": None, "domain": "", "freshness": "current", "nodes": []}
    return {
        **answer,
        "unit": shown.id,
        "domain": render.domain_text(shown.unit),
        "freshness": _FRESHNESS[shown.layer.freshness],
        "nodes": [_node(ls, document, row) for row in graph.rows(document, shown)],
    }


def _claim(ls: Server, document: Document, listed: Listed) -> dict[str, Any]:
    claim = listed.claim
    return {
        "name": listed.shown.unit.name,
        "kind": listed.shown.unit.kind,
        "range": ls.converter.range(document.text, listed.start, listed.end),
        "verdict": None if claim is None else claim.verdict.value,
        "evidence": listed.evidence,
        "freshness": _FRESHNESS[listed.shown.layer.freshness],
        "lean": None if listed.proof is None else listed.proof.standing.value,
        "title": listed.title,
        "detail": listed.detail,
        "margin": None if claim is None else _finite(claim.margin),
        "counterexample": None if claim is None else claim.counterexample,
        "seconds": None if claim is None else claim.seconds,
    }


def _node(ls: Server, document: Document, row: Row) -> dict[str, Any]:
    fact = row.fact
    return {
        "id": fact.node,
        "op": fact.op,
        "label": row.label,
        "inputs": list(fact.inputs),
        "shape": list(fact.shape),
        "dtype": fact.dtype,
        "interval": "" if fact.lower is None else render.interval(fact),
        "lower": _finite(fact.lower),
        "upper": _finite(fact.upper),
        "width": _finite(fact.width),
        "undefined": fact.undefined,
        "error": _finite(fact.error),
        "rounding": "; ".join(f"{head} {text}" for head, text in render.rounding_rows(fact)),
        "reason": fact.reason,
        "range": None if row.place is None else ls.converter.range(document.text, *row.place),
    }


def _finite(number: float | None) -> float | None:
    """JSON knows no infinities."""
    return number if number is not None and math.isfinite(number) else None


def _identifier(document: Document) -> dict[str, Any]:
    return {"uri": document.uri, "version": document.version}


def _document(ls: Server, method: str, params: Any) -> Document:
    uri = getattr(getattr(params, "textDocument", None), "uri", None)
    return ls.opened(method, uri, uri)

"""The requests for lists that editors draw beside the text: claims and modules.

docs/protocol.md describes them for clients.
"""

from __future__ import annotations

from typing import Any

from torchlean.analysis.panel import finite
from torchlean_server.features import claims
from torchlean_server.features.claims import Listed
from torchlean_server.server import Server
from torchlean_server.state import Document, Freshness, ShownUnit

CLAIMS = "torchlean/claims"

FRESHNESS = {Freshness.CURRENT: "current", Freshness.CHECKING: "checking", Freshness.STALE: "stale"}


def register(server: Server) -> None:
    """Tell the server which message leads where."""
    server.feature(CLAIMS)(list_claims)


def list_claims(ls: Server, params: Any) -> dict[str, Any]:
    """`{textDocument: {uri}}`: the document's claims and modules as they are shown now."""
    document = named_document(ls, CLAIMS, params)
    return {
        "textDocument": identifier(document),
        "claims": [_claim(ls, document, claim) for claim in claims.listed(document)],
        "modules": [_module(ls, document, *module) for module in claims.modules(document)],
    }


def _claim(ls: Server, document: Document, listed: Listed) -> dict[str, Any]:
    claim = listed.claim
    return {
        "name": listed.shown.unit.name,
        "kind": listed.shown.unit.kind,
        "family": listed.shown.unit.family or None,
        "range": ls.converter.range(document.text, listed.start, listed.end),
        "verdict": None if claim is None else claim.verdict.value,
        "evidence": listed.evidence,
        "freshness": FRESHNESS[listed.shown.layer.freshness],
        "lean": None if listed.proof is None else listed.proof.standing.value,
        "title": listed.title,
        "detail": listed.detail,
        "margin": None if claim is None else finite(claim.margin),
        "counterexample": None if claim is None else claim.counterexample,
        "seconds": None if claim is None else claim.seconds,
    }


def _module(ls: Server, document: Document, shown: ShownUnit, start: int, end: int) -> dict[str, Any]:
    return {
        "name": shown.unit.name,
        "range": ls.converter.range(document.text, start, end),
        "freshness": FRESHNESS[shown.layer.freshness],
        "failure": shown.unit.failure,
    }


def identifier(document: Document) -> dict[str, Any]:
    """How an answer says which text it is about."""
    return {"uri": document.uri, "version": document.version}


def named_document(ls: Server, method: str, params: Any) -> Document:
    """The open document that a message is about.

    Raises:
        JsonRpcInvalidParams: there is none.
    """
    uri = getattr(getattr(params, "textDocument", None), "uri", None)
    return ls.opened(method, uri, uri)

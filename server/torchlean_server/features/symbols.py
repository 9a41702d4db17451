"""Document symbols: the outline of modules, their methods, and claims."""

from __future__ import annotations

from dataclasses import dataclass

from torchlean.analysis.result import SymbolResult
from torchlean_server import render
from torchlean_server.state import Document, Layer, has_verdict


@dataclass(frozen=True, slots=True)
class Symbol:
    """An entry of the outline; ranges are offsets (whole, name).

    `kind` is "claim", "module", "script", "method", or "input", "output", "region" of a property.
    """

    name: str
    kind: str
    detail: str
    whole: tuple[int, int]
    name_range: tuple[int, int]
    children: tuple[Symbol, ...]


def symbols(document: Document) -> list[Symbol]:
    """The outline of the newest result that has one; entries whose definition is being edited keep their name."""
    for layer in document.layers():
        if layer.track.analysis.symbols:
            return [s for symbol in layer.track.analysis.symbols if (s := _moved(document, layer, symbol))]
    return []


def _moved(document: Document, layer: Layer, symbol: SymbolResult, child: bool = False) -> Symbol | None:
    name = layer.track.now(symbol.name_span)
    if name is None:
        return None
    whole = layer.track.now(symbol.span) or _around(layer, symbol) or name
    children = tuple(s for inner in symbol.children if (s := _moved(document, layer, inner, child=True)))
    kind = "method" if child and symbol.kind not in ("claim", "input", "output") else symbol.kind
    return Symbol(symbol.name, kind, _detail(document, symbol), _hull(whole, name), name, children)


def _around(layer: Layer, symbol: SymbolResult) -> tuple[int, int] | None:
    """A definition with an edit inside: from where its first character is now to where its last one is."""
    start, end = layer.track.anchor.text.offsets(symbol.span)
    delta = layer.track.anchor.delta
    first, last = delta.forward(start, start + 1), delta.forward(end - 1, end)
    return None if first is None or last is None else (first[0], last[1])


def _hull(whole: tuple[int, int], name: tuple[int, int]) -> tuple[int, int]:
    """LSP wants the name inside the whole."""
    return min(whole[0], name[0]), max(whole[1], name[1])


def _detail(document: Document, symbol: SymbolResult) -> str:
    for shown in document.units(has_verdict):
        unit = shown.unit
        if unit.kind == symbol.kind and unit.name == symbol.name:
            title = render.claim_title(unit, document.proof(unit)) if unit.kind == "claim" else unit.summary
            return f"{title} (stale)" if shown.layer.stale else title
    return ""

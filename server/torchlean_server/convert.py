"""The only place that knows LSP's columns and URIs. Inside, positions are offsets in code points and files are paths.

Columns count UTF-8, UTF-16 or UTF-32 units, whatever was agreed with the client; lines count from zero everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path

from torchlean.diagnostics import Related
from torchlean.explain import page_of
from torchlean.source import Span
from torchlean_server.client import Client
from torchlean_server.features.actions import Action
from torchlean_server.features.certificates import Offer
from torchlean_server.features.diagnostics import Problem
from torchlean_server.features.hover import Hover
from torchlean_server.features.inlay import Hint
from torchlean_server.features.lens import Lens
from torchlean_server.features.links import Link
from torchlean_server.features.reproduction import NewTest
from torchlean_server.features.symbols import Symbol
from torchlean_server.paths import nameable
from torchlean_server.state import Document
from torchlean_server.text import Text

SOURCE = "torchlean"

OF_NO_USE = frozenset({"TL308"})
"""Codes of what might as well not be there: a claim that says nothing. Editors fade it."""

SELECT_DOMAIN = "torchlean.selectDomain"

_SYMBOL_KINDS = {
    "claim": types.SymbolKind.Event,
    "family": types.SymbolKind.Event,
    "module": types.SymbolKind.Class,
    "method": types.SymbolKind.Method,
    "script": types.SymbolKind.Module,
    "input": types.SymbolKind.Variable,
    "output": types.SymbolKind.Variable,
    "region": types.SymbolKind.Interface,
}


class Declined(Exception):
    """A document that is not analysed. The message says why."""


def path_of(uri: str, root: str | None) -> str:
    """The absolute path that the analysis calls this document.

    An unsaved document (`untitled:`) is treated as a file of the workspace's root: its imports and weights are looked
    for there. The colon in its name keeps it apart from real files.

    Raises:
        Declined: the document is of no kind that can be analysed.
    """
    if not is_uri(uri):
        raise Declined("that is no URI")
    scheme = urlsplit(uri).scheme
    if scheme == "file":
        path = existing_path(uri)
        if path is None:
            raise Declined("it names no file")
        return path
    if scheme == "untitled":
        name = os.path.basename(unquote(urlsplit(uri).path)) or "Untitled"
        if not nameable(name):
            raise Declined("no file can have its name")
        return os.path.join(os.path.abspath(root or os.getcwd()), f"untitled:{name}")
    raise Declined(
        f"documents with the scheme `{scheme}:` are not analysed, only files and unsaved new documents"
    )


def is_uri(uri: str) -> bool:
    """Whether it can be taken apart, as half an IPv6 address cannot."""
    try:
        urlsplit(uri)
    except ValueError:
        return False
    return True


def existing_path(uri: str) -> str | None:
    """The absolute path of a `file:` URI, None for others and where no file can have that name."""
    path = to_fs_path(uri) if is_uri(uri) else None
    return os.path.abspath(path) if path and nameable(path) else None


_START = types.Range(types.Position(0, 0), types.Position(0, 0))


@dataclass(frozen=True, slots=True)
class Converter:
    """Between our values and LSP's, in the agreed encoding of columns.

    `text_of` gives the text of a file by its path, for places in other files; None where it cannot be read. `client` is
    what the other side shows beside a message.
    """

    encoding: types.PositionEncodingKind | str
    text_of: Callable[[str], Text | None]
    client: Client = field(default_factory=Client)

    def offset(self, text: Text, position: types.Position) -> int:
        """The offset of an LSP position. Behind a line's end means its end; within a character means its start."""
        line = text.line(position.line)
        if line.isascii() or self.encoding == types.PositionEncodingKind.Utf32:
            return text.offset(position.line, position.character)
        units = 0
        for column, character in enumerate(line):
            units += self._units(character)
            if units > position.character:
                return text.offset(position.line, column)
        return text.offset(position.line, len(line))

    def position(self, text: Text, offset: int) -> types.Position:
        """The LSP position of an offset."""
        line, column = text.position(offset)
        return types.Position(line, self._length(text.line(line)[:column]))

    def range(self, text: Text, start: int, end: int) -> types.Range:
        return types.Range(self.position(text, start), self.position(text, end))

    def edit(self, text: Text, change: types.TextDocumentContentChangePartial) -> tuple[int, int, str]:
        """(start, end, new text) of an incremental change."""
        start, end = (self.offset(text, p) for p in (change.range.start, change.range.end))
        return start, max(start, end), change.text

    def hover(self, text: Text, hover: Hover) -> types.Hover:
        content = types.MarkupContent(types.MarkupKind.Markdown, hover.markdown)
        return types.Hover(content, self.range(text, hover.start, hover.end))

    def hint(self, text: Text, hint: Hint) -> types.InlayHint:
        return types.InlayHint(
            self.position(text, hint.offset),
            hint.label,
            kind=types.InlayHintKind.Type,
            tooltip=types.MarkupContent(types.MarkupKind.Markdown, hint.tooltip),
            padding_left=True,
        )

    def lens(self, text: Text, uri: str, lens: Lens) -> types.CodeLens:
        arguments = [uri] if lens.unit is None else [uri, lens.unit]
        command = types.Command(lens.title, SELECT_DOMAIN, arguments=arguments)
        return types.CodeLens(self.range(text, lens.start, lens.end), command)

    def symbol(self, text: Text, symbol: Symbol) -> types.DocumentSymbol:
        return types.DocumentSymbol(
            symbol.name,
            _SYMBOL_KINDS.get(symbol.kind, types.SymbolKind.Function),
            self.range(text, *symbol.whole),
            self.range(text, *symbol.name_range),
            detail=symbol.detail or None,
            children=[self.symbol(text, child) for child in symbol.children],
        )

    def flat_symbols(
        self, text: Text, uri: str, symbols: list[Symbol], container: str | None = None
    ) -> list[types.SymbolInformation]:
        """The outline for clients without hierarchical symbols."""
        found = []
        for symbol in symbols:
            kind = _SYMBOL_KINDS.get(symbol.kind, types.SymbolKind.Function)
            location = types.Location(uri, self.range(text, *symbol.whole))
            found.append(types.SymbolInformation(location, symbol.name, kind, container_name=container))
            found += self.flat_symbols(text, uri, list(symbol.children), symbol.name)
        return found

    def problem(self, text: Text, problem: Problem, related: bool) -> types.Diagnostic:
        """A diagnostic; `related` where the client shows related places."""
        page = page_of(problem.code) if self.client.code_descriptions else None
        description = None if page is None else types.CodeDescription(page.as_uri())
        faded = [types.DiagnosticTag.Unnecessary] if self.client.tags and problem.code in OF_NO_USE else None
        return types.Diagnostic(
            self.range(text, problem.start, problem.end),
            problem.message,
            severity=types.DiagnosticSeverity(int(problem.severity)),
            code=problem.code,
            source=SOURCE,
            code_description=description,
            tags=faded,
            related_information=[self._related(r) for r in problem.related] or None if related else None,
        )

    def action(self, document: Document, action: Action, versioned: bool, related: bool) -> types.CodeAction:
        """A quick fix; `versioned` where the client checks for which text an edit is meant."""
        text = document.text
        edits = [types.TextEdit(self.range(text, e.start, e.end), e.text) for e in action.changes]
        identifier = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
        return types.CodeAction(
            action.title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[self.problem(text, p, related) for p in action.problems],
            is_preferred=action.preferred or None,
            edit=types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, edits)])
            if versioned
            else types.WorkspaceEdit(changes={document.uri: edits}),
        )

    def addition(self, test: NewTest) -> types.CodeAction:
        """Text at the end of another file, which is made where there is none."""
        uri = from_fs_path(test.path) or ""
        end = len(test.existing.string) if test.existing is not None else 0
        place = self.range(test.existing, end, end) if test.existing is not None else _START
        identifier = types.OptionalVersionedTextDocumentIdentifier(uri, None)
        edit = types.TextDocumentEdit(identifier, [types.TextEdit(place, test.text)])
        new = types.CreateFile(uri, options=types.CreateFileOptions(ignore_if_exists=True))
        return types.CodeAction(
            test.title,
            kind=types.CodeActionKind.QuickFix,
            edit=types.WorkspaceEdit(document_changes=[new, edit]),
        )

    def link(self, text: Text, link: Link) -> types.DocumentLink:
        """A place that leads to a file."""
        tooltip = link.tooltip if self.client.link_tooltips else None
        return types.DocumentLink(
            self.range(text, link.start, link.end), target=Path(link.path).as_uri(), tooltip=tooltip
        )

    def offer(self, offer: Offer) -> types.CodeAction:
        """A command in the menu of a place."""
        command = types.Command(offer.title, offer.command, arguments=list(offer.arguments))
        return types.CodeAction(offer.title, kind=types.CodeActionKind.QuickFix, command=command)

    def _related(self, related: Related) -> types.DiagnosticRelatedInformation:
        location = types.Location(from_fs_path(related.span.path) or "", self._span(related.span))
        return types.DiagnosticRelatedInformation(location, related.message)

    def _span(self, span: Span) -> types.Range:
        text = self.text_of(span.path)
        if text is None:
            # The file is gone since it was analysed; code points are right for all but rare characters.
            return types.Range(
                types.Position(span.line, span.column), types.Position(span.end_line, span.end_column)
            )
        return self.range(text, *text.offsets(span))

    def _length(self, string: str) -> int:
        if string.isascii():
            return len(string)
        return sum(self._units(character) for character in string)

    def _units(self, character: str) -> int:
        if self.encoding == types.PositionEncodingKind.Utf8:
            # A lone surrogate, which JSON can carry, counts as its three bytes.
            return len(character.encode("utf-8", "surrogatepass"))
        if self.encoding == types.PositionEncodingKind.Utf32:
            return 1
        return 2 if ord(character) > 0xFFFF else 1

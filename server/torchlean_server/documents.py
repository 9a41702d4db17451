"""All open documents, and what one means for the others: unsaved texts, and who depends on whom."""

from __future__ import annotations

from collections.abc import Iterator

from torchlean_server.state import Document
from torchlean_server.text import Text


class Documents:
    """Open documents by URI.

    Two URIs may name one file; the text that was changed last is then what others import.
    """

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._overlays: dict[str, tuple[int, str]] = {}
        self._stamp = 0

    def __iter__(self) -> Iterator[Document]:
        return iter(list(self._documents.values()))

    def get(self, uri: str) -> Document | None:
        return self._documents.get(uri)

    def has(self, document: Document) -> bool:
        """Whether it is still open. It may have been closed while something was awaited, and its URI opened anew."""
        return self._documents.get(document.uri) is document

    def open(self, document: Document) -> None:
        """A document is opened."""
        self._documents[document.uri] = document
        self.text_changed(document)

    def text_changed(self, document: Document) -> None:
        """The document's text is what files that import it see."""
        self._stamp += 1
        self._overlays[document.path] = (self._stamp, document.text.string)

    def close(self, uri: str) -> Document | None:
        """The document is closed: from now on the file on disk counts, or another open document of the same file."""
        document = self._documents.pop(uri, None)
        if document is not None:
            self._overlays.pop(document.path, None)
            for other in self._documents.values():
                if other.path == document.path:
                    self.text_changed(other)
        return document

    def overlays(self) -> dict[str, tuple[int, str]]:
        """Path -> (stamp, text) of every open document; the stamp changes whenever the text does."""
        return dict(self._overlays)

    def dependants(self, path: str) -> list[Document]:
        """Open documents whose analysis read this file, or looked for it."""
        return [d for d in self._documents.values() if d.path != path and path in d.dependencies()]

    def dependencies(self) -> dict[str, float]:
        """Everything that any open document depends on, and when it was last read for it (at the earliest)."""
        found: dict[str, float] = {}
        for document in self._documents.values():
            for path, moment in document.dependencies().items():
                found[path] = min(moment, found.get(path, moment))
        return found

    def text_of(self, path: str) -> Text | None:
        """The text of an open document by its path."""
        overlay = self._overlays.get(path)
        return None if overlay is None else Text(overlay[1])

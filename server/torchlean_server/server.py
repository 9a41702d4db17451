"""The language server: its parts, and which of them each message goes to. Wiring only."""

from __future__ import annotations

import logging

from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.lsp.server import LanguageServer

from torchlean_server import convert
from torchlean_server.checking import Checker
from torchlean_server.client import Client
from torchlean_server.configuration import Configuration
from torchlean_server.convert import Converter
from torchlean_server.documents import Documents
from torchlean_server.features.diagnostics import problems
from torchlean_server.fixer import Fixer
from torchlean_server.lanes import Lanes
from torchlean_server.pool import Limits, Pool
from torchlean_server.progress import Progress
from torchlean_server.protocol import Protocol
from torchlean_server.publishing import HINTS, Publisher
from torchlean_server.settings import Settings
from torchlean_server.state import Document
from torchlean_server.text import Text
from torchlean_server.watch import Watcher

logger = logging.getLogger("torchlean")

WATCHED_FILES = "**/*.{py,safetensors,pt,pth,bin,npz,npy,onnx,vnnlib,toml}"
"""What a client is asked to watch: everything that a model file can depend on."""


class Server(LanguageServer):
    """The parts. Those that depend on the client are made by `meet`, when it has introduced itself."""

    def __init__(self, pool: Pool, version: str) -> None:
        super().__init__("torchlean", version, protocol_cls=Protocol)
        self.pool = pool
        self.documents = Documents()
        self.fixer = Fixer(pool, self.documents)
        self.root: str | None = None
        self.said_goodbye = False

    def meet(self, params: types.InitializeParams) -> None:
        """Make the parts that depend on the client."""
        folders = [folder.uri for folder in params.workspace_folders or []]
        self.adopt_folders(folders or ([params.root_uri] if params.root_uri else []))
        self.client = Client.of(params.capabilities)
        encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        self.converter = Converter(encoding, self.text_of)
        self.publisher = Publisher(self, self.client, self.documents, self.diagnostics)
        self.bars = Progress(self.work_done_progress) if self.client.progress else None
        lanes = Lanes(self.pool, len(self.pool.workers))
        self.checker = Checker(self.documents, lanes, self._shown, self._running)
        self.watcher = Watcher(self._file_changed, self.log)
        self.configuration = Configuration(self, self.client, self._adopt)
        self.configuration.take_all(params.initialization_options)

    def adopt_folders(self, uris: list[str]) -> None:
        """The workspace's folders: where imports are looked for, and where an unsaved new file would lie."""
        paths = [path for uri in uris if (path := convert.existing_path(uri))]
        self.pool.roots = tuple(paths)
        self.root = paths[0] if paths else None

    def diagnostics(self, document: Document) -> list[types.Diagnostic]:
        """What is to be reported of a document now."""
        related = self.client.related_information
        return [self.converter.problem(document.text, p, related) for p in problems(document)]

    def text_of(self, path: str) -> Text | None:
        """The text of an open document or of a file."""
        text = self.documents.text_of(path)
        if text is not None:
            return text
        try:
            with open(path, encoding="utf-8") as file:
                return Text(file.read())
        except (OSError, UnicodeDecodeError):
            return None

    async def watch_files(self) -> None:
        """Ask the client to report changed files too: it may see what this process cannot (remote workspaces)."""
        if not self.client.register_watched_files:
            return
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(WATCHED_FILES)])
        registration = types.Registration(
            "torchlean-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options
        )
        await self.client_register_capability_async(types.RegistrationParams([registration]))

    def close(self) -> None:
        """Stop whatever would go on by itself."""
        self.fixer.stop()
        if hasattr(self, "checker"):
            self.checker.stop()
            self.watcher.stop()

    def log(self, message: str) -> None:
        """For people who look for the reason of something, in the client's log."""
        logger.info(message)

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """A malformed message is the client's mistake: log it, do not interrupt the person (pygls would)."""
        logger.error("%s: %s", source.__name__, error)

    def _shown(self, document: Document) -> None:
        self.watcher.update(self.documents.dependencies())
        self.publisher.shown(document)

    def _running(self, document: Document, starts: bool) -> None:
        if self.bars is not None:
            self.bars.running(document, starts)

    def _file_changed(self, path: str) -> None:
        """A file on disk is new. Where it is open in the editor, the editor's text is what counts."""
        if path not in self.documents.overlays():
            for document in self.documents.dependants(path):
                self.checker.dependency_changed(document, path)

    def _adopt(self, old: Settings, new: Settings) -> None:
        self.pool.limits = Limits(new.timeout, new.memory)
        self.pool.method = new.method
        if new.inlay_hints != old.inlay_hints:
            self.publisher.refresh(HINTS)
        if new.method != old.method:
            for document in self.documents:
                self.checker.recheck(document, "by the method chosen before")

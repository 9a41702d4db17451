"""The language server: its parts, and which of them each message goes to. Wiring only."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from torchlean_server import convert
from torchlean_server.checking import Checker
from torchlean_server.client import Client
from torchlean_server.configuration import Configuration
from torchlean_server.convert import Converter
from torchlean_server.documents import Documents
from torchlean_server.exporter import Exporter
from torchlean_server.features.diagnostics import problems
from torchlean_server.fixer import Fixer
from torchlean_server.lanes import Lanes
from torchlean_server.lean import bar
from torchlean_server.lean.prover import Preferences, Prover
from torchlean_server.lean.report import Reporter, Unchecked
from torchlean_server.lean.service import Lean
from torchlean_server.lean.setup import COMMAND
from torchlean_server.lean.threads import LeanThreads
from torchlean_server.pool import Limits, Pool
from torchlean_server.progress import Progress
from torchlean_server.protocol import Protocol
from torchlean_server.publishing import HINTS, Publisher
from torchlean_server.settings import Settings
from torchlean_server.state import Document
from torchlean_server.text import Text
from torchlean_server.viewer import Viewer
from torchlean_server.watch import Watcher

logger = logging.getLogger("torchlean")

PROGRESS = "torchlean/progress"

WATCHED_FILES = "**/*.{py,safetensors,pt,pth,bin,npz,npy,onnx,vnnlib,toml}"
"""What a client is asked to watch: everything that a model file can depend on."""


class Server(LanguageServer):
    """The parts. Those that depend on the client are made by `meet`, when it has introduced itself."""

    def __init__(self, pool: Pool, version: str, lean: Callable[[], Lean]) -> None:
        super().__init__("torchlean", version, protocol_cls=Protocol)
        self.pool = pool
        self.lean = LeanThreads(lean())
        self.set_up_command = COMMAND
        self.setting_up: asyncio.Task[None] | None = None
        self.documents = Documents()
        self.fixer = Fixer(pool, self.documents)
        self.viewer = Viewer(pool, self.documents)
        self.root: str | None = None
        self.said_goodbye = False

    @property
    def wire(self) -> Protocol:
        """What takes the client's messages: `protocol` by its own type."""
        assert isinstance(self.protocol, Protocol)
        return self.protocol

    def meet(self, params: types.InitializeParams) -> None:
        """Make the parts that depend on the client."""
        folders = [folder.uri for folder in params.workspace_folders or []]
        self.adopt_folders(folders or ([params.root_uri] if params.root_uri else []))
        self.client = Client.of(params.capabilities)
        encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        self.converter = Converter(encoding, self.text_of, self.client)
        self.publisher = Publisher(self, self.client, self.documents, self.diagnostics)
        self.bars = Progress(self.work_done_progress) if self.client.progress else None
        self.lanes = Lanes(self.pool, len(self.pool.workers))
        self.checker = Checker(self.documents, self.lanes, self._shown, self._running, self._due)
        self.reporter = Reporter(self.documents, self._tell_unchecked)
        self.prover = Prover(self.documents, self.lanes, self.lean, self._proved, self._preparing)
        bars = self.work_done_progress if self.client.progress else None
        self.preparation_bar = bar.Bar(bars, "TorchLean: preparing Lean", self.prover.give_up_preparing)
        self.lean_bar = bar.Bar(bars, "TorchLean: Lean is checking", self.prover.give_up)
        self.export_bar = bar.Bar(bars, "TorchLean: exporting", self._cancel_export)
        self.exporter = Exporter(
            self.documents, lambda: self.pool.roots, self.checker.recheck, self.export_bar.say
        )
        self.set_up_bar = bar.Bar(bars, "TorchLean: setting up Lean", self._cancel_set_up)
        self.watcher = Watcher(self._file_changed, self.log)
        self.configuration = Configuration(self, self.client, self._adopt)
        self.configuration.take_all(params.initialization_options)

    def adopt_folders(self, uris: list[str]) -> None:
        """The workspace's folders: where imports are looked for, and where an unsaved new file would lie."""
        paths = [path for uri in uris if (path := convert.existing_path(uri))]
        self.pool.roots = tuple(paths)
        self.root = paths[0] if paths else None

    def opened(self, method: str, uri: object, given: object) -> Document:
        """The document that a custom message names.

        Raises:
            JsonRpcInvalidParams: there is none; `given` is what was named instead.
        """
        document = self.documents.get(uri) if isinstance(uri, str) else None
        if document is None:
            raise JsonRpcInvalidParams(f"{method}: expected the URI of an open document, got {given!r}")
        return document

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

    async def close(self) -> None:
        """Stop whatever would go on by itself."""
        self.fixer.stop()
        if hasattr(self, "checker"):
            self.checker.stop()
            self.watcher.stop()
            self._cancel_set_up()
            self.exporter.stop()
            await self.prover.stop()

    def closed(self, document: Document) -> None:
        """The document is closed, and is not among the open ones any more."""
        self.checker.close(document)
        self.fixer.drop(document)
        self.viewer.drop(document)
        self.prover.closed(document)
        self.publisher.closed(document)
        self.reporter.closed(document)
        self.lean_bar.say(bar.work(self.documents))

    def log(self, message: str) -> None:
        """For people who look for the reason of something, in the client's log."""
        logger.info(message)

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """A malformed message is the client's mistake: log it, do not interrupt the person (pygls would)."""
        logger.error("%s: %s", source.__name__, error)

    def _due(self, document: Document) -> None:
        self.prover.edited(document)
        self.reporter.update(document)

    def _shown(self, document: Document) -> None:
        self.watcher.update(self.documents.dependencies())
        self.prover.follow(document)
        self.exporter.follow(document)
        if self.bars is not None:
            self.bars.shown(document)
        self._proved(document)

    def _proved(self, document: Document) -> None:
        """Something new is known of a document, of its analysis or of its proofs."""
        self.publisher.shown(document)
        self.reporter.update(document)
        self.lean_bar.say(bar.work(self.documents))

    def _cancel_set_up(self) -> None:
        if self.setting_up is not None:
            self.setting_up.cancel()

    def _cancel_export(self) -> None:
        self.exporter.stop()

    def _preparing(self, done: int, total: int, what: str) -> None:
        """Lean makes itself ready: modules of its library are compiled."""
        self.preparation_bar.say(what or None, 100 * done // total if total else None)

    def _tell_unchecked(self, document: Document, parts: list[Unchecked]) -> None:
        """The notification of docs/protocol.md."""
        unchecked = [
            {"range": self.converter.range(document.text, part.start, part.end), "stage": part.stage}
            for part in parts
        ]
        identifier = {"uri": document.uri, "version": document.version}
        self.protocol.notify(PROGRESS, {"textDocument": identifier, "unchecked": unchecked})

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
        self.exporter.allow(new.export)
        for document in self.documents:
            self.exporter.follow(document)
        self.prover.prefer(Preferences(new.lean, new.lean_path, new.lean_timeout))
        if new.inlay_hints != old.inlay_hints:
            self.publisher.refresh(HINTS)
        if new.method != old.method:
            for document in self.documents:
                self.checker.recheck(document, "by the method chosen before")

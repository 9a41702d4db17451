"""An editor for tests: pytest-lsp's client with a memory of what it was told, and words for what a person does."""

from __future__ import annotations

import ast
import contextlib
import pathlib
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, default_converter, register_lsp_features
from tests.server.environment import ENVIRONMENT, until

from torchlean_server.edits import replacement

TOY = ("--analysis", "tests.server.toy:analyse")

TOY_LEAN = (*TOY, "--lean", "tests.server.fake_lean:FakeLean")

PROFILES = ["neovim@0.11.0", "neovim@0.7.0", "visual_studio_code", "modern"]
"""`modern` is a client that pulls diagnostics and can be asked to do it again, as Visual Studio Code is today.
Beside these there is `pulls after edits`, which cannot be asked to, as Neovim 0.10."""

_LEAN_OFF = {"lean.enabled": False}

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def capabilities(profile: str) -> types.ClientCapabilities:
    if profile not in ("modern", "pulls after edits"):
        return client_capabilities(profile)
    found = client_capabilities("visual_studio_code")
    assert found.text_document and found.workspace
    found.text_document.diagnostic = types.DiagnosticClientCapabilities()
    if profile == "pulls after edits":
        return found
    found.text_document.inlay_hint = types.InlayHintClientCapabilities()
    found.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    found.window = types.WindowClientCapabilities(
        work_done_progress=True, show_document=types.ShowDocumentClientCapabilities(support=True)
    )
    found.workspace.inlay_hint = types.InlayHintWorkspaceClientCapabilities(refresh_support=True)
    return found


class Editor:
    """One client with its open documents."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.pushed: list[types.PublishDiagnosticsParams] = []
        self.refreshed: list[str] = []
        self.registered: list[str] = []
        self.answer_to_question: str | None = None
        self.shown: list[str] = []
        self.applied: list[types.ApplyWorkspaceEditParams] = []
        self.unchecked: list[dict[str, Any]] = []
        self.result: types.InitializeResult | None = None

    @property
    def pulls(self) -> bool:
        """Whether it asks for diagnostics, and can be told to ask again: all others are pushed to."""
        able = self.client.capabilities
        document, workspace = able.text_document if able else None, able.workspace if able else None
        again = bool(workspace and workspace.diagnostics and workspace.diagnostics.refresh_support)
        return again and document is not None and document.diagnostic is not None

    @property
    def encoding(self) -> str:
        assert self.result is not None
        return str(
            getattr(self.result.capabilities.position_encoding or "utf-16", "value", None)
            or self.result.capabilities.position_encoding
            or "utf-16"
        )

    # Documents

    def open(self, path: pathlib.Path | str, text: str, language: str = "python") -> str:
        uri = path.as_uri() if isinstance(path, pathlib.Path) else path
        self.texts[uri], self.versions[uri] = text, 1
        item = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    def edit(self, uri: str, old: str, new: str) -> None:
        """Turn the first occurrence of some words into others, by typing only what differs."""
        text = self.texts[uri]
        start, end, typed = replacement(old, new)
        at = text.index(old)
        place = types.Range(self.position(uri, at + start), self.position(uri, at + end))
        self.change(uri, types.TextDocumentContentChangePartial(range=place, text=typed))
        self.texts[uri] = text.replace(old, new, 1)

    def replace(self, uri: str, text: str) -> None:
        """Send the whole text."""
        self.change(uri, types.TextDocumentContentChangeWholeDocument(text=text))
        self.texts[uri] = text

    def change(self, uri: str, *changes: Any) -> None:
        self.versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(uri=uri, version=self.versions[uri])
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, list(changes)))

    def close(self, uri: str) -> None:
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(self.document(uri)))

    def document(self, uri: str) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(uri=uri)

    def position(self, uri: str, offset: int) -> types.Position:
        """LSP's position in the agreed encoding, by Python's codecs."""
        codec, size = CODECS[self.encoding]
        before = self.texts[uri][:offset]
        line = before.count("\n")
        column = before.rpartition("\n")[2]
        return types.Position(line, len(column.encode(codec)) // size)

    # What is shown

    async def problems(self, uri: str) -> list[types.Diagnostic]:
        """The diagnostics of the current version, pulled or pushed."""
        if self.pulls:
            await self.checked(uri)
            return await self.pull(uri)
        await until(lambda: self.last_push(uri))
        push = self.last_push(uri)
        assert push is not None
        return list(push.diagnostics)

    async def pull(self, uri: str) -> list[types.Diagnostic]:
        """What the server tells when it is asked now."""
        report = await self.client.text_document_diagnostic_async(
            types.DocumentDiagnosticParams(self.document(uri))
        )
        return list(report.items)

    def last_push(self, uri: str) -> types.PublishDiagnosticsParams | None:
        """The last push for the current version."""
        pushes = [p for p in self.pushed if p.uri == uri and p.version == self.versions[uri]]
        return pushes[-1] if pushes else None

    async def codes(self, uri: str) -> list[str]:
        return sorted(str(problem.code) for problem in await self.problems(uri))

    async def hover(self, uri: str, words: str) -> types.Hover | None:
        position = self.position(uri, self.texts[uri].index(words))
        return await self.client.text_document_hover_async(types.HoverParams(self.document(uri), position))

    async def hover_text(self, uri: str, words: str) -> str:
        found = await self.hover(uri, words)
        if found is None:
            return ""
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    async def hints(self, uri: str) -> list[str]:
        everything = types.Range(types.Position(0, 0), types.Position(10_000, 0))
        found = await self.client.text_document_inlay_hint_async(
            types.InlayHintParams(self.document(uri), everything)
        )
        return [f"{hint.position.line}: {hint.label}" for hint in found or []]

    async def lenses(self, uri: str) -> list[types.CodeLens]:
        return list(
            await self.client.text_document_code_lens_async(types.CodeLensParams(self.document(uri))) or []
        )

    async def titles(self, uri: str) -> list[str]:
        return [lens.command.title for lens in await self.lenses(uri) if lens.command]

    async def command(self, name: str, *arguments: object) -> Any:
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(name, list(arguments))
        )

    async def offers(self, uri: str, words: str) -> dict[str, tuple[str, list[str]]]:
        """Title -> (command, arguments) of what the menu offers at some words beside edits."""
        place = self.position(uri, self.texts[uri].index(words))
        params = types.CodeActionParams(
            self.document(uri), types.Range(place, place), types.CodeActionContext([])
        )
        found = await self.client.text_document_code_action_async(params)
        # lsprotocol takes an action with a command for a bare command, and what it holds for a string.
        commands = [action for action in found or [] if isinstance(action, types.Command)]
        inner = {action.title: ast.literal_eval(action.command) for action in commands}
        return {title: (command["command"], command["arguments"]) for title, command in inner.items()}

    async def request(self, method: str, uri: str, /, **more: object) -> Any:
        """The answer to one of docs/protocol.md's requests about a document."""
        params = {"textDocument": {"uri": uri}, **more}
        return _plain(await self.client.protocol.send_request_async(method, params))

    async def wait_until_checked(self, uri: str, version: int | None = None) -> dict[str, Any]:
        document = {"uri": uri, "version": self.versions[uri] if version is None else version}
        answer: Any = await self.client.protocol.send_request_async(
            "torchlean/waitUntilChecked", {"textDocument": document}
        )
        return _plain(answer)

    def stages(self, uri: str) -> list[str]:
        """What the parts of the current version still wait for, as last told."""
        document = {"uri": uri, "version": self.versions[uri]}
        told = [report for report in self.unchecked if report["textDocument"] == document]
        return [part["stage"] for part in told[-1]["unchecked"]] if told else ["nothing told"]

    async def statistics(self) -> dict[str, Any]:
        answer: Any = await self.client.protocol.send_request_async("torchlean/statistics", {})
        return _plain(answer)

    async def figures(self, uri: str) -> dict[str, Any]:
        (figures,) = [entry for entry in (await self.statistics())["documents"] if entry["uri"] == uri]
        return figures

    async def checked(self, uri: str) -> None:
        """Wait until nothing is being checked any more, without asking for anything that is shown."""

        async def checked() -> bool:
            return not (await self.figures(uri))["checking"]

        await until(checked)


def _plain(value: Any) -> Any:
    """pygls makes objects of results that it has no type for."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def make_client() -> LanguageClient:
    client = LanguageClient(converter_factory=default_converter)
    editor = Editor(client)
    client.editor = editor  # type: ignore[attr-defined]  # so that a fixture finds it again
    features = dict(DEFAULT_CLIENT_FEATURES)

    def published(ls: LanguageClient, params: types.PublishDiagnosticsParams) -> None:
        editor.pushed.append(params)

    def refresh(name: str) -> Any:
        def refreshed(ls: LanguageClient, params: None) -> None:
            editor.refreshed.append(name)

        return refreshed

    def registered(ls: LanguageClient, params: types.RegistrationParams) -> None:
        editor.registered.extend(r.method for r in params.registrations)

    def asked(ls: LanguageClient, params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        return types.MessageActionItem(editor.answer_to_question) if editor.answer_to_question else None

    def shown(ls: LanguageClient, params: types.ShowDocumentParams) -> types.ShowDocumentResult:
        editor.shown.append(params.uri)
        return types.ShowDocumentResult(True)

    def apply(ls: LanguageClient, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        editor.applied.append(params)
        return types.ApplyWorkspaceEditResult(True)

    @client.feature("torchlean/progress")
    def progress(ls: LanguageClient, params: Any) -> None:
        editor.unchecked.append(_plain(params))

    features[types.WINDOW_SHOW_DOCUMENT] = shown
    features[types.WORKSPACE_APPLY_EDIT] = apply
    features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS] = published
    features[types.WORKSPACE_DIAGNOSTIC_REFRESH] = refresh("diagnostics")
    features[types.WORKSPACE_INLAY_HINT_REFRESH] = refresh("inlay hints")
    features[types.WORKSPACE_CODE_LENS_REFRESH] = refresh("code lenses")
    features[types.CLIENT_REGISTER_CAPABILITY] = registered
    features[types.WINDOW_SHOW_MESSAGE_REQUEST] = asked
    register_lsp_features(client, features)
    return client


@asynccontextmanager
async def editing(
    profile: str,
    *arguments: str,
    root: pathlib.Path | None = None,
    options: object = None,
    configuration: object = None,
    lean: bool = False,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> AsyncIterator[Editor]:
    """A session from `initialize` to `exit` with a server of its own. Lean is turned off unless it is asked for."""
    if not lean:
        options, configuration = ({**_LEAN_OFF, **(given or {})} for given in (options, configuration))  # type: ignore[dict-item]
    command = [sys.executable, "-m", "torchlean_server", *arguments]
    config = ClientServerConfig(
        server_command=command, client_factory=make_client, server_env=dict(environment)
    )
    client = await config.start()
    editor: Editor = client.editor
    if configuration is not None:
        client.set_configuration(configuration, section="torchlean")
    folders = [types.WorkspaceFolder(root.as_uri(), root.name)] if root else None
    editor.result = await client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities(profile), workspace_folders=folders, initialization_options=options
        )
    )
    try:
        yield editor
    finally:
        with contextlib.suppress(RuntimeError):
            await client.shutdown_session()
        await client.stop()

"""One handler a message. A handler converts, calls a feature, converts back; it decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from torchlean.analysis.properties import SUFFIX, is_property
from torchlean_server import (
    check_handlers,
    convert,
    export_handlers,
    graph_handlers,
    lean_handlers,
    list_handlers,
    lyapunov_handlers,
)
from torchlean_server.convert import SELECT_DOMAIN, Declined
from torchlean_server.edits import replacement
from torchlean_server.features import (
    actions,
    certificates,
    domain,
    exports,
    hover,
    inlay,
    lens,
    links,
    lyapunov,
    notes,
    reproduction,
    symbols,
)
from torchlean_server.publishing import DIAGNOSTICS, HINTS, LENSES
from torchlean_server.server import Server
from torchlean_server.state import Document

LANGUAGE = "python"

PROPERTY_LANGUAGE = "vnnlib"
"""What editors that know property files call them; others call them plain text, and the name of the file tells."""

SHORT_WAIT = 0.2
"""Seconds that hints, lenses and the outline wait for a running check, so that most clients need no refresh."""

PULL_WAIT = 1.0
"""Seconds that pulled diagnostics wait for the answer before older ones are given; the client is asked again later."""

STATISTICS = "torchlean/statistics"


def register(server: Server) -> None:
    """Tell the server which message leads where."""
    features: dict[str, tuple[Callable[..., Any], Any]] = {
        types.INITIALIZE: (initialize, None),
        types.INITIALIZED: (initialized, None),
        types.SHUTDOWN: (shutdown, None),
        types.TEXT_DOCUMENT_DID_OPEN: (did_open, None),
        types.TEXT_DOCUMENT_DID_CHANGE: (did_change, None),
        types.TEXT_DOCUMENT_DID_CLOSE: (did_close, None),
        types.WORKSPACE_DID_CHANGE_CONFIGURATION: (did_change_configuration, None),
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES: (did_change_watched_files, None),
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: (did_change_folders, None),
        types.WINDOW_WORK_DONE_PROGRESS_CANCEL: (cancel_progress, None),
        types.TEXT_DOCUMENT_HOVER: (hover_at, None),
        types.TEXT_DOCUMENT_INLAY_HINT: (inlay_hints, types.InlayHintOptions(resolve_provider=False)),
        types.TEXT_DOCUMENT_CODE_LENS: (code_lenses, types.CodeLensOptions(resolve_provider=False)),
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (document_symbols, None),
        types.TEXT_DOCUMENT_DOCUMENT_LINK: (
            document_links,
            types.DocumentLinkOptions(resolve_provider=False),
        ),
        types.TEXT_DOCUMENT_CODE_ACTION: (
            code_actions,
            types.CodeActionOptions(
                code_action_kinds=[types.CodeActionKind.QuickFix], resolve_provider=False
            ),
        ),
        STATISTICS: (statistics, None),
    }
    for method, (handler, options) in features.items():
        server.feature(method, options)(handler)
    server.command(SELECT_DOMAIN)(select_domain)
    check_handlers.register(server)
    lean_handlers.register(server)
    lyapunov_handlers.register(server)
    list_handlers.register(server)
    graph_handlers.register(server)
    export_handlers.register(server)


# The conversation


def initialize(ls: Server, params: types.InitializeParams) -> None:
    ls.meet(params)
    if ls.client.pull_diagnostics:
        # Offered only to clients that pull: whoever is offered both may show everything twice.
        options = types.DiagnosticOptions(
            identifier=convert.SOURCE, inter_file_dependencies=True, workspace_diagnostics=False
        )
        ls.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)(pull_diagnostics)


async def initialized(ls: Server, params: types.InitializedParams) -> None:
    await ls.configuration.begin()
    try:
        await ls.watch_files()
    except JsonRpcException:
        ls.log("the client does not watch files; only those this machine sees are watched")


def shutdown(ls: Server, params: None) -> None:
    ls.said_goodbye = True


async def did_change_configuration(ls: Server, params: types.DidChangeConfigurationParams) -> None:
    if ls.client.configuration:
        await ls.configuration.fetch()
    else:
        ls.configuration.take_all(params.settings)


def did_change_watched_files(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
    for change in params.changes:
        path = convert.existing_path(change.uri)
        if path is not None:
            ls.watcher.touched(path)


def did_change_folders(ls: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
    ls.adopt_folders([folder.uri for folder in ls.workspace.folders.values()])
    for document in ls.documents:
        ls.checker.recheck(document, "from before the workspace's folders changed")


# Documents


def did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    item = params.text_document
    if not (item.language_id in (LANGUAGE, PROPERTY_LANGUAGE) or is_property(item.uri)):
        return
    try:
        path = convert.path_of(item.uri, ls.root)
    except Declined as reason:
        ls.window_log_message(types.LogMessageParams(types.MessageType.Info, f"{item.uri}: {reason}"))
        return
    if item.language_id == PROPERTY_LANGUAGE and not is_property(path):
        # An unsaved new file has no such name yet; the analysis goes by it.
        path += SUFFIX
    before = ls.documents.close(item.uri)
    if before is not None:
        # A client's mistake; nothing that was asked about the other text may answer for this one.
        ls.closed(before)
    document = Document(item.uri, path, item.version, item.text)
    ls.documents.open(document)
    ls.prover.attend(document)
    ls.prover.look_again()
    ls.checker.text_changed(document)


def did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return
    for change in params.content_changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            document.edit(*ls.converter.edit(document.text, change))
        else:
            document.edit(*replacement(document.text.string, change.text))
    document.changed(params.text_document.version)
    ls.documents.text_changed(document)
    ls.fixer.drop(document)
    ls.viewer.drop(document)
    ls.prover.attend(document)
    ls.checker.text_changed(document)


def did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    document = ls.documents.close(params.text_document.uri)
    if document is None:
        return
    ls.closed(document)
    for dependant in ls.documents.dependants(document.path):
        ls.checker.dependency_changed(dependant, document.path, saved=False)


def cancel_progress(ls: Server, params: types.WorkDoneProgressCancelParams) -> None:
    document = ls.bars.document(params.token) if ls.bars else None
    if document is not None and ls.documents.has(document):
        ls.checker.cancel(document)
    for bar in (ls.preparation_bar, ls.lean_bar, ls.set_up_bar, ls.export_bar):
        bar.cancelled(params.token)


# What the editor shows


async def pull_diagnostics(
    ls: Server, params: types.DocumentDiagnosticParams
) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return types.RelatedFullDocumentDiagnosticReport(items=[])
    await ls.checker.settled(document, PULL_WAIT)
    items = ls.diagnostics(document)
    ls.publisher.told(document, DIAGNOSTICS)
    # The same id for the same content: an edit that changes no problem costs the client nothing.
    result_id = hashlib.sha256(repr(items).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if result_id == params.previous_result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id=result_id)
    return types.RelatedFullDocumentDiagnosticReport(items=items, result_id=result_id)


def hover_at(ls: Server, params: types.HoverParams) -> types.Hover | None:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return None
    ls.prover.attend(document)
    about = notes.hover if is_property(document.path) else hover.hover
    found = about(document, ls.converter.offset(document.text, params.position))
    return None if found is None else ls.converter.hover(document.text, found)


async def document_links(ls: Server, params: types.DocumentLinkParams) -> list[types.DocumentLink]:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return []
    await ls.checker.settled(document, SHORT_WAIT)
    return [ls.converter.link(document.text, link) for link in links.links(document)]


async def inlay_hints(ls: Server, params: types.InlayHintParams) -> list[types.InlayHint] | None:
    document = ls.documents.get(params.text_document.uri)
    if document is None or not ls.configuration.settings.inlay_hints:
        return None
    # Editors ask for the lines on the screen.
    ls.prover.attend(document, (params.range.start.line, params.range.end.line))
    await ls.checker.settled(document, SHORT_WAIT)
    ls.publisher.told(document, HINTS)
    text = document.text
    start, end = (ls.converter.offset(text, p) for p in (params.range.start, params.range.end))
    return [ls.converter.hint(text, hint) for hint in inlay.hints(document, start, end)]


async def code_lenses(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return None
    await ls.checker.settled(document, SHORT_WAIT)
    ls.publisher.told(document, LENSES)
    return [ls.converter.lens(document.text, document.uri, found) for found in lens.lenses(document)]


async def document_symbols(
    ls: Server, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | list[types.SymbolInformation] | None:
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return None
    await ls.checker.settled(document, SHORT_WAIT)
    found = symbols.symbols(document)
    if ls.client.nested_symbols:
        return [ls.converter.symbol(document.text, symbol) for symbol in found]
    return ls.converter.flat_symbols(document.text, document.uri, found)


async def code_actions(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction] | None:
    document = ls.documents.get(params.text_document.uri)
    if document is None or not ls.client.code_actions or not _wants_quick_fixes(params.context):
        return None
    start, end = (ls.converter.offset(document.text, p) for p in (params.range.start, params.range.end))
    place = (start, max(start, end))
    hazards = actions.hazards(document, *place)
    lines = actions.lines(document, hazards)
    revision = document.revision
    fixes = () if lines is None else await ls.fixer.fixes(document, lines)
    if document.revision != revision or not ls.documents.has(document):
        return None  # the range is of a text that is gone; the editor asks again
    edits = [] if lines is None else actions.actions(document, hazards, fixes)
    commands = [*certificates.offers(document, *place), *lyapunov.offers(document, *place)]
    if ls.exporter.allowed:
        commands += exports.offers(document, *place)

    def converted(found: list[actions.Action]) -> list[types.CodeAction]:
        able = ls.client
        return [
            ls.converter.action(document, action, able.versioned_edits, able.related_information)
            for action in found
        ]

    answer = converted(edits) + [ls.converter.offer(offer) for offer in commands]
    answer += converted(reproduction.exact_numbers(document, *place))
    if ls.client.create_files:
        answer += map(ls.converter.addition, reproduction.tests(document, *place, ls.text_of))
    return answer


def _wants_quick_fixes(context: types.CodeActionContext) -> bool:
    """Whether the kinds that are asked for, if any, include quick fixes: a kind includes those that begin with it."""
    quick = types.CodeActionKind.QuickFix.value
    kinds = [getattr(kind, "value", kind) for kind in context.only or [quick]]
    return any(kind in ("", quick) for kind in kinds)


async def select_domain(ls: Server, *arguments: Any) -> dict[str, str | None]:
    """`[uri, unit]`; without a unit the person is asked, with null the default order comes back."""
    document = ls.opened(SELECT_DOMAIN, next(iter(arguments), None), arguments)
    unit = arguments[1] if len(arguments) > 1 else await _ask_for_unit(ls, document)
    if unit is not None and not isinstance(unit, str):
        raise JsonRpcInvalidParams(f"{SELECT_DOMAIN}: a unit is named by a string, got {unit!r}")
    try:
        selected = domain.select(document, unit)
    except domain.UnknownUnit as error:
        raise JsonRpcInvalidParams(f"{SELECT_DOMAIN}: {error}") from error
    ls.publisher.refresh(HINTS, LENSES)
    return {"selected": selected}


async def _ask_for_unit(ls: Server, document: Document) -> str | None:
    actions = [types.MessageActionItem(id) for id in domain.choices(document)]
    question = types.ShowMessageRequestParams(
        types.MessageType.Info, "Whose input domain should hovers and hints show?", actions
    )
    answer = await ls.window_show_message_request_async(question)
    return document.selected if answer is None else answer.title


def statistics(ls: Server, params: object) -> dict[str, object]:
    """How much was computed: for tests, benchmarks and bug reports."""
    counts = ls.pool.counts
    return {
        "analyses": {
            "started": counts.started,
            "completed": counts.completed,
            "cancelled": counts.cancelled,
            "retried": counts.retried,
            "stopped": counts.stopped,
        },
        "workers": [{"pid": w.pid, "state": w.state, "starts": w.starts} for w in ls.pool.workers],
        "documents": [_figures(document) for document in ls.documents],
    }


def _figures(document: Document) -> dict[str, object]:
    counters = document.complete.analysis.counters if document.complete else None
    return {
        "uri": document.uri,
        "version": document.version,
        "freshness": [layer.freshness.value for layer in document.layers()],
        "checking": document.checking,
        "computed": counters.computed if counters else None,
        "reused": counters.reused if counters else None,
        "seconds": document.last_seconds,
        "started": document.started,
    }

"""pygls' protocol with some differences: texts are kept by us alone, every request is answered whatever is wrong with
it, and the conversation has its order (one `initialize`, nothing before it, nothing after `shutdown`)."""

from __future__ import annotations

import logging
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any

import attrs
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidRequest
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from torchlean_server.convert import is_uri

logger = logging.getLogger("torchlean")

SHOWN = 200
"""Characters of a wrong id that the log shows."""


class Protocol(LanguageServerProtocol):
    """The wire.

    Attributes:
        met: `initialize` was answered.
    """

    met = False

    def receive(self, data: object) -> None:
        """Handle one message as JSON gives it, whatever it is. (LSP has no batches.)"""
        problem = _problem(data)
        if problem is not None or not isinstance(data, dict):
            logger.error("not a message: %s", problem)
            if isinstance(data, dict) and "method" in data and _is_id(data.get("id"), fractions=True):
                self._refuse(data["id"], JsonRpcInvalidRequest(f"Invalid Request: {problem}"))
            return
        method, request = data.get("method"), "id" in data
        out_of_turn = None if method is None else self._out_of_turn(method)
        if out_of_turn is not None:
            logger.error("%s: %s", method, out_of_turn.message)
            if request:
                self._refuse(data["id"], out_of_turn)
            return
        try:
            # pygls would have parameters also where a method needs none.
            message = self.structure_message(data if method is None else {"params": None, **data})
        except JsonRpcException as error:
            logger.error("%s: %s", method or "a response", error.message)
            if not request:
                return
            if method is not None:
                self._refuse(data["id"], error)
            else:
                self._failed(data["id"], error)
            return
        self.handle_message(message)

    def _out_of_turn(self, method: str) -> JsonRpcException | None:
        """Why a message may not be sent now."""
        if method == types.EXIT:
            return None
        if self._shutdown:
            return JsonRpcInvalidRequest("Invalid Request: the server is shut down")
        if method == types.INITIALIZE:
            return JsonRpcInvalidRequest("Invalid Request: `initialize` is sent once") if self.met else None
        if self.met:
            return None
        code = types.ErrorCodes.ServerNotInitialized.value
        return JsonRpcException("the first request is `initialize`", code)

    def _refuse(self, id: int | float | str, error: JsonRpcException) -> None:
        answer = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": id, "error": answer})

    def _failed(self, id: int | str, error: JsonRpcException) -> None:
        """Whoever waits for a response that makes no sense hears of it."""
        waiting = self._request_futures.pop(id, None)
        if isinstance(waiting, Future) and not waiting.done():
            waiting.set_exception(error)

    def _handle_response(
        self, msg_id: int | str, result: Any | None = None, error: types.ResponseError | None = None
    ) -> None:
        """Pass on a response, if it answers a question of ours. (pygls keeps the client's in the same table.)"""
        waiting = self._request_futures.get(msg_id)
        if not isinstance(waiting, Future) or waiting.done():
            logger.error("a response to nothing that was asked: %.*s", SHOWN, msg_id)
            return
        super()._handle_response(msg_id, result, error)

    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        """As pygls', which takes the id for one that a dictionary can have."""
        if _is_id(msg_id):
            super()._handle_cancel_notification(msg_id)

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        # pygls ends with an error where one of these is no URI; it is of no more use than none at all.
        folders = [folder for folder in params.workspace_folders or [] if is_uri(folder.uri)]
        root = params.root_uri if params.root_uri and is_uri(params.root_uri) else None
        given = attrs.evolve(params, workspace_folders=folders, root_uri=root)
        result = yield from super().lsp_initialize(given)
        self.met = True
        return result

    # pygls keeps a second copy of every document, with other ideas of where lines end. Ours is enough.

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(
        self, params: types.DidCloseTextDocumentParams
    ) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None


def _problem(data: object) -> str | None:
    """What keeps a value from being a message of JSON-RPC; None where it is one."""
    if not isinstance(data, dict):
        return f"expected an object, got {type(data).__name__}"
    if data.get("jsonrpc") != Protocol.VERSION:
        return f'expected "jsonrpc": "2.0", got {data.get("jsonrpc")!r:.20}'
    if "id" in data and not _is_id(data["id"]):
        return "an id is an integer or a string"
    if not isinstance(data.get("method", ""), str):
        return "a method is named by a string"
    if "method" not in data and "id" not in data:
        return "there is neither a method nor an id"
    return None


def _is_id(value: object, fractions: bool = False) -> bool:
    return isinstance(value, (int, float, str) if fractions else (int, str)) and not isinstance(value, bool)

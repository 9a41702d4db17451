"""The messages about Lean: commands of code actions, and the request that waits until everything is checked.

docs/protocol.md describes them for clients.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.uris import from_fs_path

from torchlean.analysis.result import Certificate, NotCheckable
from torchlean_server.features import certificates
from torchlean_server.features.certificates import CHECK_AGAIN, OPEN_CERTIFICATE, SET_UP
from torchlean_server.lean.files import write_certificate
from torchlean_server.lean.setup import SetUpFailed, set_up
from torchlean_server.pool import AnalysisStopped, Request
from torchlean_server.server import Server
from torchlean_server.state import Document

WAIT_UNTIL_CHECKED = "torchlean/waitUntilChecked"


def register(server: Server) -> None:
    """Tell the server which message leads where."""
    server.feature(WAIT_UNTIL_CHECKED)(wait_until_checked)
    server.command(OPEN_CERTIFICATE)(open_certificate)
    server.command(CHECK_AGAIN)(check_again)
    server.command(SET_UP)(set_up_lean)


async def wait_until_checked(ls: Server, params: Any) -> dict[str, Any]:
    """`{textDocument: {uri, version}}`; answers when that version is checked, or says why it never will be."""
    identifier = getattr(params, "textDocument", None)
    uri, version = getattr(identifier, "uri", None), getattr(identifier, "version", None)
    if not isinstance(uri, str) or not (version is None or isinstance(version, int)):
        raise JsonRpcInvalidParams(
            f"{WAIT_UNTIL_CHECKED}: expected {{textDocument: {{uri, version}}}} with a string and an integer or null"
        )
    return await ls.reporter.wait(uri, version)


def check_again(ls: Server, *arguments: Any) -> dict[str, object]:
    """`[uri, claim]`, `[uri]` for all claims of a document, or `[]` for those of all."""
    document = ls.opened(CHECK_AGAIN, next(iter(arguments), None), arguments) if arguments else None
    ls.prover.retry(document, arguments[1] if len(arguments) > 1 else None)
    return {}


async def open_certificate(ls: Server, *arguments: Any) -> dict[str, object]:
    """`[uri, claim]`: write the certificate into a file and show it; the answer has its path and its theorem."""
    document = ls.opened(OPEN_CERTIFICATE, next(iter(arguments), None), arguments)
    claim = str(arguments[1]) if len(arguments) > 1 else ""
    certificate = await _certificate(ls, document, claim)
    found = certificates.find(document, claim)
    checked = found[1].certificate if found is not None else None
    anew = (
        ""
        if checked is None or checked.digest == certificate.digest
        else ", which is not the one that Lean checked"
    )
    try:
        path = await asyncio.to_thread(write_certificate, certificate, claim)
    except OSError as error:
        raise JsonRpcInvalidParams(f"{OPEN_CERTIFICATE}: the file cannot be written: {error}") from error
    uri = from_fs_path(path)
    shown = False
    if ls.client.show_document and uri is not None:
        answer = await ls.window_show_document_async(types.ShowDocumentParams(uri, take_focus=True))
        shown = answer.success
    if not shown or anew:
        ls.window_show_message(
            types.ShowMessageParams(
                types.MessageType.Info, f"The Lean certificate of {claim} is in {path}{anew}"
            )
        )
    return {"path": path, "theorem": certificate.theorem, "shown": shown}


async def set_up_lean(ls: Server, *arguments: Any) -> dict[str, object]:
    """`[]`: put the embedded Lean in place, with a progress bar, and check what waited for it."""
    if ls.setting_up is not None and not ls.setting_up.done():
        return {"ready": False, "reason": "the set-up is under way"}
    task = ls.setting_up = asyncio.get_running_loop().create_task(
        set_up(lambda percent, text: ls.set_up_bar.say(text, percent), ls.set_up_command)
    )
    ls.set_up_bar.say("starting", 0)
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()  # where the client has given up the command; without effect on what is done
        ls.set_up_bar.say(None)
    reason = ""
    with contextlib.suppress(asyncio.CancelledError):
        try:
            task.result()
        except SetUpFailed as error:
            reason = str(error)
            ls.window_show_message(
                types.ShowMessageParams(types.MessageType.Error, f"TL400: Lean is not set up: {reason}")
            )
        else:
            ls.prover.retry()
            return {"ready": True, "reason": ""}
    return {"ready": False, "reason": reason or "it was cancelled"}


async def _certificate(ls: Server, document: Document, claim: str) -> Certificate:
    """As it was checked, or made for this purpose where Lean was not asked yet."""
    found = certificates.find(document, claim)
    if found is None:
        raise JsonRpcInvalidParams(
            f"{OPEN_CERTIFICATE}: {claim!r} is no proved claim of the text as it is now"
        )
    _, proof = found
    if proof.certificate is not None and proof.certificate.source:
        return proof.certificate
    request = Request(
        document.uri, document.path, document.text.string, ls.documents.overlays(), claims=(claim,)
    )
    try:
        plans = await ls.lanes.plans(request)
    except AnalysisStopped as stop:
        raise JsonRpcInvalidParams(f"{OPEN_CERTIFICATE}: it could not be made: {stop.reason}") from stop
    plan = next((plan.plan for plan in plans if plan.claim == claim), None)
    if plan is None or isinstance(plan, NotCheckable):
        reason = plan.reason if plan is not None else "the claim is not proved any more"
        raise JsonRpcInvalidParams(f"{OPEN_CERTIFICATE}: {claim} has no certificate: {reason}")
    return plan

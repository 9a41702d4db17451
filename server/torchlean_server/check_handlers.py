"""Commands of lists of claims: to check what was stopped, and to stop what is being checked.

docs/protocol.md describes them for clients.
"""

from __future__ import annotations

from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from torchlean_server.lean.report import stopped
from torchlean_server.server import Server

CHECK_FILE = "torchlean.checkFile"

CANCEL_CHECK = "torchlean.cancelCheck"


def register(server: Server) -> None:
    """Tell the server which message leads where."""
    server.command(CHECK_FILE)(check_file)
    server.command(CANCEL_CHECK)(cancel_check)


def check_file(ls: Server, *arguments: Any) -> dict[str, object]:
    """`[uri]`: analyse the document if its analysis was stopped, and ask Lean about what it has not accepted."""
    document = ls.opened(CHECK_FILE, next(iter(arguments), None), arguments)
    if stopped(document):
        ls.checker.recheck(document, "from before the check was started again")
    ls.prover.retry(document)
    return {}


def cancel_check(ls: Server, *arguments: Any) -> dict[str, object]:
    """`[uri]`: stop the analysis of a document and Lean's checks of its claims; `[uri, claim]`: Lean's check of one."""
    document = ls.opened(CANCEL_CHECK, next(iter(arguments), None), arguments)
    claim = arguments[1] if len(arguments) > 1 else None
    if claim is not None and not isinstance(claim, str):
        raise JsonRpcInvalidParams(f"{CANCEL_CHECK}: a claim is named by a string, got {claim!r}")
    if claim is None and document.checking:
        ls.checker.cancel(document)
    ls.prover.give_up(document, claim)
    return {}

"""What the text of a certificate may not contain, whatever Lean thinks of it.

This stands before Lean and before the reading of the compiled module (`olean.py`), and is deliberately dumb: whole
words anywhere in the text, comments and strings included, so that no trick of the language can hide one. Certificates
are written by a program, which can keep these words out.
"""

from __future__ import annotations

import re

from torchlean.lean.outcomes import Message

_TRUST = "a proof may not rest on it"
_CODE = "a certificate runs no code of its own"
_SYNTAX = "it can change what the text after it means"
_END = "it ends the file before its end"

FORBIDDEN: dict[str, str] = {
    **dict.fromkeys(
        (
            "axiom",
            "sorry",
            "sorryAx",
            "admit",
            "native_decide",
            "bv_decide",
            "native",
            "ofReduceBool",
            "ofReduceNat",
        ),
        _TRUST,
    ),
    **dict.fromkeys(("trustCompiler", "lcProof", "lcAny", "lcUnreachable", "skipKernelTC", "debug"), _TRUST),
    **dict.fromkeys(("unsafe", "implemented_by", "extern", "export", "csimp", "unsafeCast", "ptrEq"), _CODE),
    **dict.fromkeys(
        ("initialize", "builtin_initialize", "run_cmd", "run_elab", "run_meta", "run_tac"), _CODE
    ),
    **dict.fromkeys(("eval", "IO", "by_elab", "meta"), _CODE),
    **dict.fromkeys(
        ("macro", "macro_rules", "elab", "elab_rules", "syntax", "notation", "notation3"), _SYNTAX
    ),
    **dict.fromkeys(
        ("infix", "infixl", "infixr", "prefix", "postfix", "declare_syntax_cat", "simproc"), _SYNTAX
    ),
    **dict.fromkeys(("instance", "attribute", "unif_hint", "binder_predicate", "open_scoped"), _SYNTAX),
    "exit": _END,
}
"""Words and why they are refused."""

OPTIONS = ("maxRecDepth", "maxHeartbeats", "exponentiation.threshold", "autoImplicit", "linter.")
"""The only options that may be set: how long Lean tries, and what it remarks."""

_OPTION = re.compile(r"\bset_option\s+(\S*)")
_WORD = re.compile(r"[^\W\d][\w!?]*")
_HEADER = re.compile(r"(?:module|prelude|(?:public\s+)?import\s+(?P<name>[\w.]+))\s*$")


def certificate_faults(source: str) -> tuple[Message, ...]:
    """The places where a certificate has what it may not have; empty: none.

    Its header may be `module`, `prelude` and imports of TorchLean and of Lean's `Init`, one on a line.
    """
    faults = []
    for number, line in enumerate(source.splitlines(), start=1):
        for word in _WORD.finditer(line):
            reason = FORBIDDEN.get(word[0])
            if reason is not None:
                faults.append(Message("error", number, word.start(), f"`{word[0]}` is refused: {reason}"))
        for option in _OPTION.finditer(line):
            if not option[1].startswith(OPTIONS):
                faults.append(
                    Message("error", number, option.start(), f"the option `{option[1]}` is refused")
                )
        if re.search(r"\bimport\b", line):
            faults.extend(_import_faults(number, line))
    return tuple(faults)


def _import_faults(number: int, line: str) -> list[Message]:
    header = _HEADER.match(line.strip())
    if header is None or header["name"] is None:
        return [Message("error", number, 0, "an import stands alone on its line: `public import NAME`")]
    if header["name"].split(".")[0] not in ("TorchLean", "Init"):
        return [Message("error", number, 0, f"{header['name']} is imported; only TorchLean and Init may be")]
    return []

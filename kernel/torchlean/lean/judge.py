"""From what a Lean process did to an `Outcome`.

Silence is no proof. An input is accepted only when Lean itself wrote, at its end, a word that nobody could know
before (`sealed`); so a process that ends early with status 0, an input that hides its own end in a comment, and a
program that is no Lean at all are told from a Lean that found nothing to object to.
"""

from __future__ import annotations

import json
import re
import secrets
import signal
from dataclasses import dataclass

from torchlean.lean.outcomes import (
    Accepted,
    Cancelled,
    Crashed,
    Garbage,
    Message,
    Outcome,
    OutOfMemory,
    Rejected,
    SeverityName,
    StackOverflow,
    TimedOut,
)
from torchlean.lean.process import Run

_SEVERITIES: dict[str, SeverityName] = {"error": "error", "warning": "warning", "information": "information"}

_STACK = ("Maximum call stack size exceeded", "Stack overflow detected", "stack overflow")
"""JavaScript's words, those of a native Lean, and those of WebAssembly's runtime."""

_MEMORY = (
    "out of memory",
    "Out of memory",
    "OOM",
    "Cannot enlarge memory",
    "WebAssembly.Memory.grow",
    "Array buffer allocation failed",
    "excessive memory consumption detected at 'interpreter'",
    "std::bad_alloc",
    "failed to grow",
)

_SHOWN = 300
"""Characters of a foreign text that a message quotes."""

_ERROR = re.compile(r"^(Uncaught )?\w*(Error|Exception)\b|FATAL|PANIC")

_CHATTER = "[DEBUG"
"""How the embedded build's talk about itself begins; a native Lean has none."""

_QUOTES = "Input file content"
"""It then shows the beginning of its input, as it is, until it talks again."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An input whose end Lean reports."""

    text: str
    seal: str


def sealed(source: str) -> Sealed:
    """The source with a command at its end that prints a word of 128 random bits."""
    seal = secrets.token_hex(16)
    return Sealed(f'{source}\n#print "{seal}"\n', seal)


def judged(run: Run, seal: str) -> Outcome:
    """What the run says about its input; see the module for when it is accepted."""
    stopped = unfinished(run)
    if stopped is not None:
        return stopped
    messages, foreign = parsed(run.output)
    reached = any(message.text.strip() == seal for message in messages)
    shown = tuple(message for message in messages if message.text.strip() != seal)
    errors = any(message.severity == "error" for message in shown)
    if run.code == 1 and errors:
        return Rejected(run.seconds, shown)
    if run.code != 0 or errors:
        return ended_badly(run, foreign)
    if not reached:
        if foreign:
            return Garbage(run.seconds, _quoted(foreign[0]))
        return Crashed(run.seconds, "it ended before the end of its input")
    return Accepted(run.seconds, shown)


def parsed(output: bytes) -> tuple[list[Message], list[str]]:
    """The messages in an output, and the lines that are neither messages nor the embedded build's talk."""
    messages: list[Message] = []
    foreign: list[str] = []
    quoting = False
    for line in output.decode("utf-8", "replace").splitlines():
        if line.startswith(_CHATTER):
            quoting = _QUOTES in line
            continue
        message = _message(line)
        if message is not None:
            messages.append(message)
        elif line.strip() and not quoting:
            foreign.append(line)
    return messages, foreign


def _message(line: str) -> Message | None:
    try:
        entry = json.loads(line)
        severity = _SEVERITIES[entry["severity"]]
        position = entry["pos"]
        place, text = (int(position["line"]), int(position["column"])), entry["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return Message(severity, *place, text) if isinstance(text, str) else None


def unfinished(run: Run) -> Outcome | None:
    """The outcome where we ended the run ourselves."""
    if run.ending == "cancelled":
        return Cancelled(run.seconds)
    if run.ending == "timed out":
        return TimedOut(run.seconds)
    if run.ending == "out of memory":
        return OutOfMemory(run.seconds, f"it had {run.peak:,} MiB and was stopped")
    return None


def ended_badly(run: Run, foreign: list[str]) -> Outcome:
    """What ended a run that gave no answer, by what it said last and by its status."""
    # What the runtime says last goes to the standard error; Lean's own messages are JSON and were understood.
    said = "\n".join([run.errors.decode("utf-8", "replace"), *foreign])
    for line in said.splitlines():
        if line.startswith(_CHATTER):
            continue
        if any(word in line for word in _STACK):
            return StackOverflow(run.seconds, _quoted(line))
        if any(word in line for word in _MEMORY):
            return OutOfMemory(run.seconds, _quoted(line))
    return Crashed(run.seconds, f"{_status(run.code)}{_last_words(said)}")


def _status(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def _last_words(said: str) -> str:
    """The first line that names an error, else the last one; Node.js writes a trace and its version after an error."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(_CHATTER)]
    telling = [line for line in lines if _ERROR.search(line)] or lines[-1:]
    return f"; it said {_quoted(telling[0])}" if telling else ""


def _quoted(line: str) -> str:
    line = line.strip()
    return repr(line if len(line) <= _SHOWN else line[:_SHOWN] + "...")

"""What `stubs/re.py` asks of Python's `re`: matching known patterns on known text.

Python's matcher backtracks, and neither stops when it is asked nor lets other threads run. It is therefore only called
where a bound for its work, from the parsed pattern and the length of the text, is small.
"""

from __future__ import annotations

import re
import sys
import warnings
from typing import TYPE_CHECKING, Any

from torchlean.capture.budgets import TooBig
from torchlean.capture.values import Unknown, Value, native

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

if sys.version_info >= (3, 11):
    from re import _parser
else:
    import sre_parse as _parser

MODULE = __name__

ATTEMPTS = 10_000_000
"""Steps of the matcher: some 0.1 s."""

LONGEST = 10_000
"""Characters of a pattern: parsing them takes as long."""


@native(f"{MODULE}.compiled")
def compiled(run: Interpreter, pattern: str, flags: int) -> Value:
    """The number of groups, and the numbers of those that have names."""
    found = _pattern(run, pattern, flags, "")
    return found if isinstance(found, Unknown) else (found.groups, dict(found.groupindex))


@native(f"{MODULE}.match_spans")
def match_spans(run: Interpreter, how: str, pattern: str, flags: int, text: str) -> Value:
    """Of each match, the places of the whole and of all groups; `how` is the method of a pattern that looks for it."""
    found = _pattern(run, pattern, flags, text)
    if isinstance(found, Unknown):
        return found
    matches = found.finditer(text) if how == "finditer" else filter(None, [getattr(found, how)(text)])
    return [tuple(match.span(group) for group in range(found.groups + 1)) for match in matches]


@native(f"{MODULE}.split_text")
def split_text(run: Interpreter, pattern: str, flags: int, text: str, maxsplit: int) -> Value:
    found = _pattern(run, pattern, flags, text)
    return found if isinstance(found, Unknown) else found.split(text, maxsplit)


@native(f"{MODULE}.substituted")
def substituted(run: Interpreter, pattern: str, flags: int, new: str, text: str, count: int) -> Value:
    found = _pattern(run, pattern, flags, text)
    if isinstance(found, Unknown):
        return found
    # Each place of the text may begin a match, and each group that `new` names may be all of the text.
    longest = (len(text) + 1) * (len(new) + 1 + len(text) * new.count("\\"))
    run.fuel.allocate(longest, "the new text")
    try:
        return found.sub(new, text, count)
    except re.error as error:
        return run.error("TL103", f"what to put in place of matches is wrong: {error}", kind=re.error)


@native(f"{MODULE}.escaped")
def escaped(run: Interpreter, text: str) -> Value:
    return re.escape(text)


def _pattern(run: Interpreter, pattern: Value, flags: Value, text: Value) -> Any:
    """The compiled pattern, unless matching it on the text could take long."""
    if not isinstance(pattern, str) or not isinstance(text, str):
        if isinstance(pattern, bytes) and isinstance(text, (bytes, str)):
            return Unknown("patterns of bytes are not followed", run.place())
        return run.error("TL103", "a pattern and the text it is matched on must be strings")
    if not isinstance(flags, int) or flags & re.DEBUG:
        return Unknown("flags of this kind are not followed", run.place())
    try:
        if len(pattern) > LONGEST:
            raise TooBig(f"a pattern of {len(pattern):,} characters")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of nested sets: the linter's business
            bound = (len(text) + 1) ** 2 * _ways(_parser.parse(pattern, flags), len(text) + 1)
            if bound > ATTEMPTS:
                raise TooBig(
                    f"matching `{pattern}` on {len(text):,} characters could take more than {ATTEMPTS:,} steps"
                )
            return re.compile(pattern, flags)
    except (re.error, ValueError, OverflowError) as error:
        return run.error("TL103", f"`{pattern}` is no pattern: {error}", kind=re.error)


def _ways(parsed: Any, length: int) -> int:
    """How many ways at most a matcher tries from one place of a text with `length` places.

    A repetition of something that can itself be matched in several ways has no useful bound: then it is `ATTEMPTS`.
    """
    ways = 1
    for operation, argument in parsed:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, body = argument
            inner = _ways(body, length)
            repeated = most > 1 and (inner > 1 or body.getwidth()[0] == 0)
            ways *= ATTEMPTS if repeated else inner * (min(int(most) - int(least), length) + 1)
        elif name == "BRANCH":
            ways *= sum(_ways(branch, length) for branch in argument[1])
        elif name == "GROUPREF_EXISTS":
            ways *= sum(_ways(branch, length) for branch in argument[1:] if branch is not None)
        elif name in ("SUBPATTERN", "ATOMIC_GROUP", "ASSERT", "ASSERT_NOT"):
            ways *= _ways(argument if name == "ATOMIC_GROUP" else argument[-1], length)
        ways = min(ways, ATTEMPTS)
    return ways

"""The pages of the diagnostic codes: what a code means, why it matters, what to do.

They are written as `docs/codes/CODE.md` and travel in the wheel as `torchlean/codes/CODE.md` (pyproject.toml,
`force-include`). In an editable installation the package is the source tree, so the documents themselves are
read.
"""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

from torchlean.diagnostics import CODES

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = (_PACKAGE / "codes", _PACKAGE.parents[1] / "docs" / "codes")
"""Where the pages are: in the installed package, or beside `kernel/` in the source tree."""


class UnknownCodeError(LookupError):
    """No diagnostic has this code; the message names close ones."""


def explain(code: str) -> str:
    """The Markdown page of a code such as `TL101`; upper and lower case are the same.

    Raises:
        UnknownCodeError: not a code; the message suggests codes that look alike.
        FileNotFoundError: the installation lacks the page, which only a broken installation does.
    """
    wanted = code.strip().upper()
    if wanted not in CODES:
        raise UnknownCodeError(_unknown(code))
    page = page_of(wanted)
    if page is not None:
        return page.read_text(encoding="utf-8")
    places = " and ".join(map(str, _FOLDERS))
    raise FileNotFoundError(
        f"the page of {wanted} ({CODES[wanted]}) is neither in {places}: install torchlean again"
    )


@cache
def page_of(code: str) -> Path | None:
    """The file with the page of a code; None where the installation lacks it."""
    pages = (folder / f"{code}.md" for folder in _FOLDERS)
    return next((page for page in pages if page.is_file()), None)


def _unknown(code: str) -> str:
    """What was asked for, and what was perhaps meant: a code that looks alike, or a title that has the
    word.
    """
    word = code.strip().lower()
    close = difflib.get_close_matches(word.upper(), CODES)
    titled = [known for known, title in CODES.items() if word and word in title]
    meant = list(dict.fromkeys([*close, *titled]))
    if not meant:
        return f"{code!r} is no diagnostic code: they run from {min(CODES)} to {max(CODES)}"
    return f"{code!r} is no diagnostic code. Did you mean {', '.join(f'{k} ({CODES[k]})' for k in meant)}?"

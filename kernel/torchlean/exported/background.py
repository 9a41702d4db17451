"""The process in which an editor has a file exported: `background PATH ROOT...`.

It puts the export into the user's cache, where the editor's analysis finds it, and says nothing. It ends with its
input, which the editor's server holds open.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from torchlean.capture import capture_file
from torchlean.capture.workspace import Workspace
from torchlean.exported.completing import Completion


def main() -> None:
    path, *roots = sys.argv[1:]
    threading.Thread(target=_end_with_input, daemon=True).start()
    workspace = Workspace(roots)
    workspace.completion = Completion(runs=True)
    capture_file(path, Path(path).read_text(encoding="utf-8-sig"), workspace)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    main()

"""The files that a capture may look at: the workspace's folders, with unsaved editor buffers laid over them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torchlean.capture.weights import WeightCache

if TYPE_CHECKING:
    from torchlean.capture.result import Capture

TEXT_LIMIT = 4_000_000
"""Characters of a Python file that is read; longer ones are generated data, not models."""


class Workspace:
    """Roots, overlays and the cache of weight files.

    Attributes:
        roots: folders in which absolute imports are looked for, besides the importing file's own.
        overlays: unsaved text by absolute path; it wins over the file on disk.
        weights: tensors of weight files, shared between captures.
        packages: installed packages whose source is followed like files of the workspace, by name; and the folders in
            which they lie. Everything else that is installed is not looked at.
        completion: what another front end adds to the capture of a text, given the roots.
    """

    def __init__(
        self,
        roots: Iterable[str | Path],
        overlays: Mapping[str, str] | None = None,
        weights: WeightCache | None = None,
        packages: Iterable[str] = (),
        installed: Iterable[str | Path] = (),
    ) -> None:
        self.roots = tuple(os.path.abspath(root) for root in roots)
        self.overlays: Mapping[str, str] = overlays if overlays is not None else {}
        self.weights = weights if weights is not None else WeightCache()
        self.packages = frozenset(packages)
        self.installed = tuple(os.path.abspath(folder) for folder in installed)
        self.completion: Callable[[Capture, str, Sequence[str]], Capture] | None = None

    def following(self, packages: Iterable[str], installed: Iterable[str]) -> Workspace:
        """The same files, with more packages."""
        packages = {*self.packages, *packages}
        if packages == self.packages:
            return self
        more = Workspace(self.roots, self.overlays, self.weights, packages, (*self.installed, *installed))
        more.completion = self.completion
        return more

    def exists(self, path: str) -> bool:
        """Whether there is a file or an unsaved buffer."""
        return path in self.overlays or os.path.isfile(path)

    def is_folder(self, path: str) -> bool:
        """Whether the path is a folder, on disk or because an unsaved buffer lies in it."""
        inside = path.rstrip(os.sep) + os.sep
        return os.path.isdir(path) or any(name.startswith(inside) for name in self.overlays)

    def read(self, path: str) -> str:
        """The text of a file, as the editor has it.

        Raises:
            OSError: there is no such file, or it cannot be read.
            UnicodeDecodeError: it is not UTF-8.
        """
        text = self.overlays.get(path)
        if text is not None:
            return text
        if os.path.getsize(path) > TEXT_LIMIT:
            raise OSError(f"{path} is longer than {TEXT_LIMIT:,} bytes")
        with open(path, encoding="utf-8-sig") as file:
            return file.read()

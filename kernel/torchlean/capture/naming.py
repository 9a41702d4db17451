"""Errors about names, with the name that was probably meant."""

from __future__ import annotations

import builtins
import difflib
import os.path
from collections.abc import Iterable
from typing import TYPE_CHECKING

from torchlean.capture.values import Unknown, Value

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter

SIMILAR = 0.75
"""difflib's ratio from which a name is worth suggesting: one wrong letter in four."""


def closest(name: str, candidates: Iterable[str]) -> str:
    """`; did you mean `relu`?`, or nothing."""
    found = difflib.get_close_matches(name, [c for c in candidates if c != name], n=1, cutoff=SIMILAR)
    return f"; did you mean `{found[0]}`?" if found else ""


def undefined_name(run: Interpreter, name: str, frame: Frame) -> Value:
    """A name without a value: an error, unless something that is not followed may have defined it."""
    if hasattr(builtins, name):
        return Unknown(f"the built-in `{name}` is not followed", run.place())
    root = frame.environment.root()
    for star in root.stars:
        if isinstance(star, Unknown):
            return star
    if name in frame.module.doubtful:
        return Unknown(
            f"`{name}` comes from a part of the file that could not be read", run.place(), reported=True
        )
    if names_its_files(frame):
        return Unknown(f"`{name}` may be a file of this package", run.place())
    suggestion = closest(name, [*frame.environment.visible(), *dir(builtins)])
    return run.error("TL103", f"name `{name}` is not defined{suggestion}", kind=NameError)


def names_its_files(frame: Frame) -> bool:
    """Whether importing `package.part` anywhere defines `part` in this file, as it does in an `__init__.py`."""
    return os.path.basename(frame.module.path) == "__init__.py"


def no_attribute(run: Interpreter, owner: str, name: str, candidates: Iterable[str]) -> Unknown:
    """`owner` has no attribute `name`."""
    asked = run.frame is not None and run.frame.caught  # `hasattr`, or a `try`
    if name.startswith("__") and name.endswith("__") and not asked:
        return Unknown(f"`{name}` of {owner} is not followed", run.place())
    text = f"{owner} has no attribute `{name}`{closest(name, candidates)}"
    return run.error("TL103", text, kind=AttributeError)

"""Packages that import their parts when something asks for one: `sys.modules[__name__]` is an object of their own.

Such a file says twice what the package has: by plain imports under `if TYPE_CHECKING:`, and for Python by the object
that it puts in its place. The plain ones are read. A name is imported from where they say when it is asked for, so
that a program pays for the parts that it uses, as it does in Python.
"""

from __future__ import annotations

import ast
import os.path
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torchlean.capture.environment import Frame
from torchlean.capture.parsing import parse
from torchlean.capture.values import MISSING, ModuleValue, Unknown, Value

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


@dataclass(frozen=True, slots=True)
class DeferredImports:
    """What a package imports when it is asked for.

    Attributes:
        named: by the name that is bound, the statement and the name that it has there.
        stars: `from .part import *`, in order.
    """

    named: dict[str, tuple[ast.ImportFrom, str]] = field(default_factory=dict)
    stars: list[ast.ImportFrom] = field(default_factory=list)


def deferred_imports(statement: ast.stmt) -> DeferredImports | None:
    """The imports of `if TYPE_CHECKING: ... else: sys.modules[__name__] = ...`; None for any other statement."""
    if not (isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING")):
        return None
    if not any(_replaces_itself(inner) for inner in statement.orelse):
        return None
    found = DeferredImports()
    for inner in statement.body:
        for node in ast.walk(inner):
            if not isinstance(node, ast.ImportFrom):
                continue
            for alias in node.names:
                if alias.name == "*":
                    found.stars.append(node)
                else:
                    found.named[alias.asname or alias.name] = (node, alias.name)
    return found


def _replaces_itself(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and any(
        ast.unparse(target) == "sys.modules[__name__]" for target in statement.targets
    )


def deferred_attribute(run: Interpreter, owner: ModuleValue, name: str) -> Value:
    """A name that such a package has not imported yet; `MISSING` where none of its parts has it."""
    deferred = owner.deferred
    if deferred is None:
        return MISSING
    value: Value = MISSING
    if name in deferred.named:
        value = _from_part(run, owner, *deferred.named[name])
    for node in reversed(deferred.stars) if value is MISSING else ():
        path = _file_of(run, owner.module.path, node)
        if path is not None and _gives(run, path, name):
            value = _from_part(run, owner, node, name)
            break
    if value is not MISSING:
        run.assign(owner.environment.names, name, value)
    return value


def _from_part(run: Interpreter, owner: ModuleValue, node: ast.ImportFrom, name: str) -> Value:
    from torchlean.capture.imports import import_module, imported

    caller, place = run.frame, run.node
    frame = Frame(owner.environment, owner.module, run.spans())
    if caller is not None:
        frame.depth, frame.caught = caller.depth + 1, caller.caught
    try:
        run.at(node, frame)
        source = import_module(run, node.module or "", frame, node.level)
        return source if isinstance(source, Unknown) else imported(run, source, name)
    finally:
        run.node, run.frame = place, caller


def _file_of(run: Interpreter, path: str, node: ast.ImportFrom) -> str | None:
    """The file that a relative import in the file at `path` means."""
    if not node.level:
        return None
    folder = os.path.dirname(path)
    for _ in range(node.level - 1):
        folder = os.path.dirname(folder)
    base = os.path.join(folder, *(node.module or "").split("."))
    files = (os.path.join(base, "__init__.py"), f"{base}.py")
    return next((file for file in files if run.workspace.exists(file)), None)


def _gives(run: Interpreter, path: str, name: str) -> bool:
    """Whether `import *` of a file binds a name, as far as its text tells: nothing is followed to find out."""
    try:
        text = run.workspace.read(path)
    except (OSError, UnicodeDecodeError):
        return False
    if "TYPE_CHECKING" in text and "sys.modules[__name__]" in text:
        for deferred in filter(None, map(deferred_imports, parse(text).tree.body)):
            parts = (_file_of(run, path, node) for node in deferred.stars)
            return name in deferred.named or any(
                part is not None and _gives(run, part, name) for part in parts
            )
    if "__all__" in text:
        return re.search(rf"[\"']{name}[\"']", text[text.index("__all__") :]) is not None
    return re.search(rf"^(?:class|def) {name}\b|^{name}\b[^\n=]*=[^=]", text, re.MULTILINE) is not None

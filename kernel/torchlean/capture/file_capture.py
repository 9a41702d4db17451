"""Capturing one file: parse it, follow its top level, then each of its claims and modules."""

from __future__ import annotations

import gc
import os.path
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from torchlean.capture import registration as registration  # fills the tables of the interpreter
from torchlean.capture.assumptions import insert_assumptions
from torchlean.capture.budgets import RECURSION_LIMIT, STEPS, Cancelled
from torchlean.capture.claim_units import claim_units
from torchlean.capture.environment import Environment, Frame
from torchlean.capture.function_syntax import docstring
from torchlean.capture.gradient_leaves import gradient_leaves
from torchlean.capture.interpreter import Interpreter
from torchlean.capture.module_units import module_units
from torchlean.capture.outline import symbols
from torchlean.capture.parsing import Parsed, parse
from torchlean.capture.result import Capture, Unit
from torchlean.capture.script import follow_top_level
from torchlean.capture.script_unit import script_unit
from torchlean.capture.source_module import SourceModule
from torchlean.capture.values import ModuleValue
from torchlean.capture.workspace import Workspace
from torchlean.configuration import packages_setting
from torchlean.source import Span

SCRIPT_STEPS = STEPS // 2
"""The other half is left for claims and modules."""


def capture_file(
    path: str, text: str, workspace: Workspace, cancelled: Callable[[], bool] = lambda: False
) -> Capture:
    """Everything static capture knows of one file.

    Args:
        path: absolute path of the file; it need not exist.
        text: its text, any text at all.
        workspace: where imports and weight files are read.
        cancelled: asked about every millisecond.

    Raises:
        Cancelled: `cancelled()` was true.
    """
    if cancelled():
        raise Cancelled
    path, text = os.path.abspath(path), text.removeprefix("\ufeff")
    named = packages_setting(path)
    with _without_collection():
        capture = _captured(path, text, workspace.following(named.packages, named.folders), cancelled)
    capture = replace(
        capture,
        diagnostics=(*capture.diagnostics, *named.diagnostics),
        dependencies=tuple(dict.fromkeys((*capture.dependencies, *named.files))),
    )
    return capture if workspace.completion is None else workspace.completion(capture, text, workspace.roots)


def _captured(path: str, text: str, workspace: Workspace, cancelled: Callable[[], bool]) -> Capture:
    parsed = parse(text)
    insert_assumptions(parsed.tree, text)
    module = SourceModule(path, text, parsed.tree, analysed=True, package=_package(path, workspace))
    module.doubtful = parsed.doubtful
    run = Interpreter(path, workspace, cancelled)
    _report_syntax(run, parsed)
    with _deep_recursion():
        environment = Environment()
        document = docstring(parsed.tree)
        environment.names.update({"__name__": "__main__", "__file__": path, "__doc__": document})
        # Files of its package may import it: they get what it has so far, and nothing is followed twice.
        itself = run.modules[path] = ModuleValue(module, environment, whole=False)
        units = _units(run, module, Frame(environment, module), itself)
        outline = symbols(run, module, environment)
    run.dependencies.pop(path, None)
    return Capture(
        path,
        run.builder.graph(),
        units,
        outline,
        tuple(run.diagnostics.values()),
        tuple(run.dependencies),
        differentiated=gradient_leaves(run),
    )


def _units(run: Interpreter, module: SourceModule, frame: Frame, itself: ModuleValue) -> tuple[Unit, ...]:
    kept = run.fuel.set_aside(SCRIPT_STEPS)
    with run.observer.unit():
        run.in_script = True
        follow_top_level(run, frame)
        run.frame, run.in_script, itself.whole = None, False, True
        script = script_unit(run, module)
    run.fuel.give_back(kept)
    claims = claim_units(run, module)
    run.made_in_script = len(run.instances)
    run.script_done = True  # a claim's call says as well as the script's what a module's inputs look like
    modules = module_units(run, module, frame.environment)
    return (*claims, *modules, *([script] if script is not None else []))


def _package(path: str, workspace: Workspace) -> str:
    """The dotted package that the file lies in, for relative imports: folders with an `__init__.py` above it."""
    names: list[str] = []
    folder = os.path.dirname(path)
    while workspace.exists(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        names.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    return ".".join(names)


def _report_syntax(run: Interpreter, parsed: Parsed) -> None:
    for problem in parsed.errors:
        span = Span(run.path, problem.line, problem.column, problem.end_line, problem.end_column)
        run.report("TL105" if problem.too_deep else "TL100", problem.message, span=span)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Syntax trees are many objects without cycles: looking for cycles among them took half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """The interpreter recurses with the program it follows; Python's own limit is set for hand-written code."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)

"""Import statements: torch and what TorchLean knows, files of the workspace, and everything else as unknown."""

from __future__ import annotations

import ast
import os.path
import sys
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from torchlean.capture.budgets import CALL_DEPTH
from torchlean.capture.environment import Environment, Frame
from torchlean.capture.function_syntax import docstring
from torchlean.capture.naming import closest
from torchlean.capture.parsing import parse
from torchlean.capture.source_module import SourceModule
from torchlean.capture.statements import follows
from torchlean.capture.stub_modules import is_stub, stub_module
from torchlean.capture.tables import words
from torchlean.capture.torch_names import CONSTANTS, member, public_names, real_object
from torchlean.capture.values import (
    MISSING,
    NATIVES,
    ExceptionValue,
    ModuleValue,
    Namespace,
    Raised,
    Unknown,
    Value,
    native,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

NAMESPACES = words(
    """torch torchlean math collections functools itertools copy os pathlib numbers typing typing_extensions dataclasses
    enum abc operator inspect sys warnings logging random numpy time gc atexit types safetensors string argparse tqdm
    torchvision sklearn joblib tensorflow gymnasium huggingface_hub
    contextlib contextvars importlib re json pickle"""
)
"""Top-level modules whose names are looked up in our tables; what they lack there is unknown."""

STRICT = frozenset({"torch", "torchlean", "math"})
"""Of these, a name that does not exist is the user's mistake: everything they have can be looked up."""

PACKAGE_STEPS = 1_000_000
"""Steps for a followed package, beside those for the file: importing timm takes about as many."""

TORCH = Path(torch.__file__).parent


@follows(ast.Import)
def _import(run: Interpreter, node: ast.Import, frame: Frame) -> None:
    for alias in node.names:
        run.at(node, frame)
        value = import_module(run, alias.name, frame)
        if alias.asname is None and "." in alias.name:
            top = alias.name.partition(".")[0]
            value = import_module(run, top, frame) if not isinstance(value, Unknown) else value
            run.assign(frame.environment.target(top), top, value)
        else:
            name = alias.asname or alias.name
            run.assign(frame.environment.target(name), name, value)


@follows(ast.ImportFrom)
def _import_from(run: Interpreter, node: ast.ImportFrom, frame: Frame) -> None:
    run.at(node, frame)
    if node.module == "__future__":
        return
    source = import_module(run, node.module or "", frame, node.level)
    for alias in node.names:
        run.at(alias, frame)
        if alias.name == "*":
            _import_star(run, source, frame)
        else:
            name = alias.asname or alias.name
            run.assign(frame.environment.target(name), name, imported(run, source, alias.name))


def _import_star(run: Interpreter, source: Value, frame: Frame) -> None:
    if isinstance(source, ModuleValue) and source.deferred is not None:
        unknown = Unknown(f"all names of `{source.module.name}`, which imports them when they are asked for")
        frame.environment.root().stars.append(unknown)
    elif isinstance(source, ModuleValue):
        names = source.environment.names
        listed = names.get("__all__")
        chosen = listed if isinstance(listed, (list, tuple)) else [n for n in names if not n.startswith("_")]
        for name in chosen:
            if name in names:
                run.assign(frame.environment.target(name), name, names[name])
        frame.environment.root().stars += source.environment.stars
    elif isinstance(source, (Namespace, Unknown)):
        frame.environment.root().stars.append(source)


def imported(run: Interpreter, source: Value, name: str) -> Value:
    """`from source import name`."""
    if isinstance(source, Unknown):
        return source
    if isinstance(source, ModuleValue):
        from torchlean.capture.attributes import attribute, quiet_attribute

        if run.frame is None or not run.frame.caught:
            return attribute(run, source, name)
        value = quiet_attribute(run, source, name)
        if value is not MISSING:
            return value
        text = f"cannot import name {name!r} from {source.module.name!r}"
        return run.error("TL103", text, kind=ImportError)
    assert isinstance(source, Namespace)
    value = member(source.path, name)
    return after_import(run, f"{source.path}.{name}") if value is MISSING else value


def after_import(run: Interpreter, dotted: str) -> Value:
    """A dotted name of a known namespace that is in none of our tables."""
    top, _, _ = dotted.partition(".")
    path, _, name = dotted.rpartition(".")
    if is_stub(dotted) or dotted in _namespaces():
        return Namespace(dotted)
    found = _package_module(run, dotted)
    if found is not MISSING:
        return found
    if top in STRICT and not _perhaps_there(dotted):
        text = f"`{path}` has no attribute `{name}`{closest(name, public_names(path))}"
        return run.error("TL103", text, kind=ImportError)
    if top not in NAMESPACES:
        return MISSING
    return Unknown(f"`{dotted}` is not followed by TorchLean", source=dotted)


@cache
def _namespaces() -> frozenset[str]:
    """The dotted names under which our tables, which are full before anything is followed, have something."""
    return frozenset(
        dotted[:place]
        for dotted in (*NATIVES, *CONSTANTS)
        for place, character in enumerate(dotted)
        if character == "."
    )


def _perhaps_there(dotted: str) -> bool:
    """Whether torch may have a name that looking it up did not find: a file of torch not loaded here, or one that is
    private, and so there in some versions only."""
    path = TORCH.joinpath(*dotted.split(".")[1:])
    if dotted.startswith(("torch.ops.", "torch.classes.")):
        return True  # filled by extensions
    return dotted.rpartition(".")[2].startswith("_") or path.is_dir() or path.with_suffix(".py").is_file()


def import_module(run: Interpreter, name: str, frame: Frame, level: int = 0) -> Value:
    """The module behind a dotted name; workspace files are followed on their first import."""
    if level == 0:
        top = name.partition(".")[0]
        if top in ("numpy", "sklearn"):
            run.state["numpy"] = True  # tensors may be arrays, which have other methods
        if frame.module.internal or top in NAMESPACES:
            local = (
                MISSING if frame.module.internal or top in STRICT else _workspace_module(run, name, frame, 0)
            )
            return _known_module(run, name) if local is MISSING else local
    found = _workspace_module(run, name, frame, level)
    if found is MISSING and level == 0:
        found = _package_module(run, name)
    return _missing(run, name, level) if found is MISSING else found


def _known_module(run: Interpreter, name: str) -> Value:
    stub = stub_module(name)
    if stub is not None or name in NAMESPACES:
        return Namespace(name)
    path, _, last = name.rpartition(".")
    value = member(path, last) if path else MISSING
    if value is not MISSING:
        return value
    if real_object(name) is not MISSING:
        return Namespace(name)
    return after_import(run, name)


def _missing(run: Interpreter, name: str, level: int) -> Value:
    """Another package: not followed. A file that should be in the workspace: said, and not followed."""
    shown = "." * level + name
    if level:
        run.report("TL104", f"`{shown}` is not found in the workspace: what it defines is unknown here")
        return _raise_missing(run, shown)
    if run.frame is not None and run.frame.has_fallback:
        raise Raised(ExceptionValue(ModuleNotFoundError, (f"No module named {name!r}",)))
    if name.partition(".")[0] in sys.stdlib_module_names:
        return Unknown(f"`{shown}` is not followed by TorchLean", source=name)
    reason = f"`{shown}` is a package outside of the workspace, which is not followed (`packages` in torchlean.toml)"
    return Unknown(reason, source=name)


def _raise_missing(run: Interpreter, name: str) -> Unknown:
    if run.frame is not None and run.frame.caught:
        raise Raised(ExceptionValue(ModuleNotFoundError, (f"No module named {name!r}",)))
    return Unknown(f"`{name}` was not found", run.place(), reported=True)


# -- files of the workspace --------------------------------------------------------------------------------------------


def _workspace_module(run: Interpreter, name: str, frame: Frame, level: int) -> Value:
    """A file of the workspace, `MISSING` where there is none."""
    installed = any(frame.module.path.startswith(folder + os.sep) for folder in run.workspace.installed)
    # What is installed imports what is installed, also where that lies in a folder of the workspace (`.venv/`).
    folders = [] if installed and not level else _starting_folders(run, frame.module, level, name)
    for folder, package in folders:
        found = _find(run, folder, package, name)
        if found is not MISSING:
            return found
    return MISSING


def _package_module(run: Interpreter, name: str) -> Value:
    """A file of an installed package that the workspace follows, `MISSING` where there is none."""
    workspace, top = run.workspace, name.partition(".")[0]
    if top in workspace.packages and top not in run.state.setdefault("packages", set()):
        run.state["packages"].add(top)
        run.fuel.give_back(PACKAGE_STEPS)
    for folder in workspace.installed if top in workspace.packages else ():
        found = _find(run, folder, "", name)
        if found is not MISSING:
            return found
    return MISSING


def _starting_folders(run: Interpreter, module: SourceModule, level: int, name: str) -> list[tuple[str, str]]:
    """Folders to look in, with the package name that their modules have.

    A file beside a script may hide a module of the standard library; one beside a package's file does not.
    """
    here = os.path.dirname(module.path)
    if level:
        for _ in range(level - 1):
            here = os.path.dirname(here)
        package = module.package.split(".") if module.package else []
        return [(here, ".".join(package[: len(package) - level + 1]))]
    beside = [] if module.package and name.partition(".")[0] in sys.stdlib_module_names else [here]
    folders = [*beside, *run.workspace.roots]
    # `src/` layouts and packages: the folders above the file, up to the root that contains it.
    roots = run.workspace.roots if beside else ()
    while any(here != root and here.startswith(root + os.sep) for root in roots):
        here = os.path.dirname(here)
        folders.append(here)
    folders += [os.path.join(root, "src") for root in run.workspace.roots]
    return [(folder, "") for folder in dict.fromkeys(folders)]


def _find(run: Interpreter, folder: str, package: str, name: str) -> Value:
    """The module `name` below a folder: every package on the way is followed first."""
    if not name:
        return _load_package(run, folder, package)
    value: Value = MISSING
    for part in name.split("."):
        package = f"{package}.{part}" if package else part
        file, inside = os.path.join(folder, f"{part}.py"), os.path.join(folder, part)
        init = os.path.join(inside, "__init__.py")
        for candidate in (file, init):
            if _inside_workspace(run, candidate):
                run.dependencies.setdefault(candidate)
        if run.workspace.exists(init):
            value = _load(run, init, package, package)
        elif run.workspace.exists(file):
            value = _load(run, file, package, package.rpartition(".")[0])
        elif run.workspace.is_folder(inside) and _inside_workspace(run, inside):
            value = Namespace(package)
        elif _is_compiled(folder, part):
            return Unknown(f"`{name}` is compiled code, which is not followed", source=name)
        else:
            return MISSING
        folder = inside
        if isinstance(value, Unknown):
            return value
    return (
        value if not isinstance(value, Namespace) else Unknown(f"`{name}` is a folder without `__init__.py`")
    )


@native("importlib.util.find_spec")
def _find_spec(run: Interpreter, name: str) -> Value:
    """None where the environment lacks a package, as an import of it fails; what stands there is not followed."""
    top, installed = name.partition(".")[0], run.workspace.installed
    if name == "torch":
        return Namespace("torch.__spec__")  # the program is one that imports it
    known = top in NAMESPACES or top in sys.stdlib_module_names or not installed
    there = known or any(
        os.path.exists(os.path.join(folder, file))
        for folder in (*installed, *run.workspace.roots)
        for file in (top, f"{top}.py")
    )
    return Unknown(f"where `{name}` was found is not followed", run.place()) if there else None


def _is_compiled(folder: str, name: str) -> bool:
    """Whether an extension module lies in a folder."""
    return any(os.path.isfile(os.path.join(folder, name + suffix)) for suffix in EXTENSION_SUFFIXES)


def _load_package(run: Interpreter, folder: str, package: str) -> Value:
    init = os.path.join(folder, "__init__.py")
    if run.workspace.exists(init):
        return _load(run, init, package, package)
    tree = ast.Module(body=[], type_ignores=[])
    module = SourceModule(init, "", tree, name=package or os.path.basename(folder), package=package)
    return ModuleValue(module, Environment())


def _inside_workspace(run: Interpreter, path: str) -> bool:
    folders = (*run.workspace.roots, os.path.dirname(run.path))
    return any(path.startswith(folder + os.sep) for folder in folders)


def submodule(run: Interpreter, owner: ModuleValue, name: str) -> Value:
    """`from package import name`, where `name` is a file of the package."""
    if os.path.basename(owner.module.path) != "__init__.py":
        return MISSING
    return _find(run, os.path.dirname(owner.module.path), owner.module.package, name)


def _load(run: Interpreter, path: str, name: str, package: str) -> Value:
    """Follow a file of the workspace once; a file in the middle of being followed is given as far as it is."""
    known = run.modules.get(path)
    if known is not None:
        return known
    run.dependencies.setdefault(path)
    frame = run.frame
    if frame is not None and frame.depth >= CALL_DEPTH:
        return run.over_budget("imports are nested too deeply here")
    try:
        text = run.workspace.read(path)
    except (OSError, UnicodeDecodeError) as error:
        run.report("TL104", f"`{name}` cannot be read ({error}): what it defines is unknown here")
        return Unknown(f"`{name}` cannot be read", run.place(), reported=True)
    parsed = parse(text)
    module = SourceModule(path, text, parsed.tree, name=name, package=package, analysed=path == run.path)
    module.doubtful = parsed.doubtful
    if parsed.errors:
        wrong = parsed.errors[0]
        place = f"a syntax error in line {wrong.line + 1}, {wrong.message}"
        run.report("TL104", f"`{name}` has {place}: only a part of it is followed")
    value = ModuleValue(module, Environment())
    run.modules[path] = value
    _follow(run, value)
    return value


def _follow(run: Interpreter, value: ModuleValue) -> None:
    """The top level of an imported file, in a frame of its own below the import statement."""
    from torchlean.capture.script import follow_top_level

    caller, place = run.frame, run.node
    frame = Frame(value.environment, value.module, run.spans())
    if caller is not None:
        frame.depth, frame.caught = caller.depth + 1, caller.caught
    names = {
        "__name__": value.module.name,
        "__file__": value.module.path,
        "__doc__": docstring(value.module.tree),
    }
    value.environment.names.update(names)
    before, run.left_out = run.left_out, False
    run.importing += 1
    value.whole = False
    try:
        follow_top_level(run, frame)
        value.whole = not run.left_out
    finally:
        run.importing -= 1
        run.left_out = before
        run.node, run.frame = place, caller

"""Stubs: the parts of torch that are compositions, written in Python and interpreted like a user's file.

`stubs/torch_nn_modules_linear.py` is the module `torch.nn.modules.linear`. Each is parsed and followed once per
process, when something asks for one of its names; its functions and classes are then shared by all captures.
"""

from __future__ import annotations

import ast
from pathlib import Path

from torchlean.capture.environment import Environment, Frame
from torchlean.capture.source_module import SourceModule
from torchlean.capture.values import ModuleValue

FOLDER = Path(__file__).parent / "stubs"

_modules: dict[str, ModuleValue | None] = {}
_files: frozenset[str] = frozenset(path.stem for path in FOLDER.glob("*.py"))


def is_stub(name: str) -> bool:
    """Whether there is a stub for the dotted name."""
    return name.replace(".", "_") in _files


def stub_module(name: str) -> ModuleValue | None:
    """The stub under a dotted name, followed on first use; None where there is none.

    The packages that it is in come first, as in Python: in whatever order names are asked for, `torch.nn` is whole
    before anything looks into it.
    """
    if name not in _modules:
        for place, character in enumerate(name):
            if character == "." and is_stub(name[:place]):
                stub_module(name[:place])
    if name not in _modules:
        _modules[name] = None
        if is_stub(name):
            _modules[name] = _load(name)
    return _modules[name]


def _load(name: str) -> ModuleValue:
    """Follow a stub's top level with an interpreter of its own: it defines functions and classes, nothing else."""
    from torchlean.capture.interpreter import Interpreter
    from torchlean.capture.workspace import Workspace

    path = FOLDER / f"{name.replace('.', '_')}.py"
    text = path.read_text(encoding="utf-8")
    module = SourceModule(
        str(path), text, ast.parse(text), name=name, package=name.rpartition(".")[0], internal=True
    )
    run = Interpreter(str(path), Workspace([]))
    value = ModuleValue(module, Environment())
    # Stubs that import each other in a circle see what is defined so far, as in Python.
    _modules[name] = value
    value.environment.names["__name__"] = name
    run.block(module.tree.body, Frame(value.environment, module))
    if run.diagnostics:
        first = next(iter(run.diagnostics.values()))
        raise RuntimeError(f"the stub {name} is wrong: {first.message}")
    return value
